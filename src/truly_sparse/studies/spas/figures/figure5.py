"""SPaS figure 5: accuracy of SPaS-CNN by the sequential part R of its links, for each number of links."""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.panels import letter, warn
from truly_sparse.analysis.statistics.interquartile import iqm
from truly_sparse.analysis.style import PAGE_WIDTH
from truly_sparse.studies.spas.figures import by_ratio
from truly_sparse.studies.spas.runs import frame_of

EXPERIMENT = "spas_cnn_ratio"
COLUMNS = ("figure", "dataset", "mode", "budget", "ratio", "kind", "seed", "value", "std", "seeds", "asked")
_KEYS = ("figure", "dataset", "mode", "budget", "ratio")
_ORDER = {"dataset": True, "budget": False, "kind": True, "ratio": True, "seed": True}


def data(inputs: Inputs) -> pd.DataFrame:
    """Return accuracies in percent as a tidy frame with the columns `COLUMNS`; `kind` is run (one per seed) or iqm.

    `budget` is the number of links; without shortcuts (R = 1) the network is the plain one.
    """
    runs = frame_of(inputs, EXPERIMENT)
    runs = runs.assign(figure="spas_figure5", value=runs["accuracy"], ratio=runs["ratio"].round(6))
    return by_ratio.rows_of(runs, _KEYS, "iqm", _centre, COLUMNS, _ORDER)


def _centre(values: pd.Series) -> float:
    return iqm(values.dropna())


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a panel for every dataset, a line through the interquartile means of each number of links."""
    datasets = list(frame["dataset"].unique())
    figure = Figure(figsize=(PAGE_WIDTH, 2.7))
    panels = figure.subplots(1, len(datasets), squeeze=False)[0]
    looks = by_ratio.looks_of(frame["budget"])
    for axes, dataset, name in zip(panels, datasets, "abcdefgh", strict=False):
        by_ratio.lines(axes, frame[(frame["dataset"] == dataset) & (frame["kind"] == "iqm")], "budget", looks)
        letter(axes, name, dataset_title(dataset))
    panels[0].set_ylabel("accuracy (%)")
    by_ratio.legend(figure, looks, "links", formats.count)
    warn(figure, preset)
    return figure
