"""Dropout decisions by a counter-based hash: no state, no stored randomness, the same in vector and scalar code.

A unit is dropped where the hash of its counter (row * batch + sample) under a 64-bit key falls below
``rate * 2**32``. The key of a layer and step is derived from one number drawn from the dropout stream.
"""

import numpy as np
from numba import njit


@njit(inline="always")
def mix(counter: np.uint32, low: np.uint32, high: np.uint32) -> np.uint32:
    """Hash a 32-bit counter under a 64-bit key (two 32-bit halves) to a uniform 32-bit integer."""
    x = np.uint32(np.uint32(counter) * np.uint32(0x9E3779B1)) ^ low
    x = np.uint32(x ^ (x >> np.uint32(16)))
    x = np.uint32(np.uint32(x * np.uint32(0x7FEB352D)) + high)
    x = np.uint32(x ^ (x >> np.uint32(15)))
    x = np.uint32(x * np.uint32(0x846CA68B))
    return np.uint32(x ^ (x >> np.uint32(16)))


@njit(inline="always")
def layer_key(stream_key: np.uint64, step: int, layer: int) -> np.uint64:
    """Derive the key of one layer, counted from 1, in one step (splitmix64 of stream key, step and layer).

    Layers and steps up to 2**42 never share a key: 64 layers count on from step to step, and every further 64 start at
    a multiple of 2**48.
    """
    before = np.uint64(layer) - np.uint64(1)
    counter = np.uint64(step) * np.uint64(64) + before % np.uint64(64) + np.uint64(2)
    counter += (before // np.uint64(64)) << np.uint64(48)
    z = np.uint64(stream_key) + np.uint64(0x9E3779B97F4A7C15) * counter
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.uint64(z ^ (z >> np.uint64(31)))


def threshold(rate: float) -> np.uint32:
    """Return the hash value below which a unit is dropped."""
    return np.uint32(min(round(rate * 2**32), 2**32 - 1))
