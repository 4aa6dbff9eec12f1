"""Binary search for compiled loops."""

from numba import njit

from truly_sparse.engine.compiled import INLINED


@njit(**INLINED)
def first_from(values, begin, end, wanted):
    """Return the first place from `begin` on whose value, of ascending ones, is not below `wanted`; `end` for none."""
    low, high = begin, end
    while low < high:
        middle = (low + high) // 2
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low
