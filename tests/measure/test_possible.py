"""Possible weights of layers, beside counting them one by one and the numbers that Muller (2023) prints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.measure.possible import possible_weights


@given(st.lists(st.integers(1, 50), min_size=2, max_size=8))
def test_every_pair_of_layers_is_a_block(sizes):
    blocks = {(k, m): a * b for k, a in enumerate(sizes) for m, b in enumerate(sizes) if k < m}
    found = possible_weights(sizes)
    assert found.sequential == sum(count for (k, m), count in blocks.items() if m == k + 1)
    assert found.shortcut == sum(count for (k, m), count in blocks.items() if m > k + 1)
    assert found.total == sum(blocks.values())


@pytest.mark.parametrize(
    ("features", "classes", "sequential", "shortcut"),
    # CIFAR-10, CIFAR-100, electricity, Bioresponse.
    [
        (3072, 10, 328_200, 657_120),
        (3072, 100, 337_200, 951_600),
        (7, 2, 20_900, 11_814),
        (419, 2, 62_100, 95_038),
    ],
)
def test_the_networks_of_the_thesis(features, classes, sequential, shortcut):
    assert possible_weights([features, 100, 100, 100, classes]) == (sequential, shortcut)
