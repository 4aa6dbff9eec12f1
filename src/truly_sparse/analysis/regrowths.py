"""Distances of random regrowths to the block before pruning, for several numbers of draws."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from truly_sparse.analysis.panels import dataset_words, letter, warn
from truly_sparse.analysis.style import BLACK, PAGE_WIDTH, SKY

KEYS = ["dataset", "distance", "draws", "partial"]
COLUMNS = ("figure", *KEYS, "kind", "draw", "value")
READINGS = ("row_wise", "all_pairs")
_LABELS = "abcdefghijklmnopqrstuvwxyz"


def tidy(measured: pd.DataFrame, figure: str) -> pd.DataFrame:
    """Return the measurement `distances` as a tidy frame with the columns `COLUMNS`.

    `kind` is distance (one per draw), mean and std (of the fitted normal), shapiro_w or shapiro_p.
    """
    long = measured.melt(["dataset", "draws", "draw", "partial"], list(READINGS), "distance", "value")
    long = long.assign(
        kind="distance", figure=figure, partial=long["partial"].astype(object).where(long["partial"].notna(), "")
    )
    checks = []
    for key, part in long.groupby(KEYS, sort=False):
        mean, std = stats.norm.fit(part["value"])
        shapiro = stats.shapiro(part["value"])
        found = {"mean": mean, "std": std, "shapiro_w": shapiro.statistic, "shapiro_p": shapiro.pvalue}
        checks += [dict(zip(KEYS, key, strict=True), kind=kind, value=value) for kind, value in found.items()]
    frame = pd.concat([long, pd.DataFrame(checks).assign(figure=figure)], ignore_index=True)
    return frame[list(COLUMNS)].astype({"draw": "Int64"})


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw one row of panels per dataset, one panel per number of draws, of the row-wise distance."""
    shown = frame[frame["distance"] == "row_wise"]
    datasets, draws = list(shown["dataset"].unique()), sorted(shown["draws"].unique())
    figure = Figure(figsize=(PAGE_WIDTH, 1.85 * len(datasets)))
    grid = figure.subplots(len(datasets), len(draws), squeeze=False)
    labels = iter(_LABELS)
    for row, dataset in zip(grid, datasets, strict=True):
        own = shown[shown["dataset"] == dataset]
        limits = own.loc[own["kind"] == "distance", "value"].agg(["min", "max"])
        for axes, number in zip(row, draws, strict=True):
            histogram(axes, own[own["draws"] == number])
            letter(axes, next(labels), f"{number:,} draws")
            margin = 0.03 * (limits["max"] - limits["min"])
            axes.set_xlim(limits["min"] - margin, limits["max"] + margin)
        row[0].set_ylabel(f"{dataset_words(dataset, own['partial'].iloc[0])}\n\ndensity")
    for axes in grid[-1]:
        axes.set_xlabel("Euclidean distance, row by row")
    warn(figure, preset)
    return figure


def histogram(axes: Axes, part: pd.DataFrame) -> None:
    """Draw a histogram with the fitted normal, and write down how normal the distances are."""
    values = part.loc[part["kind"] == "distance", "value"].to_numpy(dtype=float)
    fit = part[part["kind"] != "distance"].set_index("kind")["value"].astype(float)
    axes.hist(values, bins="auto", density=True, color=SKY, edgecolor="white", linewidth=0.4)
    x = np.linspace(fit["mean"] - 3.5 * fit["std"], fit["mean"] + 3.5 * fit["std"], 200)
    axes.plot(x, stats.norm.pdf(x, fit["mean"], fit["std"]), color=BLACK, linewidth=1.1)
    # Room for the words above the bars.
    axes.set_ylim(top=1.45 * axes.get_ylim()[1])
    words = f"mean {fit['mean']:.4g}\nsd {fit['std']:.2g}\nW = {fit['shapiro_w']:.3f}\np = {fit['shapiro_p']:.2g}"
    axes.text(0.98, 0.97, words, transform=axes.transAxes, ha="right", va="top", fontsize=6.5)
