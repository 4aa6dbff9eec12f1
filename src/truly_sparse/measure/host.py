"""The machine a run used: processor, versions, threads, memory, and one core held for the run's whole life."""

import fcntl
import os
import platform
import resource
import sys
import tempfile
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "scikit-learn", "threadpoolctl")


def processor() -> str:
    """Return the processor's name, or the architecture where the system does not tell."""
    return _cpuinfo().get("model name") or platform.processor() or platform.machine()


def processor_facts() -> dict[str, str]:
    """Return vendor, family and model, which a name such as "AMD EPYC" leaves open, and the instructions in use."""
    about = _cpuinfo()
    # ARM's words for the same.
    vendor = about.get("vendor_id") or about.get("CPU implementer") or "unknown"
    family = about.get("cpu family") or about.get("CPU architecture") or "unknown"
    model = about.get("model") or about.get("CPU part") or "unknown"
    return {"vendor": vendor, "family": family, "model": model, "instructions": instructions()}


def instructions() -> str:
    """Return which vector instructions the compiled kernels use: "AVX-512", "AVX2 and FMA", "NEON" or "plain".

    All but "plain" have a fused multiply-add, and give the same bits. NUMBA_CPU_FEATURES counts where it is set.
    """
    asked = os.environ.get("NUMBA_CPU_FEATURES")
    if asked is not None:
        has = {name[1:] for name in asked.split(",") if name.startswith("+")}
    else:
        has = set(_cpuinfo().get("flags", "").split())
    if platform.machine() in ("aarch64", "arm64"):
        return "NEON"
    if "avx512f" in has:
        return "AVX-512"
    return "AVX2 and FMA" if {"avx2", "fma"} <= has else "plain"


@cache
def _cpuinfo() -> dict[str, str]:
    """Return what Linux tells about the first processor; nothing on other systems."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def facts() -> dict[str, Any]:
    """Return processor, cores, Python, platform and package versions."""
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "unknown"
    return {
        "cpu": processor(),
        "processor": processor_facts(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages,
    }


def hold_one_core() -> bool:
    """Pin this process to one core that no other run on this machine holds; return whether one was free.

    A core is held by a locked file in the temporary folder; the system drops the lock when the process ends,
    however it ends. Where pinning is not possible the run goes on unpinned, on one thread all the same.
    """
    if not hasattr(os, "sched_setaffinity"):
        return False
    for core in sorted(os.sched_getaffinity(0)):
        path = Path(tempfile.gettempdir()) / f"truly-sparse-{os.getuid()}-core-{core}.lock"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.sched_setaffinity(0, {core})
        except OSError:
            os.close(handle)  # one that holds a core stays open
            continue
        return True
    return False


def threads() -> dict[str, Any]:
    """Return what the process runs on: thread pools with BLAS kernel and threads, cores allowed, live threads."""
    pools = [{key: value for key, value in pool.items() if key != "filepath"} for pool in threadpool_info()]
    # They come in the order in which libraries were loaded, which an import more or less changes.
    pools.sort(key=lambda pool: str(sorted(pool.items(), key=str)))
    affinity = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    tasks = Path("/proc/self/task")
    return {
        "threadpools": pools,
        "affinity": affinity,
        "process_threads": len(list(tasks.iterdir())) if tasks.is_dir() else None,
    }


def peak_memory_bytes() -> int:
    """Return the largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
