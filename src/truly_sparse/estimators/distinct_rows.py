"""Rows, weights and splits, so that a weight of 2 and a row given twice are the same thing, to the last bit.

Equal rows are merged and their weights added; what is left is ordered by a hash of its content. A fit therefore does
not depend on the order of the rows either. A whole-numbered weight is a repetition; other weights are proportions.
"""

from hashlib import sha256
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.rows import NonZeros, chosen
from truly_sparse.errors import UserError
from truly_sparse.estimators.sparse_rows import add_hashes, differ
from truly_sparse.estimators.stored import Floats, Indices, StoredRows, column_of, matrix_of

Weights = npt.NDArray[np.float64]
#: Features [row][feature] as they were given: dense, of a sparse matrix, or in a file.
Rows = Floats | NonZeros | StoredRows
#: Equal rows that are compared at a time.
COMPARED = 1 << 18
#: Rows that whole-numbered weights may make of fewer ones.
MOST_REPEATED = 10**9


class Table(NamedTuple):
    """Distinct rows: features [row][feature], target of each row, weight of each row (> 0)."""

    x: Rows
    y: npt.NDArray
    weights: Weights


def gather(x: Rows, y: npt.NDArray, weights: Weights | None) -> Table:
    """Merge equal rows of equal target, leave out rows of weight 0, and order the rest by content.

    Parameters
    ----------
    x : ndarray of float32 or float64, NonZeros or StoredRows, shape (rows, features)
    y : ndarray of int64 or float64, shape (rows,)
    weights : ndarray, shape (rows,), optional
        At least 0; None is 1 for every row.
    """
    weights = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
    if not weights.all():
        kept = weights > 0
        x, y, weights = chosen(x, kept), y[kept], weights[kept]
    keys = _hashes(x, y)
    # Weights of equal rows are summed in an order of their own where that changes the sum.
    order = np.argsort(keys, kind="stable") if are_whole(weights) else np.lexsort((weights, keys))
    x, y, weights, keys = chosen(x, order), y[order], weights[order], keys[order]
    first = np.ones(len(y), bool)
    alike = np.flatnonzero(keys[1:] == keys[:-1])
    del keys
    for start in range(0, len(alike), COMPARED):
        some = alike[start : start + COMPARED]
        first[some + 1] = _differ(x, some + 1, some) | (y[some + 1] != y[some])
    if first.all():
        return Table(x, y, weights)
    return Table(chosen(x, first), y[first], np.bincount(np.cumsum(first) - 1, weights=weights).astype(np.float64))


def _differ(x: Rows, first: Indices, second: Indices) -> npt.NDArray[np.bool_]:
    """Return whether the rows of each pair of numbers differ."""
    if isinstance(x, NonZeros):
        found = np.empty(len(first), bool)
        differ(x, first, second, found)
        return found
    one, other = matrix_of(x[first]), matrix_of(x[second])
    found = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return np.asarray(found.any(axis=1))


def _hashes(x: Rows, y: npt.NDArray) -> npt.NDArray[np.uint64]:
    """Return a 64-bit hash of every row and its target, column by column (a multiply-xorshift mixer).

    Of rows of non-zeros only these are hashed, with their columns.
    """
    total = np.zeros(len(y), np.uint64)
    for place in range(-1, 0 if isinstance(x, NonZeros) else x.shape[1]):
        column = y if place < 0 or isinstance(x, NonZeros) else column_of(x, place)
        # + 0.0 makes -0.0 the same as 0.0; there are as many kinds of NaN as it has payloads.
        number = np.asarray(column, np.float64) + 0.0
        number[np.isnan(number)] = np.nan
        word = number.view(np.uint64) ^ total
        word = (word ^ (word >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
        word = (word ^ (word >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
        total = word ^ (word >> np.uint64(33))
    if isinstance(x, NonZeros):
        add_hashes(x, np.zeros(1), total)
    return total


def digest(table: Table) -> str:
    """Return a SHA-256 by which the same rows, targets and weights are known again, in whatever order they came."""
    return sha256(_hashes(table.x, table.y).tobytes() + table.weights.tobytes()).hexdigest()


def are_whole(weights: Weights) -> bool:
    """Return whether all weights are whole numbers, as counts are, whose sums are exact in any order."""
    return bool((weights == np.round(weights)).all())


def split(y: npt.NDArray, fraction: float, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Draw validation rows by the order of the target: every class (or range of values) gets its share, within one.

    The first row of a class stays in training, whatever the fraction.

    Returns
    -------
    (training, validation) : ndarrays of int64
        Ascending, disjoint, complete.
    """
    if not fraction:
        return np.arange(len(y)), np.zeros(0, np.int64)
    shuffled = rng.permutation(len(y))
    ranked = shuffled[np.argsort(y[shuffled], kind="stable")]
    steps = np.floor(np.arange(len(y) + 1) * fraction + rng.random())
    chosen = np.diff(steps) > 0
    if y.dtype.kind != "f":
        first = np.unique(y[ranked], return_index=True)[1]
        first = first[chosen[first]]
        chosen[first] = False
        following = first[first + 1 < len(y)] + 1
        chosen[following[y[ranked[following]] == y[ranked[following - 1]]]] = True
    return np.sort(ranked[~chosen]), np.sort(ranked[chosen])


class Weighted:
    """The sampler of rows that come as often as their weights say.

    Parameters
    ----------
    weights : ndarray, shape (rows,)
        Above 0.

    Attributes
    ----------
    size : int
        Rows of an epoch: the sum of whole-numbered weights, the number of rows otherwise.

    Raises
    ------
    UserError
        If whole-numbered weights make more than `MOST_REPEATED` rows of fewer, or the sum of weights is infinite.
    """

    def __init__(self, weights: Weights) -> None:
        whole = are_whole(weights)
        with np.errstate(over="ignore"):
            total = weights.sum()
        if not total <= (max(MOST_REPEATED, len(weights)) if whole else np.finfo(np.float64).max):
            raise UserError(
                f"the weights of {len(weights)} distinct rows sum to {total:g}; whole weights repeat rows, so give "
                "smaller ones, such as sample_weight / sample_weight.mean()"
            )
        self.size = round(total) if whole else len(weights)
        self._ends = None if whole else np.cumsum(weights)
        self._repeated = None
        if whole and self.size > len(weights):
            self._repeated = np.repeat(np.arange(len(weights)), weights.astype(np.int64))

    def order(self, rng: np.random.Generator) -> Indices:
        """Draw one epoch: systematic sampling along the weights, in random order, int64, shape (size,)."""
        places = rng.permutation(self.size)
        if self._repeated is not None:
            position = (places + rng.random()).astype(np.int64)
            return self._repeated[np.minimum(position, self.size - 1, out=position)]
        if self._ends is None:
            return places
        position = (places + rng.random()) * (self._ends[-1] / self.size)
        return np.minimum(np.searchsorted(self._ends, position, side="right"), len(self._ends) - 1)
