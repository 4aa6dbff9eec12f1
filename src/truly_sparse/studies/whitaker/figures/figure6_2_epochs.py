"""Figure 6.2, epoch by epoch: a child that is annealed and one that loses its links by and by, at sparsity 0.9."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.panels import warn
from truly_sparse.studies.whitaker.figures.figure6_2 import LOOKS
from truly_sparse.studies.whitaker.figures.grids import handles, line, panels

COLUMNS = ("figure", "dataset", "method", "epoch", "value", "error", "seeds")


def data(inputs: Inputs) -> pd.DataFrame:
    """Return mean accuracies in percent on held-out rows as a tidy frame with the columns `COLUMNS`."""
    measured = inputs.measured("tuning")[0]
    found = measured.groupby(["dataset", "method", "epoch"], sort=False)["accuracy"]
    whole = found.agg(value="mean", error="sem", seeds="count").reset_index().assign(figure="whitaker_figure6_2_epochs")
    return whole.reindex(columns=list(COLUMNS))


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a panel per dataset, a line for every method."""
    datasets = list(dict.fromkeys(frame["dataset"]))
    figure, grid = panels(datasets)
    looks = {method: look for method, look in LOOKS.items() if method in set(frame["method"])}
    for axes, dataset in zip(grid, datasets, strict=True):
        for method, (colour, marker, style) in looks.items():
            line(
                axes, frame[(frame["dataset"] == dataset) & (frame["method"] == method)], "epoch", colour, marker, style
            )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch of the child")
    named = {method_title(method): look for method, look in looks.items()}
    figure.legend(handles=list(handles(named)), loc="outside lower center", ncols=len(named))
    warn(figure, preset)
    return figure
