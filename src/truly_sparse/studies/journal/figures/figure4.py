"""Journal figure 4: topological distances (NNSTD) of converged networks to re-initialised ones."""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis.heatmap import colour_bar, heatmap
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.panels import dataset_words, letter, of_first_dataset, warn
from truly_sparse.analysis.style import PAGE_WIDTH

COLUMNS = ("figure", "dataset", "method", "kind", "converged", "reinitialised", "value", "std", "pairs", "partial")
#: The method that has a colour scale of its own in the journal.
OWN_SCALE = "dist_tse"


def data(inputs: Inputs) -> pd.DataFrame:
    """Return all distances, and their means, as a tidy frame with the columns `COLUMNS`.

    `kind` is distance or shared (part of the links at the same places), one per pair of networks; or the mean over
    `pairs` pairs, with the sample standard deviation: distance_own (each network and its own successor, the diagonal),
    distance_others, shared_own, shared_others. Of the first dataset measured.
    """
    measured, _ = inputs.measured("topology")
    frame = of_first_dataset(measured)
    keys = ["dataset", "method", "converged", "reinitialised", "partial"]
    long = frame.melt(keys, ["distance", "shared"], "kind", "value")
    place = (long["converged"] == long["reinitialised"]).map({True: "_own", False: "_others"})
    groups = long.assign(kind=long["kind"] + place).groupby(["dataset", "method", "kind", "partial"], sort=False)
    means = groups["value"].agg(value="mean", std="std", pairs="size").reset_index()
    tidy = pd.concat([long, means], ignore_index=True).assign(figure="figure4")
    whole = ["converged", "reinitialised", "pairs"]
    return tidy.reindex(columns=list(COLUMNS)).astype(dict.fromkeys(whole, "Int64"))


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw all methods on one colour scale, and below on the journal's two."""
    methods = list(frame["method"].unique())
    maps = {
        method: frame[(frame["method"] == method) & (frame["kind"] == "distance")].pivot_table(
            "value", "reinitialised", "converged"
        )
        for method in methods
    }
    means = frame[frame["kind"].str.contains("_")].set_index(["method", "kind"])["value"]
    figure = Figure(figsize=(PAGE_WIDTH, 3.4))
    journal = [[m for m in methods if m != OWN_SCALE], [m for m in methods if m == OWN_SCALE]]
    journal = [group for group in journal if group]
    # Behind each group that shares a scale in the journal, room for a colour bar.
    columns = [column for group in journal for column in (*group, "")]
    cells = figure.add_gridspec(2, len(columns), width_ratios=[1 if column else 0.07 for column in columns])
    at = {method: columns.index(method) for method in methods}
    grid = [[figure.add_subplot(cells[row, at[method]]) for method in methods] for row in (0, 1)]
    for row, groups in enumerate(([methods], journal)):
        for group in groups:
            values = pd.concat([maps[method] for method in group])
            low, high = float(values.min(axis=None)), float(values.max(axis=None))
            for method in group:
                image = heatmap(grid[row][methods.index(method)], maps[method], low, high)
            colour_bar(figure, image, figure.add_subplot(cells[row, max(at[m] for m in group) + 1]))
    for axes, method, name in zip(grid[0], methods, "abcdefgh", strict=False):
        own, others = means[method, "distance_own"], means[method, "distance_others"]
        letter(axes, name, method_title(method) + "\n\n")
        words = f"own {own:.4f}\nothers {others:.4f}"
        axes.text(0, 1.05, words, transform=axes.transAxes, fontsize=6.5, va="bottom")
    about = dataset_words(frame["dataset"].iloc[0], frame["partial"].iloc[0])
    grid[0][0].set_ylabel("one scale for all\n\nre-initialised")
    grid[1][0].set_ylabel("scales as in the journal\n\nre-initialised")
    figure.supxlabel(f"converged network ({about})", fontsize=7.5)
    warn(figure, preset)
    return figure
