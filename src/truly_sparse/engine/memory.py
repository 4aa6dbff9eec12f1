"""Arrays that start on a cache line, and what the cache holds."""

from functools import cache
from math import prod
from pathlib import Path

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


def padded(count: int) -> npt.NDArray[np.float32]:
    """Return `count` zeros with room for 31 more behind them, so that 32 can be read and written from any."""
    return aligned(count + 31)[:count]


@cache
def second_level_cache() -> int:
    """Return the bytes of a core's second-level cache; where the system does not tell, what small ones have."""
    try:
        text = Path("/sys/devices/system/cpu/cpu0/cache/index2/size").read_text(encoding="ascii").strip()
        return int(text.removesuffix("K")) * 1024
    except (OSError, ValueError):
        return 512 * 1024
