"""Gesture: fourteen files, each row where it belongs, or one line that says why not."""

import io
import os
import re
import zipfile

import numpy as np
import pandas as pd
import pytest

from truly_sparse.data import gesture
from truly_sparse.data.arrays import load
from truly_sparse.data.prepare import about_of, prepare
from truly_sparse.errors import UserError
from truly_sparse.files import sha256

REAL_MIRROR = os.environ.get("TRULY_SPARSE_MIRROR")
SETTINGS = {"scaling": "standard", "test_fraction": 0.2, "validation_fraction": 0.2, "stratify": False}


def from_mirror(made_up, **changes):
    return made_up.prepare(**({"mirror": str(made_up.mirror), "download": False} | changes))


def test_the_join_is_the_files_row_by_row(made_up):
    table = pd.read_parquet(from_mirror(made_up))
    assert table.shape == (84, 52)
    at = 0
    for video in gesture.VIDEOS:
        raw = pd.read_csv(made_up.mirror / "gesture" / f"{video}_raw.csv")
        processed = pd.read_csv(made_up.mirror / "gesture" / f"{video}_va3.csv")
        part = table.iloc[at : at + 12]
        assert np.array_equal(part.iloc[:, :18], raw[gesture.COORDINATES].iloc[4:])
        assert np.array_equal(part.iloc[:, 18:50], processed[gesture.MOTIONS])
        assert (part["video"] == video).all()
        assert [*"DHPRS"][part["target"].iloc[0]] == processed["Phase"].iloc[0]
        at += 12


def test_the_sidecar_tells_source_and_checksums(made_up):
    path = from_mirror(made_up)
    about = about_of(path)
    assert about["source"] == "mirror"
    assert about["sha256"] == sha256(path)
    assert about["inputs"] == made_up.entry["files"]
    assert sum(about["class_counts"].values()) == about["rows"] == 84
    assert about["partial"] is None


def test_the_mirror_can_come_from_the_environment(made_up, monkeypatch):
    monkeypatch.setenv("TRULY_SPARSE_MIRROR", str(made_up.mirror))
    assert about_of(from_mirror(made_up, mirror=None))["source"] == "mirror"


def test_the_network_gives_the_same_table(made_up):
    table = made_up.prepare().read_bytes()
    assert from_mirror(made_up, folder=str(made_up.data) + "2").read_bytes() == table


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
    server.answers = [
        {"body": rezipped(made_up.archive, lambda name, text: text + b"1" if name == "b3_raw.csv" else text)}
    ]
    with pytest.raises(UserError, match=r"b3_raw\.csv from .* another checksum"):
        made_up.prepare()
    server.answers = [{"body": rezipped(made_up.archive, lambda name, text: None if name == "b3_raw.csv" else text)}]
    with pytest.raises(UserError, match=r"holds no b3_raw\.csv"):
        made_up.prepare()
    assert made_up.nothing_left()


def test_an_archive_that_cannot_be_unpacked_is_refused(made_up, server):
    damaged = bytearray(rezipped(made_up.archive, lambda _, text: text))
    damaged[45:65] = b"\xff" * 20
    server.answers = [{"body": bytes(damaged)}]
    with pytest.raises(UserError, match="can be unpacked"):
        made_up.prepare()
    assert made_up.nothing_left()


def test_names_in_an_archive_cannot_leave_the_folder(made_up, server, tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made_up.archive)) as before, zipfile.ZipFile(archive, "w") as after:
        for member in before.namelist():
            after.writestr("../../../" + member.split("/")[-1], before.read(member))
    server.answers = [{"body": archive.getvalue()}]
    before_files = {path for path in tmp_path.rglob("*") if made_up.data not in path.parents}
    assert made_up.prepare().is_file()
    assert {path for path in tmp_path.rglob("*") if made_up.data not in path.parents} == before_files | {made_up.data}


def spoil(made_up, name, change):
    """Change one file and register its new checksum: what is wrong must be seen in the content."""
    file = made_up.mirror / "gesture" / name
    file.write_text(change(file.read_text()))
    made_up.write(files=made_up.entry["files"] | {name: sha256(file)})


def replace_cell(text, row, column, value):
    lines = [line.split(",") for line in text.split("\n")]
    lines[row][column] = value
    return "\n".join(",".join(line) for line in lines)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("a1_raw.csv", lambda text: text.replace("lhx", "other"), "column lhx is missing"),
        ("a2_va3.csv", lambda text: text[: len(text) // 2], "truncated|not finite|no label"),
        ("a3_va3.csv", lambda text: "\n".join(text.split("\n")[:-4]) + "\n", "truncated"),
        ("c1_raw.csv", lambda text: replace_cell(text, 9, 2, "nan"), "column lhz, row 64 is missing or not finite"),
        ("c1_raw.csv", lambda text: replace_cell(text, 9, 2, "inf"), "column lhz, row 64 is missing or not finite"),
        ("c1_raw.csv", lambda text: replace_cell(text, 9, 2, "x"), "column lhz is not numeric"),
        ("c3_raw.csv", lambda _: "", "cannot be read"),
        ("b3_raw.csv", lambda text: replace_cell(text, 9, 19, "Break"), "row 4 has phase . where .* row 8 has Break"),
    ],
)
def test_bad_content_is_refused_in_one_line(made_up, name, change, words):
    spoil(made_up, name, change)
    with pytest.raises(UserError, match=words) as error:
        from_mirror(made_up)
    assert "\n" not in str(error.value)
    assert made_up.nothing_left()


def test_labels_of_one_class_are_refused(made_up):
    for video in gesture.VIDEOS:
        spoil(made_up, f"{video}_va3.csv", lambda text: re.sub(r"[DHPRS]$", "D", text, flags=re.MULTILINE))
        spoil(made_up, f"{video}_raw.csv", lambda text: re.sub("Hold|Preparation|Retraction|Stroke", "Rest", text))
    with pytest.raises(UserError, match="labels of 1 class"):
        from_mirror(made_up)


@pytest.mark.skipif(REAL_MIRROR is None, reason="TRULY_SPARSE_MIRROR names no mirror folder")
def test_the_real_gesture(tmp_path):
    prepare("gesture", {"folder": str(tmp_path), "mirror": REAL_MIRROR, "download": False})
    arrays = load("gesture", {"folder": str(tmp_path)}, {**SETTINGS, "split": "authors"}, 0)
    assert (arrays.info["train_rows"], arrays.info["validation_rows"], arrays.info["test_rows"]) == (6318, 1580, 1975)
