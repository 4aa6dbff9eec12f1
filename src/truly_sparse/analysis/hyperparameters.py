"""Hyperparameters of a method on a dataset, written as the sources write them, beside the printed ones."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.latex import Column

#: What the sources print, and how it is headed here.
METRICS = {
    "eta": "η",
    "evolution_frequency": "epochs per SET step",
    "activation": "activation",
    "alpha": "α",
    "weight_init": "start values",
}
_STARTS = {"he": "He Uniform", "xavier": "Xavier"}


def used(training: Mapping[str, Any], dense: bool) -> dict[str, str]:
    """Return the `METRICS` of training settings; empty for what a model does not have."""
    # Every refinement but "none" halves the rate once.
    rate = training["learning_rate"]
    rates = [rate] if training["refinement"] == "none" else [rate, rate / 2]
    every = training["evolution_every"]
    frequencies = [every, 2 * every, 4 * every] if training["refinement"] == "comprehensive" else [every]
    relu = training["activation"] == "relu" or training["negative_slope"] == 0
    return {
        "eta": "-".join(f"{rate:g}" for rate in rates),
        "evolution_frequency": "" if dense else "-".join(map(str, frequencies)),
        "activation": "ReLU" if relu else "All-ReLU",
        "alpha": "" if relu else f"{training['negative_slope']:g}",
        "weight_init": _STARTS.get(training["init"], training["init"]),
    }


def columns(metrics: Mapping[str, str]) -> list[Column]:
    """Return the printed columns: the dataset, then each of the metrics as printed and as used here."""
    both = (("published", "publ."), ("here", "here"))
    pairs = [Column(f"{name}_{end}", header, title) for name, title in metrics.items() for end, header in both]
    return [Column("dataset", "Dataset", align="l"), *pairs]


def cells(frame: pd.DataFrame, title: Callable[[str], str]) -> pd.DataFrame:
    """Return the printed cells of rows with `setting` (the group), `dataset`, `metric`, `value` and `published`."""
    rows = []
    for (group, dataset), part in frame.groupby(["setting", "dataset"], sort=False):
        found = {"group": group, "dataset": title(str(dataset))}
        for row in part.to_dict("records"):
            found[f"{row['metric']}_published"] = row["published"] or formats.NOTHING
            found[f"{row['metric']}_here"] = row["value"] or formats.NOTHING
        rows.append(found)
    return pd.DataFrame(rows)
