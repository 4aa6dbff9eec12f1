"""Ours: children of a parent that is sparse itself, beside ensembles whose links evolve."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.whitaker import shown
from truly_sparse.studies.whitaker.runs import cells, frame_of

EXPERIMENT, DENSE = "whitaker_sparse_parent", "whitaker_large"
KEYS = ("dataset", "epsilon", "method", "parent", "members", "parts", "total", "setting")
METRICS = ("accuracy", "accuracy_children", "parent_accuracy", "child_accuracy", "operations")
_PRINTED = (
    Column("epsilon", "ε"),
    Column("method", "Method", align="l"),
    Column("parent_accuracy", "parent"),
    Column("child_accuracy", "child"),
    Column("accuracy", "all", "Ensemble"),
    Column("accuracy_children", "no parent", "Ensemble"),
    Column("operations", "operations"),
)
#: Of the dense parents, what stands beside the sparse ones.
BESIDE = ("dense", "sse_r", "sse_np")


def make(inputs: Inputs) -> Table:
    """Return Table P: accuracies with sparse and with dense parents."""
    frame, origin = tidy(inputs), inputs.origin()
    caption = (
        "Sparse parents (ours). Children of a parent that is itself sparse (Erdos-Renyi, ε), parts being halves of its "
        "links; the same with dense parents; and ensembles of the journal, whose links evolve, with its settings. 200 "
        "epochs in all (three tenths on pictures). Accuracy (%), mean ± standard deviation over seeds; operations of "
        f"training over those of one dense network. {origin.closing()}"
    )
    return Table(frame, [Part("P", caption, _cells(frame), _PRINTED, shown.notes(frame, origin), group="dataset")])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return accuracies and operations by (dataset, epsilon, method), those of dense parents among them."""
    runs = frame_of(inputs)
    sparse = runs[runs["experiment"] == EXPERIMENT]
    dense = runs[(runs["experiment"] == DENSE) & runs["method"].isin(BESIDE) & runs["dataset"].isin(sparse["dataset"])]
    rows = cells(pd.concat([sparse, dense]), KEYS, METRICS)
    places = {name: place for place, name in enumerate(dict.fromkeys(rows["dataset"]))}
    order = rows["dataset"].map(places) * 1e6 + rows["epsilon"].astype(float).fillna(1e5)
    rows = rows.iloc[order.argsort(kind="stable")]
    return shown.tidy(rows, "whitaker_sparse_parent", ("parent", "members", "parts", "total"))


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    frame = frame[frame["parts"].eq(2) & ~(frame["members"].eq(8) & frame["epsilon"].notna())]
    for dataset, own in frame.groupby("dataset", sort=False):
        base = own[(own["method"] == "dense") & (own["metric"] == "operations")]["value"].max()
        for (_, method, _), found in own.groupby(["epsilon", "method", "setting"], sort=False, dropna=False):
            known = {row["metric"]: row for row in found.to_dict("records")}
            epsilon = float(found["epsilon"].iloc[0])
            words = {"parent": "One network"}.get(str(method), method_title(str(method)))
            row = {
                "dataset": marked_title(str(dataset), found["note"]),
                "epsilon": formats.number(epsilon) or "dense",
                "method": words,
                "operations": formats.ratio(known["operations"]["value"] / base),
            }
            for metric in METRICS[:-1]:
                own_row = known[metric] if known[metric]["seeds"] or metric == "accuracy" else None
                row[metric] = shown.cell(own_row, metric == "accuracy")
            rows.append(row)
    columns = ["dataset", *(column.key for column in _PRINTED)]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna(formats.NOTHING)
