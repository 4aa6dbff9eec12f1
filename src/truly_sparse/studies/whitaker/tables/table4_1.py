"""Table 4.1: ensembles of noisy networks and their parents, printed and measured."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.statistics.stratified import over_groups
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.whitaker import shown
from truly_sparse.studies.whitaker.verdicts.noisy import NOISE, SELECTED
from truly_sparse.studies.whitaker.verdicts.stochastic import by_seed

SCORES = ("accuracy", "nll", "ece")
#: Decimals of what is printed, as in print.
DIGITS = {"accuracy": 2, "nll": 3, "ece": 3, "sigma": 4, "kl": 3}
#: How children are drawn and chosen, and what that is called.
KINDS = {"independent": "independent", "mirrored": "mirrored", "quad": "mirrored and partitioned"}
CHOICES = {"selected": "best by validation", "random": "any", "all": "all"}
_SCORES = tuple(
    Column(f"{whom}_{score}", title, group)
    for whom, group in (("parent", "Parent"), ("ensemble", "Ensemble"))
    for score, title in (("accuracy", "acc."), ("nll", "NLL"), ("ece", "ECE"))
)
_LAST = (Column("delta_accuracy", "gain"), Column("mutation_sigma", "σ"), Column("mean_kl", "KL"))
_PRINTED = (Column("setting", "Network", align="l"), *_SCORES, *_LAST)
_HERE = (Column("dataset", "Dataset", align="l"), *_SCORES, *_LAST)
_WAYS = (
    Column("kind", "Noise", align="l"),
    Column("choice", "Children", align="l"),
    Column("members", "of them"),
    Column("gain", "gain"),
    Column("interval", "95 % interval"),
    Column("datasets", "datasets gained"),
)


def make(inputs: Inputs) -> Table:
    """Return Table 4.1a, printed, 4.1b, every dataset, and 4.1c, gains by how children are drawn and chosen."""
    measured, origin = inputs.measured(NOISE)
    frame = tidy(inputs, measured, origin.commit)
    tail = f" Preset {inputs.preset}; commit {origin.commit}."
    about = "accuracy (%), NLL (nats) and ECE of the parent and of the ensemble with eight of sixteen children"
    printed = f"Noisy ensembles as printed: {about}, noise σ, mean divergence (nats). {shown.ON_IMAGENET}"
    here = (
        f"Noisy ensembles here: {about}, chosen by validation, and the parent; noise on half of the links, mirrored "
        f"and partitioned; means over parents, gain ± standard deviation.{tail}"
    )
    ways = (
        "Noisy ensembles by how children are drawn and chosen: accuracy of parent and children less that of the parent "
        f"in points, mean over datasets with its 95 % interval over parents.{tail}"
    )
    parts = [
        Part("4.1a", printed, _rows(frame[frame["published"].notna()], "setting", "published"), _PRINTED,
             ["Source: Whitaker, Table 4.1."]),
        Part("4.1b", here, _rows(frame[frame["metric"].isin(_metrics()) & frame["value"].notna()], "dataset", "value"),
             _HERE, [origin.line()]),
        Part("4.1c", ways, _ways(frame), _WAYS, [origin.line()], block="kind"),
    ]  # fmt: skip
    return Table(frame, parts)


def tidy(inputs: Inputs, measured: pd.DataFrame, commit: str) -> pd.DataFrame:
    """Return scores by dataset, gains over all datasets by (kind, choice, members), and the printed numbers."""
    parents = measured[measured["part"] == "population"]
    rows: list[dict[str, Any]] = []
    own = parents[_are(parents, SELECTED)]
    by_parent = own.groupby(["dataset", "seed"], sort=False).mean(numeric_only=True)
    scores = pd.DataFrame({f"parent_{score}": by_parent[f"parent_{score}"] for score in SCORES})
    scores = scores.assign(**{f"ensemble_{score}": by_parent[score] for score in SCORES})
    gains = by_parent["accuracy"].combine(by_parent["parent_accuracy"], less)
    scores = scores.assign(delta_accuracy=gains, mutation_sigma=by_parent["sd"], mean_kl=by_parent["kl"])
    for dataset, part in scores.groupby(level="dataset", sort=False):
        about = {"dataset": dataset, "method": "noisy", "seeds": len(part), "asked": len(part), "commit": commit}
        for metric in _metrics():
            rows.append({**about, "metric": metric, "value": part[metric].mean(), "std": part[metric].std()})
    for (kind, choice, members), part in parents.groupby(["kind", "choice", "members"], sort=False):
        rows.append({**_gain(part), "kind": kind, "choice": choice, "members": members, "commit": commit})
    whole = pd.concat([pd.DataFrame(rows), shown.printed_rows(inputs, "table4_1")], ignore_index=True)
    return shown.tidy(whole, "whitaker_table4_1", ("kind", "choice", "members"))


def _metrics() -> tuple[str, ...]:
    return tuple(column.key for column in (*_SCORES, *_LAST))


def _are(frame: pd.DataFrame, keys: dict[str, Any]) -> "pd.Series[bool]":
    return (frame[list(keys)] == pd.Series(keys)).all(axis=1)


def _gain(part: pd.DataFrame) -> dict[str, Any]:
    """Return the mean gain over datasets of ensembles of one kind, with its interval."""
    means = part.groupby(["dataset", "seed"], sort=False)[["accuracy", "parent_accuracy"]].mean()
    gains = means["accuracy"].combine(means["parent_accuracy"], less)
    found = over_groups(by_seed(gains))
    above = int((gains.groupby(level="dataset").mean() > 0).sum())
    numbers = {"value": found.mean, "low": found.low, "high": found.high, "seeds": found.seeds, "asked": found.seeds}
    words = f"{above} of {len(found.groups)}"
    return {"dataset": shown.ALL, "method": "noisy", "metric": "gain_accuracy", **numbers, "note": words}


def _rows(frame: pd.DataFrame, by: str, column: str) -> pd.DataFrame:
    rows = []
    for name, part in frame.groupby(by, sort=False):
        known = {row["metric"]: row for row in part.to_dict("records")}
        row: dict[str, Any] = {by: dataset_title(str(name))}
        for metric in _metrics():
            decimals = DIGITS[metric.split("_")[-1]]
            if metric == "delta_accuracy":
                row[metric] = formats.difference(known[metric][column], decimals)
                if column == "value" and not formats.missing(known[metric]["std"]):
                    row[metric] += f" ± {known[metric]['std']:.{decimals}f}"
            elif metric in known:
                row[metric] = formats.spread(known[metric][column], None, decimals)
        rows.append(row)
    return pd.DataFrame(rows, columns=[by, *_metrics()], dtype=object).fillna(formats.NOTHING)


def _ways(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    own = frame[frame["metric"] == "gain_accuracy"]
    for kind, words in KINDS.items():
        for choice, chosen in CHOICES.items():
            for row in own[(own["kind"] == kind) & (own["choice"] == choice)].to_dict("records"):
                rows.append(
                    {
                        "kind": words,
                        "choice": chosen,
                        "members": f"{row['members']:.0f}",
                        "gain": formats.difference(row["value"], 2),
                        "interval": formats.interval(row["low"], row["high"]),
                        "datasets": row["note"],
                    }
                )
    return pd.DataFrame(rows, columns=[column.key for column in _WAYS], dtype=object)
