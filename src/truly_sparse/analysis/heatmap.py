"""A matrix as squares of colour, such as the distances between networks."""

from typing import Any

import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

_MAP = "cividis"


def squares(axes: Axes, values: npt.NDArray[Any], low: float | None = None, high: float | None = None) -> QuadMesh:
    """Draw a square matrix, its first row on top; without limits its own are the ends of the scale.

    Paths, unlike images, have the same pixels on every processor (see `raster`).
    """
    places = range(len(values))
    image = axes.pcolormesh(places, places, values, cmap=_MAP, vmin=low, vmax=high)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return image


def heatmap(axes: Axes, values: pd.DataFrame, low: float, high: float) -> QuadMesh:
    """Draw the distances between networks, with their names."""
    image = squares(axes, values.to_numpy(dtype=float), low, high)
    ticks = range(0, len(values), max(1, len(values) // 5))
    names = [f"$w_{{{tick}}}$" for tick in ticks]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    axes.tick_params(length=0, pad=2, labelsize=6.5)
    return image


def colour_bar(figure: Figure, image: QuadMesh, axes: Axes) -> None:
    """Draw the scale of a heat map of topology distances into axes of its own."""
    bar = figure.colorbar(image, cax=axes)
    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(labelsize=6.5)
    bar.ax.set_title("NNSTD", fontsize=6.5, loc="left")
