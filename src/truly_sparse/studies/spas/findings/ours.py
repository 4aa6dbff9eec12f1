"""What the source has not: why plain networks collapse, what open choices do, shortcuts in ensembles, depth."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.reading import listed, span
from truly_sparse.analysis.statements import Statement
from truly_sparse.studies.spas.tables.ensembles import ALL, REFINEMENTS
from truly_sparse.studies.spas.verdicts.rules import PICTURES

START, CHOICES, ENSEMBLES, DEPTH, RATIO = (
    "spas_start", "spas_choices", "spas_ensembles", "spas_depth", "spas_figure6",
)  # fmt: skip


#: The compression at which sentences compare.
COMPRESSION = 25


def _collapse(evidence: Evidence) -> list[str]:
    """Say what plain networks reach by the source's protocol and by others, where both were tried."""
    rows = evidence.rows(START, metric="iqm", compression=COMPRESSION)
    rows = rows[rows["value"].notna()]
    source = _by_the_source(rows)
    both = [name for name, own in source.groupby(rows["dataset"], sort=False) if own.any() and not own.all()]
    pictures = [name for name in both if name in PICTURES]
    sentences = [f"On {dataset_title(name)} {_compared(rows[rows['dataset'] == name])}." for name in pictures]
    others = [name for name in both if name not in PICTURES]
    if others:
        compared = _compared(rows[rows["dataset"].isin(others)])
        sentences.append(f"On average over {len(others)} tabular datasets {compared}.")
    if not sentences:
        raise Missing("plain networks have not been trained by both protocols")
    return sentences


def _by_the_source(rows: pd.DataFrame) -> pd.Series:
    """Mark the rows whose networks start, and are stopped, as the source's."""
    return (rows["init"] == "torch") & (rows["l1"] > 0) & (rows["patience"] > 0)


def _compared(rows: pd.DataFrame) -> str:
    """Return in words what plain networks have by the source's protocol and by the best other one, means over rows."""
    means = rows.groupby(["init", "l1", "patience", "mode"], sort=False)["value"].mean().reset_index()
    source = _by_the_source(means)
    best = means[~source].sort_values("value", ascending=False, kind="stable").iloc[0]
    start = "start by their real fan-in" if best["init"] == "torch_links" else "start as the source's"
    return (
        f"at compression {COMPRESSION} plain networks by the source's protocol have {span(means.loc[source, 'value'])} "
        f"%; those that {start}, with L1 {best['l1']:g} and patience {best['patience']:g}, up to {best['value']:.1f} %"
    )


def _optimism(evidence: Evidence) -> str:
    rows = evidence.rows(CHOICES, choice="validation")
    points = rows["points"].astype(float)
    return (
        "Choosing the epoch on a tenth of the training rows instead of on the test rows moves the accuracy on the test "
        f"rows by {formats.difference(points.mean())} points on average ({formats.difference(points.min())} to "
        f"{formats.difference(points.max())})."
    )


def _others(evidence: Evidence) -> list[str]:
    """Say how much every other choice moves the accuracy."""
    rows = evidence.rows(CHOICES)
    words = {
        "keep_shortcut_ratio": "letting R move",
        "prune_fraction": "pruning another fraction",
        "learning_rate": "another learning rate",
        "start": "an Erdos-Renyi start",
        "scaling": "features left as they are",
    }
    parts = []
    for choice, said in words.items():
        points = rows.loc[rows["choice"] == choice, "points"].astype(float)
        if len(points):
            parts.append(f"{said} by {formats.interval(points.min(), points.max(), 1)}")
    if not parts:
        raise Missing("no other choice has been tried")
    return [f"In points of accuracy, over models and compressions, {listed(parts)}."]


def _ensembles(evidence: Evidence) -> list[str]:
    rows = evidence.rows(ENSEMBLES, dataset=ALL, metric="gain")
    parts = []
    for row in rows.to_dict("records"):
        interval = formats.interval(row["low"], row["high"])
        within = f" (95 % interval {interval})" if interval != formats.NOTHING else ""
        name = f"{method_title(row['method'])} with the refinement {REFINEMENTS[row['refinement']]}"
        parts.append(f"{name} by {formats.difference(row['value'], 2)}{within}")
    return [
        f"In ensembles of five with as many links, shortcuts move the accuracy of {listed(parts)} points, on average "
        f"over {int(rows['seeds'].max())} datasets."
    ]


def _depth(evidence: Evidence) -> str:
    rows = evidence.rows(DEPTH)
    fits = {name: rows.loc[rows["metric"] == name, "value"].astype(float) for name in ("r2_seconds", "r2_bytes")}
    if any(found.empty for found in fits.values()):
        raise Missing("fewer than three depths have been measured")
    deepest = rows[rows["hidden_layers"] == rows["hidden_layers"].max()]
    wide = deepest.pivot_table("value", "compression", "metric")
    per_place = wide["bytes"] / (wide["sequential_places"] + wide["shortcut_places"])
    return (
        f"Over depths, straight lines through the links explain {100 * fits['r2_seconds'].min():.1f} % or more of the "
        f"variance of a training step's time and {100 * fits['r2_bytes'].min():.1f} % or more of the memory's; with "
        f"{int(rows['hidden_layers'].max())} hidden layers, links and biases take {span(per_place, 2)} bytes for each "
        "place that a mask would hold."
    )


def _ratio(evidence: Evidence) -> str:
    rows = evidence.rows(RATIO, kind="mean")
    best = rows.loc[rows.groupby(["mode", "density"], sort=False)["value"].idxmax()]
    parts = []
    for density, own in best.groupby("density", sort=False):
        parts.append(f"{span(pd.Series(own['ratio'].astype(float)))} at density {density:g}")
    return f"The best R, the sequential part of the links, is {listed(parts)} (static and evolving topologies)."


STATEMENTS = (
    Statement("Collapse", _collapse),
    *(Statement("Choices", say) for say in (_optimism, _others)),
    Statement("Ratio", _ratio),
    Statement("Ensembles", _ensembles),
    Statement("Depth", _depth),
)
