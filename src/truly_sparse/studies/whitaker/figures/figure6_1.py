"""Figure 6.1: temperature annealing by its epochs and its initial temperature, at sparsity 0.9."""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.panels import warn
from truly_sparse.analysis.style import series
from truly_sparse.errors import UserError
from truly_sparse.studies.whitaker.figures.annealing import means, panels, runs
from truly_sparse.studies.whitaker.figures.grids import Look, handles, line
from truly_sparse.studies.whitaker.verdicts.stochastic import LOOKED_AT, TEMPERATURE

KEYS = ("dataset", "rate", "method", "sampler", "sparsity", "temperature", "falls")


def data(inputs: Inputs) -> pd.DataFrame:
    """Return mean accuracies in percent by temperature and epochs; see `annealing.means`."""
    frame = runs(inputs)
    own = frame[(frame["method"] == TEMPERATURE) & (frame["sparsity"] == LOOKED_AT) & (frame["sampler"] == "random")]
    if own.empty:
        raise UserError("no run of temperature annealing at sparsity 0.9 has finished yet")
    return means(own, "whitaker_figure6_1", KEYS)


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a panel per dataset and rate, a line for every temperature."""
    figure, named = panels(frame, "accuracy (%)")
    temperatures = sorted(frame["temperature"].unique())
    looks: dict[str, Look] = {f"τ = {tau:g}": (*look, "-") for tau, look in series(temperatures).items()}
    for (dataset, rate), axes in named.items():
        own = frame[(frame["dataset"] == dataset) & (frame["rate"] == rate)]
        for tau, (colour, marker, style) in zip(temperatures, looks.values(), strict=True):
            line(axes, own[own["temperature"] == tau], "falls", colour, marker, style)
        axes.set_xlabel("annealing epochs")
    figure.legend(handles=list(handles(looks)), loc="outside lower center", ncols=len(looks))
    warn(figure, preset)
    return figure
