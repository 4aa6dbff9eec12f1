"""Every source, every fault: an intact table, or one line that says why not."""

import json
import os

import numpy as np
import pandas as pd
import pytest
import yaml

from truly_sparse.data import fetch, gesture
from truly_sparse.data.arrays import load
from truly_sparse.data.prepare import prepare
from truly_sparse.errors import UserError
from truly_sparse.files import sha256

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
        ((200, b"hello", None), "not a zip archive", 1),
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


def test_a_mirror_with_a_changed_file_falls_through_to_the_network(made_up, server):
    file = made_up[0] / "gesture" / "b1_raw.csv"
    file.write_text(file.read_text().replace("Rest", "Rust"))
    with pytest.raises(UserError, match=r"mirror: .*b1_raw\.csv has sha256"):
        from_mirror(made_up)
    server.answers = [(200, made_up[2], None)]
    path = from_mirror(made_up, download=True)
    assert json.loads(path.with_suffix(".json").read_text())["source"] == "UCI"


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
    made_up[1].write_text("datasets: [")
    with pytest.raises(UserError, match="not a readable registry"):
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
