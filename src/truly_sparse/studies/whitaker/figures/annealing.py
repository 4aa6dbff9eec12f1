"""What figures of chapter 6 have in common: runs of Table 6.1, and a panel for every dataset and rate."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.panels import letter
from truly_sparse.analysis.style import PAGE_WIDTH
from truly_sparse.errors import UserError
from truly_sparse.studies.whitaker.runs import frame_of
from truly_sparse.studies.whitaker.verdicts.stochastic import EXPERIMENT, PRINTED_EPOCHS, RANDOM, TEMPERATURE, TUNED

ACROSS = 2
RATES = {"constant": "constant rate", "one_cycle": "one cycle"}
COLUMNS = (
    "figure", "dataset", "rate", "method", "sampler", "sparsity", "temperature", "falls", "value", "std", "error",
    "seeds",
)  # fmt: skip
_LETTERS = "abcdefghijklmnop"


def runs(inputs: Inputs) -> pd.DataFrame:
    """Return finished runs with the printed epochs, with `falls`, the epochs over which links fall.

    Raises
    ------
    UserError
        Where there is none.
    """
    frame = frame_of(inputs, EXPERIMENT)
    child = PRINTED_EPOCHS // TUNED
    own = frame[frame["accuracy"].notna() & (frame["epochs"] == PRINTED_EPOCHS) & (frame["child_epochs"] == child)]
    if own.empty:
        raise UserError(f"no run of {EXPERIMENT} with the printed epochs has finished yet")
    falls = own["annealing_epochs"].where(own["method"].isin((TEMPERATURE, RANDOM)), own["prune_epochs"])
    return own.assign(falls=falls)


def means(frame: pd.DataFrame, figure: str, keys: Sequence[str], value: str = "accuracy") -> pd.DataFrame:
    """Return means over seeds as a tidy frame with the columns `COLUMNS`; `error` is the standard error."""
    found = frame.groupby(list(keys), sort=False)[value].agg(value="mean", std="std", seeds="count").reset_index()
    found = found.assign(figure=figure, error=found["std"] / found["seeds"] ** 0.5)
    return found.reindex(columns=list(COLUMNS))


def panels(frame: pd.DataFrame, label: str) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Return a figure with a panel for every dataset and rate that a frame has."""
    found = list(frame[["dataset", "rate"]].drop_duplicates().sort_values(["dataset", "rate"]).itertuples(index=False))
    across = min(ACROSS, len(found))
    down = -(-len(found) // across)
    figure = Figure(figsize=(PAGE_WIDTH * across / ACROSS, 0.6 + 1.75 * down))
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axes in grid[len(found) :]:
        axes.set_visible(False)
    named = {(str(row.dataset), str(row.rate)): axes for row, axes in zip(found, grid, strict=False)}
    for place, ((dataset, rate), axes) in enumerate(named.items()):
        letter(axes, _LETTERS[place % len(_LETTERS)], f"{dataset_title(dataset)}, {RATES.get(rate, rate)}")
        if place % across == 0:
            axes.set_ylabel(label)
    return figure, named
