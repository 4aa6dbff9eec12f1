"""How convolutional networks of a named kind start, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.engine.convolution import architectures
from truly_sparse.engine.convolution.layers import Plan
from truly_sparse.engine.convolution.start import kinds, numbers, picture_of, plan_of, start
from truly_sparse.engine.shortcuts import evolve
from truly_sparse.errors import UserError

CIFAR = (3, 32, 32)
SPAS = Plan(CIFAR, architectures.spas(10))


def places(plan):
    return [sum(plan.sizes[i] * plan.sizes[j] for i, j in pairs) for pairs in kinds(plan)]


def links_of_kinds(network):
    found = [0, 0]
    for block in network.blocks:
        found[network.skips(block)] += len(block)
    return found


@given(st.integers(2, 200), st.sampled_from([1, 3]))
def test_square_pictures_are_known_by_their_features(side, channels):
    assert picture_of(channels * side * side) == (channels, side, side)


@pytest.mark.parametrize("features", [1, 2, 3, 10, 28, 3 * 32 * 31])
def test_other_features_are_no_picture(features):
    with pytest.raises(UserError, match="no square picture"):
        picture_of(features)


def test_the_shortcuts_of_the_source_are_the_printed_ones():
    assert places(SPAS) == [148_784, 145_152]


def test_links_are_counted_against_all_places():
    assert numbers(SPAS, 0.5, 1, None) == (148_784, 145_152)
    assert numbers(SPAS, 0.5, 5, None) == (29_394, 29_393)
    assert numbers(SPAS, 0.5, None, 5000) == (2500, 2500)
    assert numbers(SPAS, 0.1, None, 5000) == (4500, 500)
    assert numbers(Plan(CIFAR, architectures.densenet(10)), 0, 25, None) == (11_011, 0)


@pytest.mark.parametrize("ratio", [0.5, 0.2, 1.0])
def test_a_start_has_these_links_and_spaset_keeps_them_by_kind(ratio):
    counts = numbers(SPAS, ratio, None, 4000)
    network = start(SPAS, counts, np.random.default_rng(0))
    assert links_of_kinds(network) == [*counts]
    before = network.graph.values.copy()
    fell = evolve(network, 0.3, np.random.default_rng(1))
    assert fell == 1200
    assert links_of_kinds(network) == [*counts]
    kept = np.sort(np.abs(before))[fell:]
    assert np.isin(kept, np.abs(network.graph.values)).all()


def test_places_of_a_kind_are_drawn_uniformly():
    network = start(SPAS, (14_878, 14_515), np.random.default_rng(2))
    for block in network.blocks:
        expected = block.places / 10
        assert abs(len(block) - expected) < 5 * np.sqrt(expected) + 1


def test_more_links_than_places_are_one_line():
    with pytest.raises(UserError, match="do not fit into 145,152 places") as error:
        start(SPAS, (10, 145_153), np.random.default_rng(0))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("architecture", "sizes", "picture", "said"),
    [
        ("densenet", [8, 20], CIFAR, r"hidden_layer_sizes \[8, 20\]: densenet takes one number"),
        ("lenet", [6], CIFAR, r"hidden_layer_sizes \[6\]: lenet takes the channels of two layers"),
        ("lenet", [4, 6, 10], (1, 8, 8), r"lenet \[4, 6, 10\] for a picture of \(1, 8, 8\)"),
        ("spas_cnn", [4, 6, 8, 9, 9], (1, 8, 8), "spas_cnn .* for a picture of"),
    ],
)
def test_sizes_and_pictures_that_do_not_fit_are_one_line(architecture, sizes, picture, said):
    with pytest.raises(UserError, match=said) as error:
        plan_of(architecture, sizes, "relu", False, picture, 10)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("architecture", "sizes", "made"),
    [
        ("plain_cnn", [4, 6], architectures.plain(10, (4, 6))),
        ("spas_cnn", [16, 32, 64], architectures.spas(10, False, "relu")),
        ("densenet", [8], architectures.densenet(10, activation="relu")),
        ("lenet", [16, 32, 256, 128], architectures.lenet(10)),
    ],
)
def test_sizes_are_channels(architecture, sizes, made):
    assert plan_of(architecture, sizes, "relu", False, CIFAR, 10).layers == made
