"""Compiled loops over the rows of a batch: samples in, float32 to and from how rows are stored, probabilities out."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.extending import overload

from truly_sparse.engine.compiled import COMPILED, INLINED, INNER
from truly_sparse.engine.libm import exp
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.vector import (
    add,
    load,
    load_bytes,
    load_pair,
    multiply,
    prefetch,
    splat,
    store,
    store_pair,
    transpose,
)

#: Bytes of a line of the cache, and how far ahead lines of a sample are asked for: a batch has more of them than the
#: processor follows by itself.
LINE, AHEAD = 64, 64


def put_features(block, turn, rows, start, features, batch):
    """Write 16 samples of up to 16 features into their rows; compiled code only.

    ``block[256 turn:]`` holds them as [feature][sample]. bfloat16 rows wait for the second of two blocks (turn 1).
    """
    raise NotImplementedError


@overload(put_features, jit_options=INLINED)
def _put_features(block, turn, rows, start, features, batch):
    del block, turn, start, features, batch
    if rows.dtype == types.uint16:

        def put_halves(block, turn, rows, start, features, batch):
            if turn == 1:
                for f in range(features):
                    even, odd = load(block, LANES * f, LANES), load(block, LANES * (LANES + f), LANES)
                    store_pair(even, odd, rows, start - LANES + f * batch)

        return put_halves

    def put_singles(block, turn, rows, start, features, batch):
        for f in range(features):
            store(load(block, LANES * (turn * LANES + f), LANES), rows, start + f * batch)

    return put_singles


class Bytes(NamedTuple):
    """Samples of bytes: uint8 `values` [sample][feature], each of which stands for value * scale + shift (float32)."""

    values: npt.NDArray[np.uint8]
    scale: npt.NDArray[np.float32]
    shift: npt.NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples and features."""
        return self.values.shape


#: What a network is shown, [sample][feature].
Samples = npt.NDArray[np.float32] | Bytes


def taken(x: Samples, rows: npt.NDArray[np.int64] | slice) -> npt.NDArray[np.float32]:
    """Return some rows of samples as float32."""
    if isinstance(x, Bytes):
        return x.values[rows] * x.scale + x.shift
    return x[rows]


def take_features(x, sample, features, left, some, block, here):
    """Write `some` features from `left` on of a sample to ``block[here:]``; compiled code only."""
    raise NotImplementedError


@overload(take_features, jit_options=INLINED)
def _take_features(x, sample, features, left, some, block, here):
    del sample, features, left, some, block, here
    if isinstance(x, types.Array):

        def take_floats(x, sample, features, left, some, block, here):
            if some == LANES:
                store(load(x, sample * features + left, LANES), block, here)
            else:
                for f in range(some):
                    block[here + f] = x[sample, left + f]

        return take_floats

    def take_bytes(x, sample, features, left, some, block, here):
        if left % LINE == 0:
            prefetch(x.values, sample * features + left + AHEAD, ())
        if some == LANES:
            bytes_ = load_bytes(x.values, sample * features + left)
            store(add(multiply(bytes_, load(x.scale, left, LANES)), load(x.shift, left, LANES)), block, here)
        else:
            for f in range(some):
                block[here + f] = np.float32(x.values[sample, left + f]) * x.scale[left + f] + x.shift[left + f]

    return take_bytes


@njit(**INNER)
def gather_batch(x, order, start, count, batch, features, pointers, rows, block):
    """Copy samples order[start:start+count] of x [sample][feature] into `rows` [feature][batch], padded with zeros.

    Where 16 features have no link (`pointers`, as in `graph.Arrays`), nobody reads them and nothing is copied. `block`
    is room for 512 float32: 16 samples of 16 features at a time are transposed there.
    """
    for left in range(0, features, LANES):
        some = LANES if left + LANES <= features else features - left
        if pointers[left] == pointers[left + some]:
            continue
        for first in range(0, batch, LANES):
            turn = first // LANES % 2
            for b in range(LANES):
                here = LANES * (turn * LANES + b)
                if first + b >= count:
                    store(splat(np.float32(0), LANES), block, here)
                else:
                    take_features(x, order[start + first + b], features, left, some, block, here)
            transpose(block, LANES * LANES * turn)
            put_features(block, turn, rows, left * batch + first, some, batch)


@njit(cache=True, **COMPILED)
def softmax_rows(rows, classes, batch):
    """Replace logits [class][batch] by softmax probabilities, in place."""
    for b in range(batch):
        top = rows[b]
        for c in range(1, classes):
            if rows[c * batch + b] > top:
                top = rows[c * batch + b]
        total = np.float32(0.0)
        for c in range(classes):
            e = exp(rows[c * batch + b] - top)
            rows[c * batch + b] = e
            total += e
        for c in range(classes):
            rows[c * batch + b] /= total


def unpack(rows, start, out, count):
    """Copy the `count` values of the row at `start` to `out`, as float32; compiled code only."""
    raise NotImplementedError


@overload(unpack, jit_options=INLINED)
def _unpack(rows, start, out, count):
    del start, out, count
    if rows.dtype == types.uint16:

        def unpack_halves(rows, start, out, count):
            for pair in range(0, count, 2 * LANES):
                even, odd = load_pair(rows, start + pair)
                store(even, out, pair)
                store(odd, out, pair + LANES)

        return unpack_halves

    def unpack_singles(rows, start, out, count):
        for vector in range(0, count, LANES):
            store(load(rows, start + vector, LANES), out, vector)

    return unpack_singles


def pack(values, first, rows, start, count):
    """Write the `count` float32 values from `first` on into the row at `start`; compiled code only."""
    raise NotImplementedError


@overload(pack, jit_options=INLINED)
def _pack(values, first, rows, start, count):
    del values, first, start, count
    if rows.dtype == types.uint16:

        def pack_halves(values, first, rows, start, count):
            for pair in range(0, count, 2 * LANES):
                even, odd = load(values, first + pair, LANES), load(values, first + pair + LANES, LANES)
                store_pair(even, odd, rows, start + pair)

        return pack_halves

    def pack_singles(values, first, rows, start, count):
        for vector in range(0, count, LANES):
            store(load(values, first + vector, LANES), rows, start + vector)

    return pack_singles
