"""Pairs of numeric columns that tell more together than each alone; their sums and differences become inputs.

Ramps of one column are steps along its axis. Ramps of the sum and of the difference of two standardised columns are
steps along both diagonals, so that a network of few links sees how the two act together.

Which pairs do is found as in FAST (Lou et al. 2013): an additive model, steps of every column by itself, is fitted by
boosting; then a pair is worth what steps on a grid of both take off the squared error that is left, less what each
column's own steps do. Steps are learned from one half of the rows and judged on the other, so that noise is worth less
than nothing. All sums are those of plain loops in the order of the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from truly_sparse.errors import UserError
from truly_sparse.estimators.distinct_rows import Weights
from truly_sparse.estimators.pair_loops import SHRINKAGE, extend, take_off, worth, write_steps
from truly_sparse.estimators.preprocessing import Standard, masses, quantiles
from truly_sparse.estimators.ramps import sums_of_columns
from truly_sparse.estimators.stored import Floats, StoredRows, column_of, matrix_of

Places = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]
#: Rows that are looked at, and columns and classes at most: those that tell most by themselves, and weigh most.
ROWS, COLUMNS, CLASSES = 20_000, 64, 16
#: Steps of a column in the additive model, and of each column of a pair.
STEPS, GRID = 32, 8
#: Names of the arrays of `Pairs`.
NAMES = ("places", "mean", "deviation")


class Pairs:
    """Sums and differences of standardised columns.

    Attributes
    ----------
    places : ndarray of int64, shape (2 x pairs,)
        The two columns of each pair, pair after pair.
    mean, deviation : ndarray of float64, shape (2 x pairs,)
        By which these are standardised.
    """

    def __init__(self) -> None:
        self.restore(self.none())

    def __len__(self) -> int:
        return len(self.places) // 2

    def fit(self, x: Floats | StoredRows, y: npt.NDArray[Any], weights: Weights, most: int) -> "Pairs":
        """Find at most `most` pairs of the columns of x; see `interacting`."""
        self.places = interacting(matrix_of(x[:ROWS]), y[:ROWS], weights[:ROWS], most).ravel()
        standard = {place: Standard() for place in self.places.tolist()}
        for place, scaling in standard.items():
            scaling.fit(np.ascontiguousarray(column_of(x, place)[:, None]), weights)
        own = [standard[place] for place in self.places.tolist()]
        self.mean, self.deviation = (
            np.array([getattr(scaling, name)[0] for scaling in own], np.float64) for name in NAMES[1:]
        )
        return self

    @overload
    def extended(self, x: Floats) -> Floats: ...
    @overload
    def extended(self, x: StoredRows) -> StoredRows: ...
    def extended(self, x: Floats | StoredRows) -> Floats | StoredRows:
        """Return x with a sum and a difference for each pair as further columns, NaN where one of two is missing."""
        if not len(self):
            return x
        if isinstance(x, StoredRows):
            return Extended(**vars(x), pairs=self)
        found = np.empty((len(x), x.shape[1] + len(self.places)))
        extend(x, self.places, self.mean, self.deviation, found)
        return found

    def one(self, number: int) -> "Pairs":
        """Return a pair, of columns 0 and 1."""
        own = slice(2 * number, 2 * number + 2)
        return Pairs().restore({"places": np.arange(2), "mean": self.mean[own], "deviation": self.deviation[own]})

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what `restore` takes."""
        return {name: getattr(self, name) for name in NAMES}

    @staticmethod
    def none() -> dict[str, npt.NDArray[Any]]:
        """Return what `restore` takes where there are no pairs."""
        return {"places": np.zeros(0, np.int64), "mean": np.zeros(0), "deviation": np.zeros(0)}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> "Pairs":
        """Take over what `arrays` returned."""
        self.places, self.mean, self.deviation = (arrays[name] for name in NAMES)
        return self

    def check(self, columns: int) -> None:
        """Refuse what was restored if it is no pairs of so many columns, since compiled loops check no bounds.

        Raises
        ------
        UserError
        """
        places, count = self.places, np.size(self.places)
        fits = places.dtype == np.int64 and places.ndim == 1 and count % 2 == 0
        fits = fits and all(own.dtype == np.float64 and own.shape == (count,) for own in (self.mean, self.deviation))
        if not fits or (count and not 0 <= places.min() <= places.max() < columns):
            raise UserError(f"its pairs are not those of {columns} columns")


