"""Runs that ended while their workflow was being killed."""

import json
from pathlib import Path

import pytest

from truly_sparse.experiments.configuration import validate
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.jobs import finished
from truly_sparse.experiments.records import run_folder
from truly_sparse.files import sha256, write_json


@pytest.fixture
def checkout_of_one_run(tmp_path, monkeypatch):
    """Return configuration and run of a folder in which one run has ended."""
    monkeypatch.chdir(tmp_path)
    config = validate(
        {
            "study": "journal",
            "preset": "small",
            "datasets": {"wine": {}},
            "methods": {"rd_tse": {"model": "sparse", "strategy": "rd_tse"}},
            "experiments": {"table1": [{"datasets": ["wine"], "methods": ["rd_tse"], "epsilon": [20], "seeds": [0]}]},
        }
    )
    (spec,) = runs(config)
    table = Path("data/wine.parquet")
    table.parent.mkdir()
    table.write_bytes(b"a table")
    folder = run_folder(config, spec)
    folder.mkdir(parents=True)
    for name in ("history.parquet", "predictions.npz"):
        (folder / name).write_text(name)
    record = {"experiment": "table1", "dataset": "wine", "method": "rd_tse", "setting": spec.setting, "seed": 0}
    write_json(folder / "run.json", record | spec.hashes | {"data": {"sha256": sha256(table)}})
    return config, spec


def test_a_run_that_ended_under_a_killed_workflow_is_taken_back_only_while_it_holds(checkout_of_one_run):
    config, spec = checkout_of_one_run
    folder = run_folder(config, spec)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert not finished.take(config, spec)
    record = json.loads(before["run.json"])
    finished.keep(config, spec, record)
    for name in before:
        (folder / name).unlink()
    (folder / "checkpoint.npz").write_text("of a run that was killed before it took this away")
    assert finished.take(config, spec)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    table = Path(config["data"]["folder"]) / f"{spec.dataset}.parquet"
    content = table.read_bytes()
    table.write_bytes(content + b"x")
    assert not finished.take(config, spec), "it was trained on other data"
    table.write_bytes(content)
    finished.keep(config, spec, record | {"source_hash": "another"})
    assert not finished.take(config, spec), "other code trained it"
    finished.forget(config)
    assert not finished.take(config, spec)
