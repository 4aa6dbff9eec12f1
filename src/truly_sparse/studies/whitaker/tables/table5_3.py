"""Table 5.3: parts of a half, a third and a sixth, printed and measured, beside as many links drawn at random."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.whitaker import shown
from truly_sparse.studies.whitaker.runs import cells, frame_of

EXPERIMENT = "whitaker_parts"
#: Parts of a partition; a child has one of them.
PARTS = (2, 3, 6)
METRICS = (
    "child_accuracy", "accuracy", "accuracy_children", "nll", "ece", "child_before", "operations", "child_operations",
    "parent_accuracy", "idle",
)  # fmt: skip
#: What is printed, and what it is called here.
PRINTED = {"child_accuracy": "child_accuracy", "accuracy": "test_accuracy", "nll": "nll", "ece": "ece"}
_TITLES = {"child_accuracy": "child", "accuracy": "ensemble", "nll": "NLL", "ece": "ECE"}
_MEANS = (
    Column("parts", "Links", align="l"),
    *(Column(f"published_{key}", title, "Published, CIFAR-10") for key, title in _TITLES.items()),
    *(Column(f"sse_np_{key}", title, "Partitions, here") for key, title in _TITLES.items()),
    *(Column(f"sse_r_{key}", title, "Random, here") for key, title in _TITLES.items()),
)
_HERE = (
    Column("method", "Links", align="l"),
    Column("parts", "kept", align="l"),
    Column("parent_accuracy", "parent"),
    Column("child_before", "pruned", "Child"),
    Column("child_accuracy", "tuned", "Child"),
    Column("accuracy", "all", "Ensemble"),
    Column("accuracy_children", "no parent", "Ensemble"),
    Column("nll", "NLL"),
    Column("ece", "ECE"),
    Column("idle", "idle"),
)


def make(inputs: Inputs) -> Table:
    """Return Table 5.3a, printed numbers beside means over datasets, and 5.3b, every dataset."""
    frame, origin = tidy(inputs), inputs.origin()
    tail = f" {origin.closing()}"
    datasets = frame.loc[frame["value"].notna(), "dataset"].nunique()
    printed = (
        "How many links a child keeps: accuracy (%) of children and of the ensemble with its parent, NLL (nats) and "
        f"ECE, printed and as means over datasets ({datasets}). Random: as many links drawn for each child on its own. "
        f"{shown.OTHER_TASK}{tail}"
    )
    here = (
        "How many links a child keeps, on every dataset: accuracy (%) of the parent, of children as they are cut and "
        "when they have been tuned, and of the ensemble with its parent and without, mean ± standard deviation over "
        f"seeds; NLL and ECE of the ensemble; idle: neurons of a child that have lost all inputs or all outputs.{tail}"
    )
    notes = shown.notes(frame, origin)
    parts = [
        Part("5.3a", printed, _means(frame), _MEANS, notes),
        Part("5.3b", here, _here(frame), _HERE, notes, group="dataset"),
    ]
    return Table(frame, parts)


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return every metric by (dataset, method, kept), where `kept` is 2 for a half, and the printed numbers."""
    runs = frame_of(inputs, EXPERIMENT)
    kept = [
        int(parts) if method == "sse_np" else round(1 / (1 - sparsity))
        for method, parts, sparsity in zip(runs["method"], runs["parts"], runs["sparsity"], strict=True)
    ]
    measured = cells(runs.assign(kept=kept), ["dataset", "method", "kept", "setting"], METRICS)
    printed = shown.printed_rows(inputs, "table5_3")
    printed = printed.assign(kept=printed["setting"].str.removeprefix("parts").astype(int))
    return shown.tidy(pd.concat([measured, printed]), "whitaker_table5_3", ("kept",))


def words(kept: int) -> str:
    """Return "1/3"."""
    return f"1/{kept}"


def _means(frame: pd.DataFrame) -> pd.DataFrame:
    known = shown.by_number(frame[frame["published"].notna()], ("kept", "metric"))
    means = frame[frame["value"].notna()].groupby(["method", "kept", "metric"])["value"].mean()
    rows = []
    for kept in PARTS:
        row: dict[str, Any] = {"parts": words(kept)}
        for metric, name in PRINTED.items():
            found, decimals = known.get((kept, name)), shown.digits(metric)
            row[f"published_{metric}"] = formats.spread(found["published"] if found else None, None, decimals)
            for method in ("sse_np", "sse_r"):
                row[f"{method}_{metric}"] = formats.spread(means.get((method, kept, metric)), None, decimals)
        rows.append(row)
    return pd.DataFrame(rows, columns=[column.key for column in _MEANS], dtype=object)


def _here(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    measured = frame[frame["asked"].notna()]
    for (dataset, method, kept), found in measured.groupby(["dataset", "method", "kept"], sort=False):
        known = {row["metric"]: row for row in found.to_dict("records")}
        row = {
            "dataset": marked_title(str(dataset), found["note"]),
            "method": "partitions" if method == "sse_np" else "random",
            "parts": words(int(str(kept))),
        }
        for metric in (column.key for column in _HERE[2:]):
            own = known[metric] if known[metric]["seeds"] or metric == "accuracy" else None
            row[metric] = shown.cell(own, spread=metric == "accuracy")
        rows.append(row)
    columns = ["dataset", *(column.key for column in _HERE)]
    return pd.DataFrame(rows, columns=columns, dtype=object)
