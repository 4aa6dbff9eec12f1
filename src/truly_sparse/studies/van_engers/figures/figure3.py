"""Figure 3: accuracy against the replaced fraction, in three zooms, with the fitted and the printed curve."""

from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from truly_sparse.analysis.evidence import Missing
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.panels import letter, warn
from truly_sparse.analysis.rounding import FITTED_DIGITS, significant
from truly_sparse.analysis.style import BLACK, BLUE, GREEN, ORANGE, PAGE_WIDTH, VERMILION
from truly_sparse.studies.van_engers import formula
from truly_sparse.studies.van_engers.curve import Curve
from truly_sparse.studies.van_engers.formula import Printed
from truly_sparse.studies.van_engers.runs import DATASET, METRICS, frame_of, means

COLUMNS = ("figure", "dataset", "kind", "metric", "zeta", "seed", "value", "std", "seeds")
#: Left ends of the three zooms; all end at 1.
ZOOMS = (0.0, 0.9, 0.98)
#: Points of a curve in each zoom.
_POINTS = 101
_LOOKS = {"best": (BLUE, "o"), "last_tenth": (GREEN, "s"), "last": (ORANGE, "^")}


def data(inputs: Inputs) -> pd.DataFrame:
    """Return accuracies in percent as a tidy frame with the columns `COLUMNS`.

    `kind` is run (one per seed), mean, fitted (the curve fitted to the best epochs) or printed (formula 1).
    """
    runs, printed = frame_of(inputs), Printed(inputs.published("model"))
    dataset = runs["dataset"].iloc[0]
    single = runs.melt(["zeta", "seed"], list(METRICS), "metric", "value").dropna(subset="value").assign(kind="run")
    mean = means(runs, ["zeta"]).dropna(subset="value").assign(kind="mean")
    parts = [single, mean]
    with suppress(Missing):
        parts.append(_points(formula.fitted(runs, "best"), "fitted"))
    if dataset == DATASET:
        parts.append(_points(printed.curve, "printed"))
    frame = pd.concat(parts, ignore_index=True).assign(figure="van_engers_figure3", dataset=dataset)
    return frame.reindex(columns=list(COLUMNS)).astype({"seed": "Int64", "seeds": "Int64"})


def _points(curve: Curve, kind: str) -> pd.DataFrame:
    zetas = sorted({round(float(zeta), 6) for left in ZOOMS for zeta in np.linspace(left, 1.0, _POINTS)})
    values = [significant(100 * curve.at(zeta), FITTED_DIGITS) for zeta in zetas]
    return pd.DataFrame({"kind": kind, "metric": "best", "zeta": zetas, "value": values})


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw the three zooms, each with a scale of its own for the accuracy."""
    figure = Figure(figsize=(PAGE_WIDTH, 2.7))
    for axes, left, name in zip(figure.subplots(1, len(ZOOMS)), ZOOMS, "abc", strict=True):
        _zoom(axes, frame[frame["zeta"] >= left])
        letter(axes, name, f"ζ from {left:g}")
        axes.set_xlabel("fraction replaced, ζ")
    figure.axes[0].set_ylabel(f"test accuracy on {dataset_title(frame['dataset'].iloc[0])} (%)")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    warn(figure, preset)
    return figure


def _zoom(axes: Axes, frame: pd.DataFrame) -> None:
    runs = frame[(frame["kind"] == "run") & (frame["metric"] == "best")]
    axes.plot(runs["zeta"], runs["value"], ".", color=BLUE, markersize=3, alpha=0.4, markeredgewidth=0)
    for metric, (colour, marker) in _LOOKS.items():
        own = frame[(frame["kind"] == "mean") & (frame["metric"] == metric)].sort_values("zeta")
        look: dict[str, Any] = {"color": colour, "markersize": 3.2, "linewidth": 0.7}
        axes.plot(own["zeta"], own["value"], marker=marker, label=METRICS[metric], **look)
    for kind, colour, style in (("fitted", BLACK, "-"), ("printed", VERMILION, "--")):
        own = frame[frame["kind"] == kind].sort_values("zeta")
        if len(own):
            axes.plot(own["zeta"], own["value"], style, color=colour, linewidth=1.0, label=f"{kind} curve")
