"""Register-blocked row kernels, written as LLVM vector code.

A *row* is the values of one neuron for a whole batch, contiguous in memory: the batch is the vector.
One call handles a tile of ``16 * len(tile)`` samples; ``tile`` is a tuple of zeros whose length is the number of
16-lane vectors kept in registers, so that its type, not its value, selects the code. LLVM lowers a
16-lane vector to whatever the processor has (one AVX-512, two AVX2 or four SSE registers).

The three kernels are called from :mod:`truly_sparse.engine.kernels` inside compiled loops. They check nothing:
indices must be in range, which the loader and the topology code guarantee.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

LANES = 16

_F32 = ir.FloatType()
_I16 = ir.IntType(16)
_I32 = ir.IntType(32)
_VEC = ir.VectorType(_F32, LANES)
_IVEC = ir.VectorType(_I32, LANES)
_UPPER = 0xFFFF0000


def _constant(value: int) -> Any:
    return ir.Constant(_IVEC, [value] * LANES)


def _data(context: Any, builder: Any, array_type: Any, value: Any) -> Any:
    return context.make_array(array_type)(context, builder, value).data


def _splat(builder: Any, scalar: Any, vector_type: Any) -> Any:
    zero = ir.Constant(_I32, 0)
    one = builder.insert_element(ir.Constant(vector_type, ir.Undefined), scalar, zero)
    return builder.shuffle_vector(
        one, ir.Constant(vector_type, ir.Undefined), ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES)
    )


def _pointer(builder: Any, data: Any, offset: Any, vector: int, element: Any = _VEC) -> Any:
    """Address of 16-lane vector number `vector` of the row that starts `offset` elements into `data`."""
    start = builder.add(offset, ir.Constant(offset.type, vector * LANES)) if vector else offset
    return builder.bitcast(builder.gep(data, [start]), element.as_pointer())


def _load_row(builder: Any, array_type: Any, data: Any, offset: Any, width: int) -> list[Any]:
    """Load the `width` vectors of a row, float32 or bfloat16, that starts `offset` elements into `data`."""
    if array_type.dtype != types.uint16:
        return [builder.load(_pointer(builder, data, offset, v), align=4, typ=_VEC) for v in range(width)]
    vectors = []
    for pair in range(0, width, 2):
        words = builder.load(_pointer(builder, data, offset, pair, _IVEC), align=4, typ=_IVEC)
        vectors.append(builder.bitcast(builder.shl(words, _constant(16)), _VEC))
        vectors.append(builder.bitcast(builder.and_(words, _constant(_UPPER)), _VEC))
    return vectors


def _store_row(builder: Any, array_type: Any, data: Any, offset: Any, vectors: list[Any]) -> None:
    """Store the vectors of a row; bfloat16 is rounded to the nearest, to even where two are as near."""
    if array_type.dtype != types.uint16:
        for v, vector in enumerate(vectors):
            builder.store(vector, _pointer(builder, data, offset, v), align=4)
        return
    rounded = []
    for vector in vectors:
        bits = builder.bitcast(vector, _IVEC)
        odd = builder.and_(builder.lshr(bits, _constant(16)), _constant(1))
        rounded.append(builder.add(builder.add(bits, _constant(0x7FFF)), odd))
    for pair in range(0, len(vectors), 2):
        lower = builder.lshr(rounded[pair], _constant(16))
        words = builder.or_(lower, builder.and_(rounded[pair + 1], _constant(_UPPER)))
        builder.store(words, _pointer(builder, data, offset, pair, _IVEC), align=4)


def _multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    # fmuladd, not fma: without the instruction, fma would call a library function per lane.
    kind = ir.FunctionType(_VEC, [_VEC] * 3)
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.fmuladd.v16f32")
    return builder.call(function, [a, b, c])


def _row_offset(builder: Any, index: Any, stride: Any, base: Any) -> Any:
    return builder.add(base, builder.mul(builder.sext(index, stride.type), stride))


def _mix(builder: Any, counter: Any, key: Any) -> Any:
    """Hash 16 counters under a 64-bit key to 16 uniform 32-bit integers (see `dropout.mix`)."""

    low = _splat(builder, builder.trunc(key, _I32), _IVEC)
    high = _splat(builder, builder.trunc(builder.lshr(key, ir.Constant(key.type, 32)), _I32), _IVEC)
    x = builder.xor(builder.mul(counter, _constant(0x9E3779B1)), low)
    x = builder.xor(x, builder.lshr(x, _constant(16)))
    x = builder.add(builder.mul(x, _constant(0x7FEB352D)), high)
    x = builder.xor(x, builder.lshr(x, _constant(15)))
    x = builder.mul(x, _constant(0x846CA68B))
    return builder.xor(x, builder.lshr(x, _constant(16)))


def _store_bits(builder: Any, bits: Any, offset: Any, vector: int, mask: Any) -> None:
    index = builder.add(builder.udiv(offset, ir.Constant(offset.type, LANES)), ir.Constant(offset.type, vector))
    builder.store(builder.bitcast(mask, _I16), builder.gep(bits, [index]))


def _load_bits(builder: Any, bits: Any, offset: Any, vector: int) -> Any:
    index = builder.add(builder.udiv(offset, ir.Constant(offset.type, LANES)), ir.Constant(offset.type, vector))
    return builder.bitcast(builder.load(builder.gep(bits, [index])), ir.VectorType(ir.IntType(1), LANES))


@intrinsic
def forward_row(
    typingctx, tile, x, x_base, stride, index, position, values, start, stop, bias,
    out_offset, logits, logits_offset, hidden, slope, counter, key, threshold, scale, positive, kept,
):  # fmt: skip
    """Sum the incoming links of one neuron; on hidden layers also apply slope and dropout.

    ``z[row] = bias + sum_k values[position[k]] * x[x_base + index[k] * stride + row]`` for k in [start, stop).
    If `hidden`, z becomes z (z > 0) or slope * z, is dropped where the hash is below `threshold`, scaled by `scale`
    elsewhere, and stored in `x` at `out_offset`; the two masks are stored as bits (`positive`, `kept`) for the way
    back. Otherwise z is stored in `logits`, always float32.
    """
    del typingctx
    width = len(tile)
    signature = types.void(
        tile, x, types.int64, types.int64, index, position, values, types.int64, types.int64, types.float32,
        types.int64, logits, types.int64, types.boolean, types.float32, types.uint32, types.uint64, types.uint32,
        types.float32, positive, kept,
    )  # fmt: skip

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = {i: _data(context, builder, sig.args[i], args[i]) for i in (1, 4, 5, 6, 11, 19, 20)}
        x_base, stride = args[2:4]
        start, stop, bias, out_offset = args[7:11]
        logits_offset, hidden, slope, counter, key, threshold, scale = args[12:19]
        sums = [cgutils.alloca_once(builder, _VEC) for _ in range(width)]
        first = _splat(builder, bias, _VEC)
        for cell in sums:
            builder.store(first, cell)
        with cgutils.for_range_slice(builder, start, stop, ir.Constant(start.type, 1)) as (k, _):
            row = _row_offset(builder, builder.load(builder.gep(data[4], [k])), stride, x_base)
            where = builder.sext(builder.load(builder.gep(data[5], [k])), k.type)
            weight = _splat(builder, builder.load(builder.gep(data[6], [where])), _VEC)
            for cell, vector in zip(sums, _load_row(builder, sig.args[1], data[1], row, width), strict=True):
                builder.store(_multiply_add(builder, weight, vector, builder.load(cell)), cell)
        with builder.if_else(hidden) as (activated, raw):
            with activated:
                zero = ir.Constant(_VEC, [0.0] * LANES)
                lanes = ir.Constant(_IVEC, list(range(LANES)))
                slopes, scales = _splat(builder, slope, _VEC), _splat(builder, scale, _VEC)
                limit = _splat(builder, threshold, _IVEC)
                results = []
                for vector, cell in enumerate(sums):
                    z = builder.load(cell)
                    is_positive = builder.fcmp_ordered(">", z, zero)
                    h = builder.select(is_positive, z, builder.fmul(z, slopes))
                    base = builder.add(counter, ir.Constant(_I32, vector * LANES))
                    drawn = _mix(builder, builder.add(_splat(builder, base, _IVEC), lanes), key)
                    is_kept = builder.icmp_unsigned(">=", drawn, limit)
                    results.append(builder.select(is_kept, builder.fmul(h, scales), zero))
                    _store_bits(builder, data[19], out_offset, vector, is_positive)
                    _store_bits(builder, data[20], out_offset, vector, is_kept)
                _store_row(builder, sig.args[1], data[1], out_offset, results)
            with raw:
                _store_row(builder, sig.args[11], data[11], logits_offset, [builder.load(cell) for cell in sums])
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def backward_row(
    typingctx, tile, delta, delta_base, stride, x, x_offset, index, values, velocity, gradient, start, stop,
    first, last, eta, momentum, decay, hidden, slope, scale, positive, kept, bias_gradient, bias,
):  # fmt: skip
    """Pass the error of one neuron's outgoing links back, and update those links, in one sweep.

    For link k in [start, stop) with target row d = delta[delta_base + index[k] * stride]: the error of this neuron
    gains values[k] * d, and the gradient of the link is <x, d>. With `last`, velocity and value are updated
    (v <- momentum v - eta g; w <- w + v - decay w) after the old value was used; without, the partial gradient of
    this tile is kept in `gradient` (`first` overwrites it). If `hidden`, the summed error is multiplied by the
    activation's slope and the dropout scale, stored in `delta` at `x_offset`, and its sum over the samples (before any
    rounding) goes to `bias_gradient[bias]`.
    """
    del typingctx
    width = len(tile)
    signature = types.void(
        tile, delta, types.int64, types.int64, x, types.int64, index, values, velocity, gradient, types.int64,
        types.int64, types.boolean, types.boolean, types.float32, types.float32, types.float32, types.boolean,
        types.float32, types.float32, positive, kept, bias_gradient, types.int64,
    )  # fmt: skip

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = {i: _data(context, builder, sig.args[i], args[i]) for i in (1, 4, 6, 7, 8, 9, 20, 21, 22)}
        delta_base, stride, x_offset, start, stop, first, last = (args[i] for i in (2, 3, 5, 10, 11, 12, 13))
        eta, momentum, decay, hidden, slope, scale = args[14:20]
        sums = [cgutils.alloca_once(builder, _VEC) for _ in range(width)]
        for cell in sums:
            builder.store(ir.Constant(_VEC, [0.0] * LANES), cell)
        own = _load_row(builder, sig.args[4], data[4], x_offset, width)
        reduce_add = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_F32, [_F32, _VEC]), "llvm.vector.reduce.fadd.v16f32"
        )
        with cgutils.for_range_slice(builder, start, stop, ir.Constant(start.type, 1)) as (k, _):
            row = _row_offset(builder, builder.load(builder.gep(data[6], [k])), stride, delta_base)
            value_at = builder.gep(data[7], [k])
            value = builder.load(value_at)
            weight = _splat(builder, value, _VEC)
            chains: list[Any] = []
            errors = _load_row(builder, sig.args[1], data[1], row, width)
            for vector, (cell, d) in enumerate(zip(sums, errors, strict=True)):
                builder.store(_multiply_add(builder, weight, d, builder.load(cell)), cell)
                if vector < 2:
                    chains.append(builder.fmul(own[vector], d))
                else:
                    chains[vector % 2] = _multiply_add(builder, own[vector], d, chains[vector % 2])
            total = chains[0] if width == 1 else builder.fadd(chains[0], chains[1])
            part = builder.call(reduce_add, [ir.Constant(_F32, 0.0), total], fastmath=("reassoc",))
            gradient_at = cgutils.alloca_once_value(builder, part)
            with builder.if_then(builder.not_(first), likely=False):
                before = builder.load(builder.gep(data[9], [k]))
                builder.store(builder.fadd(builder.load(gradient_at), before), gradient_at)
            with builder.if_else(last, likely=True) as (update, keep):
                with update:
                    velocity_at = builder.gep(data[8], [k])
                    pulled = builder.fmul(eta, builder.load(gradient_at))
                    speed = builder.fsub(builder.fmul(momentum, builder.load(velocity_at)), pulled)
                    moved = builder.fsub(builder.fadd(value, speed), builder.fmul(decay, value))
                    builder.store(speed, velocity_at)
                    builder.store(moved, value_at)
                with keep:
                    builder.store(builder.load(gradient_at), builder.gep(data[9], [k]))
        with builder.if_then(hidden):
            one = ir.Constant(_VEC, [1.0] * LANES)
            zero = ir.Constant(_VEC, [0.0] * LANES)
            slopes, scales = _splat(builder, slope, _VEC), _splat(builder, scale, _VEC)
            results = []
            for vector, cell in enumerate(sums):
                factor = builder.select(_load_bits(builder, data[20], x_offset, vector), one, slopes)
                error = builder.fmul(builder.fmul(builder.load(cell), factor), scales)
                results.append(builder.select(_load_bits(builder, data[21], x_offset, vector), error, zero))
            _store_row(builder, sig.args[1], data[1], x_offset, results)
            total = results[0]
            for error in results[1:]:
                total = builder.fadd(total, error)
            bias_at = builder.gep(data[22], [args[23]])
            before = builder.select(first, ir.Constant(_F32, 0.0), builder.load(bias_at))
            builder.store(builder.call(reduce_add, [before, total], fastmath=("reassoc",)), bias_at)
        return context.get_dummy_value()

    return signature, codegen
