"""Making a process compute as it would on a lesser x86-64 processor than this machine's."""

import os
from typing import NamedTuple

from numpy._core._multiarray_umath import __cpu_dispatch__


class Processor(NamedTuple):
    """LLVM's name of a processor and the features to state beside it, and what NumPy and glibc are not to use."""

    llvm: str
    features: str
    numpy: tuple[str, ...]
    glibc: str


LESSER = {
    "AVX2 and FMA": Processor("haswell", "+avx2,+fma", ("AVX512", "X86_V4"), "-AVX512F"),
    "plain": Processor("x86-64", "", ("AVX", "F16C", "FMA", "XOP", "X86_V"), "-AVX512F,-AVX2,-FMA,-FMA4"),
}


def environment(instructions: str) -> dict[str, str]:
    """Return the environment of a process that uses no more than some `measure.host.instructions`."""
    processor = LESSER[instructions]
    return os.environ | {
        "NUMBA_CPU_NAME": processor.llvm,
        "NUMBA_CPU_FEATURES": processor.features,
        "NPY_DISABLE_CPU_FEATURES": " ".join(name for name in __cpu_dispatch__ if name.startswith(processor.numpy)),
        "GLIBC_TUNABLES": f"glibc.cpu.hwcaps={processor.glibc}",
    }
