"""What SPaS Tables 7 to 9 share: means and best runs of one dataset by the number of links."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.origin import origin_of
from truly_sparse.analysis.table import Part, Table
from truly_sparse.errors import UserError
from truly_sparse.studies.spas import shown
from truly_sparse.studies.spas.runs import CONVOLUTIONAL, DENSE, MODELS, MODES, cells, frame_of, long

EXPERIMENT, OF_PICTURES = "spas_budgets", "spas_cnn_budgets"
KEYS = ("dataset", "method", "model", "mode", "setting", "compression", "budget")
_METRICS = ("mean", "max", "iqm", "last_iqm", "epochs")
_PRINTED = (
    Column("budget", "Links"),
    Column("model", "Model", align="l"),
    Column("mean_published", "publ.", "Mean"),
    Column("mean", "here", "Mean"),
    Column("max_published", "publ.", "Best run"),
    Column("max", "here", "Best run"),
)


def table(inputs: Inputs, number: str, dataset: str) -> Table:
    """Return the table of one dataset, by its printed number.

    Raises
    ------
    UserError
        Where no run of it is in the grid.
    """
    own = [record for record in inputs.records if record["dataset"] == dataset]
    if not own:
        raise UserError(f"no finished run of {EXPERIMENT} on {dataset}; run `snakemake --cores 1 spas_table{number}`")
    frame = tidy(inputs, number, dataset)
    origin = origin_of(inputs.preset, own, [spec for spec in inputs.absent if spec.dataset == dataset])
    networks = "Networks" if frame["model"].isin(CONVOLUTIONAL).any() else "Perceptrons"
    caption = (
        f"{networks} by the number of links on {dataset_title(dataset)}. Accuracy (%) on the test rows, mean ± "
        f"standard deviation over seeds, and the best run. {shown.RANDOM} {origin.closing()}"
    )
    part = Part(number, caption, _cells(frame), _PRINTED, shown.notes(frame, origin), group="group", block="budget")
    return Table(frame, [part])


def tidy(inputs: Inputs, number: str, dataset: str) -> pd.DataFrame:
    """Return one row per (method, setting, metric), and those of convolutional models that are printed but not run."""
    runs = frame_of(inputs, EXPERIMENT, OF_PICTURES)
    runs = runs[runs["dataset"] == dataset]
    rows = shown.beside_printed(inputs, long(cells(runs, KEYS), _METRICS), f"table{number}")
    whole = pd.concat([rows, _not_run(inputs.published(f"table{number}"), rows)], ignore_index=True)
    places = {name: place for place, name in enumerate([*MODES, *MODELS])}
    whole = whole.sort_values(
        ["mode", "budget", "model"],
        key=lambda column: column.map(places) if column.name in ("mode", "model") else column,
        kind="stable",
    )
    return shown.tidy(whole, f"spas_table{number}")


def _not_run(printed: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a printed table for convolutional models of which the configuration has no run."""
    names = printed["method"].str.rpartition("_")
    dense = printed["setting"].isin(["c0", "c1"])
    budget = pd.to_numeric(printed["setting"].str.removeprefix("n"), errors="coerce")
    lacking = printed.assign(model=names[0], mode=names[2].mask(dense, DENSE), budget=budget, note=shown.NOT_RUN)
    cell = ["method", "setting"]
    ours = pd.MultiIndex.from_frame(rows[cell])
    return lacking[lacking["model"].isin(CONVOLUTIONAL) & ~pd.MultiIndex.from_frame(lacking[cell]).isin(ours)]


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for (mode, _), found in frame.groupby(["mode", "budget"], sort=False, dropna=False):
        budget = found["budget"].iloc[0]
        for place, (model, part) in enumerate(found.groupby("model", sort=False)):
            cells = {"group": MODES[str(mode)], "model": MODELS[str(model)]}
            cells["budget"] = "" if place or pd.isna(budget) else formats.count(budget)
            for row in part.to_dict("records"):
                if row["metric"] in ("mean", "max"):
                    cells[f"{row['metric']}_published"] = shown.printed(row)
                    run = row["note"] != shown.NOT_RUN
                    value = shown.accuracy(row, spread=row["metric"] == "mean") if run else shown.NOT_RUN
                    cells[str(row["metric"])] = value
            rows.append(cells)
    return pd.DataFrame(rows).fillna(formats.NOTHING)
