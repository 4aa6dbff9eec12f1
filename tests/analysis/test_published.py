"""The printed numbers in config/published."""

from pathlib import Path

import pytest

from truly_sparse.analysis import published
from truly_sparse.errors import UserError

EXPECTED = {
    ("gesture", "dense", "default", "test_accuracy"): (54.9, None, 1),
    ("gesture", "dense", "default", "training_operations"): (1.71e13, None, 1),
    ("gesture", "edst_rg", "eps20", "test_accuracy"): (71.8, 0.2, 3),
    ("gesture", "fd_tse", "eps30", "test_accuracy"): (74.8, 0.3, 3),
    ("gesture", "fd_tse", "eps30", "train_time"): (82.1, 5.9, 3),
    ("gesture", "dist_tse", "eps10_lambda1.5", "weights_ratio"): (0.12, None, 3),
    ("gesture", "set_mlp", "eps20", "test_accuracy"): (60.6, 0.7, 3),
    ("gesture", "dense_ensemble", "default", "weights_ratio"): (5.0, None, 1),
    ("higgs", "dense", "default", "weights"): (2_033_002, None, 1),
    ("higgs", "static", "eps20", "test_accuracy"): (53.3, 0.6, 3),
    ("higgs", "dist_tse", "eps20_lambda1.5", "training_operations_ratio"): (0.07, None, 3),
}


def test_cells_are_those_of_the_journal():
    frame = published.load("journal_table1").set_index(["dataset", "method", "setting", "metric"]).sort_index()
    for key, (value, std, runs) in EXPECTED.items():
        row = frame.loc[key]
        assert row["published"] == value, key
        assert row["published_runs"] == runs, key
        assert row["published_std"] == std if std is not None else row["published_std"] != row["published_std"], key


def test_every_row_of_the_journal_is_there():
    frame = published.load("journal_table1")
    rows = frame[frame["metric"] == "test_accuracy"].groupby("dataset").size()
    assert rows.to_dict() == {"gesture": 16, "higgs": 12}
    assert set(frame["source"]) == {"journal Table 1"}
    # Sparsity 0.98, 0.95, 0.93 are epsilon 10, 20, 30; SET-MLP and static are printed at 0.95 only.
    assert sorted(frame["epsilon"].dropna().unique()) == [10, 20, 30]
    assert set(frame.loc[frame["method"].isin(["set_mlp", "static"]), "setting"]) == {"eps20"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config" / "published" / "journal_table1.csv"
    path.parent.mkdir(parents=True)
    path.write_text(published.find("journal_table1").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def test_missing_column_is_named(file):
    file.write_text(file.read_text(encoding="utf-8").replace("published_std", "spread"), encoding="utf-8")
    with pytest.raises(UserError, match="published_std"):
        published.load("journal_table1")


def test_repeated_line_is_named(file):
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([*lines, lines[3]]) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=f"line {len(lines) + 1} repeats"):
        published.load("journal_table1")


def test_text_where_a_number_belongs_is_named(file):
    file.write_text(file.read_text(encoding="utf-8").replace("54.9", "about 55"), encoding="utf-8")
    with pytest.raises(UserError, match='"published" holds something that is not a number'):
        published.load("journal_table1")


@pytest.mark.parametrize("content", ["", "a,b\n1,2,3,4\n"])
def test_damaged_file_is_one_clear_line(file, content):
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"table1\.csv"):
        published.load("journal_table1")


def test_no_file_for_a_table():
    with pytest.raises(UserError, match=r"table99\.csv not found"):
        published.load("journal_table99")
