"""Distances of subnetworks, against masks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.measure.mask_distance import cartesian_distance, total_distance


@given(st.integers(0, 1000), st.integers(2, 5))
def test_distances_are_those_of_masks(seed, count):
    masks = np.random.default_rng(seed).random((count, 40)) < 0.5
    links = [np.flatnonzero(mask) for mask in masks]
    euclidean = [[np.linalg.norm(one.astype(float) - other) for other in masks] for one in masks]
    assert cartesian_distance(links[0], links[1]) == pytest.approx(euclidean[0][1])
    assert total_distance(links) == pytest.approx(np.sum(euclidean))


def test_parts_of_a_partition_are_as_far_apart_as_subnetworks_of_their_size_can_be():
    order = np.random.default_rng(0).permutation(100)
    halves = np.split(np.sort(order.reshape(2, 50), axis=1), 2)
    assert cartesian_distance(halves[0].ravel(), halves[1].ravel()) == 10
    assert total_distance([half.ravel() for half in halves]) == 20
    assert cartesian_distance(halves[0].ravel(), halves[0].ravel()) == 0
