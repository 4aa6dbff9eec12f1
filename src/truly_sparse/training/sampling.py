"""Samplers: which rows an epoch trains on, in which order."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

Order = npt.NDArray[np.int64]


class Sampler(Protocol):
    """Draws the order of an epoch.

    Attributes
    ----------
    size : int
        Rows of an epoch.
    """

    size: int

    def order(self, rng: np.random.Generator) -> Order:
        """Draw the rows of one epoch, int64, shape (size,)."""


class Shuffled:
    """Every row once."""

    def __init__(self, rows: int) -> None:
        self.size = rows

    def order(self, rng: np.random.Generator) -> Order:
        """Draw one epoch; see `Sampler.order`."""
        return rng.permutation(self.size)


class Weighted:
    """Rows as often as their weights say.

    Parameters
    ----------
    weights : ndarray, shape (rows,)
        Above 0.

    Attributes
    ----------
    size : int
        Rows of an epoch: the sum of whole-numbered weights, the number of rows otherwise.
    """

    def __init__(self, weights: npt.NDArray[np.float64]) -> None:
        whole = bool((weights == np.round(weights)).all())
        self.size = round(weights.sum()) if whole else len(weights)
        self._ends = np.cumsum(weights)

    def order(self, rng: np.random.Generator) -> Order:
        """Draw one epoch: systematic sampling along the weights, in random order, int64, shape (size,)."""
        places = rng.permutation(self.size)
        if self.size == len(self._ends) == self._ends[-1]:
            return places
        position = (places + rng.random()) * (self._ends[-1] / self.size)
        return np.minimum(np.searchsorted(self._ends, position, side="right"), len(self._ends) - 1)
