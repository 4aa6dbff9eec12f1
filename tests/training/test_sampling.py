"""Samplers: rows as often as their weights say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.training.sampling import Shuffled, Weighted


@given(st.lists(st.integers(1, 5), min_size=1, max_size=40), st.integers(0, 99))
def test_whole_weights_are_drawn_exactly(weights, seed):
    draws = Weighted(np.array(weights, float))
    order = draws.order(np.random.default_rng(seed))
    assert np.bincount(order, minlength=len(weights)).tolist() == weights


def test_other_weights_are_drawn_in_proportion():
    weights = np.array([0.5, 1.5, 3.0, 0.001])
    draws, rng = Weighted(weights), np.random.default_rng(0)
    assert draws.size == 4
    counts = sum(np.bincount(draws.order(rng), minlength=4) for _ in range(4000))
    assert counts / counts.sum() == pytest.approx(weights / weights.sum(), abs=0.01)


def test_equal_weights_are_every_row_once_in_the_same_order_as_without():
    plain, weighted = (
        sampler.order(np.random.default_rng(7)).tolist() for sampler in (Shuffled(50), Weighted(np.ones(50)))
    )
    assert sorted(plain) == list(range(50))
    assert plain == weighted
