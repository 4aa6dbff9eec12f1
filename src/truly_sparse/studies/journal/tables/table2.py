"""Journal Table 2: fourteen tabular datasets, how often each model is the best, and the accuracies behind it."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import METHODS, dataset_title, method_title
from truly_sparse.analysis.origin import marked_title, partial_note, parts_of
from truly_sparse.analysis.rounding import differences
from truly_sparse.analysis.runs import frame_of, summarise
from truly_sparse.analysis.table import COLUMNS, Part, Table

ALL = "tabular14"
#: Decimals of an accuracy in percent, as the sources print it: what is equal there is a tie.
DECIMALS = 1


def make(inputs: Inputs) -> Table:
    """Return journal Table 2 (2a: best-performing-model points and total time; 2b: accuracy by dataset)."""
    runs = frame_of(inputs.records)
    accuracy = summarise(runs, ["dataset", "method"])
    minutes = summarise(runs, ["dataset", "method"], "cpu_minutes")
    complete = complete_datasets(accuracy)
    points = best_points(accuracy[accuracy["dataset"].isin(complete)])
    total = minutes[minutes["dataset"].isin(complete)].groupby("method")["value"].sum()
    frame = _tidy(inputs, accuracy, minutes, points, total, complete)
    origin = inputs.origin()
    compared = f"{len(complete)} of {accuracy['dataset'].nunique()} datasets on which every model has finished"
    notes = [*_missing(inputs, accuracy, complete), origin.line()]
    points_caption = (
        "Best-performing-model points over the tabular datasets: one point a dataset for the model with the highest "
        f"mean test accuracy, shared between models that are equal to {DECIMALS} decimal in percent; over {compared}. "
        "Time: published minutes on the authors' machine, here CPU minutes on one core, summed over the datasets, mean "
        f"over seeds. {origin.closing()}"
    )
    accuracy_caption = (
        "Test accuracy (%) by dataset, mean ± standard deviation over seeds; the sources do not print these. "
        f"{origin.closing(seeds=True)}"
    )
    methods = _methods(accuracy)
    return Table(
        frame,
        [
            Part("2a", points_caption, _point_cells(frame, methods), _POINT_COLUMNS, notes),
            Part(
                "2b",
                accuracy_caption,
                _accuracy_cells(accuracy, methods, parts_of(inputs.records)),
                _accuracy_columns(methods),
                notes,
            ),
        ],
    )


def complete_datasets(accuracy: pd.DataFrame) -> list[str]:
    """Return the datasets on which every method has a finished run."""
    methods = accuracy["method"].nunique()
    counts = accuracy.groupby("dataset", sort=False)["method"].nunique()
    return [str(name) for name, count in counts.items() if count == methods]


def best_points(accuracy: pd.DataFrame) -> pd.Series:
    """Return each method's best-performing-model points: one per dataset, shared equally by those that tie."""
    rounded = accuracy.assign(value=accuracy["value"].round(DECIMALS))
    best = rounded["value"] == rounded.groupby("dataset")["value"].transform("max")
    share = best / best.groupby(rounded["dataset"]).transform("sum")
    points: pd.Series = share.groupby(rounded["method"]).sum()
    return points


_POINT_COLUMNS = (
    Column("method", "Method", align="l"),
    Column("points_published", "published", "Points"),
    Column("points", "here", "Points"),
    Column("time_published", "published", "Time (min)"),
    Column("time", "here (CPU)", "Time (min)"),
)


def _accuracy_columns(methods: list[str]) -> list[Column]:
    return [Column("dataset", "Dataset", align="l"), *(Column(method, method_title(method)) for method in methods)]


def _methods(accuracy: pd.DataFrame) -> list[str]:
    present = set(accuracy["method"])
    return [method for method in METHODS if method in present]


def _tidy(
    inputs: Inputs,
    accuracy: pd.DataFrame,
    minutes: pd.DataFrame,
    points: pd.Series,
    total: pd.Series,
    complete: list[str],
) -> pd.DataFrame:
    partial = parts_of(inputs.records)
    lines = []
    for metric, rows in (("test_accuracy", accuracy), ("train_time", minutes)):
        for row in rows.to_dict("records"):
            lines.append({**row, "metric": metric, "note": partial_note(partial.get(row["dataset"]))})
    for metric, column in (("bpm", points), ("total_train_time", total)):
        for method, value in column.items():
            note = f"over {len(complete)} datasets"
            lines.append({"dataset": ALL, "method": method, "metric": metric, "value": value, "note": note})
    frame = pd.DataFrame(lines)
    frame = frame.assign(table="table2", epsilon=20.0, setting="eps20", commit=inputs.origin().commits)
    dense = frame["method"] == "dense"
    frame.loc[dense, ["epsilon", "setting"]] = [None, "default"]
    printed = inputs.published("table2")[["dataset", "method", "metric", "published", "published_std", "source"]]
    frame = frame.merge(printed, on=["dataset", "method", "metric"], how="left")
    frame["difference"] = differences(frame)
    return frame.reindex(columns=list(COLUMNS)).astype({"seeds": "Int64"})


def _point_cells(frame: pd.DataFrame, methods: list[str]) -> pd.DataFrame:
    both = frame[frame["dataset"] == ALL].set_index(["method", "metric"])
    rows = []
    for method in methods:
        cells = {"method": method_title(method)}
        for name, metric, digits in (("points", "bpm", 2), ("time", "total_train_time", 1)):
            found: Any = (
                both.loc[(method, metric)] if (method, metric) in both.index else {"value": None, "published": None}
            )
            cells[name] = formats.spread(found["value"], None, digits)
            cells[f"{name}_published"] = formats.spread(found["published"], None, 2 if name == "points" else 0)
        rows.append(cells)
    return pd.DataFrame(rows)


def _accuracy_cells(accuracy: pd.DataFrame, methods: list[str], parts: dict[str, str]) -> pd.DataFrame:
    rows = []
    for dataset, part in accuracy.groupby("dataset", sort=True):
        by_method = part.set_index("method")
        note = partial_note(parts.get(str(dataset)))
        cells = {"dataset": marked_title(str(dataset), [note])}
        for method in methods:
            found: Any = by_method.loc[method] if method in by_method.index else {"value": None, "std": None}
            cells[method] = formats.spread(found["value"], found["std"])
        rows.append(cells)
    return pd.DataFrame(rows)


def _missing(inputs: Inputs, accuracy: pd.DataFrame, complete: list[str]) -> list[str]:
    lacking = [name for name in accuracy["dataset"].unique() if name not in complete]
    named = ", ".join(map(dataset_title, lacking))
    lines = [f"Not all models have finished on {named}; these give no points."] if lacking else []
    return lines + ([f"{len(inputs.absent)} runs of the grid have not finished."] if inputs.absent else [])
