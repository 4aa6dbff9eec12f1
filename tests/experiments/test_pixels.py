"""Links of every pixel, on small made-up pictures, against an obvious count of the same network."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from truly_sparse.experiments import measurements
from truly_sparse.experiments.configuration import validate
from truly_sparse.experiments.measuring import pixels
from truly_sparse.experiments.measuring.trained import converged, settings_of
from truly_sparse.files import sha256

PIXELS, DARK, ROWS = 120, 40, 400


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A configuration that measures pictures whose first pixels are always dark; all others have a say in the class."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(ROWS, PIXELS)) * np.linspace(0.5, 1, PIXELS)
    x[:, :DARK] = 0
    weights = rng.normal(size=PIXELS)
    y = (x @ weights > np.median(x @ weights)).astype(int)
    path = tmp_path / "data/toy.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({f"f{i}": x[:, i] for i in range(PIXELS)} | {"target": y}), path)
    about = {"sha256": sha256(path), "classes": ["a", "b"], "source": "made up", "partial": None}
    path.with_suffix(".json").write_text(json.dumps(about))
    training = {"hidden_layer_sizes": [50, 40], "members": 1, "epochs": 50, "exploration_epochs": 50, "batch_size": 20}
    training |= {"evolution_every": 1, "refinement": "none", "pruning": "between", "activation": "relu", "dropout": 0.0}
    return validate(
        {
            "study": "van_engers",
            "preset": "test",
            "training": training | {"learning_rate": 0.1, "activation_storage": "float32", "weight_decay": 0.0005},
            "datasets": {"toy": {"scaling": "none", "validation": "test", "validation_fraction": 0}},
            "methods": {"set": {"model": "sparse"}},
            "measurements": {
                "pixels": {"datasets": ["toy"], "method": "set", "epsilon": 5, "prune_fractions": [0.3, 1.0]}
            },
        }
    )


@pytest.fixture
def measured(config):
    return pixels.measure(config["measurements"]["pixels"], config)


def test_counts_are_those_of_the_network_after_its_last_epoch(config, measured):
    training = settings_of(config, "toy", "set", epsilon=5, prune_fraction=0.3)
    network, data = converged(config, "toy", training, 50, 0)
    block = network.blocks[0]
    dense = np.zeros(PIXELS * 50)
    dense[block.links()] = block.values
    dense = np.abs(dense.reshape(PIXELS, 50))
    own = measured[measured["prune_fraction"] == 0.3]
    assert own["links"].to_list() == (dense > 0).sum(axis=1).tolist()
    assert own["weight"].to_numpy() == pytest.approx(dense.sum(axis=1), rel=1e-5)
    assert own["intensity"].to_numpy() == pytest.approx(np.asarray(data.x_train).mean(axis=0), rel=1e-5, abs=1e-9)
    # What a step would leave are the largest of each sign, about seven in ten of them.
    assert own["survivors"].sum() == pytest.approx(0.7 * len(block), abs=3)
    assert (own["survivors"] <= own["links"]).all()
    assert (own["survivors_weight"] <= own["weight"] * (1 + 1e-5)).all()


def test_nothing_survives_a_fraction_of_one(measured):
    own = measured[measured["prune_fraction"] == 1]
    assert (own["survivors"] == 0).all()
    assert (own["survivors_weight"] == 0).all()
    # The number of links is that of the start, whatever the fraction.
    assert own["links"].sum() == measured[measured["prune_fraction"] == 0.3]["links"].sum()


def test_pixels_that_are_always_dark_lose_their_links(measured):
    # Their links get no gradient and decay, so that they fall first; where all links are replaced, none does.
    for fraction, fewest, most in ((0.3, 0.5, 0.8), (1.0, 0.9, 1.1)):
        own = measured[measured["prune_fraction"] == fraction].set_index("pixel")["links"]
        assert fewest < own[:DARK].mean() / own[DARK:].mean() < most


def test_the_settings_of_the_method_and_data_are_those_of_the_measurement(config):
    before = measurements.hashes(config, "pixels")["settings_hash"]
    config["methods"]["set"]["training"] = {"dropout": 0.1}
    assert measurements.hashes(config, "pixels")["settings_hash"] != before
