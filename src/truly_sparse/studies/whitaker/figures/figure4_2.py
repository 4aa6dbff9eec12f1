"""Figure 4.2: accuracy of a network with noise, by the deviation of the noise and the part of links without it."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.panels import warn
from truly_sparse.studies.whitaker.figures.grids import panels
from truly_sparse.studies.whitaker.figures.noise import cells, colours

COLUMNS = ("figure", "dataset", "sparsity", "sd", "value", "seeds")


def data(inputs: Inputs) -> pd.DataFrame:
    """Return mean accuracies in percent on held-out rows as a tidy frame with the columns `COLUMNS`.

    The source shows decision boundaries of two features instead.
    """
    frame = cells(inputs.measured("noise")[0])
    return frame.assign(figure="whitaker_figure4_2", value=frame["accuracy"]).reindex(columns=list(COLUMNS))


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a panel per dataset, a line for every sparsity."""
    figure, grid = panels(list(dict.fromkeys(frame["dataset"])))
    shades = colours(frame["sparsity"])
    for axes, (_, own) in zip(grid, frame.groupby("dataset", sort=False), strict=True):
        for sparsity, colour in shades.items():
            part = own[own["sparsity"] == sparsity].sort_values("sd")
            axes.plot(part["sd"], part["value"], color=colour, linewidth=0.9)
        axes.set_xscale("log")
        axes.set_xlabel("σ of the noise")
    lines = [Line2D([], [], color=colour, label=f"{100 * part:g} %", linewidth=0.9) for part, colour in shades.items()]
    figure.legend(handles=lines, title="links without noise", loc="outside lower center", ncols=len(lines))
    warn(figure, preset)
    return figure
