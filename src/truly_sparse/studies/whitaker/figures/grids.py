"""A panel for every dataset, four in a row, with one legend below: what figures of the study have in common."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.panels import letter
from truly_sparse.analysis.style import PAGE_WIDTH

#: Colour, marker and style of a line.
Style = Literal["-", "--"]
Look = tuple[str, str, Style]
ACROSS = 4
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def panels(datasets: Sequence[str], label: str = "accuracy (%)") -> tuple[Figure, list[Axes]]:
    """Return a figure and the panel of every dataset, with its letter and name; what it shows has one label a row."""
    across = min(ACROSS, len(datasets))
    down = -(-len(datasets) // across)
    figure = Figure(figsize=(PAGE_WIDTH if across > 2 else PAGE_WIDTH * (across + 1) / ACROSS, 0.6 + 1.75 * down))
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axes in grid[len(datasets) :]:
        axes.set_visible(False)
    for place, (axes, dataset) in enumerate(zip(grid, datasets, strict=False)):
        letter(axes, LETTERS[place % len(LETTERS)], dataset_title(dataset))
        if place % across == 0:
            axes.set_ylabel(label)
    return figure, list(grid[: len(datasets)])


def line(axes: Axes, part: pd.DataFrame, x: str, colour: str, marker: str, style: Style) -> None:
    """Draw means with the standard error over seeds."""
    part = part.sort_values(x)
    axes.errorbar(
        part[x], part["value"], part["error"].fillna(0.0), color=colour, marker=marker, markersize=3.4, linewidth=0.9,
        linestyle=style, elinewidth=0.7, capsize=1.3,
    )  # fmt: skip


def handles(looks: Mapping[str, Look]) -> Iterator[Line2D]:
    """Yield what a legend shows of lines by name: colour, marker and style."""
    for name, (colour, marker, style) in looks.items():
        yield Line2D([], [], color=colour, marker=marker, linestyle=style, markersize=3.4, linewidth=0.9, label=name)
