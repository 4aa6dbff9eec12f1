"""SPaS figure 6: accuracy of perceptrons with shortcuts by the sequential part R of their links."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.panels import letter, warn
from truly_sparse.analysis.rounding import significant
from truly_sparse.analysis.style import PAGE_WIDTH, SERIES
from truly_sparse.studies.spas.figures.looks import LINES, TRAINED
from truly_sparse.studies.spas.runs import frame_of

EXPERIMENT = "spas_ratio"
COLUMNS = ("figure", "dataset", "mode", "density", "ratio", "kind", "seed", "value", "std", "seeds", "asked")


def data(inputs: Inputs) -> pd.DataFrame:
    """Return accuracies in percent as a tidy frame with the columns `COLUMNS`; `kind` is run (one per seed) or mean.

    `density` is the number of links over that of the dense plain network, 1 - S.
    """
    runs = frame_of(inputs, EXPERIMENT)
    runs = runs.assign(
        figure="spas_figure6",
        kind="run",
        value=runs["accuracy"],
        density=[significant(1 / compression, 6) for compression in runs["compression"]],
        ratio=runs["ratio"].round(6),
    )
    keys = ["figure", "dataset", "mode", "density", "ratio"]
    means = runs.groupby(keys, sort=False)["value"].agg(value="mean", std="std", seeds="count", asked="size")
    whole = pd.concat([runs, means.reset_index().assign(kind="mean")], ignore_index=True)
    whole = whole[whole["value"].notna()].reindex(columns=list(COLUMNS))
    whole = whole.sort_values(["mode", "density", "kind", "ratio", "seed"], ascending=[True, False, True, True, True])
    return whole.astype({"seed": "Int64", "seeds": "Int64", "asked": "Int64"}).reset_index(drop=True)


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw networks that evolve on the left and static ones on the right, a line through the means of each density."""
    figure = Figure(figsize=(PAGE_WIDTH, 2.7))
    panels = figure.subplots(1, len(LINES), sharey=True)
    densities = sorted(frame["density"].unique(), reverse=True)
    looks = dict(zip(densities, SERIES, strict=False))
    for axes, mode, name in zip(panels, LINES, "ab", strict=True):
        own = frame[(frame["mode"] == mode) & (frame["kind"] == "mean")]
        for density, (colour, marker) in looks.items():
            part = own[own["density"] == density].sort_values("ratio")
            axes.errorbar(
                part["ratio"], part["value"], part["std"].fillna(0.0), color=colour, marker=marker, markersize=3.4,
                linewidth=0.9, elinewidth=0.7, capsize=1.3,
            )  # fmt: skip
        letter(axes, name, f"{dataset_title(frame['dataset'].iloc[0])}, {TRAINED[mode]}")
        axes.set_xlabel("sequential part R of the links")
    panels[0].set_ylabel("accuracy (%)")
    lines = [
        Line2D([], [], color=colour, marker=marker, markersize=3.4, linewidth=0.9, label=formats.number(density))
        for density, (colour, marker) in looks.items()
    ]
    figure.legend(handles=lines, title="density", loc="outside right center")
    warn(figure, preset)
    return figure
