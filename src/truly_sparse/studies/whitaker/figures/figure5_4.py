"""Figure 5.4: accuracy of ensembles by how much their children lose, links or neurons, and the width of the parent."""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.panels import warn
from truly_sparse.analysis.style import series
from truly_sparse.studies.whitaker.figures.grids import Look, Style, handles, line, panels
from truly_sparse.studies.whitaker.runs import frame_of

EXPERIMENT = "whitaker_sparsity"
#: Line of what children lose.
STYLES: dict[str, Style] = {"links": "-", "neurons": "--"}
COLUMNS = (
    "figure", "dataset", "structure", "hidden", "sparsity", "value", "std", "error", "seeds", "asked", "validation",
)  # fmt: skip


def data(inputs: Inputs) -> pd.DataFrame:
    """Return mean accuracies in percent as a tidy frame with the columns `COLUMNS`; `error` is the standard error."""
    runs = frame_of(inputs, EXPERIMENT)
    keys = ["dataset", "structure", "hidden", "sparsity"]
    found = runs.groupby(keys, sort=False).agg(
        value=("accuracy", "mean"),
        std=("accuracy", "std"),
        seeds=("accuracy", "count"),
        asked=("seed", "size"),
        validation=("validation", "mean"),
    )
    found = found.reset_index().assign(figure="whitaker_figure5_4")
    found["error"] = found["std"] / found["seeds"] ** 0.5
    return found[found["value"].notna()].reindex(columns=list(COLUMNS)).reset_index(drop=True)


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a panel per dataset, a line per width, dashed where neurons are lost."""
    figure, grid = panels(list(dict.fromkeys(frame["dataset"])))
    widths = sorted(frame["hidden"].unique(), key=lambda name: int(name.split("-")[0]))
    looks: dict[str, Look] = {}
    of_widths = series(widths)
    for axes, (_, own) in zip(grid, frame.groupby("dataset", sort=False), strict=True):
        for width, (colour, marker) in of_widths.items():
            for structure, style in STYLES.items():
                part = own[(own["hidden"] == width) & (own["structure"] == structure)]
                if len(part):
                    line(axes, part, "sparsity", colour, marker, style)
                    looks[f"{structure}, {width}"] = (colour, marker, style)
        axes.set_xlabel("part that is lost")
    figure.legend(handles=list(handles(looks)), loc="outside lower center", ncols=3)
    warn(figure, preset)
    return figure
