"""Arrays that start on a cache line."""

from math import prod

import numpy as np
import numpy.typing as npt

CACHE_LINE = 64


def aligned(shape: int | tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> npt.NDArray:
    """Return zeros that start on a cache line.

    No vector then straddles two lines, and products on BLAS, whose rounding can depend on where an array starts, give
    the same bits in every process.
    """
    itemsize = np.dtype(dtype).itemsize
    count = prod(shape) if isinstance(shape, tuple) else shape
    raw = np.zeros(count + CACHE_LINE // itemsize, dtype)
    skip = -raw.ctypes.data % CACHE_LINE // itemsize
    return raw[skip : skip + count].reshape(shape)
