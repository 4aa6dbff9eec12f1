"""SPaS Table 3: perceptrons with and without shortcuts on pictures, by compression."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.spas import shown
from truly_sparse.studies.spas.runs import DENSE, MODELS, MODES, cells, frame_of, long

EXPERIMENT = "spas_cifar"
KEYS = ("dataset", "method", "model", "mode", "setting", "compression")
_METRICS = ("iqm", "i_flops", "last_iqm", "max")
_PRINTED = (
    Column("mode", "Sparsity", align="l"),
    Column("compression", "c"),
    *(
        Column(f"{model}_{key}", header, title)
        for model, title in MODELS.items()
        for key, header in (("published", "publ."), ("here", "here"), ("last", "last"), ("i_flops", "I-FLOPs"))
    ),
)


def make(inputs: Inputs) -> Table:
    """Return SPaS Table 3: interquartile means of accuracies, printed and measured here."""
    frame, origin = tidy(inputs), inputs.origin()
    caption = (
        "Perceptrons with and without shortcuts, by compression. Accuracy (%) on the test rows of the best "
        "epoch by that accuracy, as in print, interquartile mean over seeds ± standard deviation; last epoch: the same "
        "of the last one. Compression c: weights of the dense plain network over links. I-FLOPs: links as a part of "
        f"those weights. {shown.RANDOM} Preset {inputs.preset}; commit {origin.commits}.{origin.warning()}"
    )
    return Table(frame, [Part("3", caption, _cells(frame), _PRINTED, shown.notes(frame, origin), group="dataset")])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return one row per (dataset, method, setting, metric), with the columns of every results CSV and `shown.MORE`."""
    rows = long(cells(frame_of(inputs, EXPERIMENT), KEYS), _METRICS)
    order = {mode: place for place, mode in enumerate(MODES)}
    rows = rows.sort_values(
        ["dataset", "mode", "compression", "model"],
        key=lambda column: column.map(order) if column.name == "mode" else column,
        kind="stable",
    )
    return shown.tidy(shown.beside_printed(inputs, rows, "table3"), "spas_table3")


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for dataset, found in frame.groupby("dataset", sort=False):
        title = marked_title(str(dataset), found["note"])
        dense = found["mode"] == DENSE
        groups = [(found[dense], "1, 0")] if dense.any() else []
        sparse = found[~dense].groupby(["mode", "compression"], sort=False)
        groups += [(part, formats.number(part["compression"].iloc[0])) for _, part in sparse]
        for part, compression in groups:
            cells = {"dataset": title, "mode": MODES[part["mode"].iloc[0]], "compression": compression}
            for row in part.to_dict("records"):
                if row["metric"] == "iqm":
                    cells[f"{row['model']}_published"] = shown.printed(row)
                    cells[f"{row['model']}_here"] = shown.accuracy(row)
                elif row["metric"] == "last_iqm":
                    cells[f"{row['model']}_last"] = formats.spread(row["value"], None)
                elif row["metric"] == "i_flops":
                    cells[f"{row['model']}_i_flops"] = formats.ratio(row["value"])
            rows.append(cells)
    columns = ["dataset", *(column.key for column in _PRINTED)]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna(formats.NOTHING)
