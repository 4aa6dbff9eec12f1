"""Kills at random moments (a short soak), and what keeps workflows and their orphans out of each other's way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from truly_sparse.errors import UserError
from truly_sparse.experiments import claims, finished
from truly_sparse.experiments.records import run_folder
from truly_sparse.files import Busy, atomic_path, lock, locked, sweep

ROOT = Path(__file__).parents[2]
KILLS = os.environ.get("TRULY_SPARSE_KILLS", "4")


@pytest.mark.slow
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


def test_waiting_for_a_result_says_so(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = {"study": "journal", "preset": "small"}
    code = (
        "from truly_sparse.experiments.claims import claim_result\n"
        "with claim_result({'study': 'journal', 'preset': 'small'}, 'run', 'a/b'):\n"
        "    print(1, flush=True)\n    import time; time.sleep(0.7)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"1\n"
    with claims.claim_result(config, "run", "a/b") as waited:
        assert waited
        assert holder.poll() is not None or holder.wait(5) == 0
    assert "a/b: another process works on it; waiting" in capfd.readouterr().err


def test_a_job_of_a_workflow_that_was_replaced_stops(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(claims.TOKEN, "old")
    claims.WORKFLOW.parent.mkdir()
    claims.WORKFLOW.write_text(json.dumps({"token": "new"}))
    job = claims.claim_result({"study": "journal", "preset": "p"}, "run", "x")
    with pytest.raises(UserError, match="a newer workflow runs in this folder"):
        job.__enter__()
    monkeypatch.setenv(claims.TOKEN, "new")
    with claims.claim_result({"study": "journal", "preset": "p"}, "run", "x") as waited:
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


def test_a_new_workflow_sweeps_what_a_killed_one_left_of_tables_and_figures(tmp_path):
    results, paper = tmp_path / "results/p/journal", tmp_path / "paper/p/journal"
    left = [results / "figures/.a-abcdefgh.png", paper / "tables/.b-abcdefgh.tex"]
    keep = [results / "figures/a.png", results / "records/.c-abcdefgh.csv"]
    for path in [*left, *keep]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    code = "from truly_sparse.experiments.claims import claim_folder\nclaim_folder()"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in keep)


def test_a_run_that_ended_under_a_killed_workflow_is_taken_back_only_while_it_holds(checkout_of_one_run):
    config, spec = checkout_of_one_run
    folder = run_folder(config, spec)
    before = {name: (folder / name).read_bytes() for name in finished.DECLARED}
    assert not finished.take(config, spec)
    finished.keep(config, spec)
    for name in finished.DECLARED:
        (folder / name).unlink()
    assert finished.take(config, spec)
    assert {name: (folder / name).read_bytes() for name in finished.DECLARED} == before
    table = Path(config["data"]["folder"]) / f"{spec.dataset}.parquet"
    content = table.read_bytes()
    table.write_bytes(content + b"x")
    assert not finished.take(config, spec), "it was trained on other data"
    table.write_bytes(content)
    record = json.loads(before["run.json"]) | {"source_hash": "another"}
    (folder / "run.json").write_text(json.dumps(record))
    finished.keep(config, spec)
    assert not finished.take(config, spec), "other code trained it"
    finished.forget(config)
    assert not finished.take(config, spec)


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
