"""SciPy's sparse matrices as rows of non-zeros, which share its memory as far as they can: never a dense array."""

from typing import Any

import numpy as np
from numba import njit

from truly_sparse.engine.compiled import COMPILED
from truly_sparse.engine.rows import NonZeros
from truly_sparse.errors import UserError

#: Columns that int32 can number.
MOST_COLUMNS = 2**31 - 1


def of_csr(x: Any) -> NonZeros:
    """Return the rows of a CSR matrix or array of float32 or float64, which is not changed.

    Columns are put in order, values of the same place summed, and values that are 0 left out, in a copy. Values stay as
    they are: float64 ones are for `preprocessing` to make float32 of.

    Raises
    ------
    UserError
        For values that are no finite numbers, or whose sum is none, columns that there are not, and rows that do not
        follow one another in the values.
    """
    if x.shape[1] > MOST_COLUMNS:
        raise UserError(f"X has {x.shape[1]:,} columns; {MOST_COLUMNS:,} are the most")
    begins, values = x.indptr, min(len(x.data), len(x.indices))
    # SciPy would read beyond the values.
    if len(begins) != x.shape[0] + 1 or begins[0] != 0 or begins[-1] > values or (begins[1:] < begins[:-1]).any():
        raise UserError("X is sparse and its rows do not follow one another (indptr); build it again")
    if len(x.indices) and not 0 <= x.indices.min() <= x.indices.max() < x.shape[1]:
        raise UserError(f"X is sparse and has values in columns beyond its {x.shape[1]:,}; build it again")
    if not x.has_canonical_format:
        x = x.copy()
        x.sum_duplicates()
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(x.data.sum()) or np.isfinite(x.data).all()
    if not finite:
        raise UserError("X is sparse and holds NaN or infinite values; leave them out, or replace them by numbers")
    if not x.data.all():
        x = x.copy()
        x.eliminate_zeros()
    begins = x.indptr.astype(np.int64, copy=False)
    return NonZeros(x.data, x.indices.astype(np.int32, copy=False), begins[:-1], begins[1:], x.shape[1])


@njit(cache=True, **COMPILED)
def add_hashes(x, one, total):
    """Mix the non-zeros of every row into its 64-bit hash, in place; see `distinct_rows`. `one` is float64."""
    word = one.view(np.uint64)
    for row in range(len(total)):
        mixed = total[row]
        for k in range(x.begins[row], x.ends[row]):
            one[0] = x.values[k]  # as float64, so that float32 numbers have the hash of their equals
            own = word[0] ^ mixed ^ (np.uint64(x.features[k] + 1) * np.uint64(0x9E3779B97F4A7C15))
            own = (own ^ (own >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
            own = (own ^ (own >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
            mixed = own ^ (own >> np.uint64(33))
        total[row] = mixed


@njit(cache=True, **COMPILED)
def differ(x, first, second, found):
    """Write whether the rows of each pair of numbers differ."""
    for pair in range(len(first)):
        one, other = first[pair], second[pair]
        count = x.ends[one] - x.begins[one]
        found[pair] = count != x.ends[other] - x.begins[other]
        if not found[pair]:
            for k in range(count):
                here, there = x.begins[one] + k, x.begins[other] + k
                found[pair] |= x.features[here] != x.features[there] or x.values[here] != x.values[there]


@njit(cache=True, **COMPILED)
def largest(x, scale):
    """Raise the number of every column, float64, to the greatest magnitude of its non-zeros."""
    for row in range(len(x.begins)):
        for k in range(x.begins[row], x.ends[row]):
            scale[x.features[k]] = max(scale[x.features[k]], abs(np.float64(x.values[k])))


@njit(cache=True, **COMPILED)
def divide(values, features, scale, found):
    """Write values divided by the number of their column, float64, as float32."""
    for k in range(len(values)):
        found[k] = values[k] / scale[features[k]]
