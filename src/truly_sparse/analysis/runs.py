"""Run records as one flat frame, a row per finished run: what every table beyond Table 1 is grouped from."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from truly_sparse.experiments.records import Record

#: Training and data settings that some experiment varies.
VARIED = (
    "epsilon",
    "distance_factor",
    "refinement",
    "decay_times_learning_rate",
    "learning_rate",
    "dropout",
    "members",
    "hidden_layer_sizes",
)
DATA_VARIED = ("scaling", "split")


def frame_of(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run that did not diverge.

    Returns
    -------
    DataFrame
        `experiment, dataset, method, setting, seed, commit`; `accuracy` and `validation_accuracy` in percent (the
        latter the mean over members); `VARIED` and `DATA_VARIED` settings (`hidden_layer_sizes` as text, such as
        "1000-1000"); `cpu_minutes`, `fit_seconds`, `predict_seconds`, `model_bytes`, `operations`; every metric and
        every measure of diversity under its own name; `partial`.
    """
    return pd.DataFrame([_row(record) for record in records if record["status"] == "ok"])


def _row(record: Record) -> dict[str, Any]:
    training, data = record["settings"]["training"], record["settings"]["data"]
    validation = [value for value in record["accuracy"]["members_validation"] if value is not None]
    row = {key: record[key] for key in ("experiment", "dataset", "method", "setting", "seed")}
    row |= {key: training.get(key) for key in VARIED} | {key: data[key] for key in DATA_VARIED}
    row["hidden_layer_sizes"] = "-".join(map(str, training.get("hidden_layer_sizes", [])))
    metrics = {name: value for name, value in record["metrics"].items() if name != "accuracy"}
    return {
        **row,
        "accuracy": 100 * record["accuracy"]["test"],
        "validation_accuracy": 100 * sum(validation) / len(validation) if validation else None,
        "cpu_minutes": record["seconds"]["cpu"] / 60,
        "fit_seconds": record["seconds"]["fit"],
        "predict_seconds": record["seconds"]["predict"],
        "model_bytes": record["model_bytes"],
        "operations": record.get("operations", {}).get("total_training"),
        **metrics,
        **record["diversity"],
        "partial": record["data"]["partial"] or "",
        "commit": (record["code"]["commit"] or "unknown")[:10],
    }


def class_count(data: dict[str, Any]) -> int:
    """Return the number of classes in the `data` block of a record, which holds a number or the names."""
    classes = data["classes"]
    return classes if isinstance(classes, int) else len(classes)


def summarise(frame: pd.DataFrame, by: Sequence[str], value: str = "accuracy", centre: str = "mean") -> pd.DataFrame:
    """Return mean (or another centre), sample standard deviation and number of runs of one column, by groups.

    Groups come in order of appearance.
    """
    grouped = frame.groupby(list(by), sort=False, dropna=False)[value]
    return grouped.agg(value=centre, std="std", seeds="count").reset_index()
