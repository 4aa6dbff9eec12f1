"""Thesis Table I: the datasets, as printed and as the runs had them."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats, hyperparameters
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.origin import marked_title, partial_note, parts_of
from truly_sparse.analysis.runs import class_count
from truly_sparse.analysis.table import Part, Table
from truly_sparse.experiments.records import Record

METRICS = {
    "features": "Features",
    "train_samples": "Training samples",
    "test_samples": "Test samples",
    "classes": "Classes",
    "weight_init": "Start values",
}
_PRINTED = (
    Column("dataset", "Dataset", align="l"),
    *(
        Column(f"{metric}_{end}", header, title)
        for metric, title in METRICS.items()
        for end, header in (("published", "publ."), ("here", "here"))
    ),
)


def make(inputs: Inputs) -> Table:
    """Return what is printed of every dataset beside what its sparse runs had."""
    first: dict[str, Record] = {}
    for record in inputs.records:
        if record["settings"]["model"] == "sparse":
            first.setdefault(record["dataset"], record)
    parts, rows = parts_of(first.values()), []
    for row in inputs.published_text("table1").to_dict("records"):
        used = first.get(row["dataset"])
        here = _of(used)[row["metric"]] if used else ""
        note = partial_note(parts.get(row["dataset"]))
        head = {"table": "thesis_table1", "dataset": row["dataset"], "metric": row["metric"]}
        rows.append({**head, "value": here, "published": row["printed"], "source": row["source"], "note": note})
    frame = pd.DataFrame(rows)
    origin = inputs.origin()
    caption = (
        "The datasets as printed and as used here. Training samples: those for validation among them; they are not "
        "trained on here, and the printed numbers of operations of CIFAR-10 say that neither were they there. "
        f"{origin.closing()}"
    )
    return Table(frame, [Part("I", caption, _cells(frame), _PRINTED, [origin.line()])])


def _of(record: Record) -> dict[str, Any]:
    """Return the `METRICS` of a run, as text."""
    data, training = record["data"], record["settings"]["training"]
    return {
        "features": str(data["features"]),
        "train_samples": str(data["train_rows"] + data["validation_rows"]),
        "test_samples": str(data["test_rows"]),
        "classes": str(class_count(data)),
        "weight_init": hyperparameters.used(training, dense=False)["weight_init"],
    }


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for dataset, part in frame.groupby("dataset", sort=False):
        cells = {"dataset": marked_title(str(dataset), part["note"])}
        for row in part.to_dict("records"):
            for end, key in (("published", "published"), ("here", "value")):
                text = row[key]
                cells[f"{row['metric']}_{end}"] = (
                    formats.count(int(text)) if text.isdigit() else text or formats.NOTHING
                )
        rows.append(cells)
    return pd.DataFrame(rows)
