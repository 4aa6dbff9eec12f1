"""How many of the epochs the parent should have: "70/30" in the text, without numbers."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.whitaker import shown
from truly_sparse.studies.whitaker.runs import cells, frame_of

EXPERIMENT = "whitaker_split"
KEYS = ("dataset", "epochs", "child_epochs", "total", "setting")
METRICS = ("accuracy", "accuracy_children", "child_accuracy", "parent_accuracy")
_PRINTED = (
    Column("epochs", "parent", "Epochs"),
    Column("child_epochs", "a child", "Epochs"),
    Column("share", "parent's share"),
    Column("parent_accuracy", "parent"),
    Column("child_accuracy", "child"),
    Column("accuracy", "all", "Ensemble"),
    Column("accuracy_children", "no parent", "Ensemble"),
)


def make(inputs: Inputs) -> Table:
    """Return Table S: accuracies by the parent's share of all epochs."""
    frame, origin = tidy(inputs), inputs.origin()
    caption = (
        "The parent's share of all epochs, of which six children have the others: accuracy (%) of the parent, of "
        "children, and of the ensemble with its parent and without, mean ± standard deviation over seeds. "
        f"{origin.closing()}"
    )
    return Table(frame, [Part("S", caption, _cells(frame), _PRINTED, shown.notes(frame, origin), group="dataset")])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return accuracies by (dataset, epochs of the parent)."""
    rows = cells(frame_of(inputs, EXPERIMENT), KEYS, METRICS).sort_values(["dataset", "epochs"], kind="stable")
    return shown.tidy(rows, "whitaker_split", ("epochs", "child_epochs", "total"))


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (dataset, _), found in frame.groupby(["dataset", "epochs"], sort=False):
        known = {row["metric"]: row for row in found.to_dict("records")}
        first = found.iloc[0]
        row = {"dataset": marked_title(str(dataset), found["note"]), "share": f"{first['epochs'] / first['total']:.2f}"}
        row |= {name: f"{first[name]:g}" for name in ("epochs", "child_epochs")}
        rows.append(row | {metric: shown.cell(known[metric], metric == "accuracy") for metric in METRICS})
    columns = ["dataset", *(column.key for column in _PRINTED)]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna(formats.NOTHING)
