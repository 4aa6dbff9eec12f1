"""What networks see of a table: its numbers, scaled, and marks for what is missing and for categories.

A *mark* is an input that is 1 in the rows where a column has one value, and 0 in all others. The marks are, column by
column: one of "missing", for a column with gaps, and one for each category, of a column of categories. They are learned
like any input: what is missing has weights of its own, and is given no number. Only what tells training rows apart has
a mark, and of a column's categories the `MOST` that weigh most. So a row has 0 in all inputs of a column where

* its category is not among those, be it rare or unseen in training, or
* its value is missing, and none was in training.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.pieces import Pieces
from truly_sparse.engine.ramped import Ramped
from truly_sparse.engine.rows import NonZeros, Samples
from truly_sparse.errors import UserError
from truly_sparse.estimators.distinct_rows import Rows, Weights
from truly_sparse.estimators.pairs import NAMES, Pairs
from truly_sparse.estimators.preprocessing import KEEPS_ZEROS, PiecewiseLinear, Scaling
from truly_sparse.estimators.ramps import write_marks
from truly_sparse.estimators.stored import Floats, Indices, StoredRows, column_of

#: Categories of a column that have a mark.
MOST = 255
#: Bytes of encoded rows of a file that are made at a time.
MADE = 1 << 25


class Encoding:
    """The inputs of networks, in order: those of the scaling of the numeric columns and their pairs, then the marks.

    Parameters
    ----------
    scaling : Scaling
        Of the numeric columns; not fitted.
    categorical : collection of int
        The other columns, which hold places of categories.

    Attributes
    ----------
    numeric : ndarray of int64
        The numeric columns.
    mark_of, mark_value : ndarrays of int64 and float64, shape (marks,)
        Column of each mark, and the value that it marks: NaN where that is "missing".
    pairs : Pairs
        Of the numeric columns, whose sums and differences are scaled as further columns.
    owners : ndarray of int64, shape (2, inputs)
        The two columns of each input of a pair; else both are the one column.
    """

    numeric: npt.NDArray[np.int64]
    mark_of: npt.NDArray[np.int64]
    mark_value: npt.NDArray[np.float64]

    def __init__(self, scaling: Scaling, categorical: Collection[int] = ()) -> None:
        self.scaling, self.categorical, self.pairs = scaling, frozenset(categorical), Pairs()

    @property
    def owners(self) -> npt.NDArray[np.int64]:
        """The columns of each input."""
        of_pairs = np.repeat(self.pairs.places.reshape(-1, 2).T, 2, axis=1)
        scaled = np.concatenate([np.tile(self.numeric, (2, 1)), self.numeric[of_pairs]], axis=1)
        return np.concatenate([scaled[:, self.scaling.owner], np.tile(self.mark_of, (2, 1))], axis=1)

    def fit(self, x: Rows, weights: Weights, y: npt.NDArray[Any] | None = None, pairs: int = 0) -> "Encoding":
        """Learn from x, shape (rows, columns), with one weight above 0 for each row.

        At most so many `pairs` are learned, of what tells class numbers or real values `y`, if the scaling is made of
        ramps: any other makes sums and differences of what a network adds up by itself.
        """
        if isinstance(x, NonZeros):  # numbers alone, of which none is missing
            self.restore(self.without_marks(x.width))
            self.scaling.fit_non_zeros(x)
            return self
        self.numeric = np.array([place for place in range(x.shape[1]) if place not in self.categorical], np.int64)
        if not len(self.numeric):
            self.scaling = Scaling()
        numbers = self._numbers(x)
        if y is not None and pairs and isinstance(self.scaling, PiecewiseLinear):
            self.pairs.fit(numbers, y, weights, pairs)
        self.scaling.fit(self.pairs.extended(numbers), weights)
        del numbers
        every = [
            (of, value, mass) for of in range(x.shape[1]) for value, mass in self._values(column_of(x, of), of, weights)
        ]
        apart = [(of, value) for of, value, mass in every if mass < len(x)]
        if not apart and not len(self.numeric):  # one input at least
            apart = [every[0][:2]]
        self.mark_of = np.array([of for of, _ in apart], np.int64)
        self.mark_value = np.array([value for _, value in apart], np.float64)
        return self

    def _values(self, column: Floats, of: int, weights: Weights) -> Iterator[tuple[float, int]]:
        """Yield the values of a column that may have a mark, with their rows."""
        gaps = np.isnan(column)
        if gaps.any():
            yield np.nan, int(gaps.sum())
        if of in self.categorical:
            places = column[~gaps].astype(np.int64)
            known = places >= 0
            mass = np.bincount(places[known], weights[~gaps][known])
            heaviest = np.argsort(-mass, kind="stable")[:MOST]
            for place in np.sort(heaviest[mass[heaviest] > 0]):
                yield float(place), int((places == place).sum())

    @overload
    def _numbers(self, x: Floats) -> Floats: ...
    @overload
    def _numbers(self, x: StoredRows) -> StoredRows: ...
    def _numbers(self, x: Floats | StoredRows) -> Floats | StoredRows:
        if len(self.numeric) == x.shape[1]:
            return x
        return x.of_columns(self.numeric) if isinstance(x, StoredRows) else np.ascontiguousarray(x[:, self.numeric])

    @property
    def keeps_zeros(self) -> bool:
        """Whether rows of non-zeros stay such rows."""
        return type(self.scaling) in KEEPS_ZEROS.values() and not self.categorical and not len(self.mark_of)

    def transform_rows(self, x: Rows) -> Samples:
        """Return the inputs; those of rows of non-zeros are such rows, too."""
        return self.scaling.transform_non_zeros(x) if isinstance(x, NonZeros) else self.transform(x)

    @overload
    def transform(self, x: Floats) -> npt.NDArray[np.float32]: ...
    @overload
    def transform(self, x: StoredRows) -> "EncodedRows": ...
    def transform(self, x: Floats | StoredRows) -> "npt.NDArray[np.float32] | EncodedRows":
        """Return the inputs, float32, shape (rows, inputs); those of rows in a file are made when they are needed."""
        if isinstance(x, StoredRows):
            return EncodedRows(x, self)
        encoded = np.empty((len(x), len(self.scaling.owner) + len(self.mark_of)), np.float32)
        self.write(x, encoded)
        return encoded

    def samples(self, x: Rows) -> Samples:
        """Return the inputs as training takes them: where they are ramps and marks, in a fraction of the memory."""
        if isinstance(x, NonZeros | StoredRows):
            return self.transform_rows(x)
        ramped = self.scaling.ramped(self.pairs.extended(self._numbers(x)))
        if ramped is None or not len(self.mark_of):
            return self.transform(x) if ramped is None else ramped
        columns, marks = len(self.numeric) + len(self.pairs.places), len(self.mark_of)
        values = np.empty((len(x), marks), np.float32)
        write_marks(x, self.mark_of, self.mark_value, values, 0)
        return Ramped(  # a mark is the one ramp of a column, in which each row has a value of its own
            np.concatenate(
                [ramped.numbers[:, :columns], np.ones_like(values), ramped.numbers[:, columns:], values], axis=1
            ),
            np.concatenate([ramped.first, ramped.first[-1] + 1 + np.arange(marks)]),
            np.concatenate([ramped.low, np.zeros(marks, np.float32)]),
            np.concatenate([ramped.high, np.ones(marks, np.float32)]),
        )

    def write(self, x: Floats, encoded: npt.NDArray[np.float32]) -> None:
        """Write the inputs into an array of that shape."""
        self.scaling.write(self.pairs.extended(self._numbers(x)), encoded)
        if len(self.mark_of):
            write_marks(x, self.mark_of, self.mark_value, encoded, len(self.scaling.owner))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what `restore` takes, besides the scaling."""
        own = {"numeric": self.numeric, "mark_of": self.mark_of, "mark_value": self.mark_value}
        return own | _named(self.pairs.arrays())

    @staticmethod
    def without_marks(columns: int) -> dict[str, npt.NDArray[Any]]:
        """Return what `restore` takes where all columns are numeric and none has a mark."""
        return {"numeric": np.arange(columns), "mark_of": np.zeros(0, np.int64), "mark_value": np.zeros(0)}

    def check(self, columns: int) -> None:
        """Refuse what was restored if it does not fit so many columns, since compiled loops check no bounds.

        Raises
        ------
        UserError
        """
        self.pairs.check(len(self.numeric))
        self.scaling.check(len(self.numeric) + len(self.pairs.places))
        if self.numeric.tolist() != [place for place in range(columns) if place not in self.categorical]:
            raise UserError(f"its numeric columns are not those of {columns} that have no categories")
        of, value = self.mark_of, self.mark_value
        fits = (
            of.dtype == np.int64 and value.dtype == np.float64 and of.ndim == value.ndim == 1 and len(of) == len(value)
        )
        if not fits or (len(of) and not 0 <= of.min() <= of.max() < columns):
            raise UserError("its marks do not fit its columns")

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> "Encoding":
        """Take over what `arrays` returned; older files have no pairs."""
        self.numeric, self.mark_of, self.mark_value = (arrays[name] for name in ("numeric", "mark_of", "mark_value"))
        named = _named(Pairs.none())
        if named.keys() <= arrays.keys():
            self.pairs.restore({name: arrays[own] for name, own in zip(NAMES, named, strict=True)})
        return self


def _named(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Return arrays of pairs by the names that they have among those of an encoding."""
    return {f"pair_{name}": array for name, array in arrays.items()}


class EncodedRows(Pieces):
    """The inputs of rows in a file, made for some of them at a time.

    Parameters
    ----------
    rows : StoredRows
        With categories that are settled.
    encoding : Encoding
        Fitted.
    """

    def __init__(self, rows: StoredRows, encoding: Encoding) -> None:
        self._rows, self._encoding = rows, encoding
        self.shape = len(rows), encoding.owners.shape[1]

    def __getitem__(self, rows: Any) -> "EncodedRows":
        return EncodedRows(self._rows[rows], self._encoding)

    def made(self, order: Indices, unit: int) -> Iterator[Samples]:
        """Yield samples in pieces; see `Pieces.made`."""
        size = max(1, MADE // (4 * self.shape[1] * unit)) * unit
        for matrix in self._rows.matrices(order, size):
            for start in range(0, len(matrix), size):
                yield self._encoding.samples(matrix[start : start + size])
