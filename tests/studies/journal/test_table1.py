"""Journal Table 1 from made-up records, against values worked out by hand."""

import math

import pandas as pd
import pytest

from truly_sparse.analysis import published
from truly_sparse.analysis.accuracy_cost import METRICS, dense_weights
from truly_sparse.analysis.table import COLUMNS
from truly_sparse.errors import UserError
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.studies.journal.tables.table1 import tidy as table1

CONTRACT = [
    "table",
    "dataset",
    "method",
    "epsilon",
    "setting",
    "metric",
    "value",
    "std",
    "seeds",
    "published",
    "published_std",
    "note",
]


@pytest.fixture
def printed() -> pd.DataFrame:
    return published.load("journal_table1")


def accuracies(test: float) -> dict[str, object]:
    return {"test": test, "members_test": [test - 0.02, test - 0.04], "members_validation": [0.5, 0.5]}


def cell(frame: pd.DataFrame, method: str, metric: str, setting: str = "eps20") -> pd.Series:
    found = frame[(frame["method"] == method) & (frame["metric"] == metric) & (frame["setting"] == setting)]
    assert len(found) == 1
    return found.iloc[0]


def test_columns_follow_the_contract(make_record, printed):
    frame = table1([make_record()], printed)
    assert list(frame.columns) == list(COLUMNS)
    assert list(frame.columns)[: len(CONTRACT)] == CONTRACT
    counts = {"runs_ok", "runs_diverged", "runs_absent"}
    assert set(frame["metric"]) == set(METRICS) | counts
    assert set(frame["table"]) == {"table1"}


def test_mean_std_and_difference_by_hand(make_record, printed):
    tests = (0.72, 0.74, 0.76)
    frame = table1([make_record(seed=k, accuracy=accuracies(test)) for k, test in enumerate(tests)], printed)
    row = cell(frame, "rd_tse", "test_accuracy")
    assert row["value"] == pytest.approx(74.0)
    assert row["std"] == pytest.approx(2.0)  # sqrt((4 + 0 + 4) / 2), one degree of freedom less
    assert row["seeds"] == 3
    assert (row["published"], row["published_std"], row["published_runs"]) == (73.1, 0.2, 3)
    assert row["difference"] == pytest.approx(0.9)
    assert row["source"] == "journal Table 1"
    assert row["note"] == ""
    assert cell(frame, "rd_tse", "member_accuracy")["value"] == pytest.approx(71.0)


def test_one_seed_has_no_std(make_record, printed):
    frame = table1([make_record()], printed)
    assert math.isnan(cell(frame, "rd_tse", "test_accuracy")["std"])


def test_ratios_by_hand(make_record, printed):
    dense = make_record(method="dense", operations={"total_training": 1000}, seconds={"cpu": 90.0})
    sparse = make_record(operations={"total_training": 50}, links={"total_weights": 514_501.25}, seconds={"cpu": 30.0})
    frame = table1([dense, sparse], printed)
    # 50 x 1000 + 1000 x 1000 + 1000 x 1000 + 1000 x 5 links and 3005 biases: the journal prints this very number.
    assert dense_weights(dense) == 2_058_005 == cell(frame, "dense", "weights", "default")["published"]
    assert cell(frame, "rd_tse", "weights_ratio")["value"] == pytest.approx(0.25)
    assert cell(frame, "rd_tse", "training_operations_ratio")["value"] == pytest.approx(0.05)
    assert cell(frame, "dense", "training_operations_ratio", "default")["value"] == pytest.approx(1)
    assert cell(frame, "rd_tse", "train_time")["value"] == pytest.approx(0.5)
    assert cell(frame, "dense", "train_time", "default")["published"] == 60.0


def test_ratio_of_operations_needs_a_dense_run(make_record, printed):
    row = cell(table1([make_record()], printed), "rd_tse", "training_operations_ratio")
    assert math.isnan(row["value"])
    assert "no finished dense run" in row["note"]


def test_class_names_count_as_classes(make_record):
    record = make_record(method="dense")
    record["data"]["classes"] = ["D", "H", "P", "R", "S"]
    assert dense_weights(record) == 2_058_005


