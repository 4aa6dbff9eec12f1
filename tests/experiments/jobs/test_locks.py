"""One workflow per folder, one process per result, and what a killed workflow left is cleared away."""

import json
import subprocess
import sys

import pytest

from truly_sparse.errors import UserError
from truly_sparse.experiments.jobs import locks


def test_waiting_for_a_result_says_so(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = {"study": "journal", "preset": "small"}
    code = (
        "from truly_sparse.experiments.jobs import claim_result\n"
        "with claim_result({'study': 'journal', 'preset': 'small'}, 'run', 'a/b'):\n"
        "    print(1, flush=True)\n    import time; time.sleep(0.7)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"1\n"
    with locks.claim_result(config, "run", "a/b") as waited:
        assert waited
        assert holder.poll() is not None or holder.wait(5) == 0
    assert "a/b: another process works on it; waiting" in capfd.readouterr().err


def test_a_job_of_a_workflow_that_was_replaced_stops(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(locks.TOKEN, "old")
    locks.WORKFLOW.parent.mkdir()
    locks.WORKFLOW.write_text(json.dumps({"token": "new"}))
    job = locks.claim_result({"study": "journal", "preset": "p"}, "run", "x")
    with pytest.raises(UserError, match="a newer workflow runs in this folder"):
        job.__enter__()
    monkeypatch.setenv(locks.TOKEN, "new")
    with locks.claim_result({"study": "journal", "preset": "p"}, "run", "x") as waited:
        assert not waited


def test_a_new_workflow_sweeps_what_a_killed_one_left_of_tables_and_figures(tmp_path):
    results, paper = tmp_path / "results/p/journal", tmp_path / "paper/p/journal"
    left = [results / "figures/.a.unfinished-abcdefgh.png", paper / "tables/.b.unfinished-abcdefgh.tex"]
    keep = [results / "figures/a.png", results / "records/.c.unfinished-abcdefgh.csv"]
    for path in [*left, *keep]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    code = "from truly_sparse.experiments.jobs import claim_folder\nclaim_folder()"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in keep)
