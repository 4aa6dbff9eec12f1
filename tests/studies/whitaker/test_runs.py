"""Runs as a frame, and differences between them that are paired by seed."""

from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest

from truly_sparse.analysis.evidence import Missing
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.statistics.stratified import over_groups
from truly_sparse.studies.whitaker.catalogue import STUDY
from truly_sparse.studies.whitaker.runs import SETTINGS, frame_of, measures_of
from truly_sparse.studies.whitaker.shown import ALL, gain, gains, notes
from truly_sparse.studies.whitaker.verdicts.comparing import compare, p_of, pairs
from truly_sparse.training.config import TrainingConfig

from .made_up import evidence

SSE, ONE = {"method": "sse_np"}, {"method": "dense"}


def test_what_a_record_does_not_name_is_the_default_of_training():
    defaults = {field.name: field.default for field in fields(TrainingConfig)}
    given = {"epochs", "members"}  # of which every record has one
    assert {name: value for name, value in SETTINGS.items() if name not in given} == {
        name: defaults[name] for name in SETTINGS if name not in given
    }


@pytest.fixture
def runs(lay_out):
    """The frame of all experiments."""
    config = lay_out()
    return frame_of(Inputs(config, STUDY, STUDY.tables["whitaker_verdicts"]))


def test_a_frame_has_every_run_and_says_what_it_is(runs):
    assert runs["accuracy"].notna().any()
    assert runs["accuracy"].isna().any()  # of seeds that have not finished
    adam = runs[(runs["experiment"] == "whitaker_small") & (runs["optimiser"] == "adam")]
    assert set(adam["method"]) == {
        "dense", "dropout", "bagging", "sse_r", "sse_np", "sse_unpruned", "sse_fresh", "sparse_ensemble",
    }  # fmt: skip
    # All budgets of a dataset are alike, and those of few steps are beside the point but on pictures.
    assert set(adam["total"]) == {16, 128}
    assert set(adam.loc[~adam["judged"], "total"]) == {16}
    assert set(adam.loc[adam["judged"] & (adam["dataset"] != "fashion_mnist"), "total"]) == {128}
    large = runs[(runs["experiment"] == "whitaker_large") & (runs["dataset"] == "gesture")].set_index("method")
    totals = {name: int(large.loc[[name], "total"].iloc[0]) for name in large.index.unique()}
    assert totals.pop("dense_ensemble") == 800
    assert totals.pop("noisy") == 140
    assert totals.pop("sse_longer") == 206
    assert totals.pop("sparse_ensemble") == 198
    assert set(totals.values()) == {200}
    split = runs[runs["experiment"] == "whitaker_split"]
    assert set(split["total"]) == {200}
    sparse = runs[(runs["experiment"] == "whitaker_sparse_parent") & (runs["method"] == "sse_np")]
    assert set(sparse["parent"]) == {"sparse"}


def test_seconds_are_those_that_a_run_had_of_its_core(lay_out):
    config = lay_out()
    records = Inputs(config, STUDY, STUDY.tables["whitaker_verdicts"]).records
    record = next(record for record in records if record.get("children"))
    seconds = {"wall": 100.0, "cpu": 25.0, "epochs_wall": 80.0}
    children = record["children"] | {"seconds": {"parent": 60.0, "children": 20.0}}
    found = measures_of({**record, "seconds": seconds, "children": children})
    assert (found["seconds"], found["parent_seconds"], found["child_seconds"]) == (20.0, 15.0, 5.0)
    found = measures_of({**record, "seconds": seconds | {"cpu": 130.0}, "children": children})
    assert (found["seconds"], found["parent_seconds"], found["child_seconds"]) == (80.0, 60.0, 20.0)


def test_the_p_of_more_than_so_much_is_not_that_of_more_than_nothing():
    rows = [{"dataset": "a", **SSE, "accuracy": 80.6}, {"dataset": "a", **ONE, "accuracy": 80.0}]
    found = evidence(rows, (0.0,) * 8)
    runs = found.frames["runs"]
    sse = runs["method"] == "sse_np"
    runs.loc[sse, "accuracy"] += [-0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.4]
    keys = {"one": SSE, "other": ONE}
    nothing, half, more = (p_of(found, {**keys, "least": least}) for least in (0.0, 0.5, 0.6))
    assert nothing == p_of(found, keys) < 0.01 < half < more
    assert more > 0.9


