"""Samples that are made piece by piece, so that all of them never lie in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from truly_sparse.engine.rows import Samples

Order = npt.NDArray[np.int64]


class Pieces(ABC):
    """Samples [sample][feature] that something makes when they are asked for, the same ones each time.

    Attributes
    ----------
    shape : (int, int)
        Samples and features.
    """

    shape: tuple[int, int]

    @abstractmethod
    def __getitem__(self, rows: Any) -> Pieces:
        """Return some of the samples."""

    @abstractmethod
    def made(self, order: Order, unit: int) -> Iterator[Samples]:
        """Yield the samples of `order`, in pieces of whole units of so many samples, and last what is left.

        A piece may be overwritten as soon as the next one is asked for.
        """


class Part(NamedTuple):
    """A stretch of an epoch: its samples, their classes, where they are in order, and the first of its steps."""

    x: Samples
    y: npt.NDArray[np.int64]
    order: Order
    first: int


def parts(x: Samples, y: npt.NDArray[np.int64], order: Order, batch: int) -> Iterator[Part]:
    """Yield the parts of an epoch: all of it where samples are in memory, else one for each piece that is made."""
    if not isinstance(x, Pieces):
        yield Part(x, y, order, 0)
        return
    done = 0
    for piece in x.made(order[: len(order) // batch * batch], batch):
        yield Part(piece, y[order[done : done + piece.shape[0]]], np.arange(piece.shape[0]), done // batch)
        done += piece.shape[0]
