"""Samples whose features are ramps, kept as two numbers for all ramps of a column."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

#: Ramps that a column may have: their places, and one more, are exact in bfloat16.
MOST = 255


class Ramped(NamedTuple):
    """Samples of ramps, of which at most one in each column is on its way up.

    ``numbers[s, c]`` of the first half is 1 + the place of that ramp in sample s, counted from the first of column c,
    and ``numbers[s, columns + c]`` its value. The ramps before it have what `high` says, those behind it what `low`
    says; where the number is 0, all ramps of the column are 0.

    Attributes
    ----------
    numbers : ndarray of float32, shape (samples, 2 columns)
    first : ndarray of int64, shape (columns + 1,)
        The ramps of column c are the features from ``first[c]`` up to ``first[c + 1]``.
    low, high : ndarray of float32, shape (features,)
    """

    numbers: npt.NDArray[np.float32]
    first: npt.NDArray[np.int64]
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int]:
        """Samples and features."""
        return len(self.numbers), len(self.low)

    def some(self, rows: npt.NDArray[Any] | slice) -> "Ramped":
        """Return some of the samples."""
        return self._replace(numbers=self.numbers[rows])

    def written_out(self, rows: npt.NDArray[np.int64] | slice) -> npt.NDArray[np.float32]:
        """Return some of the samples as float32, shape (rows, features)."""
        columns = len(self.first) - 1
        own = np.repeat(np.arange(columns), np.diff(self.first))
        place, value = (self.numbers[rows][:, start + own] for start in (0, columns))
        number = 1 + np.arange(len(own)) - self.first[own]
        found = np.where(number == place, value, np.where(number < place, self.high, self.low))
        return np.where(place == 0, np.float32(0), found)

    def checked(self) -> "Ramped":
        """Return these as arrays that the kernels take.

        Raises
        ------
        ValueError
            If they do not fit each other.
        """
        kinds = (np.float32, np.int64, np.float32, np.float32)
        own = Ramped(*(np.ascontiguousarray(part, kind) for part, kind in zip(self, kinds, strict=True)))
        ramps = np.diff(own.first)
        fits = own.first.ndim == own.low.ndim == 1 and own.low.shape == own.high.shape and own.numbers.ndim == 2
        fits = fits and len(ramps) > 0 and own.numbers.shape[1] == 2 * len(ramps) and ramps.min() >= 0
        if not fits or ramps.max() > MOST or own.first[0] != 0 or own.first[-1] != len(own.low):
            raise ValueError("numbers and ramps of columns do not fit each other")
        return own