def test_gains_are_over_the_datasets_that_all_methods_have():
    rows = [{"dataset": name, **ONE, "accuracy": 80.0} for name in "abc"]
    rows += [{"dataset": name, **SSE, "accuracy": 81.0} for name in "ab"]
    rows += [{"dataset": name, "method": "bagging", "accuracy": 81.0 if name < "c" else 70.0} for name in "abc"]
    frame = gains(evidence(rows, (0.0, 0.1)).frames["runs"], ("sse_np", "bagging", "dropout"), "dense")
    found = frame[frame["dataset"] == ALL].set_index("method")
    assert found["value"].to_dict() == pytest.approx({"sse_np": 1.0, "bagging": 1.0})
    # Those of the datasets that are in the means stand beside them, and of no other.
    single = frame[frame["dataset"] != ALL].set_index(["method", "dataset"])["value"]
    assert single.to_dict() == pytest.approx({(one, name): 1.0 for one in ("sse_np", "bagging") for name in "ab"})
    assert set(found["note"]) == {"over 2 datasets"}
    rows += [{"dataset": "a", "method": "snapshot", "accuracy": 79.0}]
    rows += [{"dataset": name, **ONE, "accuracy": 80.0} for name in "d"]
    rows += [{"dataset": name, "method": "bagging", "accuracy": 81.0} for name in "d"]
    frame = gains(evidence(rows, (0.0, 0.1)).frames["runs"], ("sse_np", "bagging", "snapshot"), "dense")
    found = frame[frame["dataset"] == ALL].set_index("method")
    assert found["value"].to_dict() == pytest.approx({"sse_np": 1.0, "bagging": 1.0, "snapshot": -1.0})
    assert found["note"].tolist() == ["over 2 datasets", "over 2 datasets", "over 1 datasets"]
    shown = [gain(frame, name)[0] for name in ("bagging", "snapshot", "dropout")]
    assert shown == ["+1.00", "−1.00†", "–"]
    assert notes(frame, SimpleNamespace(line=lambda: "origin")) == ["† Over 1 of 2 datasets.", "origin"]
    rows = [row for row in rows if row["dataset"] < "d"]
    alone = gains(evidence(rows, (0.0, 0.1)).frames["runs"], ("bagging",), "dense").iloc[0]
    assert (alone["value"], alone["note"]) == (pytest.approx(-8 / 3, abs=1e-6), "over 3 datasets")


def test_scores_of_a_record_have_their_names(runs):
    row = runs[(runs["experiment"] == "whitaker_large") & (runs["method"] == "sse_np") & (runs["seed"] == 0)].iloc[0]
    assert row["accuracy"] == pytest.approx(row["accuracy_all"])
    assert row["accuracy_children_vote"] == pytest.approx(row["accuracy"])
    assert row["parent_accuracy"] == pytest.approx(row["accuracy"] - 1)
    assert row["child_accuracy"] == pytest.approx(row["accuracy"] - 1.2)
    assert row["child_before"] == pytest.approx(60)
    assert row["with_diagonal"] == pytest.approx((1 + 6 * 0.88) / 7)
    assert row["child_operations"] == 30_000
    dense = runs[(runs["experiment"] == "whitaker_large") & (runs["method"] == "dense") & (runs["seed"] == 0)].iloc[0]
    assert dense[["parent_accuracy", "accuracy_children", "with_diagonal"]].isna().all()


def test_differences_are_paired_by_dataset_and_seed():
    found = evidence(
        [{"dataset": name, **keys, "accuracy": value} for name, keys, value in (
            ("a", SSE, 80.0), ("a", ONE, 79.0), ("b", SSE, 70.0), ("b", ONE, 72.0), ("c", SSE, 60.0),
        )],
        (-5.0, 0.0, 5.0),
    )  # fmt: skip
    values = pairs(found, SSE, ONE)
    assert {name: numbers.tolist() for name, numbers in values.items()} == {"a": [1.0] * 3, "b": [-2.0] * 3}
    assert compare(found, SSE, ONE).mean == pytest.approx(-0.5)
    assert compare(found, SSE, ONE, sign=-1).mean == pytest.approx(0.5)
    with pytest.raises(Missing, match="no run of fge"):
        pairs(found, SSE, {"method": "fge"})


def test_a_run_is_compared_with_another_measure_of_its_own():
    rows = [{"dataset": "a", **SSE, "accuracy": 80.0, "parent_accuracy": 79.5}]
    assert pairs(evidence(rows), SSE, SSE, other_metric="parent_accuracy")["a"].tolist() == [0.5] * 3


def test_differences_are_means_over_what_both_runs_share():
    rows = [
        {"dataset": "a", "method": method, "rate": rate, "accuracy": value}
        for method, rate, value in (
            ("sse_np", "one_cycle", 3.0), ("sse_np", "constant", 1.0), ("sse_r", "one_cycle", 9.0),
            ("sse_r", "constant", 5.0), ("dense", "constant", 50.0),
        )
    ]  # fmt: skip
    found = pairs(evidence(rows), {"rate": "one_cycle"}, {"rate": "constant"}, by=("method",))
    assert found["a"].tolist() == [3.0] * 3


def test_datasets_with_one_seed_count_only_where_all_have_one():
    one, several = np.array([4.0]), np.array([1.0, 2.0, 3.0])
    assert over_groups({"a": one, "b": several}).groups == ("b",)
    assert over_groups({"a": one}).mean == 4.0
