"""Files that are whole or absent: what is left of the system's answers."""

import errno
import fcntl
import os
import threading

import pytest

from truly_sparse.engine import memory
from truly_sparse.files import lock, locked, write_text


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_that_knows_no_locks_is_used_without(tmp_path, monkeypatch, number):
    monkeypatch.setattr(fcntl, "flock", failing(number))
    with (tmp_path / "lock").open("w") as stream:
        assert not lock(stream, wait=True)
    with locked(tmp_path / "other") as waited:
        assert not waited


def test_any_other_failure_of_a_lock_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", failing(errno.EIO))
    with (tmp_path / "lock").open("w") as stream, pytest.raises(OSError, match="no lock"):
        lock(stream, wait=True)


def test_a_second_waits_for_the_first_without_a_word(tmp_path):
    held, waited = threading.Event(), []

    def wait():
        held.wait()
        with locked(tmp_path / "lock") as had_to:
            waited.append(had_to)

    second = threading.Thread(target=wait)
    second.start()
    with locked(tmp_path / "lock") as had_to:
        assert not had_to
        held.set()
        second.join(0.2)
        assert second.is_alive()
    second.join()
    assert waited == [True]


def test_a_full_disk_names_the_file_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "replace", failing(errno.ENOSPC))
    with pytest.raises(OSError, match="no lock") as error:
        write_text(tmp_path / "table.csv", "1\n")
    assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(tmp_path / "table.csv"))
    assert not [*tmp_path.iterdir()]


def failing(number):
    def call(*_):
        raise OSError(number, "no lock and no space")

    return call


def test_a_cache_of_unknown_size_is_a_small_one(monkeypatch):
    monkeypatch.setattr(memory.Path, "read_text", lambda *_, **__: "no number")
    assert memory.second_level_cache.__wrapped__() == 512 * 1024
