"""Figure 5.5, left: accuracy of ensembles by the number of children."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.panels import warn
from truly_sparse.analysis.style import BLUE, ORANGE
from truly_sparse.studies.whitaker.figures.grids import Look, handles, line, panels
from truly_sparse.studies.whitaker.runs import frame_of

EXPERIMENT = "whitaker_size"
COLUMNS = ("figure", "dataset", "with_parent", "members", "value", "std", "error", "seeds", "asked")
#: With the parent or without: colour, marker and style.
LOOKS: dict[str, Look] = {"with the parent": (BLUE, "o", "-"), "children alone": (ORANGE, "s", "--")}
MEASURES = {"with the parent": "accuracy", "children alone": "accuracy_children"}


def data(inputs: Inputs) -> pd.DataFrame:
    """Return mean accuracies in percent as a tidy frame with the columns `COLUMNS`; `error` is the standard error."""
    runs = frame_of(inputs, EXPERIMENT)
    parts = []
    for name, metric in MEASURES.items():
        found = runs.groupby(["dataset", "members"], sort=False)[metric].agg(["mean", "std", "count", "size"])
        found.columns = pd.Index(["value", "std", "seeds", "asked"])
        parts.append(found.reset_index().assign(with_parent=name == "with the parent"))
    whole = pd.concat(parts).assign(figure="whitaker_figure5_5")
    whole["error"] = whole["std"] / whole["seeds"] ** 0.5
    return whole[whole["value"].notna()].reindex(columns=list(COLUMNS)).reset_index(drop=True)


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a panel per dataset, its abscissa in doublings."""
    figure, grid = panels(list(dict.fromkeys(frame["dataset"])))
    for axes, (_, own) in zip(grid, frame.groupby("dataset", sort=False), strict=True):
        for name, (colour, marker, style) in LOOKS.items():
            part = own[own["with_parent"].astype(bool) == (name == "with the parent")]
            line(axes, part, "members", colour, marker, style)
        axes.set_xscale("log")
        axes.set_xticks(sorted(own["members"].unique()))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlabel("children")
    figure.legend(handles=list(handles(LOOKS)), loc="outside lower center", ncols=2)
    warn(figure, preset)
    return figure
