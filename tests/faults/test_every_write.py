"""Faults at calls that change files, and of memory: a seeded few of them, all of them by hand (`every_write.py`)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

POINTS = os.environ.get("TRULY_SPARSE_FAULTS", "8")
SEED = os.environ.get("TRULY_SPARSE_SEED", "0")

# Files are written under their own names, as if a disk never filled and nobody were ever killed.
CARELESS = """
from contextlib import contextmanager
from pathlib import Path
from truly_sparse import files

@contextmanager
def careless(target):
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    yield Path(target)

files.atomic_path = careless
"""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="left out: only Linux loads a library before libc this way"),
    pytest.mark.skipif(shutil.which("cc") is None, reason="left out: no C compiler here"),
]


def strike(*arguments, **environment):
    file = Path(__file__).with_name("every_write.py")
    command = [sys.executable, str(file), *arguments]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)


@pytest.mark.parametrize("what", ["run", "fit"])
def test_a_call_that_fails_costs_a_second_attempt_and_nothing_else(what):
    done = strike("--what", what, "--points", POINTS, "--seed", SEED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{POINTS} faults at calls that change files" in done.stdout


@pytest.mark.slow
def test_a_call_that_fails_in_a_workflow_costs_the_same_command_again_and_nothing_else():
    done = strike("--what", "workflow", "--points", "2", "--seed", SEED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 faults at calls that change files" in done.stdout


def test_memory_that_runs_out_costs_a_second_attempt_and_nothing_else():
    done = strike("--what", "fit", "--memory", "--points", "2", "--seed", SEED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 places where memory ran out" in done.stdout


def test_files_that_are_written_under_their_own_names_would_be_found_out(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(CARELESS)
    done = strike("--what", "fit", "--points", "6", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "model.npz was left half-made" in done.stdout or "is gone" in done.stdout
