"""The sweep over the replaced fraction on other datasets, and the curve fitted on each."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.van_engers import formula
from truly_sparse.studies.van_engers.runs import WHAT, frame_of, lacking, means, tidy

MORE = ("zeta",)
_SHOWN = ("best", "last")
_CURVES = (
    Column("dataset", "Dataset", align="l"),
    Column("plateau", "plateau (%)"),
    Column("a", "a"),
    Column("b", "b"),
    Column("contour", "contour"),
    Column("falls_half", "0.5 points lost at ζ"),
    Column("error", "MSE"),
)


def make(inputs: Inputs) -> Table:
    """Return D2, accuracies by fraction and dataset, and D3, the curve of each."""
    runs = frame_of(inputs)
    frame = tidy(means(runs, [*WHAT, "zeta", "epsilon"]), "van_engers_datasets", inputs, MORE)
    curves = pd.DataFrame([_curve(runs[runs["dataset"] == name], name) for name in runs["dataset"].unique()])
    numbers = curves.melt("dataset", var_name="metric").assign(table="van_engers_datasets", setting="curve")
    origin = inputs.origin()
    closing = origin.closing(seeds=True)
    caption = (
        "Test accuracy (%) on other datasets against the fraction ζ of links replaced after every epoch: highest and "
        f"last of 200 epochs, all else as in Table 1. {closing}"
    )
    about = f"The curve of Table F1 fitted to the best epochs on each dataset, contour by the same rule. {closing}"
    columns = [Column("zeta", "ζ")]
    for name, part in frame.groupby("dataset", sort=False):
        title = marked_title(str(name), part["note"])
        columns += [Column(f"{name}_{metric}", metric, title) for metric in _SHOWN]
    whole = pd.concat([frame, numbers.astype({"value": float})], ignore_index=True)
    fewer = lacking(frame, lambda row: f"{dataset_title(row['dataset'])}, ζ = {row['zeta']:g}")
    return Table(
        whole.reindex(columns=frame.columns).astype({"seeds": "Int64"}),
        [
            Part("D2", caption, _cells(frame), columns, [*fewer, origin.line()]),
            Part("D3", about, _written(curves), _CURVES, [origin.line()]),
        ],
    )


def _curve(runs: pd.DataFrame, dataset: str) -> dict[str, Any]:
    found = formula.numbers(runs, "best")
    return {"dataset": dataset, **{column.key: found[column.key] for column in _CURVES[1:]}}


def _written(curves: pd.DataFrame) -> pd.DataFrame:
    digits = {"a": 3, "b": 0, "contour": 3, "falls_half": 4}
    cells = {name: [formats.spread(value, None, places) for value in curves[name]] for name, places in digits.items()}
    return pd.DataFrame(
        {
            "dataset": curves["dataset"].map(dataset_title),
            "plateau": [formats.spread(None if value is None else 100 * value, None) for value in curves["plateau"]],
            "error": curves["error"].map(formats.scientific),
            **cells,
        }
    )


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for zeta, part in frame.groupby("zeta", sort=True):
        cells = {"zeta": formats.number(float(str(zeta)))}
        for row in part[part["metric"].isin(_SHOWN)].to_dict("records"):
            cells[f"{row['dataset']}_{row['metric']}"] = formats.spread(row["value"], row["std"])
        rows.append(cells)
    return pd.DataFrame(rows).fillna(formats.NOTHING)
