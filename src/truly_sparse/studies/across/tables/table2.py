"""Accuracy of every method on every dataset, at equal operations."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.origin import marked_title, partial_note
from truly_sparse.analysis.table import COLUMNS, Part, Table
from truly_sparse.studies.across.cells import DIVERGED, METHODS, METRICS, by_dataset, trainings

#: What a column is called, in two lines.
HEADINGS = {
    "fd_tse": "FD-\nTSE",
    "edst_rg": "EDST\n_RG",
    "edst_rg_comprehensive": "E._RG,\ncompr.",
    "sparse_subnetworks": "sparse\nsubn.",
    "stochastic_subnetworks": "stoch.\nsubn.",
    "set_ensemble_cost": "five\nSET",
    "set_mlp_tse": "one\nSET",
    "spas_set_tse": "SPa-\nSET",
    "dense_ensemble_equal": "five\ndense",
}


def make(inputs: Inputs) -> Table:
    """Return a row for each dataset, a column for each method."""
    cells = by_dataset(inputs)
    origin = inputs.origin()
    caption = (
        "Test accuracy (%) by dataset at equal operations, the methods and settings of Table A1: mean, and standard "
        "deviation where there are several seeds (SPa-SET: SPaS-MLP with SPaSET; E._RG, compr.: EDST_RG with the "
        f"comprehensive refinement). * the highest; a dash: no run; {DIVERGED}: it has no accuracy. {origin.closing()}"
    )
    columns = [
        Column("dataset", "Dataset", align="l"),
        Column("seeds", "seeds"),
        *(Column(method, HEADINGS[method]) for method in METHODS if method in trainings(inputs)),
    ]
    return Table(tidy(cells), [Part("A2", caption, _cells(cells), columns, [origin.line()])])


def tidy(cells: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each (dataset, method, metric); the note says where a run diverged."""
    long = cells.melt(["dataset", "method", "seeds", "std", "note", "diverged", "commit"], [*METRICS], "metric")
    long["std"] = long["std"].where(long["metric"] == "accuracy")
    notes = zip(long["note"].map(partial_note), long["diverged"], strict=True)
    long["note"] = ["; ".join(filter(None, (note, DIVERGED if diverged else ""))) for note, diverged in notes]
    return long.assign(table="across_table2", setting="equal operations").reindex(columns=[*COLUMNS])


def _cells(cells: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for dataset, own in cells.groupby("dataset", sort=False):
        row = {"dataset": marked_title(str(dataset), own["note"].map(partial_note)), "seeds": str(own["seeds"].iloc[0])}
        best = own["accuracy"].max()
        for each in own.to_dict("records"):
            if each["diverged"]:
                row[each["method"]] = DIVERGED
                continue
            text = formats.spread(each["accuracy"], each["std"])
            row[each["method"]] = f"{text}*" if each["accuracy"] == best else text
        rows.append(row)
    return pd.DataFrame(rows, columns=["dataset", "seeds", *METHODS], dtype=object).fillna(formats.NOTHING)
