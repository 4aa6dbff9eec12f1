"""Samples become rows of features, whatever their shape and however rows are stored; no other memory is touched."""

import ctypes
import mmap
import os

import numpy as np
import pytest
from numba import njit

from truly_sparse.engine.memory import aligned
from truly_sparse.engine.registers import LANES, LINE
from truly_sparse.engine.rows import Bytes, Numbers, gather_batch, taken

SAMPLES, UNTOUCHED = 90, 0x7FC1
FEATURES = (1, 7, 15, 16, 17, 50, 63, 64, 65, 70, 129, 200)


@njit
def gather(x, order, start, count, batch, features, pointers, rows, block):
    gather_batch(x, order, start, count, batch, features, pointers, rows, block)


def samples_of(kind, features, rng):
    if kind == "bytes":
        values = rng.integers(0, 256, (SAMPLES, features), dtype=np.uint8)
        return Bytes(values, *rng.normal(size=(2, features)).astype(np.float32))
    return Numbers(rng.normal(size=(SAMPLES, features)).astype(np.float32))


def stored(floats, storage):
    """Return [feature][batch] as its rows are stored, by the words of `truly_sparse.engine.vector`."""
    if storage == np.float32:
        return floats
    bits = floats.view(np.uint32)
    halves = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    return halves.reshape(len(floats), -1, 2, LANES).swapaxes(2, 3).reshape(floats.shape)


def untouched(shape, storage):
    """Return memory that is full of numbers that no sample has."""
    rows = aligned(shape, storage)
    rows[:] = np.nan if storage == np.float32 else UNTOUCHED
    return rows


@pytest.mark.parametrize("storage", [np.float32, np.uint16])
@pytest.mark.parametrize("kind", ["bytes", "floats"])
@pytest.mark.parametrize("features", FEATURES)
def test_samples_become_rows_of_features_with_links(features, kind, storage):
    rng = np.random.default_rng(features)
    x, order = samples_of(kind, features, rng), rng.permutation(SAMPLES)
    for linked in (np.ones(features, bool), rng.random(features) < 0.5, np.arange(features) == features - 1):
        pointers = np.concatenate(([0], np.cumsum(np.where(linked, rng.integers(1, 9, features), 0))))
        for start, count, batch in ((0, 1, 32), (5, 16, 32), (3, 31, 32), (1, 33, 64), (26, 64, 64), (0, 90, 128)):
            rows, before = untouched((features + 1, batch), storage), untouched((features + 1, batch), storage)
            block = untouched(LINE * batch // 4, np.float32).view(np.uint8)  # nothing of it may get into the padding
            gather(x, order, start, count, batch, features, pointers, rows.ravel(), block)
            floats = np.zeros((features, batch), np.float32)
            floats[:, :count] = taken(x if kind == "bytes" else x.values, order[start : start + count]).T
            before[:-1][linked] = stored(floats, storage)[linked]
            assert rows.tobytes() == before.tobytes()


@pytest.mark.skipif(os.name != "posix", reason="needs mprotect")
@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize("kind", ["bytes", "floats"])
def test_nothing_behind_the_last_sample_is_read(kind, features):
    """It ends where memory begins that nobody may read."""
    x = samples_of(kind, features, np.random.default_rng(0))
    room = -(-x.values.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, room + mmap.PAGESIZE)
    whole = np.frombuffer(memory, np.uint8)
    values = whole[room - x.values.nbytes : room].view(x.values.dtype).reshape(x.values.shape)
    values[:] = x.values
    rows, block = aligned((features, 32)), aligned(LINE * 32, np.uint8)
    order, pointers = np.arange(SAMPLES)[::-1].copy(), np.arange(features + 1)
    mprotect = ctypes.CDLL(None, use_errno=True).mprotect
    mprotect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    assert mprotect(whole.ctypes.data + room, mmap.PAGESIZE, 0) == 0
    try:
        gather(x._replace(values=values), order, 0, 32, 32, features, pointers, rows.ravel(), block)
    finally:
        mprotect(whole.ctypes.data + room, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE)
    assert np.array_equal(rows, taken(x if kind == "bytes" else x.values, order[:32]).T)
