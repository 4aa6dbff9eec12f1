"""Kills at random moments (a short soak), and what keeps workflows and their orphans out of each other's way."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from truly_sparse.files import Busy, atomic_path, lock, locked, sweep

ROOT = Path(__file__).parents[2]
KILLS = os.environ.get("TRULY_SPARSE_KILLS", "4")


def test_random_kills_end_in_the_same_bytes(tmp_path):
    soak = [sys.executable, str(ROOT / "tests/faults/soak.py"), "--kills", KILLS, "--folder", str(tmp_path)]
    done = subprocess.run(soak, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{KILLS} kill points, 0 bad" in done.stdout


def test_a_lock_is_held_by_one_and_gone_with_its_process(tmp_path):
    path = tmp_path / "some.lock"
    code = f"from truly_sparse.files import locked\nwith locked({str(path)!r}):\n    print(1, flush=True)\n    input()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"1\n"
    with path.open("a") as stream, pytest.raises(Busy):
        lock(stream, wait=False)
    holder.kill()
    holder.communicate()
    with locked(path) as waited:
        assert not waited


def test_temporary_files_of_a_killed_process_are_swept_and_nothing_else(tmp_path):
    keep = [tmp_path / name for name in ("run.json", "checkpoint.npz", ".hidden", ".x-short.npz")]
    for path in keep:
        path.touch()
    with atomic_path(tmp_path / "run.json") as temporary:
        left = tmp_path / temporary.name
    left.touch()  # as if the process had been killed
    sweep(tmp_path, "runs")
    assert left.exists()
    sweep(tmp_path, "run")
    assert sorted(tmp_path.iterdir()) == sorted(keep)


def test_what_a_killed_process_had_begun_is_removed_by_the_next_that_writes_the_file(tmp_path):
    target = tmp_path / "model[1].npz"
    with atomic_path(target) as held:
        os.utime(held, (0, 0))
        left = [tmp_path / held.name.replace(held.name[-12:-4], name) for name in ("killed00", "justnow0")]
        others = [tmp_path / ".model[1]-20260101.npz", tmp_path / held.name.replace("[1]", "1")]
        for path in (*left, *others):
            path.touch()
        for path in (left[0], *others):
            os.utime(path, (0, 0))
        with atomic_path(target) as temporary:
            temporary.write_text("whole")
        assert held.exists()
        assert left[1].exists()  # somebody may just have begun it
        assert not left[0].exists()
        assert all(path.exists() for path in others)
        assert target.read_text() == "whole"


def start(checkout, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "table1", "--cores", "2", "--configfile", "config/small.yaml", *arguments],
        cwd=checkout.folder,
        env=os.environ | {"PYTHONPATH": str(checkout.folder / "src")} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(ready):
    deadline = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_second_workflow_says_so_and_stops_and_a_killed_one_needs_no_unlocking(checkout):
    first = start(checkout, STUB_SLEEP="30")
    locks = checkout.folder / ".snakemake/locks"
    logs = "results/**/logs/**/*.log"
    wait_for(lambda: locks.exists() and any(locks.iterdir()) and any(checkout.folder.glob(logs)))
    second = start(checkout)
    said, _ = second.communicate(timeout=60)
    assert second.returncode != 0
    assert "another workflow runs in this folder" in said
    assert f"process {first.pid}" in said
    assert "Traceback" not in said
    looking = start(checkout, "--dry-run")
    assert looking.communicate(timeout=60)[0]
    assert looking.returncode == 0
    assert any(locks.iterdir()), "the lock of a living workflow was taken away"
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    third = start(checkout)
    said, _ = third.communicate(timeout=120)
    assert third.returncode == 0, said
