"""Which tests `make test` leaves out: those that slow.txt names, which this measures and writes (`make slow`).

It measures with all kernels compiled. Tests whose kernels no other test needs are marked where they stand.
"""

import resource
from collections import Counter
from pathlib import Path

import pytest

NAMES = Path(__file__).with_name("slow.txt")
#: CPU seconds, on one core of a Zen 4 server with all kernels compiled, of the longest test of `make test`.
LONGEST = 1.0
_SECONDS = "cpu_seconds"
_found: Counter[str] = Counter()
_before = [0.0]


def _used() -> float:
    """Return the CPU seconds of this process and of those it has waited for."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def pytest_runtest_logstart():
    """Begin with a test."""
    _before[0] = _used()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Send with its report what a part of a test (setup, call, teardown) took, to the process that writes the names."""
    report = yield
    now = _used()
    report.user_properties = [(_SECONDS, now - _before[0])]
    _before[0] = now
    return report


def pytest_runtest_logreport(report):
    """Add up what the parts of a test took."""
    _found[report.nodeid] += dict(report.user_properties).get(_SECONDS, 0.0)


def pytest_sessionfinish(session):
    """Write the names of the long tests; a process of several that only tests has none to write."""
    if not hasattr(session.config, "workerinput"):
        names = sorted(name for name, seconds in _found.items() if seconds > LONGEST)
        NAMES.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
