"""Your own data: a path or an OpenML number and a target column are enough, and every choice is stated."""

import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from truly_sparse.data import registry, user_data
from truly_sparse.data.arrays import load
from truly_sparse.data.prepare import about_of, prepare
from truly_sparse.errors import UserError
from truly_sparse.files import write_json


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """`mine(text, **settings)` writes mine.csv and returns (table, sidecar) of the prepared data."""
    monkeypatch.chdir(tmp_path)

    def prepared(text, name="mine.csv", **choices):
        if isinstance(text, str):
            (tmp_path / name).write_text(text)
        else:
            text.to_parquet(tmp_path / name)
        block = {"source": {"path": name, "target": "y"}} | choices
        path = prepare("mine", {"folder": "data", "mirror": None, "download": False}, block)
        return pd.read_parquet(path), about_of(path)

    return prepared


def test_a_csv_is_its_numbers_and_its_classes_in_order(mine):
    table, about = mine("b,y,a\n1,10,2.5\n2,9,3\n3,10,4\n")
    assert list(table.columns) == ["b", "a", "target"]
    assert table["target"].tolist() == [1, 0, 1]
    assert about["classes"] == ["9", "10"]
    assert (about["source"], about["partial"], about["order"]) == ("own file mine.csv", None, "not compared")
    assert str(table["target"].dtype) == "int32"


def test_parquet_gives_the_same_table(mine):
    text = "a,flag,y\n1.5,True,x\n2.5,False,z\n"
    first, _ = mine(text)
    frame = pd.DataFrame({"a": [1.5, 2.5], "flag": [True, False], "y": ["x", "z"]})
    second, _ = mine(frame, name="mine.parquet")
    pd.testing.assert_frame_equal(first, second)
    assert first["flag"].tolist() == [1.0, 0.0]


def test_a_changed_file_is_read_again(mine):
    first, before = mine("a,y\n1,p\n2,q\n")
    second, after = mine("a,y\n1,p\n3,q\n")
    assert (first["a"].tolist(), second["a"].tolist()) == ([1, 2], [1, 3])
    assert before["registry"] != after["registry"]


SETTINGS = {"split": "random", "scaling": "standard", "test_fraction": 0.5, "validation_fraction": 0, "stratify": True}
TABLE = "a,b,y\n1,u,p\n2,v,q\n3,u,p\n4,v,q\n"


def test_what_runs_are_of_hangs_on_source_content_and_choices(mine):
    block = {"source": {"path": "mine.csv", "target": "y"}, "categorical": "one_hot"}
    mine(TABLE, categorical="one_hot")
    known = registry.changed("mine", block)
    assert known == registry.changed("mine", dict(block))
    mine(TABLE.replace("1,u,p", "1,u,q"), categorical="one_hot")
    others = {
        registry.changed("mine", block),
        registry.changed("mine", block | {"categorical": "ordinal"}),
        registry.changed("mine", block | {"source": {"path": "other.csv", "target": "y"}}),
        registry.changed("mine", block | {"source": {"path": "mine.csv", "target": "b"}}),
    }
    assert len(others) == 4
    assert known not in others


def test_other_rows_of_a_registered_set_are_another_table():
    assert registry.changed("higgs", {}) is None
    assert registry.changed("higgs", {"rows": registry.entry("higgs")["take"]}) is None
    assert registry.changed("higgs", {"rows": "all"}) != registry.changed("higgs", {"rows": 1000})


def test_a_table_of_another_source_is_not_trained_on(mine):
    mine(TABLE, categorical="one_hot")
    block = {"source": {"path": "mine.csv", "target": "y"}}
    own = registry.changed("mine", block | {"categorical": "one_hot"})
    assert len(load("mine", {"folder": "data"}, SETTINGS | {"table": own}, 0).y_test) == 2
    other = registry.changed("mine", block | {"categorical": "ordinal"})
    with pytest.raises(UserError, match=r"mine\.parquet was made of another source.*; run .* data mine` with --config"):
        load("mine", {"folder": "data"}, SETTINGS | {"table": other}, 0)


def test_names_kept_for_other_columns_stay_features(mine):
    table, _ = mine("target,video,y\n1,2,p\n3,4,q\n")
    assert list(table.columns) == ["target_", "video_", "target"]


