"""What every test runs with."""

import importlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure: the time of an example says nothing here.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# Several processes test at once: threads of one that wait for each other, busily, would take the time of the others.
with pytest.MonkeyPatch.context() as patch:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        patch.setenv(name, "1")
    importlib.import_module("sklearn.ensemble")  # loads the libraries that read them

SLOW = Path(__file__).with_name("slow.txt")
THREADS = [f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")]


def pytest_collection_modifyitems(items):
    """Mark the tests that slow.txt names; see slow.py."""
    names = set(SLOW.read_text(encoding="utf-8").splitlines())
    for item in items:
        if item.nodeid in names:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True, scope="session")
def quick_disk():
    """Thousands of small files are written here, none of which has to outlive a power cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True)
def every_core():
    """A run holds its process on one core and one thread; the next test, and what it starts, has them all again."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    threads = {name: os.environ.get(name) for name in THREADS}
    yield
    if cores is not None:
        os.sched_setaffinity(0, cores)
    for name, value in threads.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
