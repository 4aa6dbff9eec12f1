"""The tables beyond the first, made from made-up runs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truly_sparse.analysis.runs import frame_of
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.records import run_folder
from truly_sparse.files import write_json
from truly_sparse.studies import make
from truly_sparse.studies.journal.catalogue import TABLES
from truly_sparse.studies.journal.tables.table2 import best_points, complete_datasets
from truly_sparse.studies.journal.tables.table5 import correct_rows
from truly_sparse.studies.journal.tables.table6 import used

from ..conftest import record_of


@pytest.mark.parametrize("name", [name for name, entry in TABLES.items() if not entry.measurements])
def test_every_table_of_runs_can_be_made(paper, name):
    csv, tex = make.table(paper, name)
    frame = pd.read_csv(csv)
    assert not frame.empty
    assert set(frame["table"]) == {name}
    text = tex.read_text(encoding="utf-8")
    assert "0123456789" in text  # the commit of the runs
    assert r"\begin{longtable}" in text


@settings(max_examples=40)
@given(st.integers(2, 6), st.integers(1, 8), st.integers(0, 1000))
def test_points_are_one_a_dataset_however_many_tie(methods, datasets, seed):
    values = np.random.default_rng(seed).integers(0, 3, (datasets, methods)) / 10 + 70
    rows = [
        {"dataset": f"d{i}", "method": f"m{j}", "value": values[i, j]} for i in range(datasets) for j in range(methods)
    ]
    points = best_points(pd.DataFrame(rows))
    assert points.sum() == pytest.approx(datasets)
    for j in range(methods):
        expected = sum((row[j] == row.max()) / (row == row.max()).sum() for row in values)
        assert points[f"m{j}"] == pytest.approx(expected)


def test_a_dataset_counts_only_when_every_method_has_finished():
    rows = pd.DataFrame({"dataset": ["a", "a", "b"], "method": ["x", "y", "x"], "value": [1.0, 2.0, 3.0]})
    assert complete_datasets(rows) == ["a"]


def test_the_bits_of_a_record_are_its_accuracy(paper):
    record = record_of(next(iter(runs(paper, "table1"))))
    assert correct_rows(record).mean() == pytest.approx(record["accuracy"]["test"], abs=1 / 1975)
    assert len(correct_rows(record)) == record["data"]["test_rows"]


def test_hyperparameters_are_those_of_the_configuration(paper):
    assert used(paper, "gesture", "fd_tse") == {
        "eta": "0.1-0.05", "evolution_frequency": "2-4-8", "activation": "All-ReLU", "alpha": "0.5"
    }  # fmt: skip
    changed = paper | {"training": paper["training"] | {"learning_rate": 0.2, "evolution_every": 3}}
    assert used(changed, "gesture", "fd_tse")["eta"] == "0.2-0.1"
    assert used(changed, "gesture", "fd_tse")["evolution_frequency"] == "3-6-12"


def test_the_tuned_model_is_chosen_by_validation_alone(paper):
    spec = next(s for s in runs(paper, "baselines") if s.method == "dense_tuned")
    good, bad = record_of(spec), record_of(spec)
    good["accuracy"] = {"test": 0.1, "members_test": [0.1], "members_validation": [0.9]}
    bad["accuracy"] = {"test": 0.9, "members_test": [0.9], "members_validation": [0.2]}
    frame = frame_of([good, bad])
    assert frame.sort_values("validation_accuracy", ascending=False)["accuracy"].iloc[0] == pytest.approx(10)


@pytest.mark.parametrize("name", ["table2", "table3", "table5", "baselines", "members"])
def test_a_part_of_a_dataset_is_marked_in_rows_and_captions(paper, repository, name):
    for spec in runs(paper):
        file = repository / run_folder(paper, spec) / "run.json"
        if spec.dataset in ("higgs", "jannis") and file.exists():
            record = record_of(spec)
            write_json(file, record | {"data": record["data"] | {"partial": "9 of 99 rows"}})
    csv, tex = make.table(paper, name)
    frame, text = pd.read_csv(csv), tex.read_text(encoding="utf-8")
    partial = frame["dataset"].isin(["higgs", "jannis"])
    assert partial.any()
    assert frame.loc[partial, "note"].str.startswith("partial data: 9 of 99 rows").all()
    marked = [line for line in text.splitlines() if "(9 of 99 rows)" in line]
    assert any(r"\caption" in line for line in marked)
    assert any(r"\caption" not in line and "Preset" not in line for line in marked)
