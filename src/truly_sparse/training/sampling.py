"""Samplers: which rows an epoch trains on, in which order."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

Order = npt.NDArray[np.int64]


def rows_of_bag(rows: int, fraction: float) -> int:
    """Return how many of so many rows a part of them is, at least one."""
    return max(1, round(fraction * rows))


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
