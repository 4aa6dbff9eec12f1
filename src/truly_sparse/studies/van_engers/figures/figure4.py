"""Figure 4: links of every pixel after the last epoch, as heat maps, all of them and those that a step would leave."""

from math import isqrt

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.panels import dataset_words, of_first_dataset, warn
from truly_sparse.analysis.style import PAGE_WIDTH
from truly_sparse.studies.van_engers.structure import KINDS

_MAP = "cividis"
#: Short words for the rows of pictures.
_ROWS = {"links": "links", "weight": "sum of |w|", "survivors": "survivors", "survivors_weight": "sum of |w|"}


def data(inputs: Inputs) -> pd.DataFrame:
    """Return the measurement of the first dataset: a row for each `zeta` and pixel, with `KINDS` and `intensity`."""
    measured, _ = inputs.measured("pixels")
    return of_first_dataset(measured).rename(columns={"prune_fraction": "zeta"})


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a column of pictures for each fraction, every picture with a scale of its own, and the mean image first."""
    zetas = sorted(frame["zeta"].unique())
    figure = Figure(figsize=(PAGE_WIDTH, 3.4))
    grid = figure.subplots(len(KINDS), len(zetas) + 1, squeeze=False)
    for axes in grid[:, 0]:
        axes.set_axis_off()
    _picture(grid[0, 0], frame.loc[frame["zeta"] == zetas[0], "intensity"])
    grid[0, 0].set_axis_on()
    grid[0, 0].set_title("mean\nimage", fontsize=6.5)
    for column, zeta in enumerate(zetas, start=1):
        own = frame[frame["zeta"] == zeta].sort_values("pixel")
        for row, kind in enumerate(_ROWS):
            _picture(grid[row, column], own[kind])
            low, high = own[kind].min(), own[kind].max()
            grid[row, column].set_xlabel(f"{low:.3g} to {high:.3g}", fontsize=4.8, labelpad=1)
        grid[0, column].set_title(f"ζ = {zeta:g}", fontsize=6.5)
    for axes, words in zip(grid[:, 1], _ROWS.values(), strict=True):
        axes.set_ylabel(words, fontsize=6.5)
    figure.supxlabel(dataset_words(frame["dataset"].iloc[0], frame["partial"].iloc[0]), fontsize=7)
    warn(figure, preset)
    return figure


def _picture(axes: Axes, values: "pd.Series[float]") -> QuadMesh:
    """Draw pixels as squares: paths, unlike images, have the same pixels on every processor (see `raster`)."""
    side = isqrt(len(values))
    places = range(side)
    square = values.to_numpy(float)[: side * side].reshape(side, side)
    image = axes.pcolormesh(places, places, square, cmap=_MAP)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return image
