"""Runs as one frame, those that have not finished too: what tables and rules of the study are grouped from."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.origin import partial_note, parts_of
from truly_sparse.analysis.rounding import differences
from truly_sparse.analysis.runs import class_count
from truly_sparse.analysis.table import COLUMNS
from truly_sparse.experiments.records import Record
from truly_sparse.measure.possible import possible_weights

#: The dataset that the paper is about, and its sweep over the replaced fraction.
DATASET, SWEEP = "fashion_mnist", "van_engers_zeta"
#: Readings of a run's accuracy: the highest of any epoch, as in the paper, that of the last one, and the mean over the
#: last tenth of the epochs.
METRICS = {"best": "best epoch", "last": "last epoch", "last_tenth": "last tenth"}
#: What tells the rows of a table apart, beside `zeta` or what else it varies.
WHAT = ("experiment", "dataset", "method", "setting")


def frame_of(inputs: Inputs) -> pd.DataFrame:
    """Return one row per run of all experiments of a table or figure, by fraction, density and seed.

    Returns
    -------
    DataFrame
        `experiment, dataset, method, setting, seed`; `zeta`, the replaced fraction, `epsilon` and `evolution_every`;
        `METRICS` in percent, missing where a run diverged or has not finished; `epochs` trained; `images`, its training
        rows; `links` at the start and `density`, their part of all places; `kept`, whether every block of the network
        that was collected has as many links as it started with.
    """
    rows = [_row(record, record["settings"], record["status"] == "ok") for record in inputs.records]
    for spec in inputs.absent:
        key = {"experiment": spec.experiment, "dataset": spec.dataset, "method": spec.method}
        rows.append(_row(key | {"setting": spec.setting, "seed": spec.seed}, spec.settings, False))
    frame = pd.DataFrame(rows)
    numbers = [*METRICS, "epochs", "images", "links", "density"]
    frame[numbers] = frame[numbers].astype(float)
    return frame.sort_values(["zeta", "epsilon", "seed"], kind="stable").reset_index(drop=True)


def means(frame: pd.DataFrame, keys: Sequence[str], metrics: Iterable[str] = METRICS) -> pd.DataFrame:
    """Return one row per group and metric: `value`, `std` and `seeds` of finished runs, and a `note` where some lack.

    Groups come in order of appearance, the metrics of a group after one another.
    """
    parts = []
    for metric in metrics:
        grouped = frame.groupby(list(keys), sort=False, dropna=False)[metric]
        parts.append(grouped.agg(value="mean", std="std", seeds="count", planned="size").reset_index())
        parts[-1].insert(len(keys), "metric", metric)
    whole = pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
    return whole.assign(note=[runs_note(n, m) for n, m in zip(whole["seeds"], whole.pop("planned"), strict=True)])


def runs_note(finished: int, planned: int) -> str:
    """Return "3 of 5 runs" where some have not finished or have diverged."""
    return "" if finished == planned else f"{finished} of {planned} runs"


def _row(head: Record | dict[str, Any], settings: dict[str, Any], finished: bool) -> dict[str, Any]:
    training = settings["training"]
    row = {key: head[key] for key in (*WHAT, "seed")}
    row |= {
        "zeta": float(training["prune_fraction"]),
        "epsilon": float(training["epsilon"]),
        "evolution_every": training["evolution_every"],
    }
    if not finished:
        return row | dict.fromkeys((*METRICS, "epochs", "images", "links", "density", "kept"))
    start, data = head["links"]["start"], head["data"]
    sizes = [data["features"], *training["hidden_layer_sizes"], class_count(data)]
    return row | {
        **{metric: 100 * head["scores"][metric] for metric in METRICS},
        "epochs": head["scores"]["epochs"],
        "images": data["train_rows"],
        "links": sum(start),
        "density": sum(start) / possible_weights(sizes).sequential,
        "kept": all(counts == start for counts in head["links"]["members"]),
    }


def tidy(frame: pd.DataFrame, table: str, inputs: Inputs, more: Iterable[str]) -> pd.DataFrame:
    """Return what `means` returned with the columns of every results CSV, and `more` behind them."""
    parts = parts_of(inputs.records)
    notes = [
        "; ".join(filter(None, (partial_note(parts.get(dataset)), note)))
        for dataset, note in zip(frame["dataset"], frame["note"], strict=True)
    ]
    whole = frame.assign(table=table, note=notes, commit=inputs.origin().commits)
    whole = whole.reindex(columns=[*COLUMNS, *more]).astype({"published": float})
    return whole.assign(difference=differences(whole))


def lacking(frame: pd.DataFrame, words: Callable[[Any], str]) -> list[str]:
    """Return a note about the cells of a table that have fewer runs than planned, which `words` names; or none."""
    rows = frame[(frame["metric"] == "best") & frame["note"].str.contains(" runs$")].to_dict("records")
    named = [f"{words(row)}: {share(row['note'], row['seeds'])}" for row in rows]
    return [f"Fewer runs than planned: {'; '.join(named)}."] if named else []


def share(note: str, seeds: int) -> str:
    """Return how many runs a row of a printed table has: "5", or "3 of 5" where some lack."""
    fewer = [part for part in note.split("; ") if part.endswith(" runs")]
    return fewer[0].removesuffix(" runs") if fewer else str(seeds)