def test_diverged_runs_are_counted_and_never_averaged(make_record, printed):
    lost = {"status": "diverged", "accuracy": {"test": None, "members_test": [], "members_validation": []}}
    good = make_record(seed=0, accuracy=accuracies(0.7))
    frame = table1([good, make_record(seed=3, **lost)], printed)
    row = cell(frame, "rd_tse", "test_accuracy")
    assert (row["value"], row["seeds"]) == (pytest.approx(70.0), 1)
    assert row["note"] == "1 of 2 runs diverged (seed 3), left out of the mean"
    assert cell(frame, "rd_tse", "runs_diverged")["value"] == 1
    assert cell(frame, "rd_tse", "runs_ok")["value"] == 1


def test_a_row_where_every_run_diverged_is_still_there(make_record, printed):
    lost = {"status": "diverged", "accuracy": {"test": None, "members_test": [], "members_validation": []}}
    row = cell(table1([make_record(**lost)], printed), "rd_tse", "test_accuracy")
    assert math.isnan(row["value"])
    assert math.isnan(row["difference"])
    assert (row["seeds"], row["published"]) == (0, 73.1)


def test_absent_runs_are_said(make_record, printed):
    record = make_record(seed=0)
    absent = [RunSpec("table1", "gesture", "rd_tse", "eps20", k, record["settings"]) for k in (4, 1)]
    frame = table1([record], printed, absent)
    assert cell(frame, "rd_tse", "test_accuracy")["note"] == "2 of 3 runs missing (seeds 1, 4)"
    assert cell(frame, "rd_tse", "runs_absent")["value"] == 2


def test_dataset_without_published_numbers(make_record, printed):
    row = cell(table1([make_record(dataset="wine")], printed), "rd_tse", "test_accuracy")
    assert math.isnan(row["published"])
    assert math.isnan(row["difference"])


def test_a_reference_model_has_accuracy_and_time_only(make_record, printed):
    ours = make_record()
    other = make_record(
        method="random_forest", setting="default", accuracy=accuracies(0.8), links=None, operations=None
    )
    other["settings"] = {**other["settings"], "model": "reference", "training": {}}
    frame = table1([ours, other], printed)
    shown = frame[frame["method"] == "random_forest"].set_index("metric")["value"]
    assert shown["test_accuracy"] == pytest.approx(80)
    assert shown[["weights", "weights_ratio", "training_operations", "training_operations_ratio"]].isna().all()
    assert shown["train_time"] == cell(frame, "rd_tse", "train_time")["value"]
    assert cell(frame, "rd_tse", "weights")["value"] > 0


def test_lambda_joins_only_its_own_published_row(make_record, printed):
    records = [make_record(method="dist_tse", setting=f"eps10_lambda{value}", epsilon=10) for value in ("1.0", "1.5")]
    frame = table1(records, printed)
    assert math.isnan(cell(frame, "dist_tse", "test_accuracy", "eps10_lambda1.0")["published"])
    assert cell(frame, "dist_tse", "test_accuracy", "eps10_lambda1.5")["published"] == 72.7


def test_order_is_that_of_the_journal(make_record, printed):
    methods = ["static", "fd_tse", "dense_ensemble", "edst_rg", "dense"]
    frame = table1([make_record(method=method) for method in methods], printed)
    assert list(dict.fromkeys(frame["method"])) == ["dense", "edst_rg", "fd_tse", "static", "dense_ensemble"]


def test_two_records_of_one_run_are_refused(make_record, printed):
    with pytest.raises(UserError, match="table1/gesture/rd_tse/eps20/seed0 has two records"):
        table1([make_record(), make_record()], printed)


def test_a_record_without_a_number_is_named(make_record, printed):
    record = make_record()
    del record["links"]
    with pytest.raises(UserError, match=r"rd_tse/eps20/seed0: no usable weights"):
        table1([record], printed)


def test_commits_of_every_row(make_record, printed):
    codes = [{"commit": "a" * 40, "dirty": True}, {"commit": "b" * 40, "dirty": False}, {"commit": None}]
    frame = table1([make_record(seed=k, code=code) for k, code in enumerate(codes)], printed)
    assert set(frame["commit"]) == {"aaaaaaaaaa+ bbbbbbbbbb unknown"}
