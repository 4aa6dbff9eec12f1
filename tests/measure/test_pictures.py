"""Possible parameters of convolutional networks, beside those that Muller (2023) prints, and their own parts."""

import pytest

from truly_sparse.engine.convolution import architectures
from truly_sparse.engine.convolution.layers import Plan
from truly_sparse.measure.pictures import plan, possible_parameters


@pytest.mark.parametrize(
    ("kind", "classes", "sequential", "shortcut"),
    [
        ("cnn", 10, 149_242, 0),
        ("cnn", 100, 155_092, 0),
        ("spas_cnn", 10, 149_242, 145_488),
        ("spas_cnn", 100, 155_092, 145_488),
        ("densenet", 10, 275_676, 0),
        ("densenet", 100, 298_266, 0),
    ],
)
def test_the_networks_of_the_thesis(kind, classes, sequential, shortcut):
    assert possible_parameters(plan(kind, 3072, classes)) == (sequential, shortcut)


def test_channels_and_pictures_are_those_that_are_asked_for():
    found = plan("spas_cnn", 64, 10, [8, 16])
    obvious = Plan((1, 8, 8), architectures.spas(10, channels=[8, 16]))
    assert (found.shapes, found.pairs, found.skipping) == (obvious.shapes, obvious.pairs, obvious.skipping)
    # Convolutions one by one: first, three of each part, between the parts, last; each has a bias for each channel.
    sequential = 9 * 8 + 8 + 3 * (9 * 8 * 8 + 8) + 8 * 16 + 16 + 3 * (9 * 16 * 16 + 16) + 16 * 10 + 10
    assert possible_parameters(found) == (sequential, 3 * (9 * 8 * 8 + 8) + 3 * (9 * 16 * 16 + 16))
    assert plan("densenet", 784, 10).picture == (1, 28, 28)
