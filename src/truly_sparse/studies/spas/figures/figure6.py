"""SPaS figure 6: accuracy of perceptrons with shortcuts by the sequential part R of their links."""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.panels import letter, warn
from truly_sparse.analysis.rounding import significant
from truly_sparse.analysis.style import PAGE_WIDTH
from truly_sparse.studies.spas.figures import by_ratio
from truly_sparse.studies.spas.figures.looks import LINES, TRAINED
from truly_sparse.studies.spas.runs import frame_of

EXPERIMENT = "spas_ratio"
COLUMNS = ("figure", "dataset", "mode", "density", "ratio", "kind", "seed", "value", "std", "seeds", "asked")
_KEYS = ("figure", "dataset", "mode", "density", "ratio")
_ORDER = {"mode": True, "density": False, "kind": True, "ratio": True, "seed": True}


def data(inputs: Inputs) -> pd.DataFrame:
    """Return accuracies in percent as a tidy frame with the columns `COLUMNS`; `kind` is run (one per seed) or mean.

    `density` is the number of links over that of the dense plain network, 1 - S.
    """
    runs = frame_of(inputs, EXPERIMENT)
    runs = runs.assign(
        figure="spas_figure6",
        value=runs["accuracy"],
        density=[significant(1 / compression, 6) for compression in runs["compression"]],
        ratio=runs["ratio"].round(6),
    )
    return by_ratio.rows_of(runs, _KEYS, "mean", "mean", COLUMNS, _ORDER)


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw networks that evolve on the left and static ones on the right, a line through the means of each density."""
    figure = Figure(figsize=(PAGE_WIDTH, 2.7))
    panels = figure.subplots(1, len(LINES), sharey=True)
    looks = by_ratio.looks_of(frame["density"])
    for axes, mode, name in zip(panels, LINES, "ab", strict=True):
        by_ratio.lines(axes, frame[(frame["mode"] == mode) & (frame["kind"] == "mean")], "density", looks)
        letter(axes, name, f"{dataset_title(frame['dataset'].iloc[0])}, {TRAINED[mode]}")
    panels[0].set_ylabel("accuracy (%)")
    by_ratio.legend(figure, looks, "density", formats.number)
    warn(figure, preset)
    return figure
