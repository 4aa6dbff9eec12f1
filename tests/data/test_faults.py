"""Whatever a network, a cache or a disk does: an intact table, or one line that names each source and its reason."""

import multiprocessing
import os
import resource
import socket
import threading
from contextlib import contextmanager

import pandas as pd
import pytest

from truly_sparse.data import fetch
from truly_sparse.data.arrays import load
from truly_sparse.data.prepare import about_of, prepare
from truly_sparse.errors import UserError
from truly_sparse.files import sha256


def answer(body=b"", **more):
    """Return one answer of the server, as `Answer` in conftest.py takes it."""
    return {"body": body, **more}


REAL_TIMES = (fetch.PATIENCE_SECONDS, 9.0, 0.5)
SPLIT = {"scaling": "standard", "split": "random", "test_fraction": 0.2, "validation_fraction": 0.2, "stratify": False}


def test_a_download_is_the_table_and_says_so(toy):
    table = pd.read_parquet(toy.prepare())
    assert list(table.columns) == ["size", "count", "target"]
    assert table["target"].tolist() == [0, 1] * 20
    about = about_of(toy.data / "toy.parquet")
    assert (about["source"], about["inputs"]) == ("benchmark", toy.entry["files"])


def test_a_server_that_recovers_is_asked_again(toy, server):
    server.answers = [answer(status=503), answer(status=429), answer(toy.csv)]
    assert toy.prepare().is_file()
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("given", "words", "times"),
    [
        (answer(status=404), "HTTP 404", 1),
        (answer(status=500), "HTTP 500", 3),
        (answer(b"hello"), "another checksum than registered", 1),
        (answer(b"x" * 100, promised="5000", headers={"X-Cut": "100"}), "100 of 5000|IncompleteRead", 3),
        (answer(b"<html>log in", kind="text/html; charset=utf-8"), "is a web page", 1),
        (answer(status=302, headers={"Location": "/toy.csv"}), "HTTP 302 .*infinite loop", 1),
    ],
)
def test_a_server_that_fails_is_named_in_one_line(toy, server, given, words, times):
    server.answers = [given]
    with pytest.raises(UserError, match=words) as error:
        toy.prepare()
    assert "TRULY_SPARSE_MIRROR" in str(error.value)
    assert "benchmark: " in str(error.value)
    assert "\n" not in str(error.value)
    # A circle of redirects is followed for a while; nothing else is.
    assert len(server.asked) == times or given.get("status") == 302
    assert toy.nothing_left()


def test_where_no_download_is_allowed_the_advice_is_to_allow_it(toy):
    with pytest.raises(UserError, match=r"toy\.csv is missing.*\); set data\.download: true, or name a folder"):
        toy.prepare(download=False, mirror=str(toy.mirror))
    toy.write(sources=[{"https": "http://127.0.0.1:1/toy.csv"}])
    with pytest.raises(UserError, match=r"\(no source is allowed\); set data\.download: true$"):
        toy.prepare(download=False)


def test_a_slow_server_is_a_fault_that_may_pass(toy, server, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.2)
    server.answers = [answer(toy.csv, wait=0.5), answer(toy.csv)]
    assert toy.prepare().is_file()


