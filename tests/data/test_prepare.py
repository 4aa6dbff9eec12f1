"""Every source, every fault: an intact table, or one line that says why not."""

import io
import json
import multiprocessing
import os
import re
import socket
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml

from truly_sparse.data import fetch, gesture
from truly_sparse.data.arrays import load
from truly_sparse.data.prepare import prepare
from truly_sparse.errors import UserError
from truly_sparse.files import sha256

REAL_TIMES = (fetch.PATIENCE_SECONDS, fetch.TIMEOUT_SECONDS, fetch.PAUSE_SECONDS)  # before the tests shorten them
SETTINGS = {
    "scaling": "standard",
    "split": "random",
    "test_fraction": 0.2,
    "validation_fraction": 0.2,
    "stratify": False,
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(fetch, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 2.0)
    monkeypatch.delenv("TRULY_SPARSE_MIRROR", raising=False)


def from_mirror(made_up, **changes):
    mirror, registry, _, folder = made_up
    return prepare("gesture", {"folder": str(folder), "mirror": str(mirror), "download": False, **changes}, registry)


def from_server(made_up, server, *answers):
    server.answers = list(answers)
    return prepare("gesture", {"folder": str(made_up[3]), "mirror": None, "download": True}, made_up[1])


def change_registry(made_up, **changes):
    registry = yaml.safe_load(made_up[1].read_text())
    registry["datasets"]["gesture"] |= changes
    made_up[1].write_text(yaml.safe_dump(registry, sort_keys=False))


def nothing_left(folder):
    return not folder.exists() or not [path for path in folder.rglob("*") if path.is_file() and "raw" not in path.parts]


def test_the_join_is_the_files_row_by_row(made_up):
    table = pd.read_parquet(from_mirror(made_up))
    assert table.shape == (84, 52)
    at = 0
    for video in gesture.VIDEOS:
        raw = pd.read_csv(made_up[0] / "gesture" / f"{video}_raw.csv")
        processed = pd.read_csv(made_up[0] / "gesture" / f"{video}_va3.csv")
        part = table.iloc[at : at + 12]
        assert np.array_equal(part.iloc[:, :18], raw[gesture.COORDINATES].iloc[4:])
        assert np.array_equal(part.iloc[:, 18:50], processed[gesture.MOTIONS])
        assert (part["video"] == video).all()
        assert [*"DHPRS"][part["target"].iloc[0]] == processed["Phase"].iloc[0]
        at += 12


def test_the_sidecar_tells_source_and_checksums(made_up):
    path = from_mirror(made_up)
    about = json.loads(path.with_suffix(".json").read_text())
    assert about["source"] == "mirror"
    assert about["sha256"] == sha256(path)
    assert len(about["inputs"]) == 14
    assert sum(about["class_counts"].values()) == about["rows"] == 84


def test_the_mirror_can_come_from_the_environment(made_up, monkeypatch):
    monkeypatch.setenv("TRULY_SPARSE_MIRROR", str(made_up[0]))
    assert from_mirror(made_up, mirror=None).is_file()


def test_the_network_gives_the_same_table(made_up, server):
    table = from_server(made_up, server, (200, made_up[2], None)).read_bytes()
    assert from_mirror(made_up, folder=str(made_up[3]) + "2").read_bytes() == table


def test_an_intact_table_is_kept_and_a_damaged_one_heals(made_up):
    path = from_mirror(made_up)
    content, time = path.read_bytes(), path.stat().st_mtime_ns
    assert from_mirror(made_up).stat().st_mtime_ns == time
    path.write_bytes(content[:100])
    with pytest.raises(UserError, match="is not the file"):
        load("gesture", {"folder": str(made_up[3])}, SETTINGS, 0)
    assert from_mirror(made_up).read_bytes() == content


def test_a_server_that_recovers_is_asked_again(made_up, server):
    assert from_server(made_up, server, (503, b"", None), (200, made_up[2], None)).is_file()
    assert server.asked == 2


@pytest.mark.parametrize(
    ("answer", "words", "times"),
    [
        ((404, b"", None), "HTTP 404", 1),
        ((500, b"", None), "HTTP 500", 3),
        ((200, b"hello", None), "not a zip archive that can be unpacked", 1),
        ((200, b"PK" + b"x" * 100, 5000), "102 of 5000 bytes|IncompleteRead|timed out", 3),
    ],
)
def test_a_server_that_fails_is_named_in_one_line(made_up, server, answer, words, times):
    with pytest.raises(UserError, match=words) as error:
        from_server(made_up, server, answer)
    assert "TRULY_SPARSE_MIRROR" in str(error.value)
    assert "\n" not in str(error.value)
    assert server.asked == times
    assert nothing_left(made_up[3])


def test_neither_network_nor_mirror_is_one_line(made_up):
    with pytest.raises(UserError, match=r"no source is allowed.*data\.mirror or TRULY_SPARSE_MIRROR"):
        from_mirror(made_up, mirror=None)


def test_a_mirror_with_a_changed_file_falls_through_to_the_network(made_up, server, capsys):
    file = made_up[0] / "gesture" / "b1_raw.csv"
    file.write_text(file.read_text().replace("Rest", "Rust"))
    with pytest.raises(UserError, match=r"mirror: .*b1_raw\.csv has sha256"):
        from_mirror(made_up)
    server.answers = [(200, made_up[2], None)]
    path = from_mirror(made_up, download=True)
    assert json.loads(path.with_suffix(".json").read_text())["source"] == "UCI"
    said = [line for line in capsys.readouterr().err.split("\n") if "trying UCI" in line]
    assert len(said) == 1
    assert "b1_raw.csv has sha256" in said[0]


def test_a_mirror_without_a_file_names_it(made_up):
    (made_up[0] / "gesture" / "c3_va3.csv").unlink()
    with pytest.raises(UserError, match=r"mirror: .*c3_va3\.csv is missing"):
        from_mirror(made_up)


def rezipped(content, change):
    """Return the archive with `change(name, bytes)` applied to every member; None leaves a member out."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as after:
        for member in before.namelist():
            changed = change(member.split("/")[-1], before.read(member))
            if changed is not None:
                after.writestr(member, changed)
    return result.getvalue()


def test_an_archive_with_a_changed_or_missing_file_is_refused(made_up, server):
    changed = rezipped(made_up[2], lambda name, text: text + b"1" if name == "b3_raw.csv" else text)
    with pytest.raises(UserError, match=r"b3_raw\.csv from .* another checksum"):
        from_server(made_up, server, (200, changed, None))
    short = rezipped(made_up[2], lambda name, text: None if name == "b3_raw.csv" else text)
    with pytest.raises(UserError, match=r"holds no b3_raw\.csv"):
        from_server(made_up, server, (200, short, None))
    assert nothing_left(made_up[3])


def test_an_archive_that_cannot_be_unpacked_is_refused(made_up, server):
    damaged = bytearray(rezipped(made_up[2], lambda _, text: text))
    damaged[45:65] = b"\xff" * 20
    with pytest.raises(UserError, match="can be unpacked"):
        from_server(made_up, server, (200, bytes(damaged), None))
    assert nothing_left(made_up[3])
    assert not [path for path in made_up[3].rglob("*") if "download" in path.name]


def test_names_in_an_archive_cannot_leave_the_folder(made_up, server, tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made_up[2])) as before, zipfile.ZipFile(archive, "w") as after:
        for member in before.namelist():
            after.writestr("../../../" + member.split("/")[-1], before.read(member))
    before_files = {path for path in tmp_path.rglob("*") if made_up[3] not in path.parents}
    assert from_server(made_up, server, (200, archive.getvalue(), None)).is_file()
    assert {path for path in tmp_path.rglob("*") if made_up[3] not in path.parents} == before_files | {made_up[3]}


def test_a_length_that_is_no_number_is_no_fault(made_up, server):
    assert from_server(made_up, server, (200, made_up[2], "many")).is_file()


def test_a_server_that_never_answers_is_given_up(made_up, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(fetch, "PATIENCE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        registry = yaml.safe_load(made_up[1].read_text())
        registry["datasets"]["gesture"]["sources"]["zip"] = f"http://127.0.0.1:{silent.getsockname()[1]}/data.zip"
        made_up[1].write_text(yaml.safe_dump(registry, sort_keys=False))
        with pytest.raises(UserError, match=r"timed out.*TRULY_SPARSE_MIRROR"):
            from_mirror(made_up, mirror=None, download=True)
        silent.setblocking(False)
        silent.accept()
        with pytest.raises(BlockingIOError):  # asked once, not three times
            silent.accept()


def test_the_patience_keeps_a_failure_under_fifteen_seconds():
    # The last attempt starts before the patience ends, after the longest pause, and lasts one time-out.
    patience, timeout, pause = REAL_TIMES
    assert patience + pause * 2 ** (fetch.ATTEMPTS - 2) * 2 + timeout <= 15


def test_a_download_survives_another_that_ends_first(made_up, server, monkeypatch, tmp_path):
    server.answers = [(200, made_up[2], None)]
    checksums = yaml.safe_load(made_up[1].read_text())["datasets"]["gesture"]["sources"]["files"]
    download, nested = fetch.download, []

    def overtaken(url, target):
        download(url, target)
        if not nested:
            nested.append(url)
            fetch.from_zip(url, checksums, tmp_path / "raw")

    monkeypatch.setattr(fetch, "download", overtaken)
    fetch.from_zip(server.url, checksums, tmp_path / "raw")
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == sorted(checksums)


def test_two_processes_can_prepare_at_once(made_up, server):
    server.answers = [(200, made_up[2], None)]
    config = {"folder": str(made_up[3]), "mirror": None, "download": True}
    context = multiprocessing.get_context("spawn")  # a fork of a process with a server's threads may hang
    workers = [context.Process(target=prepare, args=("gesture", config, made_up[1])) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0]
    about = json.loads((made_up[3] / "gesture.json").read_text())
    assert about["sha256"] == sha256(made_up[3] / "gesture.parquet")


def spoil(made_up, name, change):
    """Change one file and register its new checksum: what is wrong must be seen in the content."""
    file = made_up[0] / "gesture" / name
    file.write_text(change(file.read_text()))
    registry = yaml.safe_load(made_up[1].read_text())
    registry["datasets"]["gesture"]["sources"]["files"][name] = sha256(file)
    made_up[1].write_text(yaml.safe_dump(registry, sort_keys=False))


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("a1_raw.csv", lambda text: text.replace("lhx", "other"), "column lhx is missing"),
        ("a2_va3.csv", lambda text: text[: len(text) // 2], "truncated|not finite|no label"),
        ("a3_va3.csv", lambda text: "\n".join(text.split("\n")[:-4]) + "\n", "truncated"),
        ("c1_raw.csv", lambda text: _replace_cell(text, 9, 2, "nan"), "column lhz, row 64 is missing or not finite"),
        ("c1_raw.csv", lambda text: _replace_cell(text, 9, 2, "inf"), "column lhz, row 64 is missing or not finite"),
        ("c1_raw.csv", lambda text: _replace_cell(text, 9, 2, "x"), "column lhz is not numeric"),
        ("c3_raw.csv", lambda _: "", "cannot be read"),
        ("b3_raw.csv", lambda text: _replace_cell(text, 9, 19, "Break"), "row 4 has phase . where .* row 8 has Break"),
    ],
)
def test_bad_content_is_refused_in_one_line(made_up, name, change, words):
    spoil(made_up, name, change)
    with pytest.raises(UserError, match=words) as error:
        from_mirror(made_up)
    assert "\n" not in str(error.value)
    assert nothing_left(made_up[3])


def _replace_cell(text, row, column, value):
    lines = [line.split(",") for line in text.split("\n")]
    lines[row][column] = value
    return "\n".join(",".join(line) for line in lines)


def test_labels_of_one_class_are_refused(made_up):
    for video in gesture.VIDEOS:
        spoil(
            made_up,
            f"{video}_va3.csv",
            lambda text: "\n".join(
                line[:-1] + "D" if line.endswith(tuple("DHPRS")) else line for line in text.split("\n")
            ),
        )
        spoil(made_up, f"{video}_raw.csv", lambda text: re.sub("Hold|Preparation|Retraction|Stroke", "Rest", text))
    with pytest.raises(UserError, match="labels of 1 class"):
        from_mirror(made_up)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"rows": 85}, "84 rows"), ({"features": 49}, "50 features"), ({"class_counts": {"D": 84, "H": 0}}, "classes")],
)
def test_a_table_that_is_not_the_registered_one_is_refused(made_up, changes, words):
    change_registry(made_up, **changes)
    with pytest.raises(UserError, match=words):
        from_mirror(made_up)
    assert nothing_left(made_up[3])


def test_unknown_datasets_and_broken_registries_are_refused(made_up):
    with pytest.raises(UserError, match='did you mean "gesture"'):
        prepare("gestures", {"folder": str(made_up[3])}, made_up[1])
    for text, words in (
        ("datasets: [", "not a readable registry"),
        ("datasets: {gesture: null}", "lacks sources"),
        ("datasets: {gesture: {rows: 1}}", "lacks sources, features"),
        (
            "datasets: {gesture: {sources: {zip: a}, rows: 1, features: 1, class_counts: {}, target: a, licence: b, "
            "citation: c}}",
            "need sklearn, or mirror, zip, files",
        ),
    ):
        made_up[1].write_text(text)
        with pytest.raises(UserError, match=words):
            prepare("gesture", {"folder": str(made_up[3])}, made_up[1])


@pytest.mark.parametrize(
    ("name", "rows", "features", "classes"),
    [("digits", 1797, 64, 10), ("breast_cancer", 569, 30, 2), ("wine", 178, 13, 3)],
)
def test_bundled_sets_are_what_the_registry_says(tmp_path, name, rows, features, classes):
    prepare(name, {"folder": str(tmp_path)})
    arrays = load(name, {"folder": str(tmp_path)}, SETTINGS, 0)
    assert arrays.info["rows"] == rows
    assert arrays.x_train.shape[1] == features
    assert len(arrays.classes) == classes


@pytest.mark.skipif("TRULY_SPARSE_MIRROR" not in os.environ, reason="TRULY_SPARSE_MIRROR names no mirror folder")
def test_the_real_gesture(tmp_path):
    prepare("gesture", {"folder": str(tmp_path), "mirror": REAL_MIRROR, "download": False})
    arrays = load("gesture", {"folder": str(tmp_path)}, {**SETTINGS, "split": "authors"}, 0)
    assert (arrays.info["train_rows"], arrays.info["validation_rows"], arrays.info["test_rows"]) == (6318, 1580, 1975)


REAL_MIRROR = os.environ.get("TRULY_SPARSE_MIRROR")
