"""How cells of the study's tables are printed, means over datasets, and the printed numbers beside them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.origin import Origin
from truly_sparse.analysis.rounding import differences
from truly_sparse.analysis.statistics.paired import Numbers
from truly_sparse.analysis.statistics.stratified import Interval, over_groups
from truly_sparse.analysis.table import COLUMNS
from truly_sparse.studies.whitaker.verdicts.comparing import RUNS, pairs

#: Stands for the mean over datasets, and marks one over fewer than others.
ALL, FEW = "all", "†"
#: What every caption says of numbers that were printed for other data and networks.
_OTHER_TASK = "Printed numbers are of another task (convolutional networks on {}): only their order can be compared."
OTHER_TASK, ON_IMAGENET = map(_OTHER_TASK.format, ("CIFAR", "ImageNet"))
#: Columns of a tidy table of the study beside those of every results CSV: runs in the grid, ends of an interval.
MORE = ("asked", "low", "high", "printed")
#: Decimals of a measure.
DIGITS = {"accuracy": 1, "child_before": 1, "idle": 1, "nll": 3, "ece": 3, "disagreement": 3, "kl_divergence": 3}


def tidy(rows: pd.DataFrame, name: str, more: Sequence[str] = ()) -> pd.DataFrame:
    """Return rows with the columns of every results CSV, `MORE` and `more`."""
    frame = rows.assign(table=name).reindex(columns=[*COLUMNS, *MORE, *more])
    frame["difference"] = differences(frame)
    return frame.astype(dict.fromkeys(("seeds", "asked"), "Int64"))


def digits(metric: str) -> int:
    """Return how many decimals a measure is printed with."""
    return DIGITS["accuracy"] if "accuracy" in metric else DIGITS.get(metric, 2)


def cell(row: Mapping[Any, Any] | None, spread: bool = True) -> str:
    """Return a mean with its deviation, and "(2/5)" behind it where runs are missing; a dash where there is no row.

    Without `spread` it is the mean alone: the row has a cell that says the rest.
    """
    if row is None:
        return formats.NOTHING
    if not row["seeds"]:
        return f"(0/{row['asked']})" if spread else formats.NOTHING
    text = formats.spread(row["value"], row["std"] if spread else None, digits(str(row["metric"])))
    return text if row["seeds"] == row["asked"] or not spread else f"{text} ({row['seeds']}/{row['asked']})"


def notes(frame: pd.DataFrame, origin: Origin, *lines: str) -> list[str]:
    """Return the lines under a table: what brackets and marks say, and where its numbers come from."""
    counted = frame.dropna(subset=["seeds", "asked"])
    lacking = bool((counted["seeds"] < counted["asked"]).any())
    found = [*lines, *(["(n/m): n of m runs have finished."] if lacking else [])]
    gained = frame[(frame["dataset"] == ALL) & frame["metric"].astype(str).str.startswith("gain_")]
    counts = _datasets_of(gained)
    fewer = sorted(set(counts) - {counts.max()})
    if fewer:
        found.append(f"{FEW} Over {' or '.join(map(str, fewer))} of {counts.max()} datasets.")
    return [*found, origin.line()]


def gains(
    runs: pd.DataFrame,
    methods: Sequence[str],
    reference: str,
    metrics: Sequence[str] = ("accuracy",),
    **keys: Any,
) -> pd.DataFrame:
    """Return, for every method and metric, the mean over datasets of its difference to a reference, with its interval.

    Methods that have half of the datasets or more are compared on those that all of them have, so that the means are
    over the same ones; one that has fewer keeps its own. Rows have the dataset `ALL` and the metric "gain_accuracy" and
    so on; those of the datasets that are in a mean follow. A method without a pair has no row.
    """
    found = _compared(runs, methods, reference, metrics, keys)
    every = [set(one.groups) for one, _ in found.values()]
    wide = [own for own in every if 2 * len(own) >= len(set().union(*every))]
    shared = set.intersection(*wide) if wide else set()
    more = dict.fromkeys(method for (method, _), (one, _) in found.items() if shared < set(one.groups))
    if shared:
        found |= _compared(runs[runs["dataset"].isin(shared)], more, reference, metrics, keys)
    rows: list[dict[str, Any]] = []
    for (method, metric), (one, values) in found.items():
        head = {"method": method, "metric": f"gain_{metric}"}
        interval = {"low": one.low, "high": one.high, "seeds": one.seeds, "asked": one.seeds}
        note = f"over {len(one.groups)} datasets"
        rows.append({"dataset": ALL, **head, "value": one.mean, **interval, "note": note})
        for name in one.groups:
            counts = dict.fromkeys(("seeds", "asked"), len(values[name]))
            rows.append({"dataset": name, **head, "value": float(values[name].mean()), **counts})
    columns = ["dataset", "method", "metric", "value", "low", "high", "seeds", "asked", "note"]
    return pd.DataFrame(rows, columns=columns)


def left_out(measured: pd.DataFrame, gained: pd.DataFrame, reference: str) -> list[str]:
    """Return the datasets that the reference has been run on, and that are in no mean as another method lacks runs.

    Parameters
    ----------
    measured : DataFrame
        Accuracies by dataset and method.
    gained : DataFrame
        What `gains` returns.
    """
    there = measured[(measured["method"] == reference) & measured["value"].notna()]["dataset"]
    return [str(name) for name in dict.fromkeys(there) if name not in set(gained["dataset"])]


def _compared(
    runs: pd.DataFrame, methods: Iterable[str], reference: str, metrics: Sequence[str], keys: Mapping[str, Any]
) -> dict[tuple[str, str], tuple[Interval, dict[str, Numbers]]]:
    """Return the differences of methods to a reference that have a pair of runs, by method and metric.

    Each is the mean over datasets with its interval, and the differences of all seeds by dataset.
    """
    evidence, found = Evidence({RUNS: runs}), {}
    for method in methods:
        for metric in metrics:
            try:
                values = pairs(evidence, {"method": method, **keys}, {"method": reference, **keys}, metric=metric)
            except Missing:
                continue
            found[method, metric] = over_groups(values), values
    return found


def gain(frame: pd.DataFrame, method: str, metric: str = "accuracy") -> tuple[str, str]:
    """Return the mean gain of a method and its interval as they are printed; dashes where there is none.

    A mean over fewer datasets than another method's is marked, which `notes` explains.
    """
    every = frame[(frame["dataset"] == ALL) & (frame["metric"] == f"gain_{metric}")]
    rows = every[every["method"] == method]
    if rows.empty:
        return formats.NOTHING, formats.NOTHING
    row, decimals = rows.iloc[0], digits(metric) + ("accuracy" in metric)
    counts = _datasets_of(every)
    few = FEW if counts[rows.index[0]] < counts.max() else ""
    return formats.difference(row["value"], decimals) + few, formats.interval(row["low"], row["high"], decimals)


def _datasets_of(gained: pd.DataFrame) -> "pd.Series[int]":
    """Return over how many datasets each gain is."""
    return gained["note"].str.split().str[1].astype(int)


def printed_rows(inputs: Inputs, table: str) -> pd.DataFrame:
    """Return the printed numbers of a table as rows of ours, without a value."""
    return inputs.published(table).drop(columns="table")


def by_number(frame: pd.DataFrame, keys: Sequence[str]) -> dict[tuple[Any, ...], dict[Any, Any]]:
    """Return the rows of a tidy frame by their values of some columns, the first of each."""
    found: dict[tuple[Any, ...], dict[Any, Any]] = {}
    for row in frame.to_dict("records"):
        found.setdefault(tuple(row[key] for key in keys), row)
    return found
