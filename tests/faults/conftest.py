"""The throw-away checkout of the workflow tests."""

import importlib.util
from pathlib import Path

import pytest

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


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """Keep what a machine says about BLAS out of lines that are counted."""
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
