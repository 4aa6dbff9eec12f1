"""Samplers: what the loop asks of them."""

import numpy as np

from truly_sparse.training.sampling import Shuffled


def test_every_row_comes_once_in_an_order_of_its_own_each_epoch():
    sampler, rng = Shuffled(50), np.random.default_rng(7)
    first, second = (sampler.order(rng) for _ in range(2))
    assert sampler.size == 50
    assert sorted(first) == sorted(second) == list(range(50))
    assert first.tolist() != second.tolist()
    assert first.dtype == np.int64
