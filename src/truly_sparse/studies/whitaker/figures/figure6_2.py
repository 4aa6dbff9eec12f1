"""Figure 6.2: annealing and iterative pruning by the epochs over which links fall, at sparsity 0.9.

The source shows test accuracies of every epoch, as `figure6_2_epochs` does for one number
of them; this shows where they end.
"""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.panels import warn
from truly_sparse.analysis.style import BLUE, GREEN, ORANGE
from truly_sparse.errors import UserError
from truly_sparse.studies.whitaker.figures.annealing import means, panels, runs
from truly_sparse.studies.whitaker.figures.grids import Look, handles, line
from truly_sparse.studies.whitaker.verdicts.stochastic import ITERATIVE, LOOKED_AT, RANDOM, TEMPERATURE, USUAL

KEYS = ("dataset", "rate", "method", "sampler", "sparsity", "falls")
LOOKS: dict[str, Look] = {TEMPERATURE: (BLUE, "o", "-"), RANDOM: (ORANGE, "s", "-"), ITERATIVE: (GREEN, "^", "--")}


def data(inputs: Inputs) -> pd.DataFrame:
    """Return mean accuracies in percent by method and epochs; see `annealing.means`."""
    frame = runs(inputs)
    own = frame[frame["method"].isin(LOOKS) & (frame["sparsity"] == LOOKED_AT) & (frame["sampler"] == "random")]
    own = own[(own["method"] != TEMPERATURE) | (own["temperature"] == USUAL)]
    if own.empty:
        raise UserError("no run of annealing or iterative pruning at sparsity 0.9 has finished yet")
    return means(own, "whitaker_figure6_2", KEYS)


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a panel per dataset and rate, a line for every method."""
    figure, named = panels(frame, "accuracy (%)")
    for (dataset, rate), axes in named.items():
        own = frame[(frame["dataset"] == dataset) & (frame["rate"] == rate)]
        for method, (colour, marker, style) in LOOKS.items():
            line(axes, own[own["method"] == method], "falls", colour, marker, style)
        axes.set_xlabel("epochs over which links fall")
    looks = {method_title(method): look for method, look in LOOKS.items()}
    figure.legend(handles=list(handles(looks)), loc="outside lower center", ncols=len(looks))
    warn(figure, preset)
    return figure
