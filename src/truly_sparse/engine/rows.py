"""Compiled loops over the rows of a batch: samples in, float32 to and from how rows are stored, probabilities out."""

from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.extending import overload

from truly_sparse.engine.compiled import INLINED, INNER
from truly_sparse.engine.libm import exp
from truly_sparse.engine.pieces import Pieces
from truly_sparse.engine.ramped import Ramped
from truly_sparse.engine.registers import LANES, LINE
from truly_sparse.engine.vector import (
    add,
    below,
    copy_line,
    copy_numbers,
    load,
    load_bytes,
    load_pair,
    multiply,
    prefetch,
    select,
    splat,
    store,
    store_pair,
    transpose,
)

#: How many lines ahead a sample is asked for: a batch has more samples than the processor follows by itself.
AHEAD = 2


class Numbers(NamedTuple):
    """Samples as the kernels take them: float32 `values` [sample][feature]."""

    values: npt.NDArray[np.float32]


class Bytes(NamedTuple):
    """Samples of bytes: uint8 `values` [sample][feature], each of which stands for value * scale + shift (float32)."""

    values: npt.NDArray[np.uint8]
    scale: npt.NDArray[np.float32]
    shift: npt.NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples and features."""
        return self.values.shape


class NonZeros(NamedTuple):
    """Samples of which only what is not 0 is kept, as in a CSR matrix.

    Sample s has `values` (float32) in `features` (int32, ascending), those from ``begins[s]`` up to ``ends[s]``
    (int64), and 0 in all others of its `width` features. Samples may lie in any order and be left out: to choose some
    is to choose of `begins` and `ends`.
    """

    values: npt.NDArray[np.float32]
    features: npt.NDArray[np.int32]
    begins: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    width: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples and features."""
        return len(self.begins), self.width


#: What a network is shown, [sample][feature].
Samples = npt.NDArray[np.float32] | Bytes | Ramped | NonZeros | Pieces
Kind = TypeVar("Kind")


def chosen(x: Kind, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice) -> Kind:
    """Return some rows of samples as they are."""
    own: Any = x
    if isinstance(own, Ramped):
        own = own.some(rows)
    elif isinstance(own, NonZeros):
        own = own._replace(begins=own.begins[rows], ends=own.ends[rows])
    else:
        own = own._replace(values=own.values[rows]) if isinstance(own, Bytes) else own[rows]
    return cast(Kind, own)


def taken(x: Samples, rows: npt.NDArray[np.int64] | slice) -> npt.NDArray[np.float32]:
    """Return some rows of samples as float32, dense.

    Raises
    ------
    TypeError
        For `Pieces`.
    """
    if isinstance(x, Pieces):
        raise TypeError("samples that are made piece by piece are never all there")
    if isinstance(x, Bytes):
        return x.values[rows] * x.scale + x.shift
    if isinstance(x, Ramped):
        return x.written_out(rows)
    if isinstance(x, NonZeros):
        own = chosen(x, rows)
        found = np.zeros(own.shape, np.float32)
        for row, begin, end in zip(found, own.begins, own.ends, strict=True):
            row[x.features[begin:end]] = x.values[begin:end]
        return found
    return x[rows]


def sixteen(x, feature, block, at, count):
    """Return a feature of the 16 samples at ``block[at:]``, zero but for the first `count`; compiled code only."""
    raise NotImplementedError


@overload(sixteen, jit_options=INLINED)
def _sixteen(x, feature, block, at, count):
    del feature, block, at, count
    if x.instance_class is Numbers:

        def sixteen_floats(x, feature, block, at, count):  # noqa: ARG001
            return select(below(count, LANES), load(block, at, LANES), splat(np.float32(0), LANES))

        return sixteen_floats

    def sixteen_bytes(x, feature, block, at, count):
        scaled = multiply(load_bytes(block, at), splat(x.scale[feature], LANES))
        shifted = add(scaled, splat(x.shift[feature], LANES))
        return select(below(count, LANES), shifted, splat(np.float32(0), LANES))

    return sixteen_bytes


def put_feature(x, feature, block, at, count, batch, rows):
    """Write the row of a feature, whose samples lie at ``block[at:]``, 16 every 16 lines; compiled code only."""
    raise NotImplementedError


@overload(put_feature, jit_options=INLINED)
def _put_feature(x, feature, block, at, count, batch, rows):
    del x, feature, block, at, count, batch
    if rows.dtype == types.uint16:

        def put_halves(x, feature, block, at, count, batch, rows):
            for first in range(0, batch, 2 * LANES):
                even = sixteen(x, feature, block, at + LINE * first, count - first)
                odd = sixteen(x, feature, block, at + LINE * (first + LANES), count - first - LANES)
                store_pair(even, odd, rows, feature * batch + first)

        return put_halves

    def put_singles(x, feature, block, at, count, batch, rows):
        for first in range(0, batch, LANES):
            store(sixteen(x, feature, block, at + LINE * first, count - first), rows, feature * batch + first)

    return put_singles


@njit(**INNER)
def gather_batch(x, order, start, count, batch, features, pointers, rows, block):
    """Copy samples order[start:start+count] of x [sample][feature] into `rows` [feature][batch], padded with zeros.

    A line of the cache of each sample is taken at a time and transposed in `block`, where `batch` lines have room.
    Features without links (`pointers`, as in `graph.Arrays`) are left out: nobody reads them.
    """
    numbers = x.values
    width = LINE // numbers.itemsize
    for left in range(0, features, width):
        some = min(width, features - left)
        if pointers[left] == pointers[left + some]:
            continue
        for first in range(0, batch, LANES):
            for b in range(first, min(first + LANES, count)):
                here = order[start + b] * features + left
                prefetch(numbers, here + AHEAD * width, ())
                if here + width <= numbers.size:
                    copy_line(numbers, here, block, LINE * b)
                else:  # elsewhere the line runs over into the next sample, which is no harm
                    copy_numbers(numbers, here, block, LINE * b, some)
            transpose(block, LINE * first, numbers)
        for f in range(some):
            if pointers[left + f] != pointers[left + f + 1]:
                here = f % LANES * LINE + f // LANES * LANES
                put_feature(x, left + f, block, here, count, batch, rows)


@njit(**INNER)
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


def own_row(rows, start, own, count):
    """Return where in `own` the `count` values of the row at ``rows[start:]`` stand in float32; compiled code only.

    float32 rows are `own` themselves, bfloat16 ones are unpacked to its beginning.
    """
    raise NotImplementedError


@overload(own_row, jit_options=INLINED)
def _own_row(rows, start, own, count):
    del start, own, count
    if rows.dtype == types.uint16:

        def own_halves(rows, start, own, count):
            for pair in range(0, count, 2 * LANES):
                even, odd = load_pair(rows, start + pair)
                store(even, own, pair)
                store(odd, own, pair + LANES)
            return 0

        return own_halves

    def own_singles(rows, start, own, count):  # noqa: ARG001
        return start

    return own_singles


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
