"""Samples of ramps train a network to the same bits as the samples written out, and become the same rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from truly_sparse.engine import ramped_kernels
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.ramped import MOST, Ramped
from truly_sparse.engine.rows import Numbers, chosen, taken
from truly_sparse.engine.workspace import Workspace


@njit
def gather(x, room, order, start, count, batch, features, pointers, space):
    ramped_kernels.gather_batch(x, room, order, start, count, batch, features, pointers, space.rows, space.lines, ())


def ramps(samples, counts, rng, missing=0.2):
    """Return samples of so many ramps in each column, and the same written out by the definition."""
    first = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    low, high = rng.normal(size=(2, first[-1])).astype(np.float32)
    numbers = np.zeros((samples, 2 * len(counts)), np.float32)
    whole = np.zeros((samples, first[-1]), np.float32)
    for s in range(samples):
        for c, count in enumerate(counts):
            if rng.random() < missing:
                continue
            place, value = rng.integers(count + 1), np.float32(rng.normal())
            numbers[s, c], numbers[s, len(counts) + c] = 1 + place, value
            for k in range(count):
                whole[s, first[c] + k] = high[first[c] + k] if k < place else value if k == place else low[first[c] + k]
    return Ramped(numbers, first, low, high), whole


@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
@pytest.mark.parametrize("counts", [(1,), (3, 0, 5), (MOST, 1, 2), (4,) * 20])
def test_they_become_the_rows_of_samples_written_out(counts, storage):
    rng = np.random.default_rng(sum(counts))
    x, whole = ramps(90, counts, rng)
    features, order = whole.shape[1], rng.permutation(90)
    assert (taken(x, slice(None)) == whole).all()
    assert (taken(chosen(x, order[:7]), slice(None)) == whole[order[:7]]).all()
    pointers = np.concatenate(([0], np.cumsum(rng.random(features) < 0.8)))
    for start, count, batch in ((0, 1, 32), (5, 16, 32), (1, 33, 64), (26, 64, 64)):
        spaces = [Workspace((features, 1), batch, storage).space for _ in range(2)]
        for space, samples in zip(spaces, (x.checked(), Numbers(whole)), strict=True):
            space.rows[:] = 7
            room = ramped_kernels.room_for(samples, space.rows, batch)
            gather(samples, room, order, start, count, batch, features, pointers, space)
        np.testing.assert_array_equal(spaces[0].rows, spaces[1].rows)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["float32", "bfloat16"]), st.integers(1, 40))
def test_they_train_the_same_network(seed, storage, batch):
    rng = np.random.default_rng(seed)
    x, whole = ramps(60, rng.integers(0, 6, 9) + (np.arange(9) == 0), rng)
    y, order = rng.integers(0, 3, 60), rng.permutation(60)
    states = []
    for samples in (x, whole):
        start = np.random.default_rng(seed)
        network = SparseMLP.erdos_renyi((whole.shape[1], 12, 3), 6, [0.2], start, storage=storage)
        result = network.train_epoch(samples, y, order, batch, SGD(0.1, clip=1.0), 0.2, seed, 0)
        states.append([result.loss, network.predict_as_trained(samples), *network.copy_state().values()])
    for one, other in zip(*states, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "change",
    [
        {"first": np.array([0, 2, 4])},
        {"first": np.array([1, 2, 5])},
        {"first": np.array([0, 6, 5])},
        {"high": np.zeros(4, np.float32)},
        {"numbers": np.zeros((8, 3), np.float32)},
    ],
)
def test_numbers_that_do_not_fit_are_refused(change):
    x, _ = ramps(8, (2, 3), np.random.default_rng(0))
    with pytest.raises(ValueError, match="do not fit"):
        x._replace(**change).checked()
