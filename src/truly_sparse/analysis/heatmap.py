"""A matrix of distances between networks as squares of colour."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

_MAP = "cividis"


def heatmap(axes: Axes, values: pd.DataFrame, low: float, high: float) -> QuadMesh:
    """Draw the distances as squares: paths, unlike images, have the same pixels on every processor (see `raster`)."""
    places = range(len(values))
    image = axes.pcolormesh(places, places, values.to_numpy(dtype=float), cmap=_MAP, vmin=low, vmax=high)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    ticks = range(0, len(values), max(1, len(values) // 5))
    names = [f"$w_{{{tick}}}$" for tick in ticks]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    axes.tick_params(length=0, pad=2, labelsize=6.5)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return image


def colour_bar(figure: Figure, image: QuadMesh, axes: Axes, title: str) -> None:
    """Draw the scale of a heat map into axes of its own."""
    bar = figure.colorbar(image, cax=axes)
    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(labelsize=6.5)
    bar.ax.set_title(title, fontsize=6.5, loc="left")
