"""Files that are whole or absent: what is left of the system's answers."""

import errno
import fcntl
import hashlib
import json
import os
import threading
import time

import pytest

from truly_sparse.engine import memory
from truly_sparse.errors import UserError
from truly_sparse.files import atomic_path, folder_of, lock, locked, sha256, sweep, write_json, write_text


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


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path):
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(OSError, match="directory") as error:
        write_text(tmp_path / "table.csv", "1\n")
    assert error.value.filename == str(tmp_path / "table.csv")


def test_an_error_of_another_file_names_that_one(tmp_path):
    with pytest.raises(FileNotFoundError) as error, atomic_path(tmp_path / "table.csv"):
        (tmp_path / "other.csv").read_bytes()
    assert error.value.filename == str(tmp_path / "other.csv")


def test_json_is_indented_ends_with_a_line_and_holds_no_nan(tmp_path):
    target = tmp_path / "there/facts.json"
    write_json(target, {"name": "Ä", "numbers": [1, 2.5]})
    text = target.read_text(encoding="utf-8")
    assert json.loads(text) == {"name": "Ä", "numbers": [1, 2.5]}
    assert text.startswith('{\n "name"')
    assert text.endswith("}\n")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(target, float("nan"))
    assert target.read_text(encoding="utf-8") == text


def test_a_digest_is_of_all_bytes(tmp_path):
    data = bytes(range(256)) * 5000
    (tmp_path / "data").write_bytes(data)
    assert sha256(tmp_path / "data") == hashlib.sha256(data).hexdigest()


def unfinished(target):
    """Return what is left of a file whose writer was killed."""
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        name = temporary.name
    target.with_name(name).write_text("half")
    return target.with_name(name)


@pytest.mark.parametrize(("stems", "left"), [(["run"], ["other"]), ([], [])])
def test_a_sweep_takes_what_killed_processes_left_of_one_name_or_of_all(tmp_path, stems, left):
    halves = {stem: unfinished(tmp_path / f"{stem}.json") for stem in ("run", "other")}
    sweep(tmp_path, *stems)
    assert [stem for stem, path in halves.items() if path.exists()] == left
    assert {path.name for path in tmp_path.glob("[!.]*")} == {"run.json", "other.json"}


def test_what_was_left_long_ago_is_removed_with_the_next_write_unless_its_writer_lives(tmp_path):
    old, held, young = (unfinished(tmp_path / "run.json") for _ in range(3))
    for path in (old, held):
        os.utime(path, (time.time() - 10 * 86400,) * 2)
    with held.open() as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        write_text(tmp_path / "run.json", "whole")
    assert [path.exists() for path in (old, held, young)] == [False, True, True]


def failing(number):
    def call(*_):
        raise OSError(number, "no lock and no space")

    return call


def test_a_cache_of_unknown_size_is_a_small_one(monkeypatch):
    monkeypatch.setattr(memory.Path, "read_text", lambda *_, **__: "no number")
    assert memory.second_level_cache.__wrapped__() == 512 * 1024


def test_what_cannot_be_written_is_known_before_anything_is_made(tmp_path):
    assert folder_of(tmp_path / "new/there/table.csv") == tmp_path
    (tmp_path / "table.csv").write_text("1\n")
    assert folder_of(tmp_path / "table.csv") == tmp_path
    with pytest.raises(UserError, match=r"is a folder; name a file in it$"):
        folder_of(tmp_path)
    with pytest.raises(UserError, match=rf"cannot be written: {tmp_path}/table\.csv is no folder that may be"):
        folder_of(tmp_path / "table.csv/below.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
