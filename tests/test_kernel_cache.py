"""Compiled kernels: never those of other sources."""

import os
import tempfile
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
    return Path(os.environ["NUMBA_CACHE_DIR"])


def test_other_sources_have_another_folder(package):
    before = settled()
    assert before.parent == package.parent / "cache"
    assert settled() == before  # in a process that inherits the name
    (package / "engine/convolution").mkdir()
    for other in ("engine/dropout.py", "engine/convolution/bands.py"):
        (package / other).write_text("Y = 1\n")
        after = settled()
        assert after.parent == before.parent
        assert after != before
        before = after


def test_without_a_name_the_folder_lies_in_the_package(package, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert settled().parent == package / "engine/__pycache__"


def test_where_the_package_cannot_be_written_to_it_lies_at_home(package, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("HOME", str(package.parent))
    monkeypatch.setattr(kernel_cache, "_writable", lambda folder: folder == package.parent)
    assert settled().parent == package.parent / ".cache/truly-sparse"


def test_where_nothing_can_be_written_to_it_is_temporary_and_of_this_user_alone(package, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr(kernel_cache, "_writable", lambda _: False)
    monkeypatch.setattr(tempfile, "tempdir", str(package.parent))
    own = package.parent / f"truly-sparse-{os.getuid()}-kernels"
    assert settled().parent == own
    assert own.stat().st_mode & 0o777 == 0o700
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    own.chmod(0o777)
    other = settled().parent
    assert other.parent == package.parent
    assert other != own


@pytest.mark.usefixtures("package")
def test_a_place_that_no_letters_of_the_locale_name_is_left_to_numba(monkeypatch):
    monkeypatch.setattr(kernel_cache, "_place", lambda: Path("\udcff"))
    before = os.environ["NUMBA_CACHE_DIR"]
    kernel_cache.settle()
    assert os.environ["NUMBA_CACHE_DIR"] == before


def test_a_folder_that_only_one_of_write_and_search_is_granted_for_cannot_be_written_to(tmp_path, monkeypatch):
    for granted, writable in ((os.W_OK, False), (os.X_OK, False), (os.W_OK | os.X_OK, True)):
        monkeypatch.setattr(os, "access", lambda _, asked, granted=granted: asked & ~granted == 0)
        assert kernel_cache._writable(tmp_path) == writable
    (tmp_path / "file").touch()
    assert not kernel_cache._writable(tmp_path / "file")
