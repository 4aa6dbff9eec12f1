"""Operation counts by hand, and facts of the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from truly_sparse.measure import host
from truly_sparse.measure.flops import operations


def test_operations_by_hand():
    history = [
        {"connections": 100, "input_connections": 30, "samples": 64},
        {"connections": 90, "input_connections": 20, "samples": 32},
    ]
    counted = operations(history, validation_rows=10)
    assert counted["forward"] == counted["gradient"] == 100 * 64 + 90 * 32
    assert counted["backward"] == 70 * 64 + 70 * 32
    assert counted["total_training"] == 2 * (100 * 64 + 90 * 32) + 70 * 96
    assert counted["validation"] == 1900


def test_the_dense_count_is_the_papers_less_one_pass_over_the_input_block():
    blocks = [50 * 1000, 1000 * 1000, 1000 * 1000, 1000 * 5]
    epoch = {"connections": sum(blocks), "input_connections": blocks[0], "samples": 7898}
    counted = operations([epoch] * 350, validation_rows=0)
    assert counted["total_training"] + blocks[0] * 7898 * 350 == 3 * sum(blocks) * 7898 * 350
    assert abs(3 * sum(blocks) * 7898 * 350 / 1.71e13 - 1) < 0.01  # journal table 1


def test_facts_are_complete():
    facts = host.facts()
    assert facts["cpu"]
    assert facts["packages"]["numpy"]
    assert host.threads()["process_threads"] is None or host.threads()["process_threads"] >= 1
    assert host.peak_memory_bytes() > 1_000_000


ZEN = """vendor_id	: AuthenticAMD
cpu family	: {family}
model		: {model}
model name	: AMD EPYC
flags		: {flags}"""


@pytest.fixture
def cpuinfo(monkeypatch):
    """`cpuinfo(text)`: let the system tell this of its processors."""

    def tell(text):
        monkeypatch.delenv("NUMBA_CPU_FEATURES", raising=False)
        monkeypatch.setattr(Path, "read_text", lambda *_, **__: f"{text}\n\n{text}")
        host._cpuinfo.cache_clear()

    yield tell
    host._cpuinfo.cache_clear()


def test_processors_of_the_same_name_are_told_apart(cpuinfo, monkeypatch):
    monkeypatch.setattr(host.platform, "machine", lambda: "x86_64")
    cpuinfo(ZEN.format(family=25, model=1, flags="sse2 avx2 fma"))
    zen3 = host.facts()
    cpuinfo(ZEN.format(family=26, model=2, flags="sse2 avx2 fma avx512f"))
    zen5 = host.facts()
    assert zen3["cpu"] == zen5["cpu"] == "AMD EPYC"
    assert zen3["processor"] == {
        "vendor": "AuthenticAMD",
        "family": "25",
        "model": "1",
        "instructions": "AVX2 and FMA",
    }
    assert zen5["processor"] == zen3["processor"] | {"family": "26", "model": "2", "instructions": "AVX-512"}
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "+sse2")
    assert host.instructions() == "plain"


def test_arm_has_words_of_its_own(cpuinfo, monkeypatch):
    monkeypatch.setattr(host.platform, "machine", lambda: "aarch64")
    cpuinfo("processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\n")
    assert host.processor_facts() == {"vendor": "0x41", "family": "8", "model": "0xd0c", "instructions": "NEON"}


def test_two_processes_never_hold_the_same_core(tmp_path):
    code = (
        "import os, sys; from truly_sparse.measure.host import hold_one_core; "
        "held = hold_one_core(); print(held, sorted(os.sched_getaffinity(0)), flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    jobs = [
        subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True, env=environment)
        for _ in range(len(os.sched_getaffinity(0)) + 1)
    ]
    lines = [job.stdout.readline().strip() for job in jobs]
    for job in jobs:
        job.communicate("")
    pinned = [line for line in lines if line.startswith("True")]
    assert len(pinned) == len(set(pinned)) == len(jobs) - 1
