"""Accuracy and cost of runs beside printed numbers: one tidy row per (dataset, method, setting, metric)."""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd

from truly_sparse.analysis.names import row_order
from truly_sparse.analysis.origin import commits_of, partial_note, parts_of
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.runs import class_count
from truly_sparse.analysis.table import COLUMNS
from truly_sparse.errors import UserError
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import Record, path_of

REFERENCE = "dense"
Key = tuple[str, str, str]


def dense_weights(record: Record) -> int:
    """Return the links and biases of one dense network of the run's shape, the unit of every weights ratio."""
    training, data = record["settings"]["training"], record["data"]
    sizes = [data["features"], *training["hidden_layer_sizes"], class_count(data)]
    return sum(a * b for a, b in zip(sizes, sizes[1:], strict=False)) + sum(sizes[1:])


METRICS: dict[str, Callable[[Record], float]] = {
    "test_accuracy": lambda record: 100 * record["accuracy"]["test"],
    "member_accuracy": lambda record: 100 * statistics.fmean(record["accuracy"]["members_test"]),
    "weights": lambda record: record["links"]["total_weights"],
    "weights_ratio": lambda record: record["links"]["total_weights"] / dense_weights(record),
    "training_operations": lambda record: record["operations"]["total_training"],
    "training_operations_ratio": lambda record: record["operations"]["total_training"],
    "train_time": lambda record: record["seconds"]["cpu"] / 60,
}


#: What only networks have; a reference model leaves these cells empty.
OF_NETWORKS = frozenset(METRICS) - {"test_accuracy", "member_accuracy", "train_time"}


def tidy(table: str, records: Iterable[Record], published: pd.DataFrame, absent: Sequence[RunSpec]) -> pd.DataFrame:
    """Return accuracy and cost as a tidy frame with the columns `COLUMNS`.

    Parameters
    ----------
    table : str
        Name of the table.
    records : iterable of dict
        Run records (run.json); diverged ones are counted and left out of every mean.
    published : DataFrame
        Printed numbers, as `published.load` returns them; joined on dataset, method, setting and metric.
    absent : sequence of RunSpec
        Runs of the grid that have not finished; counted, and named in `note`.

    Returns
    -------
    DataFrame
        Metrics: test_accuracy and member_accuracy (percent), weights (links and biases of all members),
        training_operations (multiply-adds), train_time (CPU minutes on one core), `_ratio` of the latter two
        (multiples of a single dense network), and runs_ok, runs_diverged, runs_absent (counts). `value` is the
        mean over seeds, `std` the sample standard deviation (ddof 1; empty for one seed), `difference` is
        value - published.

    Raises
    ------
    UserError
        For two records of one run, or a record that lacks a number.
    """
    rows = _collect(records, absent)
    reference = _dense_operations(rows)
    printed = {tuple(row[:4]): row[4:] for row in _printed(published)}
    lines: list[dict[str, Any]] = []
    for key in sorted(rows, key=lambda key: row_order(key[0], key[1], rows[key].epsilon, key[2])):
        lines += _lines(table, key, rows[key], reference.get(key[0]), printed)
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype({"seeds": "Int64", "published_runs": "Int64"})


class _Row:
    """The runs of one (dataset, method, setting)."""

    def __init__(self, epsilon: float | None) -> None:
        self.epsilon = epsilon
        self.ok: list[Record] = []
        self.diverged: list[int] = []
        self.absent: list[int] = []

    def note(self) -> str:
        total = len(self.ok) + len(self.diverged) + len(self.absent)
        parts = [partial_note(part) for part in parts_of(self.ok).values()]
        if self.diverged:
            parts.append(
                f"{len(self.diverged)} of {total} runs diverged ({_seeds(self.diverged)}), left out of the mean"
            )
        if self.absent:
            parts.append(f"{len(self.absent)} of {total} runs missing ({_seeds(self.absent)})")
        return "; ".join(parts)


def _seeds(seeds: list[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, sorted(seeds)))}"


def _collect(records: Iterable[Record], absent: Sequence[RunSpec]) -> dict[Key, _Row]:
    rows: dict[Key, _Row] = {}
    seen: set[str] = set()

    def row_of(dataset: str, method: str, setting: str, settings: dict[str, Any]) -> _Row:
        return rows.setdefault((dataset, method, setting), _Row(settings["training"].get("epsilon")))

    for record in records:
        path = path_of(record)
        if path in seen:
            raise UserError(f"run {path} has two records; remove one of them")
        seen.add(path)
        row = row_of(record["dataset"], record["method"], record["setting"], record["settings"])
        if record["status"] == "ok":
            row.ok.append(record)
        else:
            row.diverged.append(record["seed"])
    for spec in absent:
        row_of(spec.dataset, spec.method, spec.setting, spec.settings).absent.append(spec.seed)
    return rows


def _is_network(record: Record) -> bool:
    return bool(record["settings"]["model"] != "reference")


def _measure(metric: str, record: Record) -> float:
    try:
        return float(METRICS[metric](record))
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise UserError(f"record of {path_of(record)}: no usable {metric} in it; delete it and run again") from error


def _dense_operations(rows: dict[Key, _Row]) -> dict[str, float]:
    """Return, per dataset, the mean training operations of the single dense runs."""
    counts: dict[str, list[float]] = defaultdict(list)
    for (dataset, method, _), row in rows.items():
        if method == REFERENCE:
            counts[dataset] += [_measure("training_operations", record) for record in row.ok]
    return {dataset: statistics.fmean(values) for dataset, values in counts.items() if values}


def _printed(published: pd.DataFrame) -> list[tuple[Any, ...]]:
    columns = [
        "dataset",
        "method",
        "setting",
        "metric",
        "published",
        "published_std",
        "note",
        "published_runs",
        "source",
    ]
    frame = published[columns].astype(object)
    return list(frame.where(frame.notna(), None).itertuples(index=False, name=None))


def _lines(
    table: str, key: Key, row: _Row, dense_operations: float | None, printed: dict[tuple[Any, ...], tuple[Any, ...]]
) -> list[dict[str, Any]]:
    dataset, method, setting = key
    head = {"table": table, "dataset": dataset, "method": method, "epsilon": row.epsilon, "setting": setting}
    tail = {"seeds": len(row.ok), "commit": " ".join(commits_of(row.ok))}
    lines = []
    for metric in METRICS:
        values = [_measure(metric, record) for record in row.ok if metric not in OF_NETWORKS or _is_network(record)]
        note = row.note()
        if metric == "training_operations_ratio":
            if dense_operations is None and values:
                note = "; ".join(filter(None, (note, "no finished dense run on this dataset to compare with")))
            values = [value / dense_operations for value in values] if dense_operations else []
        mean, std = _mean_std(values)
        value, spread, remark, runs, source = printed.get((*key, metric), (None,) * 5)
        lines.append(
            {
                **head,
                "metric": metric,
                "value": mean,
                "std": std,
                "published": value,
                "published_std": spread,
                "note": "; ".join(filter(None, (note, f"published: {remark}" if remark else ""))),
                "difference": None if mean is None or value is None else less(mean, value),
                "published_runs": runs,
                "source": source,
                **tail,
            }
        )
    counts = {"ok": len(row.ok), "diverged": len(row.diverged), "absent": len(row.absent)}
    for status, count in counts.items():
        lines.append({**head, "metric": f"runs_{status}", "value": count, "note": row.note(), **tail})
    return lines


def _mean_std(values: list[float]) -> tuple[float | None, float | None]:
    if not values or not all(map(math.isfinite, values)):
        return None, None
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None
