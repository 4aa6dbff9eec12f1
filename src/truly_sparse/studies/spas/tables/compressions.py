"""What SPaS Tables 3 and 4, and ours like them, share: interquartile means of accuracies on pictures."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.spas import shown
from truly_sparse.studies.spas.runs import DENSE, MODES, cells, frame_of, long

KEYS = ("dataset", "method", "model", "mode", "setting", "compression")
_METRICS = ("iqm", "i_flops", "last_iqm", "max")
_HEADERS = {"published": "publ.", "here": "here", "last": "last", "i_flops": "I-FLOPs"}


class Kind(NamedTuple):
    """One of the tables: its number, its name without that of the study, its runs, and what is shown of each model.

    `dense` is what stands for the compression of dense networks, `of` what compressions and I-FLOPs are parts of,
    `beside` the table whose printed numbers stand beside ours.
    """

    number: str
    name: str
    experiment: str
    models: Mapping[str, str]
    columns: tuple[str, ...]
    dense: str
    title: str
    of: str
    beside: str


def table(inputs: Inputs, kind: Kind) -> Table:
    """Return the table, printed and measured here."""
    frame, origin = tidy(inputs, kind), inputs.origin()
    last = "; last epoch: the same of the last one" if "last" in kind.columns else ""
    caption = (
        f"{kind.title}, by compression. Accuracy (%) on the test rows of the best "
        f"epoch by that accuracy, as in print, interquartile mean over seeds ± standard deviation{last}. "
        f"{kind.of} {shown.RANDOM} {origin.closing()}"
    )
    columns = [
        Column("mode", "Sparsity", align="l"),
        Column("compression", "c"),
        *(
            Column(f"{model}_{key}", _HEADERS[key], title)
            for model, title in kind.models.items()
            for key in kind.columns
        ),
    ]
    notes = shown.notes(frame, origin)
    return Table(frame, [Part(kind.number, caption, _cells(frame, kind, columns), columns, notes, group="dataset")])


def tidy(inputs: Inputs, kind: Kind) -> pd.DataFrame:
    """Return one row per (dataset, method, setting, metric), with the columns of every results CSV and `shown.MORE`."""
    rows = long(cells(frame_of(inputs, kind.experiment), KEYS), _METRICS)
    order = {mode: place for place, mode in enumerate(MODES)}
    rows = rows.sort_values(
        ["dataset", "mode", "compression", "model"],
        key=lambda column: column.map(order) if column.name == "mode" else column,
        kind="stable",
    )
    return shown.tidy(shown.beside_printed(inputs, rows, kind.beside), f"spas_{kind.name}")


def _cells(frame: pd.DataFrame, kind: Kind, columns: list[Column]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for dataset, found in frame.groupby("dataset", sort=False):
        title = marked_title(str(dataset), found["note"])
        dense = found["mode"] == DENSE
        groups = [(found[dense], kind.dense)] if dense.any() else []
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
    keys = ["dataset", *(column.key for column in columns)]
    return pd.DataFrame(rows, columns=keys, dtype=object).fillna(formats.NOTHING)
