"""SPaS figure 4: mean accuracy of perceptrons over the tabular datasets by compression."""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.panels import warn
from truly_sparse.analysis.style import PAGE_WIDTH
from truly_sparse.studies.spas.figures import figure7
from truly_sparse.studies.spas.figures.looks import LINES, handles

COLUMNS = ("figure", "model", "mode", "compression", "value", "error", "datasets", "of")


def data(inputs: Inputs) -> pd.DataFrame:
    """Return a row per (model, mode, compression) as a tidy frame with the columns `COLUMNS`; see `over_datasets`."""
    return over_datasets(figure7.data(inputs))


def over_datasets(cells: pd.DataFrame) -> pd.DataFrame:
    """Return means of the interquartile means over the datasets that have all cells which any dataset has.

    `error` is missing: datasets are no sample. `datasets` were complete `of` those with any run.
    """
    counts = cells.groupby("dataset", sort=False).size()
    whole = list(counts.index[counts == counts.max()])
    own = cells[cells["dataset"].isin(whole)]
    means = own.groupby(["model", "mode", "compression"], sort=False)["value"].mean().reset_index()
    frame = means.assign(figure="spas_figure4", error=float("nan"), datasets=len(whole), of=len(counts))
    return frame.reindex(columns=list(COLUMNS))


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw all lines in one panel."""
    figure = Figure(figsize=(0.6 * PAGE_WIDTH, 2.5))
    axes = figure.subplots()
    figure7.lines(axes, frame)
    axes.set(xlabel="compression", ylabel="mean accuracy (%)")
    axes.set_title(f"{frame['datasets'].iloc[0]} of {frame['of'].iloc[0]} tabular datasets")
    figure.legend(handles=handles(frame["model"], LINES), loc="outside lower center", ncols=2)
    warn(figure, preset)
    return figure
