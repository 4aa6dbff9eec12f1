"""SPaS figure 7: accuracy of perceptrons on every tabular dataset by compression."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.panels import letter, warn
from truly_sparse.analysis.style import PAGE_WIDTH
from truly_sparse.studies.spas.figures.looks import LINES, LOOKS, handles, log_axis
from truly_sparse.studies.spas.runs import DENSE, DENSE_SHORTCUTS, MLP, cells, frame_of

EXPERIMENT = "spas_tabular"
COLUMNS = (
    "figure", "dataset", "model", "mode", "compression", "value", "error", "mean", "std", "seeds", "asked", "random",
    "note",
)  # fmt: skip
TICKS = (1, 2, 5, 12.5, 25, 75)
_COLUMNS = 4


def data(inputs: Inputs) -> pd.DataFrame:
    """Return a row per (dataset, model, mode, compression) as a tidy frame with the columns `COLUMNS`.

    `value` is the interquartile mean of accuracies in percent, `error` the standard error over seeds. Dense networks
    with all shortcuts are left out, as in print.
    """
    runs = frame_of(inputs, EXPERIMENT)
    found = cells(runs[runs["compression"] != DENSE_SHORTCUTS], ["dataset", "model", "mode", "compression"])
    frame = found.assign(figure="spas_figure7", value=found["iqm"], error=found["std"] / found["seeds"] ** 0.5)
    return frame[frame["value"].notna()].reindex(columns=list(COLUMNS)).reset_index(drop=True)


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a panel for every dataset."""
    datasets = list(frame["dataset"].unique())
    rows = -(-len(datasets) // _COLUMNS)
    figure = Figure(figsize=(PAGE_WIDTH, 0.4 + 1.75 * rows))
    grid = figure.subplots(rows, _COLUMNS, sharex=True, squeeze=False)
    panels = grid.ravel()
    for axes, dataset, name in zip(panels, datasets, "abcdefghijklmnop", strict=False):
        own = frame[frame["dataset"] == dataset]
        lines(axes, own)
        letter(axes, name, dataset_title(dataset) + ("*" if own["note"].any() else ""))
    for axes in panels[len(datasets) :]:
        axes.set_visible(False)
    for row in grid:
        row[0].set_ylabel("accuracy (%)")
    for axes in grid[-1]:
        axes.set_xlabel("compression")
    shown = handles(frame["model"], LINES)
    if frame["note"].any():
        shown.append(Line2D([], [], linestyle="none", label="* only a part of the rows"))
    figure.legend(handles=shown, loc="outside lower center", ncols=len(shown))
    warn(figure, preset)
    return figure


def lines(axes: Axes, frame: pd.DataFrame) -> None:
    """Draw a line for each model and way of training; a dense plain network is the start of both of its lines."""
    for model, (colour, marker) in LOOKS.items():
        for mode, style in LINES.items():
            own = frame[(frame["model"] == model) & frame["mode"].isin([mode, DENSE] if model == MLP else [mode])]
            own = own.sort_values("compression")
            axes.errorbar(
                own["compression"], own["value"], own["error"].fillna(0.0), color=colour, marker=marker,
                linestyle=style, markersize=3.2, linewidth=0.9, elinewidth=0.7, capsize=1.3,
            )  # fmt: skip
    log_axis(axes, TICKS)
    axes.tick_params(axis="x", labelsize="small")
