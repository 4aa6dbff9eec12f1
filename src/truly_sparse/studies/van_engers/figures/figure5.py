"""Figure 5: mean squared error of the curve over a and b."""

from contextlib import suppress

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from truly_sparse.analysis.evidence import Missing
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.panels import warn
from truly_sparse.analysis.style import BLACK, PAGE_WIDTH, VERMILION
from truly_sparse.studies.van_engers import contour, formula
from truly_sparse.studies.van_engers.curve import Curve
from truly_sparse.studies.van_engers.formula import Printed
from truly_sparse.studies.van_engers.runs import DATASET, frame_of

COLUMNS = ("figure", "dataset", "kind", "a", "b", "value")
A = tuple(round(0.01 * step, 2) for step in range(51))
B = tuple(range(20, 401, 10))


def data(inputs: Inputs) -> pd.DataFrame:
    """Return mean squared errors, in squared fractions, as a tidy frame with the columns `COLUMNS`.

    `kind` is map (every a and b), fitted (the least) or printed; the best epoch of each run, and the plateau that the
    fitted curve has.
    """
    runs, printed = frame_of(inputs), Printed(inputs.published("model"))
    means, level = formula.fractions_of(runs, "best"), contour.before(runs, "best") / 100
    dataset = runs["dataset"].iloc[0]
    rows = [("map", a, b, Curve(a, b, level).error(means)) for a in A for b in B]
    with suppress(Missing):
        own = formula.fitted(runs, "best")
        rows.append(("fitted", own.a, own.b, own.error(means)))
    if dataset == DATASET:
        rows.append(("printed", printed["a"], printed["b"], printed.curve.error(means)))
    frame = pd.DataFrame(rows, columns=list(COLUMNS[2:])).assign(figure="van_engers_figure5", dataset=dataset)
    return frame[list(COLUMNS)].astype({"a": float, "b": float})


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw the map on a logarithmic scale, with the fitted and the printed pair."""
    figure = Figure(figsize=(0.6 * PAGE_WIDTH, 2.7))
    axes = figure.subplots()
    wide = frame[frame["kind"] == "map"].pivot_table("value", "b", "a")
    levels = np.log10(wide.to_numpy(float))
    image = axes.pcolormesh(wide.columns, wide.index, levels, cmap="cividis")
    bar = figure.colorbar(image, label="log₁₀ of the mean squared error")
    bar.outline.set_linewidth(0.4)
    bar.locator = MaxNLocator(5)
    for kind, marker, colour in (("fitted", "o", BLACK), ("printed", "X", VERMILION)):
        for row in frame[frame["kind"] == kind].to_dict("records"):
            if row["a"] <= A[-1] and row["b"] <= B[-1]:
                axes.plot(row["a"], row["b"], marker, color=colour, markeredgecolor="white", markersize=6, label=kind)
    axes.set(xlabel="a", ylabel="b", title=dataset_title(frame["dataset"].iloc[0]))
    axes.grid(visible=False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right", facecolor="white", frameon=True, fontsize=6.5)
    warn(figure, preset)
    return figure
