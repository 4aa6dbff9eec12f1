"""One look per model and per way of training, the same in every figure of the study."""

from collections.abc import Iterable
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from truly_sparse.analysis import formats
from truly_sparse.analysis.style import BLACK, BLUE, GREEN, ORANGE, SKY, VERMILION
from truly_sparse.studies.spas.runs import CNN, DENSENET, EVOLVING, MLP, MODELS, SPAS, SPAS_CNN, STATIC

#: Colour and marker of a model.
LOOKS = {
    MLP: (ORANGE, "s"), SPAS: (BLUE, "o"), CNN: (VERMILION, "D"), DENSENET: (GREEN, "^"), SPAS_CNN: (SKY, "v"),
}  # fmt: skip
#: Line of a way of training, and what it is called for either model.
LINES: dict[str, Literal["-", "--"]] = {EVOLVING: "-", STATIC: "--"}
TRAINED = {EVOLVING: "evolving (SET*, SPaSET)", STATIC: "static"}


def log_axis(axes: Axes, ticks: Iterable[float]) -> None:
    """Give a panel a logarithmic x axis with these ticks only."""
    axes.set_xscale("log")
    axes.set_xticks(sorted(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: formats.number(value)))


def handles(models: Iterable[str], modes: Iterable[str] = ()) -> list[Line2D]:
    """Return what a legend shows: a line for each model, and one for each way of training."""
    found = [
        Line2D([], [], color=LOOKS[model][0], marker=LOOKS[model][1], markersize=3.8, linewidth=0.9, label=title)
        for model, title in MODELS.items()
        if model in set(models)
    ]
    lines = [Line2D([], [], color=BLACK, linestyle=LINES[mode], linewidth=0.9, label=TRAINED[mode]) for mode in modes]
    return [*found, *lines]
