"""Compiled loops that write the rows of ramps by comparisons, to the same bits as from samples written out."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.extending import overload

from truly_sparse.engine.compiled import INLINED, INNER
from truly_sparse.engine.ramped import Ramped
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.rows import Bytes, Numbers
from truly_sparse.engine.rows import gather_batch as gather_written_out
from truly_sparse.engine.team import leads, share
from truly_sparse.engine.vector import put_ramp

Room = tuple[()] | tuple[npt.NDArray[Any], npt.NDArray[np.int64]]


def room_for(x: Numbers | Bytes | Ramped, rows: npt.NDArray[Any], batch: int) -> Room:
    """Return memory that `gather_batch` takes for a batch of samples x, which is written to `rows`."""
    if not isinstance(x, Ramped):
        return ()
    numbers = x.numbers.shape[1]
    return np.empty(numbers * batch, rows.dtype), np.arange(numbers + 1)


@njit(**INNER)
def gather_batch(x, room, order, start, count, batch, features, pointers, rows, lines, team):
    """Write samples order[start:start+count] of x to the rows of their features; see `rows.gather_batch`.

    Each thread of a `team` writes some columns of ramps; other samples are left to the first.
    """
    _write(x, room, order, start, count, batch, features, pointers, rows, lines, team)


def _write(x, room, order, start, count, batch, features, pointers, rows, lines, team):
    raise NotImplementedError


@overload(_write, jit_options=INLINED)
def _write_of(x, room, order, start, count, batch, features, pointers, rows, lines, team):
    del room, order, start, count, batch, features, pointers, rows, lines, team
    if x.instance_class is Ramped:

        def write_ramps(x, room, order, start, count, batch, features, pointers, rows, lines, team):  # noqa: ARG001
            numbers, every = room
            columns = x.first.shape[0] - 1
            gather_written_out(Numbers(x.numbers), order, start, count, batch, 2 * columns, every, numbers, lines)
            begin, end = share(team, x.first, 0, columns)
            for column in range(begin, end):
                for feature in range(x.first[column], x.first[column + 1]):
                    if pointers[feature] != pointers[feature + 1]:
                        write_ramp(x, column, feature, numbers, batch, rows, feature * batch)

        return write_ramps

    def write_others(x, room, order, start, count, batch, features, pointers, rows, lines, team):  # noqa: ARG001
        if leads(team):
            gather_written_out(x, order, start, count, batch, features, pointers, rows, lines)

    return write_others


@njit(**INLINED)
def write_ramp(x, column, feature, numbers, batch, rows, start):
    """Write the row of a column's ramp to ``rows[start:]``; `numbers` are those of the samples, [number][batch]."""
    place, value = column * batch, (x.first.shape[0] - 1 + column) * batch
    number = np.float32(1 + feature - x.first[column])
    for left in range(0, batch, _width(rows)):
        put_ramp(numbers, place + left, value + left, number, x.low[feature], x.high[feature], rows, start + left)


def _width(rows):
    """Return how many samples `put_ramp` writes; compiled code only."""
    raise NotImplementedError


@overload(_width, jit_options=INLINED)
def _width_of(rows):
    samples = 2 * LANES if rows.dtype == types.uint16 else LANES
    return lambda rows: samples  # noqa: ARG005
