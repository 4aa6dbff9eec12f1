"""Vectors of float32 in registers, for compiled loops: load, splat, multiply-add, select, sum, store.

A *row* is the values of one neuron for a whole batch, contiguous in memory: the batch is the vector. Its unit is the
vector of 16 lanes, one sample a lane; LLVM lowers it to whatever the processor has. A loop with more vectors alive than
the registers hold takes the two *parts* of 8 lanes one after the other (AVX2: 16 registers of 8 lanes). Lanes meet
only where a gradient is summed, in a stated order, so that the bits are the same on every processor.

float32 rows hold their vectors one after the other. bfloat16 rows (uint16) hold them in pairs: word i of 16 has lane i
of the even vector in its lower half and of the odd one in its upper half, so that unpacking moves no lane.
Vectors of a row stand in a tuple; its length is a matter of type, so that loops over it are unrolled.

The operations check nothing: offsets must be in range.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from truly_sparse.engine.registers import (
    F32,
    GATHERS,
    I32,
    I64,
    LANES,
    LINE,
    PART,
    PARTS,
    UPPER,
    Code,
    Vector,
    operation,
)


def _single(number: float) -> float:
    """Return the float32 next to a number."""
    return float(np.float32(number))


@intrinsic(prefer_literal=True)
def load(typingctx, array, offset, lanes):
    """Return the vector of `lanes` float32 at ``array[offset:]``."""
    kind = Vector(lanes.literal_value)
    return operation(kind, (array, types.int64, lanes), lambda code, _, at, __: code.load(0, at, kind.llvm))


@intrinsic
def load_bytes(typingctx, array, offset):
    """Return the 16 bytes at ``array[offset:]`` as float32."""
    kind = Vector(LANES)
    bytes_ = ir.VectorType(ir.IntType(8), LANES)

    def write(code: Code, _: Any, at: Any) -> Any:
        loaded = code.builder.load(code.address(0, at, bytes_), align=1, typ=bytes_)
        return code.builder.uitofp(loaded, kind.llvm)

    return operation(kind, (array, types.int64), write)


@intrinsic
def store_bytes(typingctx, vector, array, offset):
    """Store whole numbers from 0 to 255, of float32, as the 16 bytes at ``array[offset:]``."""
    bytes_ = ir.VectorType(ir.IntType(8), LANES)

    def write(code: Code, numbers: Any, _: Any, at: Any) -> None:
        code.builder.store(code.builder.fptoui(numbers, bytes_), code.address(1, at, bytes_), align=1)

    return operation(types.void, (vector, array, types.int64), write)


@intrinsic
def store(typingctx, vector, array, offset):
    """Store a vector at ``array[offset:]``."""
    return operation(types.void, (vector, array, types.int64), lambda code, v, _, at: code.store(v, 1, at))


@intrinsic(prefer_literal=True)
def splat(typingctx, value, lanes):
    """Return a vector whose lanes are all `value`."""
    count = lanes.literal_value
    kind = Vector(count, str(value) if value == types.uint32 else "float32")
    return operation(kind, (value, lanes), lambda code, scalar, _: code.splat(scalar, count))


@intrinsic
def multiply(typingctx, a, b):
    """Return a * b."""
    return operation(a, (a, b), lambda code, x, y: code.builder.fmul(x, y))


@intrinsic
def add(typingctx, a, b):
    """Return a + b."""
    return operation(a, (a, b), lambda code, x, y: code.builder.fadd(x, y))


@intrinsic
def multiply_add(typingctx, a, b, c):
    """Return a * b + c, rounded once."""
    return operation(a, (a, b, c), lambda code, x, y, z: code.multiply_add(x, y, z))


@intrinsic
def subtract(typingctx, a, b):
    """Return a - b."""
    return operation(a, (a, b), lambda code, x, y: code.builder.fsub(x, y))


@intrinsic
def divide(typingctx, a, b):
    """Return a / b."""
    return operation(a, (a, b), lambda code, x, y: code.builder.fdiv(x, y))


@intrinsic
def square_root(typingctx, a):
    """Return the square root of a."""

    def write(code: Code, vector: Any) -> Any:
        kind = ir.FunctionType(vector.type, [vector.type])
        name = f"llvm.sqrt.v{vector.type.count}f32"
        return code.builder.call(cgutils.get_or_insert_function(code.builder.module, kind, name), [vector])

    return operation(a, (a,), write)


@intrinsic
def exponential(typingctx, a):
    """Return e to the power of a, for a from -87 to 88, to about 1e-7 of it (beyond these bounds: that of the bound).

    a = n log 2 + r with a whole n; a polynomial of r (Cephes, `expf`), times 2 to the power of n.
    """

    def write(code: Code, vector: Any) -> Any:
        b, kind, words = code.builder, vector.type, ir.VectorType(I32, vector.type.count)
        low, high = code.constant(kind, -87.0), code.constant(kind, 88.0)
        x = b.select(b.fcmp_ordered("<", vector, low), low, vector)
        x = b.select(b.fcmp_ordered(">", x, high), high, x)
        rounding = code.constant(kind, 12582912.0)  # leaves the nearest integer in the lowest bits
        shifted = code.multiply_add(x, code.constant(kind, _single(1.44269504088896341)), rounding)
        n = b.fsub(shifted, rounding)
        r = code.multiply_add(n, code.constant(kind, -0.693359375), x)
        r = code.multiply_add(n, code.constant(kind, _single(2.12194440e-4)), r)
        power = code.constant(kind, _single(1.9875691500e-4))
        for factor in (1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1.0, 1.0):
            power = code.multiply_add(power, r, code.constant(kind, _single(factor)))
        steps = b.sub(b.bitcast(shifted, words), b.bitcast(rounding, words))
        scale = b.bitcast(b.shl(b.add(steps, code.constant(words, 127)), code.constant(words, 23)), kind)
        return b.fmul(power, scale)

    return operation(a, (a,), write)


@intrinsic(prefer_literal=True)
def below(typingctx, count, lanes):
    """Return the mask of the first `count` of `lanes` lanes, of none where it is negative."""
    number = lanes.literal_value

    def write(code: Code, limit: Any, _: Any) -> Any:
        words = ir.VectorType(I32, number)
        every = code.splat(code.builder.trunc(limit, I32), number)
        return code.builder.icmp_signed("<", ir.Constant(words, list(range(number))), every)

    return operation(Vector(number, "bool"), (types.int64, lanes), write)


@intrinsic
def select(typingctx, mask, a, b):
    """Return a where the mask is set, b elsewhere."""
    return operation(a, (mask, a, b), lambda code, m, x, y: code.builder.select(m, x, y))


@intrinsic
def above_zero(typingctx, a):
    """Return the mask of the lanes above zero."""

    def write(code: Code, vector: Any) -> Any:
        return code.builder.fcmp_ordered(">", vector, code.constant(vector.type, 0.0))

    return operation(Vector(a.lanes, "bool"), (a,), write)


@intrinsic
def at_least(typingctx, a, b):
    """Return the mask of the lanes where the unsigned a is not below b."""
    kind = Vector(a.lanes, "bool")
    return operation(kind, (a, b), lambda code, x, y: code.builder.icmp_unsigned(">=", x, y))


@intrinsic
def at_most(typingctx, a, b):
    """Return the mask of the lanes where a is not above b; of what is not a number, too."""
    kind = Vector(a.lanes, "bool")
    return operation(kind, (a, b), lambda code, x, y: code.builder.fcmp_unordered("<=", x, y))


@intrinsic
def equal(typingctx, a, b):
    """Return the mask of the lanes where a is b."""
    kind = Vector(a.lanes, "bool")
    return operation(kind, (a, b), lambda code, x, y: code.builder.fcmp_ordered("==", x, y))


@intrinsic
def store_mask(typingctx, mask, words, index):
    """Store a mask of 16 lanes as ``words[index]``."""

    def write(code: Code, vector: Any, _: Any, at: Any) -> None:
        code.builder.store(code.builder.bitcast(vector, ir.IntType(16)), code.address(1, at, ir.IntType(16)))

    return operation(types.void, (mask, words, types.int64), write)


@intrinsic
def load_mask(typingctx, words, index):
    """Return the mask that `store_mask` stored."""
    kind = Vector(LANES, "bool")

    def write(code: Code, _: Any, at: Any) -> Any:
        return code.builder.bitcast(code.builder.load(code.address(0, at, ir.IntType(16))), kind.llvm)

    return operation(kind, (words, types.int64), write)


@intrinsic
def total(typingctx, a):
    """Return the sum of the lanes: i + i+8, then i + i+4, i + i+2, i + i+1."""

    def write(code: Code, vector: Any) -> Any:
        while vector.type.count > 1:
            vector = code.halves(vector)
        return code.builder.extract_element(vector, ir.Constant(I32, 0))

    return operation(types.float32, (a,), write)


@intrinsic
def totals_of_eight(typingctx, array, offset):
    """Return the sums of the eight vectors of 8 lanes at ``array[offset:]``, each in the order of `total`."""

    def write(code: Code, _: Any, at: Any) -> Any:
        vectors = [code.load(0, code.place(at, 8 * i), Vector(8).llvm) for i in range(8)]
        # Two vectors become one at each step: the lower halves of the sums from the first, the upper from the second.
        fours = [code.merge(vectors[i], vectors[i + 4], [0, 1, 2, 3, 8, 9, 10, 11], 4) for i in range(4)]
        twos = [code.merge(fours[i], fours[i + 1], [0, 1, 8, 9, 4, 5, 12, 13], 2) for i in (0, 2)]
        return code.merge(twos[0], twos[1], [0, 2, 8, 10, 4, 6, 12, 14], 1)

    return operation(Vector(8), (array, types.int64), write)


def _mixed(code: Code, x: Any, key: Any) -> Any:
    """Return the hashes of 16 counters under a 64-bit key (see `dropout.mix`)."""
    b, words = code.builder, x.type
    low = code.splat(b.trunc(key, I32), LANES)
    high = code.splat(b.trunc(b.lshr(key, ir.Constant(key.type, 32)), I32), LANES)
    x = b.xor(b.mul(x, code.constant(words, 0x9E3779B1)), low)
    x = b.xor(x, b.lshr(x, code.constant(words, 16)))
    x = b.add(b.mul(x, code.constant(words, 0x7FEB352D)), high)
    x = b.xor(x, b.lshr(x, code.constant(words, 15)))
    x = b.mul(x, code.constant(words, 0x846CA68B))
    return b.xor(x, b.lshr(x, code.constant(words, 16)))


@intrinsic
def hashed(typingctx, counter, key):
    """Return the hashes of counter, counter + 1, ... in 16 lanes under a 64-bit key (see `dropout.mix`)."""

    def write(code: Code, first: Any, key: Any) -> Any:
        ahead = ir.Constant(ir.VectorType(I32, LANES), list(range(LANES)))
        return _mixed(code, code.builder.add(code.splat(first, LANES), ahead), key)

    return operation(Vector(LANES, "uint32"), (types.uint32, types.uint64), write)


@intrinsic
def chosen(typingctx, counters, thresholds, offset, key):
    """Return 16 bits, as int64: whether the hash of ``counters[offset + i]`` lies below ``thresholds[offset + i]``, or
    that is the largest number there is. Both arrays are of uint32.
    """

    def write(code: Code, _: Any, __: Any, at: Any, key: Any) -> Any:
        b, words = code.builder, ir.VectorType(I32, LANES)
        limits = code.load(1, at, words)
        hashes = _mixed(code, code.load(0, at, words), key)
        always = b.icmp_unsigned("==", limits, code.constant(words, 2**32 - 1))
        bits = b.bitcast(b.or_(b.icmp_unsigned("<", hashes, limits), always), ir.IntType(LANES))
        return b.zext(bits, I64)

    return operation(types.int64, (counters, thresholds, types.int64, types.uint64), write)


@intrinsic
def lowest(typingctx, bits):
    """Return the number of the lowest bit that is set in an int64, which has one."""

    def write(code: Code, word: Any) -> Any:
        return code.builder.cttz(word, ir.Constant(ir.IntType(1), 1))

    return operation(types.int64, (types.int64,), write)


@intrinsic
def load_pair(typingctx, rows, start):
    """Return the even and the odd vector of the pair that starts ``rows[start:]``."""
    kind = types.UniTuple(Vector(LANES), 2)
    zero = ir.Constant(I64, 0)
    return operation(kind, (rows, types.int64), lambda code, _, at: code.pack(list(code.row(0, at, zero, LANES, 2))))


def _rounded(code: Code, number: Any) -> Any:
    """Return words whose upper halves are a float32, or a vector, in bfloat16, rounded to the nearest, or to even."""
    b, words = code.builder, I32 if number.type == F32 else ir.VectorType(I32, number.type.count)
    bits = b.bitcast(number, words)
    is_odd = b.and_(b.lshr(bits, code.constant(words, 16)), code.constant(words, 1))
    return b.add(b.add(bits, code.constant(words, 0x7FFF)), is_odd)


def _stored(code: Code, even: Any, odd: Any, rows: int) -> list[Any]:
    """Return a pair of vectors as the array of an argument keeps it."""
    if code.types[rows].dtype != types.uint16:
        return [even, odd]
    b, words = code.builder, ir.VectorType(I32, LANES)
    lower = b.lshr(_rounded(code, even), code.constant(words, 16))
    return [b.or_(lower, b.and_(_rounded(code, odd), code.constant(words, UPPER)))]


def _put_pair(even: Any, odd: Any, rows: Any, put: Any) -> tuple[Any, Any]:
    """Return what an intrinsic returns that puts a pair of vectors to ``rows[start:]`` by a way of `Code`."""

    def write(code: Code, first: Any, second: Any, _: Any, at: Any) -> None:
        for number, vector in enumerate(_stored(code, first, second, 2)):
            put(code, vector, 2, code.place(at, LANES * number))

    return operation(types.void, (even, odd, rows, types.int64), write)


@intrinsic
def as_kept(typingctx, vector, rows):
    """Return a vector as it is when it was kept in an array of such numbers: rounded, in float32."""

    def write(code: Code, v: Any, _: Any) -> Any:
        if rows.dtype != types.uint16:
            return v
        b, words = code.builder, ir.VectorType(I32, LANES)
        return b.bitcast(b.and_(_rounded(code, v), code.constant(words, UPPER)), v.type)

    return operation(vector, (vector, rows), write)


@intrinsic
def store_pair(typingctx, even, odd, rows, start):
    """Store a pair of vectors; bfloat16 is rounded to the nearest, to even where two are as near."""
    return _put_pair(even, odd, rows, Code.store)


@intrinsic
def stream_pair(typingctx, even, odd, rows, start):
    """Do what `store_pair` does, past the cache: for what has left it anyway when it is wanted."""
    return _put_pair(even, odd, rows, Code.stream)


@intrinsic
def copy_line(typingctx, numbers, offset, block, start):
    """Copy the line of the cache, 64 bytes, that begins at ``numbers[offset:]`` to the bytes at ``block[start:]``."""

    def write(code: Code, _: Any, there: Any, __: Any, at: Any) -> None:
        kind = ir.VectorType(ir.IntType(8), LINE)
        line = code.builder.load(code.address(0, there, kind), align=1, typ=kind)
        code.builder.store(line, code.address(2, at, kind), align=4)

    return operation(types.void, (numbers, types.int64, block, types.int64), write)


@intrinsic
def copy_numbers(typingctx, numbers, offset, block, start, count):
    """Copy ``numbers[offset : offset + count]`` to the bytes at ``block[start:]``."""

    def write(code: Code, _: Any, there: Any, __: Any, at: Any, many: Any) -> None:
        source, target = code.address(0, there, ir.IntType(8)), code.address(2, at, ir.IntType(8))
        cgutils.raw_memcpy(code.builder, target, source, many, numbers.dtype.bitwidth // 8)

    return operation(types.void, (numbers, types.int64, block, types.int64, types.int64), write)


@intrinsic
def transpose(typingctx, block, start, numbers):
    """Transpose the 16 lines of the bytes at ``block[start:]``, in place: 16 x 16 float32, or bytes, as `numbers` are.

    Bytes make four such squares side by side: number f of line s becomes number ``f // 16 * 16 + s`` of line f % 16.
    """
    bytes_ = numbers.dtype == types.uint8
    kind = ir.VectorType(ir.IntType(8), 4 * PART) if bytes_ else Vector(LANES).llvm
    exchange = _exchange_bytes if bytes_ else _exchange_lanes

    def write(code: Code, _: Any, at: Any, __: Any) -> None:
        for left in range(0, LINE, 4 * PART) if bytes_ else [0]:
            places = [code.place(at, LINE * i + left) for i in range(LANES)]
            vectors = exchange(code, [code.load(0, place, kind) for place in places])
            for place, vector in zip(places, vectors, strict=True):
                code.store(vector, 0, place)

    return operation(types.void, (block, types.int64, numbers), write)


def _exchange_lanes(code: Code, vectors: list[Any]) -> list[Any]:
    """Transpose: lanes whose number differs in one bit change places with the vectors whose number does, bit by bit."""
    for apart in (1, 2, 4, 8):
        lower = [lane if not lane & apart else lane - apart + LANES for lane in range(LANES)]
        upper = [lane + apart if not lane & apart else lane + LANES for lane in range(LANES)]
        for i in (i for i in range(LANES) if not i & apart):
            a, b = vectors[i], vectors[i + apart]
            vectors[i], vectors[i + apart] = code.shuffle(a, b, lower), code.shuffle(a, b, upper)
    return vectors


def _exchange_bytes(code: Code, vectors: list[Any]) -> list[Any]:
    """Transpose each square: four times, the bytes of a vector take turns with those of the eighth after it.

    Processors have an instruction for the lower halves of 16 bytes and one for the upper (punpcklbw, zip1).
    """
    count = vectors[0].type.count
    lower = [square + lane // 2 + lane % 2 * count for square in range(0, count, LANES) for lane in range(LANES)]
    upper = [lane + LANES // 2 for lane in lower]
    for _ in range(4):
        pairs = zip(vectors[:8], vectors[8:], strict=True)
        vectors = [code.shuffle(a, b, lanes) for a, b in pairs for lanes in (lower, upper)]
    return vectors


@intrinsic
def store_some(typingctx, vector, array, offset, mask):
    """Store the lanes of a vector that a mask has at ``array[offset:]``, and touch no other."""

    def write(code: Code, v: Any, _: Any, at: Any, which: Any) -> None:
        place = code.address(1, at, v.type)
        kind = ir.FunctionType(ir.VoidType(), [v.type, place.type, I32, which.type])
        name = f"llvm.masked.store.v{v.type.count}f32.p0"
        function = cgutils.get_or_insert_function(code.builder.module, kind, name)
        code.builder.call(function, [v, place, ir.Constant(I32, 4), which])

    return operation(types.void, (vector, array, types.int64, mask), write)


@intrinsic
def put_ramp(typingctx, numbers, place, value, number, low, high, rows, start):
    """Write, at ``rows[start:]``, ramp `number` of the samples whose columns lie in ``numbers`` (`ramped.Ramped`): at
    ``numbers[place:]`` 1 + their places, at ``numbers[value:]`` their values. Of float32 that are 16, of bfloat16, as a
    pair of vectors, 32, compared as whole numbers.
    """
    halves = rows.dtype == types.uint16

    def write(code: Code, _: Any, place: Any, value: Any, own: Any, lower: Any, upper: Any, __: Any, to: Any) -> None:
        b = code.builder
        kind = ir.VectorType(ir.IntType(16), 2 * LANES) if halves else Vector(LANES).llvm
        compare = b.icmp_unsigned if halves else b.fcmp_ordered
        mine, below_, above = (code.splat(_half(code, x) if halves else x, kind.count) for x in (own, lower, upper))
        here, nothing = code.load(0, place, kind), ir.Constant(kind, None)
        sides = b.select(compare(">", here, mine), above, below_)
        row = b.select(compare("==", here, mine), code.load(0, value, kind), sides)
        code.store(b.select(compare("==", here, nothing), nothing, row), 6, to)

    arguments = (numbers, types.int64, types.int64, types.float32, types.float32, types.float32, rows, types.int64)
    return operation(types.void, arguments, write)


def _half(code: Code, number: Any) -> Any:
    """Return a float32 as bfloat16, rounded as by `store_pair`."""
    return code.builder.trunc(code.builder.lshr(_rounded(code, number), ir.Constant(I32, 16)), ir.IntType(16))


@intrinsic
def add_squares(typingctx, lanes, array, count):
    """Add to 16 `lanes`, float64, the squares of ``array[:count]``, one of every 16 in turn; `count` is a multiple."""
    kind = ir.VectorType(ir.DoubleType(), LANES)

    def write(code: Code, _: Any, __: Any, many: Any) -> None:
        b, zero = code.builder, ir.Constant(I64, 0)
        place = code.address(0, zero, kind)
        sums = cgutils.alloca_once_value(b, b.load(place, align=8, typ=kind))
        with cgutils.for_range_slice(b, zero, many, ir.Constant(I64, LANES), inc=True) as (at, _count):
            number = b.fpext(code.load(1, at, Vector(LANES).llvm), kind)
            b.store(b.fadd(b.load(sums), b.fmul(number, number)), sums)
        b.store(b.load(sums), place, align=8)

    return operation(types.void, (lanes, array, types.int64), write)


@intrinsic
def fill(typingctx, vector, width):
    """Return a row of ``len(width)`` copies of a vector."""
    kind = types.UniTuple(vector, len(width))
    return operation(kind, (vector, width), lambda code, v, _: code.pack([v] * len(width)))


@intrinsic(prefer_literal=True)
def load_row(typingctx, array, start, part, lanes, width):
    """Return one part of the ``len(width)`` vectors of a float32 row."""
    count = lanes.literal_value
    kind = types.UniTuple(Vector(count), len(width))

    def write(code: Code, _: Any, at: Any, which: Any, __: Any, ___: Any) -> Any:
        places = [code.place(at, LANES * v, which, count) for v in range(len(width))]
        return code.pack([code.load(0, place, kind.dtype.llvm) for place in places])

    return operation(kind, (array, types.int64, types.int64, lanes, width), write)


@intrinsic
def store_row(typingctx, row, array, start, part):
    """Store what `load_row` loads."""

    def write(code: Code, _: Any, __: Any, at: Any, which: Any) -> None:
        for number, vector in enumerate(code.tuple(0)):
            code.store(vector, 1, code.place(at, LANES * number, which, row.dtype.lanes))

    return operation(types.void, (row, array, types.int64, types.int64), write)


@intrinsic
def add_product(typingctx, sums, weight, rows, start):
    """Return sums + weight * row for the row that starts ``rows[start:]``, one rounding each."""

    def write(code: Code, _: Any, factor: Any, __: Any, at: Any) -> Any:
        before = code.tuple(0)
        loaded = code.row(2, at, None, LANES, len(before))
        return code.pack([code.multiply_add(factor, x, s) for x, s in zip(loaded, before, strict=False)])

    return operation(sums, (sums, weight, rows, types.int64), write)


@intrinsic
def fused(typingctx, a, b, c):
    """Return a * b + c of float32, rounded as a lane of `multiply_add` is."""

    def write(code: Code, x: Any, y: Any, z: Any) -> Any:
        kind = ir.FunctionType(F32, [F32] * 3)
        function = cgutils.get_or_insert_function(code.builder.module, kind, "llvm.fmuladd.f32")
        return code.builder.call(function, [x, y, z])

    return operation(types.float32, (a, b, c), write)


@intrinsic
def gather(typingctx, array, places, start):
    """Return the 16 numbers of a float32 array at the numbers ``places[start:]``, uint16 or int32."""
    kind = ir.IntType(places.dtype.bitwidth)

    def write(code: Code, _: Any, __: Any, at: Any) -> Any:
        found = ir.Constant(Vector(LANES).llvm, ir.Undefined)
        for lane in range(LANES):
            place = code.builder.zext(code.load(1, code.place(at, lane), kind), I64)
            found = code.builder.insert_element(found, code.load(0, place, F32), ir.Constant(I32, lane))
        return found

    def write_at_once(code: Code, _: Any, __: Any, at: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        first = code.address(0, ir.Constant(I64, 0), byte.pointee)
        found = []
        for part in range(PARTS):
            result, words = Vector(PART).llvm, ir.VectorType(I32, PART)
            own = code.load(1, code.place(at, part * PART), ir.VectorType(kind, PART))
            own = code.builder.zext(own, words) if kind.width < I32.width else own
            # The instruction for 8 lanes is told which by the signs of floats, the one for 16 by bits.
            mask = Vector(PART, "bool").llvm if PARTS == 1 else result
            every = ir.Constant(mask, [1 if PARTS == 1 else -1.0] * PART)
            width = ir.Constant(I32 if PARTS == 1 else byte.pointee, 4)
            name = "avx512.mask.gather.dps.512" if PARTS == 1 else "avx2.gather.d.ps.256"
            form = ir.FunctionType(result, [result, byte, words, mask, width.type])
            function = cgutils.get_or_insert_function(code.builder.module, form, f"llvm.x86.{name}")
            found.append(code.builder.call(function, [ir.Constant(result, None), first, own, every, width]))
        return found[0] if PARTS == 1 else code.shuffle(found[0], found[1], range(LANES))

    return operation(Vector(LANES), (array, places, types.int64), write_at_once if GATHERS else write)


@intrinsic
def add_products(typingctx, sums, weight, rows, start, apart, height, width):
    """Return sums + weight * x for the ``len(width)`` vectors x at ``rows[start:]``, and so in each of ``len(height)``
    lines of a picture, `apart` elements from one to the next; float32, one rounding each.
    """

    def write(code: Code, _: Any, factor: Any, __: Any, at: Any, step: Any, *___: Any) -> Any:
        before = iter(code.tuple(0))
        after = []
        for _line in range(len(height)):
            for v in range(len(width)):
                x = code.load(2, code.place(at, LANES * v), factor.type)
                after.append(code.multiply_add(factor, x, next(before)))
            at = code.builder.add(at, step)
        return code.pack(after)

    return operation(sums, (sums, weight, rows, types.int64, types.int64, height, width), write)


@intrinsic
def add_correlation(typingctx, sums, held, rows, start, apart, height, width):
    """Return sums + held * x, vector after vector, for the x that `add_products` takes."""

    def write(code: Code, total: Any, _: Any, __: Any, at: Any, step: Any, *___: Any) -> Any:
        mine = iter(code.tuple(1))
        for _line in range(len(height)):
            for v in range(len(width)):
                x = code.load(2, code.place(at, LANES * v), total.type)
                total = code.multiply_add(next(mine), x, total)
            at = code.builder.add(at, step)
        return total

    return operation(sums, (sums, held, rows, types.int64, types.int64, height, width), write)


@intrinsic
def add_products_of_channels(typingctx, sums, weights, index, apart, rows, start, channels, width):
    """Return sums + weight * x for each of ``len(channels)`` weights, from ``weights[index]`` on and `apart` elements
    from one to the next, and the ``len(width)`` vectors x at ``rows[start:]``; float32, one rounding each.
    """

    def write(code: Code, _: Any, __: Any, place: Any, step: Any, ___: Any, at: Any, *____: Any) -> Any:
        found = [code.load(4, code.place(at, LANES * v), Vector(LANES).llvm) for v in range(len(width))]
        before, after = iter(code.tuple(0)), []
        for _channel in range(len(channels)):
            factor = code.splat(code.builder.load(code.address(1, place, F32)), LANES)
            after += [code.multiply_add(factor, x, next(before)) for x in found]
            place = code.builder.add(place, step)
        return code.pack(after)

    arguments = (sums, weights, types.int64, types.int64, rows, types.int64, channels, width)
    return operation(sums, arguments, write)


@intrinsic
def add_correlations(typingctx, sums, held, rows, start, width):
    """Return each of some sums + held * x, vector after vector, for the ``len(width)`` vectors x at ``rows[start:]``
    and as many that are held for each sum.
    """

    def write(code: Code, _: Any, __: Any, ___: Any, at: Any, ____: Any) -> Any:
        totals, mine = code.tuple(0), code.tuple(1)
        for v in range(len(width)):
            x = code.load(2, code.place(at, LANES * v), Vector(LANES).llvm)
            totals = [code.multiply_add(mine[i * len(width) + v], x, total) for i, total in enumerate(totals)]
        return code.pack(totals)

    return operation(sums, (sums, held, rows, types.int64, width), write)


@intrinsic
def load_lines(typingctx, rows, start, apart, height, width):
    """Return the vectors of a picture that `add_products` takes, line after line."""
    kind = types.UniTuple(Vector(LANES), len(height) * len(width))

    def write(code: Code, _: Any, at: Any, step: Any, *__: Any) -> Any:
        found = []
        for _line in range(len(height)):
            found += [code.load(0, code.place(at, LANES * v), kind.dtype.llvm) for v in range(len(width))]
            at = code.builder.add(at, step)
        return code.pack(found)

    return operation(kind, (rows, types.int64, types.int64, height, width), write)


@intrinsic
def store_lines(typingctx, vectors, rows, start, apart, height, width):
    """Store what `load_lines` loads."""

    def write(code: Code, _: Any, __: Any, at: Any, step: Any, *___: Any) -> None:
        mine = iter(code.tuple(0))
        for _line in range(len(height)):
            for v in range(len(width)):
                code.store(next(mine), 1, code.place(at, LANES * v))
            at = code.builder.add(at, step)

    return operation(types.void, (vectors, rows, types.int64, types.int64, height, width), write)


@intrinsic
def store_pairs(typingctx, vectors, rows, start):
    """Store an even number of vectors as pairs, one after the other, from ``rows[start:]`` on."""

    def write(code: Code, _: Any, __: Any, at: Any) -> None:
        mine = code.tuple(0)
        for v in range(0, len(mine), 2):
            for number, vector in enumerate(_stored(code, mine[v], mine[v + 1], 1)):
                code.store(vector, 1, code.place(at, LANES * (v + number)))

    return operation(types.void, (vectors, rows, types.int64), write)


@intrinsic
def spread_row(typingctx, sums, vectors, centre, mask):
    """Add the distances of vectors from a centre, one after the other, and their squares, to two sums."""

    def write(code: Code, _: Any, __: Any, middle: Any, mine: Any) -> Any:
        b, (whole, squares) = code.builder, code.tuple(0)
        for vector in code.tuple(1):
            distance = b.select(mine, b.fsub(vector, middle), code.constant(vector.type, 0.0))
            whole, squares = b.fadd(whole, distance), code.multiply_add(distance, distance, squares)
        return code.pack([whole, squares])

    return operation(sums, (sums, vectors, centre, mask), write)


@intrinsic
def hold(typingctx, own, start, part, width):
    """Return what `pass_back` multiplies by: the vectors of a float32 row, or their place where registers are few."""
    if PARTS > 1:
        return operation(
            types.int64,
            (own, types.int64, types.int64, width),
            lambda code, _, at, part, __: code.place(at, 0, part, PART),
        )
    kind = types.UniTuple(Vector(PART), len(width))

    def write(code: Code, _: Any, at: Any, part: Any, __: Any) -> Any:
        return code.pack([code.load(0, code.place(at, LANES * v), kind.dtype.llvm) for v in range(len(width))])

    return operation(kind, (own, types.int64, types.int64, width), write)


@intrinsic
def pass_back(typingctx, sums, weight, own, held, rows, start, part, width, tile):
    """Return sums + weight * row, and the lanes of the products <own, row>, one vector per tile.

    Within a tile, products of even and of odd vectors are summed in two chains, which are then added. Without `sums`
    (an empty tuple) only the products are made.
    """
    count, size = len(width), len(tile)
    products = types.UniTuple(Vector(PART), count // size)

    def write(code: Code, _: Any, factor: Any, __: Any, kept: Any, ___: Any, at: Any, which: Any, *____: Any) -> Any:
        before = code.tuple(0) if len(sums) else []
        mine = code.tuple(3) if PARTS == 1 else []
        chains: list[list[Any]] = [[] for _ in range(count // size)]
        after = []
        for number, d in enumerate(code.row(4, at, which, PART, count)):
            x = mine[number] if mine else code.load(2, code.place(kept, LANES * number), d.type)
            if before:
                after.append(code.multiply_add(factor, d, before[number]))
            chain, turn = chains[number // size], number % size
            if turn < 2:
                chain.append(code.builder.fmul(x, d))
            else:
                chain[turn % 2] = code.multiply_add(x, d, chain[turn % 2])
        totals = [chain[0] if size == 1 else code.builder.fadd(*chain) for chain in chains]
        return code.pack([code.pack(after, sums), code.pack(totals, products)])

    result = types.Tuple((sums, products))
    arguments = (sums, weight, own, held, rows, types.int64, types.int64, width, tile)
    return operation(result, arguments, write)


@intrinsic
def keep_products(typingctx, products, parts, place, apart, part):
    """Store products as 8 lanes each (lane i + lane i+8), `apart` elements from one tile to the next."""

    def write(code: Code, _: Any, __: Any, at: Any, step: Any, which: Any) -> None:
        for vector in code.tuple(0):
            if PARTS == 1:
                code.store(code.halves(vector), 1, at)
            else:
                first = code.builder.icmp_signed("==", which, ir.Constant(I64, 0))
                with code.builder.if_else(first) as (lower, upper):
                    with lower:
                        code.store(vector, 1, at)
                    with upper:
                        code.store(code.builder.fadd(code.load(1, at, vector.type), vector), 1, at)
            at = code.builder.add(at, step)

    return operation(types.void, (products, parts, types.int64, types.int64, types.int64), write)


@intrinsic
def prefetch(typingctx, array, start, width):
    """Ask for the cache lines of the ``len(width)`` vectors at ``array[start:]``; one line for an empty width."""
    apart = 2 * LANES if array.dtype == types.uint16 else LANES
    count = max(len(width) * LANES, 1)

    def write(code: Code, _: Any, at: Any, __: Any) -> None:
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
        function = cgutils.get_or_insert_function(code.builder.module, kind, "llvm.prefetch.p0")
        hints = [ir.Constant(I32, hint) for hint in (0, 3, 1)]
        for line in range(0, count, apart):
            code.builder.call(function, [code.address(0, code.place(at, line), ir.IntType(8)), *hints])

    return operation(types.void, (array, types.int64, width), write)