def test_a_server_that_never_answers_is_given_up(toy, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(fetch, "PATIENCE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/toy.csv"
        toy.write(sources=[{"mirror": "tabular"}, {"https": address}])
        with pytest.raises(UserError, match=r"timed out.*TRULY_SPARSE_MIRROR"):
            toy.prepare()
        silent.setblocking(False)
        silent.accept()
        with pytest.raises(BlockingIOError):  # asked once, not three times
            silent.accept()


def test_the_patience_keeps_a_failure_under_fifteen_seconds():
    # The last attempt starts before the patience ends, after the longest pause, and lasts one time-out.
    patience, timeout, pause = REAL_TIMES
    assert patience + pause * 2 ** (fetch.ATTEMPTS - 2) * 2 + timeout <= 15


def test_pauses_grow_and_differ(monkeypatch):
    slept = []
    monkeypatch.setattr(fetch.time, "sleep", slept.append)
    for _ in range(20):
        for attempt in (1, 2, 3):
            fetch.pause(attempt)
    assert all(first < second < third for first, second, third in zip(*[iter(slept)] * 3, strict=True))
    assert len(set(slept[::3])) > 10


def test_sources_are_tried_in_order_and_each_reason_is_told(toy, server, capsys):
    toy.write(
        sources=[
            {"mirror": "tabular"},
            {"https": f"{server.base}/gone.csv", "name": "first"},
            {"https": f"{server.base}/toy.csv", "name": "second"},
        ]
    )
    server.answers = lambda path: answer(toy.csv) if path == "/toy.csv" else answer(status=404)
    assert about_of(toy.prepare(mirror=str(toy.mirror)))["source"] == "second"
    said = capsys.readouterr().err
    assert "toy.csv is missing; trying first" in said
    assert "HTTP 404 Not Found; trying second" in said
    server.answers = [answer(status=404)]
    with pytest.raises(UserError) as error:
        toy.prepare(mirror=str(toy.mirror), folder=str(toy.data) + "2")
    assert all(f"{source}: " in str(error.value) for source in ("mirror", "first", "second"))


def test_neither_network_nor_mirror_is_one_line(toy):
    with pytest.raises(UserError, match=r"no source is allowed.*data\.mirror or TRULY_SPARSE_MIRROR"):
        toy.prepare(download=False)


def test_a_mirror_with_a_changed_file_falls_through_to_the_network(toy, capsys):
    (toy.mirror / "tabular").mkdir(parents=True)
    (toy.mirror / "tabular" / "toy.csv").write_bytes(toy.csv.replace(b"yes", b"yea"))
    with pytest.raises(UserError, match=r"mirror: .*toy\.csv has sha256"):
        toy.prepare(mirror=str(toy.mirror), download=False)
    assert about_of(toy.prepare(mirror=str(toy.mirror)))["source"] == "benchmark"
    assert "trying benchmark" in capsys.readouterr().err


def test_a_changed_number_of_rows_is_refused(toy, server):
    shorter = b"\n".join(toy.csv.split(b"\n")[:-6]) + b"\n"
    longer = toy.csv + b"1,2,yes\n"
    for body, words in (
        (shorter, "has only 35 of 40 rows"),
        (longer, "has more rows than the 40 that the registry says"),
    ):
        server.answers = [answer(body)]
        toy.write(files={"toy.csv": None})
        with pytest.raises(UserError, match=words):
            toy.prepare()
        assert toy.nothing_left()


def test_a_part_is_only_taken_when_allowed_and_nothing_is_whole(toy):
    (toy.mirror / "tabular").mkdir(parents=True)
    part = b"\n".join(toy.csv.split(b"\n")[:31]) + b"\n"
    (toy.mirror / "tabular" / "part.csv").write_bytes(part)
    toy.write(sources=[{"mirror": "tabular", "files": {"part.csv": None}}, toy.entry["sources"][1]])
    with pytest.raises(UserError, match=r"has only 30 of 40 rows.*set data\.allow_partial: true"):
        toy.prepare(mirror=str(toy.mirror), download=False)
    taken = toy.prepare(mirror=str(toy.mirror), download=False, allow_partial=True)
    about = about_of(taken)
    assert (about["partial"], about["rows"], len(pd.read_parquet(taken))) == ("30 of 40 rows", 30, 30)
    # Once it is there it still is no substitute where parts are refused.
    assert about_of(toy.prepare(mirror=str(toy.mirror)))["partial"] is None
    # The whole is taken where it can be had, whether parts are allowed or not.
    other = toy.prepare(mirror=str(toy.mirror), allow_partial=True, folder=str(toy.data) + "2")
    assert about_of(other)["source"] == "benchmark"


def test_a_part_without_a_class_is_refused_even_when_allowed(toy, server):
    lines = toy.csv.split(b"\n")
    server.answers = [answer(b"\n".join([lines[0], *(line for line in lines if line.endswith(b"yes"))]) + b"\n")]
    toy.write(files={"toy.csv": None}, class_counts={"no": 10, "yes": 20, "never": 10})
    with pytest.raises(UserError, match="labels of 1 class"):
        toy.prepare(allow_partial=True)


def test_an_intact_table_is_kept_and_a_damaged_one_heals(toy, server):
    path = toy.prepare()
    content, time = path.read_bytes(), path.stat().st_mtime_ns
    assert toy.prepare().stat().st_mtime_ns == time
    path.write_bytes(content[:100])
    with pytest.raises(UserError, match="is not the file"):
        load("toy", {"folder": str(toy.data)}, SPLIT, 0)
    assert toy.prepare().read_bytes() == content
    assert len(server.asked) == 1


def test_a_sidecar_that_is_damaged_heals(toy):
    path = toy.prepare()
    for text in ("", "[]", "{}", '{"registry": 1}'):
        path.with_suffix(".json").write_text(text)
        assert about_of(toy.prepare())["source"] == "benchmark"


def test_a_corrupt_cache_heals_itself(toy, server):
    path = toy.prepare()
    cached = toy.data / "raw" / "toy" / "toy.csv"
    cached.write_bytes(toy.csv[:50])
    path.unlink()
    assert toy.prepare().is_file()
    assert cached.read_bytes() == toy.csv
    assert len(server.asked) == 2


@pytest.mark.parametrize("checksum", [True, False])
def test_an_intact_cache_needs_no_network_and_keeps_its_source(toy, server, checksum):
    if not checksum:
        toy.write(files={"toy.csv": None})
    path = toy.prepare()
    path.unlink()
    server.answers = [answer(status=404)]
    assert about_of(toy.prepare(download=False))["source"] == "benchmark"
    assert len(server.asked) == 1


@contextmanager
def nobody(folder):
    """Do something with a folder that cannot be written to, as a user whom that stops."""
    root = os.geteuid() == 0
    parents = [folder, *list(folder.parents)[:4]]
    modes = [path.stat().st_mode for path in parents]
    for path in parents[1:]:
        path.chmod(0o755) if root and path.owner() == "root" and path.name.startswith(
            ("pytest", "popen", "test")
        ) else None
    folder.chmod(0o555)
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path, mode in zip(parents, modes, strict=True):
            path.chmod(mode)


def test_a_read_only_cache_is_one_line_and_an_intact_table_in_it_is_used(toy):
    toy.data.mkdir()
    with nobody(toy.data), pytest.raises(UserError, match=r"Permission denied.*data\.folder") as error:
        toy.prepare()
    assert "\n" not in str(error.value)
    path = toy.prepare()
    with nobody(toy.data):
        assert toy.prepare() == path


def test_a_full_disk_is_one_line_and_leaves_nothing(toy):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(UserError, match=r"cannot write \(File too large\); free space") as error:
            toy.prepare()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(error.value)
    assert toy.nothing_left()
    assert toy.prepare().is_file()


def test_two_jobs_at_once_fetch_once(toy, server):
    server.answers = [answer(toy.csv, wait=0.3)]
    config = {"folder": str(toy.data), "mirror": None, "download": True}
    context = multiprocessing.get_context("spawn")  # a fork of a process with a server's threads may hang
    workers = [context.Process(target=prepare, args=("toy", config, None, toy.registry)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(server.asked) == 1
    path = toy.data / "toy.parquet"
    assert about_of(path)["sha256"] == sha256(path)


def test_two_threads_at_once_are_no_different(toy, server):
    server.answers = [answer(toy.csv, wait=0.1)]
    workers = [threading.Thread(target=toy.prepare) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(server.asked) == 1


def test_a_length_that_is_no_number_is_no_fault(toy, server):
    server.answers = [answer(toy.csv, promised="many")]
    assert toy.prepare().is_file()
