"""How much memory this process may still take."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")


def limits() -> Iterator[tuple[str, float]]:
    """Yield (name of a limit, bytes that this process may still take under it)."""
    page = os.sysconf("SC_PAGE_SIZE")
    virtual, resident = 0, 0
    statm = _read("/proc/self/statm").split()
    if statm:
        virtual, resident = (int(pages) * page for pages in statm[:2])
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        yield "limit of the address space, ulimit -v", soft - virtual
    job = os.environ.get("SLURM_MEM_PER_NODE", "")
    if job.isdigit() and int(job):
        yield "memory asked for this Slurm job, mem_mb", int(job) * 2.0**20 - resident
    for folder in _groups():
        limit = _read(folder / "memory.max") or _read(folder / "memory.limit_in_bytes")
        used = _read(folder / "memory.current") or _read(folder / "memory.usage_in_bytes")
        if limit.isdigit() and used.isdigit():
            statistics = dict(
                line.split() for line in _read(folder / "memory.stat").splitlines() if line.count(" ") == 1
            )
            cache = int(statistics.get("inactive_file", statistics.get("total_inactive_file", 0)))
            yield f"memory limit of the control group {folder.name or folder}", int(limit) - int(used) + cache
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            yield "memory of this machine", int(line.split()[1]) * 1024.0
            return
    yield "memory of this machine", float(page * os.sysconf("SC_PHYS_PAGES"))


def _groups() -> Iterator[Path]:
    """Yield the folders of this process's control groups, from its own up to the root."""
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            root = GROUPS / controllers
            own = root / path.lstrip("/")
            yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(root))


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
