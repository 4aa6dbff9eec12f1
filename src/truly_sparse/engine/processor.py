"""The features of the processor that kernels are compiled for."""

from llvmlite import binding
from numba.core import config


def features() -> frozenset[str]:
    """Return LLVM's names of the features that Numba compiles for: the host's, or those of NUMBA_CPU_FEATURES."""
    if config.CPU_FEATURES is not None:
        return frozenset(name[1:] for name in config.CPU_FEATURES.split(",") if name.startswith("+"))
    return frozenset(name for name, has in binding.get_host_cpu_features().items() if has)
