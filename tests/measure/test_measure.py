"""Operation counts by hand, and facts of the machine."""

import os
import subprocess
import sys

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
