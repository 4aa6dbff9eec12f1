"""Figure 5.7: by how much the loss rises in random directions about a parent, and about its children."""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.panels import warn
from truly_sparse.analysis.style import BLUE, GREEN, ORANGE, VERMILION
from truly_sparse.studies.whitaker.figures.grids import Look, handles, line, panels

COLUMNS = ("figure", "dataset", "network", "norm", "value", "error", "seeds")
#: Networks of the measurement, and what a legend calls them.
LOOKS: dict[tuple[str, str], tuple[str, Look]] = {
    ("sse_np", "parent"): ("parent", (BLUE, "o", "-")),
    ("sse_np", "pruned"): ("children, not tuned", (VERMILION, "v", "--")),
    ("sse_np", "tuned"): ("children, tuned", (ORANGE, "s", "-")),
    ("sse_unpruned", "tuned"): ("children that lost no link, tuned", (GREEN, "^", "--")),
}


def data(inputs: Inputs) -> pd.DataFrame:
    """Return mean rises of the loss in nats, and their standard errors, as a tidy frame with the columns `COLUMNS`.

    The source shows the loss on a plane of two directions instead.
    """
    measured = inputs.measured("landscape")[0]
    parts = []
    for (method, network), (name, _) in LOOKS.items():
        own = measured[(measured["method"] == method) & (measured["network"] == network)]
        found = own.groupby(["dataset", "norm"], sort=False)["rise"]
        parts.append(found.agg(value="mean", error="sem", seeds="count").reset_index().assign(network=name))
    return pd.concat(parts).assign(figure="whitaker_figure5_7").reindex(columns=list(COLUMNS))


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a panel per dataset, a line for every kind of network."""
    datasets, looks = list(dict.fromkeys(frame["dataset"])), dict(LOOKS.values())
    figure, grid = panels(datasets, "rise of the loss (nats)")
    for axes, dataset in zip(grid, datasets, strict=True):
        for name, (colour, marker, style) in looks.items():
            line(axes, frame[(frame["dataset"] == dataset) & (frame["network"] == name)], "norm", colour, marker, style)
        axes.set_xlabel("length of a step")
    figure.legend(handles=list(handles(looks)), loc="outside lower center", ncols=len(looks))
    warn(figure, preset)
    return figure
