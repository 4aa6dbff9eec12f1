"""The measurement of networks by depth: what is counted is exact, and nothing has the size of a mask."""

import pytest

from truly_sparse.experiments.measuring import depth
from truly_sparse.measure.possible import possible_weights

SETTINGS = {"features": 20, "classes": 3, "shortcut_ratio": 0.25, "repetitions": 2}


@pytest.fixture(scope="module")
def frame():
    own = SETTINGS | {"hidden_layers": [2, 4, 8], "neurons": 30, "compression": [2, 10]}
    return depth.measure(own, {"training": {"batch_size": 32}})


def test_a_row_for_every_depth_compression_and_repetition(frame):
    keys = frame[["hidden_layers", "compression", "repetition"]]
    assert len(frame) == 12 == len(keys.drop_duplicates())
    assert (frame[["seconds", "cpu_seconds"]] > 0).all(axis=None)


def test_links_are_those_of_the_compression(frame):
    for row in frame.to_dict("records"):
        sizes = [20, *[30] * row["hidden_layers"], 3]
        possible = possible_weights(sizes)
        assert (row["sequential_places"], row["shortcut_places"]) == possible
        assert row["links"] == round(possible.sequential / row["compression"]) == row["sequential"] + row["shortcut"]
        assert row["shortcut"] == pytest.approx(0.25 * row["links"], abs=1)
        # A bias for each block that leads to a neuron, from every earlier layer.
        assert row["biases"] == sum(layer * size for layer, size in enumerate(sizes))


def test_memory_follows_the_links_and_biases(frame):
    first = frame[frame["repetition"] == 0]
    assert (first["bytes"] > 20 * first["links"]).all()
    assert (first["bytes"] < 40 * first["links"] + 16 * first["biases"] + 4000).all()
