"""Compiled kernels: never those of other sources."""

from pathlib import Path

import pytest

from truly_sparse import kernel_cache


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with one kernel; NUMBA_CACHE_DIR is a folder of its own."""
    (tmp_path / "package/engine").mkdir(parents=True)
    (tmp_path / "package/engine/kernels.py").write_text("X = 1\n")
    monkeypatch.setattr(kernel_cache, "PACKAGE", tmp_path / "package")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "package"


def settled():
    kernel_cache.settle()
    return Path(kernel_cache.os.environ["NUMBA_CACHE_DIR"])


def test_other_sources_have_another_folder(package):
    before = settled()
    assert before.parent == package.parent / "cache"
    assert settled() == before  # in a process that inherits the name
    (package / "engine/dropout.py").write_text("Y = 1\n")
    after = settled()
    assert after.parent == before.parent
    assert after != before


def test_without_a_name_the_folder_lies_in_the_package(package, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert settled().parent == package / "engine/__pycache__"
