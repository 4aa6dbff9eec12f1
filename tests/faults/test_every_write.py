"""Faults at calls that change files, and of memory: a seeded few of them, all of them by hand (`every_write.py`)."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
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


@pytest.mark.parametrize("what", ["run", "pictures", "fit"])
def test_a_call_that_fails_costs_a_second_attempt_and_nothing_else(what):
    done = strike("--what", what, "--points", POINTS, "--seed", SEED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{POINTS} faults at calls that change files" in done.stdout


@pytest.mark.slow
def test_a_call_that_fails_in_a_workflow_costs_the_same_command_again_and_nothing_else():
    done = strike("--what", "workflow", "--points", "2", "--seed", SEED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 faults at calls that change files" in done.stdout


def test_what_was_found_is_kept_and_gone_on_from(tmp_path):
    kept = tmp_path / "outcome.jsonl"
    asked = ["--what", "fit", "--points", "21", "--outcome", str(kept)]
    assert strike(*asked).returncode == 0
    head, first, last = lines = kept.read_text().splitlines()
    assert [json.loads(line)["points"] for line in lines] == [21, 20, 1]
    lost = json.dumps(json.loads(first) | {"bad": {"fit:1:EIO": "lost"}})
    kept.write_text(f"{head}\n{lost}\n")
    done = strike(*asked)
    assert done.returncode == 1, "what was found before counts"
    assert "21 faults" in done.stdout
    assert "1 bad" in done.stdout
    assert kept.read_text().splitlines()[2].startswith(last.partition(', "seconds"')[0])
    other = strike(*asked, "--seed", "5")
    assert other.returncode == 1
    assert "outcome.jsonl is of" in other.stderr


def test_memory_that_runs_out_costs_a_second_attempt_and_nothing_else():
    done = strike("--what", "fit", "--memory", "--points", "2", "--seed", SEED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 places where memory ran out" in done.stdout


def test_files_that_are_written_under_their_own_names_would_be_found_out(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(CARELESS)
    done = strike("--what", "fit", "--points", "6", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "model.npz was left half-made" in done.stdout or "is gone" in done.stdout


# Runs that ended under a workflow that was killed are not taken back.
FORGETFUL = """
from truly_sparse.experiments.jobs import finished

finished.take = lambda config, spec: False
"""


@pytest.mark.slow
def test_a_finished_run_that_is_trained_again_would_be_found_out(tmp_path):
    # The first of these lies after the record was put aside and before the run's job ended; the other after the job.
    chosen = ["workflow:552:kill", "workflow:600:kill"]
    assert strike("--only", *chosen).returncode == 0
    (tmp_path / "sitecustomize.py").write_text(FORGETFUL)
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    done = strike("--only", *chosen, PYTHONPATH=path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.count("a run that had finished was trained again") == 1


@pytest.mark.parametrize(
    ("records", "finished", "again"), [(1, 1_000_001, True), (1, 999_999, False), (0, 1_000_001, False)]
)
def test_a_record_that_is_younger_than_the_fault_is_a_run_trained_again(tmp_path, records, finished, again):
    spec = importlib.util.spec_from_file_location("every_write", Path(__file__).with_name("every_write.py"))
    every_write = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(every_write)
    folder = tmp_path / "results/tiny/journal/runs/table1/wine/fd_tse/eps10/seed0"
    folder.mkdir(parents=True)
    when = datetime.fromtimestamp(finished, UTC).isoformat(timespec="seconds")
    (folder / "run.json").write_text(json.dumps({"finished": when}))
    first = every_write.Attempt(1, "", "", records, 1_000_000.5)
    second = every_write.Attempt(0, "", "", 0, 1_000_100.0)
    said = every_write.Workflow(large=False).lost(tmp_path, {}, first, second)
    assert said == ("a run that had finished was trained again" if again else "")
