"""The throw-away checkout of the workflow tests, and a run that has ended."""

import importlib.util
import json
from pathlib import Path

import pytest

from truly_sparse.experiments.config import validate
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.records import run_folder
from truly_sparse.files import sha256

ROOT = Path(__file__).parents[2]


def load(file):
    """Return a file of the tests as a module."""
    spec = importlib.util.spec_from_file_location(Path(file).stem, ROOT / "tests" / file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cli = load("cli/test_cli.py")
place = cli.place


@pytest.fixture(scope="session")
def make_place():
    """Return a function that fills a folder as the fixture `place` does."""
    return cli.lay_out


@pytest.fixture
def checkout(tmp_path):
    """A copy of the repository with the stub command line; STUB_SLEEP makes its jobs last."""
    return load("workflow/conftest.py").lay_out(tmp_path)


@pytest.fixture
def tests():
    """Return a function that gives a file of the tests as a module."""
    return load


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
    (folder / "run.json").write_text(json.dumps(record | spec.hashes | {"data": {"sha256": sha256(table)}}))
    return config, spec


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """Keep what a machine says about BLAS out of lines that are counted."""
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
