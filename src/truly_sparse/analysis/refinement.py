"""What the refinement phase adds, for every way of regrowing and every kind of refinement, beside printed numbers."""

from collections.abc import Mapping
from typing import Any, cast

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title, row_order
from truly_sparse.analysis.origin import marked_title, partial_note, parts_of
from truly_sparse.analysis.rounding import differences
from truly_sparse.analysis.runs import summarise
from truly_sparse.analysis.table import COLUMNS
from truly_sparse.analysis.tse import EPSILON

REFINEMENTS = {
    "none": "none",
    "eta": "EDST, thesis (η)",
    "eta_zeta": "EDST, journal (η, ζ)",
    "comprehensive": "comprehensive",
}
COMPREHENSIVE = "comprehensive"
#: A number of a table, and the column of `runs.frame_of` that holds it.
Metrics = Mapping[str, str]


def columns(without: str) -> list[Column]:
    """Return the printed columns; `without` is the refinement that the source calls none, or not comprehensive."""
    pairs = [
        Column(f"{refinement}{end}", header, title)
        for refinement, title in REFINEMENTS.items()
        for end, header in (("_published", "publ."), ("", "here"))
        if end == "" or refinement in (without, COMPREHENSIVE)
    ]
    gain = Column("gain", f"here, comprehensive less {REFINEMENTS[without].split(' (')[0]}")
    return [Column("method", "Method", align="l"), *pairs, gain]


def tidy(inputs: Inputs, table: str, runs: pd.DataFrame, printed: pd.DataFrame, metrics: Metrics) -> pd.DataFrame:
    """Return one row per (dataset, method, refinement, metric): the columns of every results CSV and `refinement`.

    Parameters
    ----------
    inputs : Inputs
    table : str
        Name of the table.
    runs : DataFrame
        Runs at `tse.EPSILON`, as `runs.frame_of` returns them.
    printed : DataFrame
        Printed numbers, as `published.load` returns them.
    metrics : mapping
    """
    keys = ["dataset", "method", "setting", "refinement"]
    several = [summarise(runs, keys, column).assign(metric=name) for name, column in metrics.items()]
    rows = pd.concat(several, ignore_index=True)
    joined = ["dataset", "method", "setting", "metric"]
    numbers = ["published", "published_std", "note", "source", "published_runs"]
    rows = rows.merge(printed[[*joined, *numbers]], on=joined, how="left")
    parts = parts_of(inputs.records)
    partial = rows["dataset"].map(lambda name: partial_note(parts.get(name)))
    rows["note"] = [
        "; ".join(filter(None, (part, "" if pd.isna(note) else f"published: {note}")))
        for part, note in zip(partial, rows["note"], strict=True)
    ]
    rows = rows.assign(
        table=table,
        epsilon=float(EPSILON),
        difference=differences(rows),
        commit=inputs.origin().commits,
    )
    order = sorted(rows.index, key=lambda i: _order(cast(Any, rows.loc[i]), list(metrics)))
    return rows.loc[order].reindex(columns=[*COLUMNS, "refinement"]).reset_index(drop=True)


def _order(row: Any, metrics: list[str]) -> tuple[object, ...]:
    place = list(REFINEMENTS).index(row["refinement"]), metrics.index(row["metric"])
    return (*row_order(row["dataset"], row["method"], None, ""), *place)


def cells(frame: pd.DataFrame, without: str) -> pd.DataFrame:
    """Return the printed cells of the rows of one metric; `without` as for `columns`."""
    rows = []
    for (dataset, method), part in frame.groupby(["dataset", "method"], sort=False):
        found = part.set_index("refinement")
        shown = {"dataset": marked_title(str(dataset), part["note"]), "method": method_title(str(method))}
        for name in REFINEMENTS:
            value, std, published = (found[column].get(name, None) for column in ("value", "std", "published"))
            shown |= {name: formats.spread(value, std), f"{name}_published": formats.spread(published, None)}
        both = {without, COMPREHENSIVE} <= set(found.index)
        gain = found["value"][COMPREHENSIVE] - found["value"][without] if both else None
        rows.append(shown | {"gain": formats.difference(gain)})
    return pd.DataFrame(rows)
