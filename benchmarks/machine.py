"""Which processor this is, and how everything that is measured is made to run with fewer instructions than it has.

    python benchmarks/machine.py avx2 benchmarks/profile_kernels.py     # any script, with AVX2 code only

Where a processor has AVX-512, AVX2 can be measured on it, too: Numba, NumPy, OpenBLAS, MKL, oneDNN, PyTorch and the C
library are each told by their own variable. What comes out is AVX2 code on that processor, not another processor.
"""

import os
import platform
import subprocess
import sys

from llvmlite import binding

from truly_sparse.measure import host

#: Instruction sets, the widest first, with the feature by which LLVM knows that they are there.
SETS = {"avx512": ("AVX-512", "avx512f"), "avx2": ("AVX2", "avx2")}
_VENDORS = {"AuthenticAMD": "amd", "GenuineIntel": "intel"}
#: Features above AVX2, by the beginning of LLVM's name for them.
_WIDER = ("avx512", "avx10", "avxvnni", "avxifma", "avxneconvert", "amx", "evex512")


def available() -> list[str]:
    """Return the instruction sets that can be measured here, the processor's own first."""
    features = binding.get_host_cpu_features()
    return [name for name, (_, feature) in SETS.items() if features.get(feature)] or [platform.machine()]


def chosen() -> str:
    """Return the instruction set that this process was started for; the processor's own if for none."""
    return os.environ.get("BENCH_INSTRUCTIONS", available()[0])


def processor() -> dict[str, str]:
    """Return name, vendor, family and model of the processor, and LLVM's name of its design."""
    own = host.processor_facts()
    return {
        "name": host.processor(),
        "vendor": _VENDORS.get(own["vendor"], own["vendor"].lower()),
        "family": own["family"],
        "model": own["model"],
        "design": binding.get_host_cpu_name(),
    }


def features() -> frozenset[str]:
    """Return LLVM's names of the features that this process may use, those of the processor where nothing is said."""
    named = os.environ.get("NUMBA_CPU_FEATURES")
    if named is not None:
        return frozenset(name[1:] for name in named.split(",") if name.startswith("+"))
    return frozenset(name for name, has in binding.get_host_cpu_features().items() if has)


def facts() -> dict[str, object]:
    """Return the processor, the instruction set of this process, and whether it is the processor's own."""
    return {**processor(), "instructions": chosen(), "native": chosen() == available()[0]}


def environment(instructions: str) -> dict[str, str]:
    """Return the environment of a process on one thread with at most these instructions.

    OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE of the caller are left out: BLAS takes the kernels made for the processor.
    """
    inherited = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")}
    narrower = _avx2() if instructions == "avx2" != available()[0] else {}
    return {**inherited, **threads, **narrower, "BENCH_INSTRUCTIONS": instructions}


def _avx2() -> dict[str, str]:
    features = binding.get_host_cpu_features()
    flags = ",".join(f"{'+' if has and not k.startswith(_WIDER) else '-'}{k}" for k, has in sorted(features.items()))
    return {
        "NUMBA_CPU_NAME": "znver3" if processor()["vendor"] == "amd" else "haswell",
        "NUMBA_CPU_FEATURES": flags,
        "OPENBLAS_CORETYPE": "Haswell",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        # Both NumPy's names of groups (from 2.4) and those of single features before; it takes those that it knows.
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD",
    }


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in available():
        sys.exit(f"usage: python benchmarks/machine.py {'|'.join(available())} SCRIPT [ARGUMENT ...]")
    sys.exit(subprocess.run([sys.executable, *sys.argv[2:]], env=environment(sys.argv[1]), check=False).returncode)
