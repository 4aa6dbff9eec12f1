"""Compiled kernels of other sources are forgotten, those of today's kept."""

import shutil
from pathlib import Path

import pytest

from truly_sparse import kernel_cache


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A copy of the engine's sources, which `renew` takes for the package's."""
    here = Path(kernel_cache.__file__).parent
    shutil.copytree(here / "engine", tmp_path / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(kernel_cache, "__file__", str(tmp_path / "kernel_cache.py"))
    return tmp_path / "engine"


def test_a_change_in_any_file_of_the_engine_drops_what_was_compiled(engine, tmp_path):
    index = tmp_path / "cache/kernels.train_epoch-1.py311.nbi"
    index.parent.mkdir()

    def is_kept():
        index.write_bytes(b"compiled")
        kernel_cache.renew(index.parent)
        return index.exists()

    assert not is_kept()
    assert is_kept()
    for file in ("libm.py", "vector.py"):
        with (engine / file).open("a") as stream:
            stream.write("# changed\n")
        assert not is_kept()
        assert is_kept()
