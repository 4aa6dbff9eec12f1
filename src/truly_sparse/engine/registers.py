"""Vectors of float32 in registers: their type, how many a processor holds, and the code they are made of."""

from collections.abc import Iterator, Sequence
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_name
from numba.core import cgutils, config, types
from numba.core.codegen import get_host_cpu_features
from numba.core.datamodel import models
from numba.extending import register_model

LANES = 16
#: Bytes of a line of the cache, as many as a vector of float32 has.
LINE = 64
_FORCED = getattr(config, "CPU_FEATURES", None)  # by the environment, for another processor than this one
_FEATURES = (get_host_cpu_features() if _FORCED is None else _FORCED).split(",")
_AVX512 = "+avx512f" in _FEATURES
#: Whether a register is filled from 16 places sooner by the instruction for that than by 16 loads (by a third; AMD's
#: takes longer than the loads, and so does Intel's before these since it was mended against leaks).
GATHERS = "+avx2" in _FEATURES and get_host_cpu_name() in {"alderlake", "raptorlake", "sapphirerapids",
                                                           "emeraldrapids", "graniterapids"}  # fmt: skip
#: Lanes that the way back takes at a time, and how many times a vector of 16 then takes.
PART = 16 if _AVX512 else 8
PARTS = LANES // PART
#: Most vectors that the way forward, and each part of the way back, sum up in registers.
FORWARD, BACKWARD = 8 if _AVX512 else 4, 8

F32, I32, I64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
_ELEMENTS = {"float32": F32, "uint32": I32, "bool": ir.IntType(1)}
UPPER = 0xFFFF0000


class Vector(types.Type):
    """The Numba type of `lanes` numbers in a register."""

    def __init__(self, lanes: int, element: str = "float32") -> None:
        self.lanes, self.llvm = lanes, ir.VectorType(_ELEMENTS[element], lanes)
        super().__init__(name=f"Vector({lanes} x {element})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Vector) -> None:
        super().__init__(dmm, fe_type, fe_type.llvm)


class Code:
    """What the operations below are written with: a builder that knows the arrays among its arguments."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Sequence[Any]) -> None:
        self.context, self.builder, self.types, self.result = context, builder, signature.args, signature.return_type
        self.arguments = arguments

    def tuple(self, argument: int) -> list[Any]:
        return list(cgutils.unpack_tuple(self.builder, self.arguments[argument]))

    def pack(self, vectors: Sequence[Any], tuple_type: Any = None) -> Any:
        kind = self.result if tuple_type is None else tuple_type  # an empty one is false
        return self.context.make_tuple(self.builder, kind, vectors)

    def place(self, base: Any, more: int, part: Any = None, lanes: int = 0) -> Any:
        """Return base + more + part * lanes."""
        if part is not None:
            base = self.builder.add(base, self.builder.mul(part, ir.Constant(I64, lanes)))
        return self.builder.add(base, ir.Constant(I64, more)) if more else base

    def address(self, argument: int, offset: Any, kind: Any) -> Any:
        array = self.context.make_array(self.types[argument])(self.context, self.builder, self.arguments[argument])
        return self.builder.bitcast(self.builder.gep(array.data, [offset]), kind.as_pointer())

    def load(self, argument: int, offset: Any, kind: Any) -> Any:
        return self.builder.load(self.address(argument, offset, kind), align=4, typ=kind)

    def store(self, vector: Any, argument: int, offset: Any) -> None:
        self.builder.store(vector, self.address(argument, offset, vector.type), align=4)

    def stream(self, vector: Any, argument: int, offset: Any) -> None:
        """Store a vector past the cache; it must start on one of its lines."""
        made = self.builder.store(vector, self.address(argument, offset, vector.type), align=LINE)
        made.set_metadata("nontemporal", self.builder.module.add_metadata([ir.Constant(I32, 1)]))

    def constant(self, kind: Any, value: float) -> Any:
        return ir.Constant(kind, [value] * kind.count if isinstance(kind, ir.VectorType) else value)

    def shuffle(self, a: Any, b: Any, lanes: Sequence[int]) -> Any:
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes)))

    def splat(self, scalar: Any, lanes: int) -> Any:
        undefined = ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined)
        one = self.builder.insert_element(undefined, scalar, ir.Constant(I32, 0))
        return self.shuffle(one, undefined, [0] * lanes)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        # fmuladd, not fma: without the instruction, fma would call a library function per lane.
        kind = ir.FunctionType(a.type, [a.type] * 3)
        name = f"llvm.fmuladd.v{a.type.count}f32"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), [a, b, c])

    def halves(self, vector: Any) -> Any:
        """Add lane i + n/2 to lane i. Written out, since processors differ in how they sum a register."""
        half = vector.type.count // 2
        return self.builder.fadd(*(self.shuffle(vector, vector, range(at, at + half)) for at in (0, half)))

    def merge(self, a: Any, b: Any, lanes: Sequence[int], apart: int) -> Any:
        """Add to the chosen lanes of two vectors those that lie `apart` from them."""
        return self.builder.fadd(self.shuffle(a, b, lanes), self.shuffle(a, b, [lane + apart for lane in lanes]))

    def row(self, argument: int, start: Any, part: Any, lanes: int, count: int) -> Iterator[Any]:
        """Load (one part of) `count` vectors of a row, a pair at a time."""
        floats, words = ir.VectorType(F32, lanes), ir.VectorType(I32, lanes)
        for number in range(0, count, 2):
            if number and lanes < LANES:
                # The compiler's own order would keep all of them alive at once, and spill.
                self.builder.asm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", [], True)
            if self.types[argument].dtype == types.uint16:
                both = self.load(argument, self.place(start, LANES * number, part, 2 * lanes), words)
                yield self.builder.bitcast(self.builder.shl(both, self.constant(words, 16)), floats)
                yield self.builder.bitcast(self.builder.and_(both, self.constant(words, UPPER)), floats)
            else:
                for vector in range(number, min(number + 2, count)):
                    yield self.load(argument, self.place(start, LANES * vector, part, lanes), floats)


def operation(result: Any, arguments: Sequence[Any], write: Any) -> tuple[Any, Any]:
    """Return what an intrinsic returns: its signature, and code that `write` makes of its arguments."""

    def codegen(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        code = Code(context, builder, signature, given)
        made = write(code, *given)
        return context.get_dummy_value() if made is None else made

    return result(*arguments), codegen