@dataclass(frozen=True, eq=False)
class Extended(StoredRows):
    """Rows of a file with the columns of pairs, of which an encoding learns."""

    pairs: Pairs = field(kw_only=True)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.places) + len(self.pairs.places)

    def column(self, place: int) -> Floats:
        """Return a column, shape (rows,)."""
        if place < len(self.places):
            return super().column(place)
        number, which = divmod(place - len(self.places), 2)
        first, second = self.pairs.places[2 * number : 2 * number + 2].tolist()
        both = np.column_stack([super().column(first), super().column(second)])
        return np.ascontiguousarray(self.pairs.one(number).extended(both)[:, 2 + which])


def interacting(x: Floats, y: npt.NDArray[Any], weights: Weights, most: int) -> Places:
    """Return the pairs of columns that are worth something, the best first, int64, shape (at most `most`, 2).

    Parameters
    ----------
    x : ndarray, shape (rows, columns)
        In an order that says nothing; NaN where a value is missing.
    y : ndarray of int64 or float64, shape (rows,)
        Class numbers, or real values.
    weights : ndarray of float64, shape (rows,)
        Above 0.
    most : int
    """
    weights = weights * (len(weights) / sums_of_columns(weights[:, None]))
    wanted, each = _wanted(y, weights), weights[:, None]
    wanted -= sums_of_columns(wanted * each) / len(weights)
    by_step, by_grid = knots_of(x, weights)
    steps = codes_of(x, by_step, STEPS)
    left, gains = _left_by_columns(steps, wanted, weights)
    spread = np.sqrt(sums_of_columns(each * left * left) / sums_of_columns(each))
    left[:, spread > 0] /= spread[spread > 0]
    telling = np.sort(np.argsort(-gains, kind="stable")[:COLUMNS])
    grid = codes_of(x[:, telling], [by_grid[column] for column in telling], GRID)
    pairs = np.array(list(combinations(range(len(telling)), 2)), np.int64).reshape(-1, 2)
    alone = np.repeat(np.arange(len(telling))[:, None], 2, axis=1)
    own = np.maximum(_worth(grid, left, weights, alone), 0.0)
    together = _worth(grid, left, weights, pairs) - own[pairs[:, 0]] - own[pairs[:, 1]]
    best = np.argsort(-together, kind="stable")[:most]
    return telling[pairs[best[together[best] > 0]]]


def _left_by_columns(steps: Codes, wanted: Floats, weights: Weights) -> tuple[Floats, Floats]:
    """Return what an additive model of the other half of the rows leaves of each, and what each column takes off."""
    left, gains, step = np.empty_like(wanted), np.zeros(len(steps)), np.empty((STEPS + 2, wanted.shape[1]))
    for half in range(2):
        now, mass = wanted.copy(), np.full((len(steps), STEPS + 2), SHRINKAGE)
        take_off(steps, half, weights, step, mass, now, gains)
        left[half::2] = now[half::2]
    return left, gains


def _worth(grid: Codes, left: Floats, weights: Weights, pairs: Places) -> npt.NDArray[np.float64]:
    """Return what each pair of columns is worth."""
    cells = (2, GRID + 2, GRID + 2)
    found = [
        worth(grid[a], grid[b], left, weights, np.zeros((*cells, left.shape[1])), np.zeros(cells)) for a, b in pairs
    ]
    return np.array(found, np.float64)


def _wanted(y: npt.NDArray[Any], weights: Weights) -> npt.NDArray[np.float64]:
    """Return what the additive model is fitted to: real values, or a column of 0 and 1 for each class but the last."""
    if y.dtype.kind == "f":
        return y[:, None].astype(np.float64)
    mass = np.bincount(y, weights)
    classes = np.argsort(-mass, kind="stable")[: min(CLASSES, max(1, int((mass > 0).sum()) - 1))]
    return (y[:, None] == classes).astype(np.float64)


def knots_of(x: Floats, weights: Weights) -> tuple[list[Floats], list[Floats]]:
    """Return the knots of every column, for the additive model and for grids."""
    found = [
        [quantiles(*own, count)[0] for count in (STEPS, GRID)] for own in (masses(column, weights) for column in x.T)
    ]
    return [steps for steps, _ in found], [grid for _, grid in found]


def codes_of(x: Floats, knots: Sequence[Floats], steps: int) -> Codes:
    """Return the step of every value, shape (columns, rows): 0 to `steps`, and `steps` + 1 for one that is missing."""
    found = np.empty((x.shape[1], len(x)), np.uint8)
    for codes, column, own in zip(found, x.T, knots, strict=True):
        write_steps(np.ascontiguousarray(column), own, steps, codes)
    return found
