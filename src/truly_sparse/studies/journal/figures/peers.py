"""The models one would try first beside the proposed ensembles, on every dataset: accuracy, calibration, time."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.origin import parts_of
from truly_sparse.analysis.panels import dataset_words, letter, warn
from truly_sparse.analysis.style import BLACK, PAGE_WIDTH, series
from truly_sparse.studies.journal.tables.baseline_peers import OURS, OURS_TITLE, with_proposed
from truly_sparse.studies.journal.tables.baselines import tidy

COLUMNS = ("figure", "panel", "dataset", "split", "method", "metric", "value", "seeds", "partial")
#: Panel: what of Table P1 it shows, the name of its axis, its scale.
PANELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a": ("accuracy", "points more accurate\nthan the proposed ensembles", {"value": "symlog", "linthresh": 2}),
    "b": ("ece", "expected\ncalibration error", {"value": "log"}),
    "c": ("fit_seconds", "seconds to fit,\none core", {"value": "log"}),
}
PEERS = ("logistic_regression", "random_forest", "hist_gradient_boosting", "sklearn_mlp", "dense_tuned", "static")
_LOOKS = {OURS: (BLACK, "|"), **series(PEERS)}
_TICKS = [-10, -2, 0, 2, 10]
_WIDTHS = [1.6, 1, 1]
_ROW = 0.2


def data(inputs: Inputs) -> pd.DataFrame:
    """Return what the figure shows as a tidy frame with the columns `COLUMNS`.

    `value` is points of accuracy above the mean of the proposed ensembles (panel a), the calibration error (b) or
    median seconds to fit (c). A dataset on which one of these ensembles has not finished is left out.
    """
    table, parts = with_proposed(tidy(inputs)), parts_of(inputs.records)
    ours = table[(table["method"] == OURS) & (table["metric"] == "accuracy")].set_index(["dataset", "split"])["value"]
    lines = []
    for panel, (metric, _, _) in PANELS.items():
        rows = table[(table["metric"] == metric) & table["method"].isin(_LOOKS)]
        for row in rows.to_dict("records"):
            place = row["dataset"], row["split"]
            if place in ours.index:
                less = float(ours[place]) if metric == "accuracy" else 0.0
                lines.append({**row, "panel": panel, "value": row["value"] - less})
    frame = pd.DataFrame(lines).assign(figure="peers")
    frame["partial"] = [parts.get(name, "") for name in frame["dataset"]]
    return frame.reindex(columns=list(COLUMNS)).astype({"seeds": "Int64"})


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw the three panels side by side, a row per dataset, those on which the others are furthest ahead on top."""
    keys = ["dataset", "split"]
    ahead = (
        frame[(frame["panel"] == "a") & (frame["method"] != OURS)]
        .groupby(keys)["value"]
        .max()
        .sort_values(kind="stable")
    )
    places = {key: place for place, key in enumerate(ahead.index)}
    figure = Figure(figsize=(PAGE_WIDTH, 1.1 + _ROW * len(places)))
    grid = figure.subplots(1, len(PANELS), sharey=True, width_ratios=_WIDTHS)
    for axes, (panel, (_, label, scale)) in zip(grid, PANELS.items(), strict=True):
        _panel(axes, frame[frame["panel"] == panel], places)
        axes.set_xscale(**scale)
        axes.set_xlabel(label)
        letter(axes, panel)
        if panel == "a":
            low, high = axes.get_xlim()
            ticks = [tick for tick in _TICKS if low <= tick <= high]
            axes.set_xticks(ticks, [formats.difference(tick, 0) for tick in ticks])
    partial = frame.drop_duplicates(keys).set_index(keys)["partial"]
    titles = [
        dataset_words(dataset, partial[dataset, split]) + (", videos held out" if split == "videos" else "")
        for dataset, split in places
    ]
    grid[0].set_yticks(range(len(places)), titles)
    grid[0].set_ylim(-0.6, len(places) - 0.4)
    handles = [
        Line2D([], [], linestyle="none", color=colour, marker=marker, markersize=4, label=_title(method))
        for method, (colour, marker) in _LOOKS.items()
        if method in set(frame["method"])
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    warn(figure, preset)
    return figure


def _panel(axes: Axes, frame: pd.DataFrame, places: dict[Any, int]) -> None:
    for method, (colour, marker) in _LOOKS.items():
        own = frame[frame["method"] == method]
        at = [places[key] for key in zip(own["dataset"], own["split"], strict=True)]
        size = 8 if method == OURS else 3.8
        axes.plot(own["value"], at, marker, color=colour, markersize=size, linestyle="none", alpha=0.9)
    axes.grid(visible=True, axis="x")


def _title(method: str) -> str:
    return OURS_TITLE if method == OURS else method_title(method)
