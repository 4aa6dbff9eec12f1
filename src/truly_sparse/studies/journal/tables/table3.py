"""Journal Table 3: what the refinement phase adds, for every way of regrowing and every kind of refinement."""

from typing import Any, cast

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title, row_order
from truly_sparse.analysis.origin import marked_title, partial_note, parts_of
from truly_sparse.analysis.rounding import differences
from truly_sparse.analysis.runs import frame_of, summarise
from truly_sparse.analysis.table import COLUMNS, Part, Table

EPSILON = 20
DATASETS = ("gesture", "higgs")
REFINEMENTS = {
    "none": "none",
    "eta": "EDST, thesis (η)",
    "eta_zeta": "EDST, journal (η, ζ)",
    "comprehensive": "comprehensive",
}
_COLUMNS = (
    Column("method", "Method", align="l"),
    *(
        Column(f"{refinement}{end}", header, title)
        for refinement, title in REFINEMENTS.items()
        for end, header in (("_published", "publ."), ("", "here"))
        if end == "" or refinement in ("eta_zeta", "comprehensive")
    ),
    Column("gain", "here, comprehensive less EDST, journal"),
)


def make(inputs: Inputs) -> Table:
    """Return journal Table 3: accuracy by strategy and refinement at epsilon 20, published and measured here."""
    frame = tidy(inputs)
    origin = inputs.origin()
    caption = (
        "Ablation of the refinement phase at ε = 20: test accuracy (%), mean ± standard deviation over seeds. None: "
        "nothing changes in the refinement phase; EDST: η is halved in its second half (thesis), or η and ζ (journal); "
        "comprehensive: evolution is also made rarer, two and four times. The sources print single runs, with the "
        "comprehensive refinement and without, which the journal describes as η and ζ halved. EDST_RG is not in the "
        f"printed table. Preset {inputs.preset}; seeds per row: {origin.seeds}; commit {origin.commits}."
        f"{origin.warning()}"
    )
    return Table(frame, [Part("3", caption, _cells(frame), _COLUMNS, [origin.line()], group="dataset")])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return one row per (dataset, method, refinement), with the columns of every results CSV and `refinement`."""
    runs = frame_of(inputs.records)
    runs = runs[(runs["epsilon"] == EPSILON) & runs["dataset"].isin(DATASETS)]
    rows = summarise(runs, ["dataset", "method", "setting", "refinement"])
    printed = inputs.published("table3")
    printed = printed[
        ["dataset", "method", "setting", "published", "published_std", "note", "source", "published_runs"]
    ]
    rows = rows.merge(printed, on=["dataset", "method", "setting"], how="left")
    parts = parts_of(inputs.records)
    partial = rows["dataset"].map(lambda name: partial_note(parts.get(name)))
    rows["note"] = [
        "; ".join(filter(None, (part, "" if pd.isna(note) else f"published: {note}")))
        for part, note in zip(partial, rows["note"], strict=True)
    ]
    rows = rows.assign(
        table="table3",
        epsilon=float(EPSILON),
        metric="test_accuracy",
        difference=differences(rows),
        commit=inputs.origin().commits,
    )
    order = sorted(rows.index, key=lambda i: _order(cast(Any, rows.loc[i])))
    return rows.loc[order].reindex(columns=[*COLUMNS, "refinement"]).reset_index(drop=True)


def _order(row: Any) -> tuple[object, ...]:
    return (*row_order(row["dataset"], row["method"], None, ""), list(REFINEMENTS).index(row["refinement"]))


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (dataset, method), part in frame.groupby(["dataset", "method"], sort=False):
        found = part.set_index("refinement")
        cells = {"dataset": marked_title(str(dataset), part["note"]), "method": method_title(str(method))}
        for name in REFINEMENTS:
            value, std, published = (found[column].get(name, None) for column in ("value", "std", "published"))
            cells |= {name: formats.spread(value, std), f"{name}_published": formats.spread(published, None)}
        both = {"eta_zeta", "comprehensive"} <= set(found.index)
        gain = found["value"]["comprehensive"] - found["value"]["eta_zeta"] if both else None
        rows.append(cells | {"gain": formats.difference(gain)})
    return pd.DataFrame(rows)