@pytest.mark.parametrize(
    ("text", "choices", "words"),
    [
        (
            "a,colour,y\n1,red,p\n2,blue,q\n",
            {},
            r'column colour is not numeric \(it holds "blue"\); set datasets\.mine\.categorical',
        ),
        ("a,b,y\n1,,p\n2,3,q\n", {}, r"column b, row 0 is missing \(1 such values\); set datasets\.mine\.missing"),
        ("a,b,y\n1,?,p\n2,3,q\n", {}, "column b, row 0 is missing"),
        ("a,b,y\n1,,p\n2,,q\n", {"missing": "median"}, "column b is empty"),
        ("a,b,y\n1,,p\n,2,q\n", {"missing": "drop_rows"}, "every row has a missing value"),
        ("a,y\n1,p\n2,\n", {}, "row 1 has no label"),
        ("a,y\n1,p\n2,p\n", {}, "labels of 1 class"),
        ("a,y\n1,0.5\n2,1.5\n", {}, "holds fractions"),
        ("a,y\n1,p\ninf,q\n", {}, "column a, row 1 is missing or not finite"),
        ("a,z\n1,p\n", {}, "has no column y; its columns are a, z"),
        ("", {}, "cannot be read"),
        ('a,y\n1,"p\n', {}, "cannot be read"),
        ("a,y\n1,p,3,4\n2,q,3,4\n", {}, "labels of 1 class|cannot be read|fractions|no label"),
        ("a=x,a,y\n1,x,p\n2,z,q\n", {"categorical": "one_hot"}, "two columns would be called a=x"),
    ],
)
def test_what_the_choices_do_not_cover_is_refused_in_one_line(mine, text, choices, words):
    with pytest.raises(UserError, match=words) as error:
        mine(text, **choices)
    assert "\n" not in str(error.value)
    assert "correct the file or its settings" in str(error.value)


def test_missing_and_unknown_files_are_refused(mine, tmp_path):
    with pytest.raises(UserError, match="unknown kind"):
        mine("a", name="mine.xlsx")
    (tmp_path / "mine.csv").unlink(missing_ok=True)
    block = {"source": {"path": "absent.csv", "target": "y"}}
    with pytest.raises(UserError, match=r"absent\.csv is missing"):
        prepare("mine", {"folder": "data"}, block)


def test_dates_are_refused(mine):
    frame = pd.DataFrame({"day": pd.to_datetime(["2020-01-01", "2020-01-02"]), "y": ["p", "q"]})
    with pytest.raises(UserError, match="column day holds dates"):
        mine(frame, name="mine.parquet", categorical="one_hot")


def test_dropped_rows_are_those_with_a_gap(mine):
    table, about = mine("a,b,y\n1,,p\n2,3,q\n4,5,p\n6,7,\n", missing="drop_rows")
    assert table["a"].tolist() == [2, 4]
    assert about["rows"] == 2


def test_gaps_stay_for_the_training_median(mine):
    table, _ = mine("a,b,y\n1,,p\n2,3,q\n4,5,p\n", missing="median")
    assert table["b"].isna().tolist() == [True, False, False]


CELLS = st.lists(st.sampled_from(["red", "green", "b l u e", "Ünder", "10", "9"]), min_size=2, max_size=30)


@settings(max_examples=40)
@given(CELLS)
def test_categories_are_those_of_scikit_learn(cells):
    table = pd.DataFrame({"c": cells, "target": [0] * len(cells)})
    ordinal = user_data.numeric(table, "mine", "ordinal", "refuse").drop(columns="target")
    assert np.array_equal(ordinal, OrdinalEncoder().fit_transform(table[["c"]]))
    one_hot = user_data.numeric(table, "mine", "one_hot", "refuse").drop(columns="target")
    assert np.array_equal(one_hot, OneHotEncoder(sparse_output=False).fit_transform(table[["c"]]))
    assert list(one_hot.columns) == [f"c={category}" for category in sorted(set(cells))]


def test_a_missing_category_is_zeros_or_a_gap(mine):
    text = "c,y\nred,p\n,q\nblue,p\n"
    one_hot, _ = mine(text, categorical="one_hot", missing="median")
    assert one_hot.drop(columns="target").to_numpy().tolist() == [[0, 1], [0, 0], [1, 0]]
    ordinal, _ = mine(text, categorical="ordinal", missing="median")
    assert ordinal["c"].isna().tolist() == [False, True, False]


def test_other_rows_than_registered_are_not_trained_on_as_if_they_were(mine, tmp_path):
    mine(TABLE, categorical="one_hot")
    few = registry.changed("higgs", {"rows": 1000})
    shutil.copy("data/mine.parquet", "data/higgs.parquet")
    write_json("data/higgs.json", about_of(tmp_path / "data/mine.parquet") | {"registry": few})
    assert load("higgs", {"folder": "data"}, SETTINGS | {"table": few}, 0).info["rows"] == 4
    with pytest.raises(UserError, match=r"higgs\.parquet was made of another .* settings; run .* data higgs`$"):
        load("higgs", {"folder": "data"}, SETTINGS, 0)
