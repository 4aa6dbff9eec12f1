"""How far apart the members of one ensemble are in topology, a figure for each dataset."""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis.heatmap import colour_bar, heatmap
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.panels import dataset_words, letter, warn
from truly_sparse.analysis.style import PAGE_WIDTH
from truly_sparse.errors import UserError

COLUMNS = (
    "figure",
    "dataset",
    "method",
    "kind",
    "block",
    "seed",
    "one",
    "other",
    "value",
    "std",
    "ensembles",
    "partial",
)
#: The block between the first two hidden layers, and the name of the mean over all hidden blocks.
FIRST, ALL = "0", "all"
_KINDS = ("distance", "shared")


def of_dataset(inputs: Inputs, place: int, figure: str) -> pd.DataFrame:
    """Return the numbers of the dataset that was measured in some place, as `tidy` does.

    Raises
    ------
    UserError
        Where so many datasets have not been measured.
    """
    measured, _ = inputs.measured("member_topology")
    datasets = list(measured["dataset"].unique())
    if len(datasets) <= place:
        raise UserError(f'"{figure}" needs a dataset in place {place + 1} of measurements.member_topology.datasets')
    return tidy(measured[measured["dataset"] == datasets[place]], figure)


def tidy(measured: pd.DataFrame, figure: str) -> pd.DataFrame:
    """Return the measurement of one dataset as a tidy frame with the columns `COLUMNS`.

    `kind` is distance or shared (part of the links at the same places), one for each two members `one` and `other` of
    an ensemble (`seed`) and each `block`; distance_ensemble or shared_ensemble, the mean over all pairs of one
    ensemble; distance_mean or shared_mean, over ensembles, with their sample standard deviation. Means are also of all
    blocks together (`ALL`).
    """
    keys = ["dataset", "method", "block", "seed", "one", "other", "partial"]
    known = measured.assign(
        block=measured["block"].astype(str),
        partial=measured["partial"].astype(object).where(measured["partial"].notna(), ""),
    )
    pairs = known.melt(keys, list(_KINDS), "kind", "value")
    both = pd.concat([pairs, pairs.assign(block=ALL)])
    by = ["dataset", "method", "kind", "block", "partial"]
    ensembles = both.groupby([*by, "seed"], sort=False)["value"].mean().reset_index()
    means = ensembles.groupby(by, sort=False)["value"].agg(value="mean", std="std", ensembles="size").reset_index()
    parts = [
        pairs,
        ensembles.assign(kind=ensembles["kind"] + "_ensemble"),
        means.assign(kind=means["kind"] + "_mean"),
    ]
    frame = pd.concat(parts, ignore_index=True).assign(figure=figure)
    return frame.reindex(columns=list(COLUMNS)).astype(dict.fromkeys(("seed", "one", "other", "ensembles"), "Int64"))


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a matrix for each method, of the ensemble with the first seed, all on one scale; means above."""
    methods = list(frame["method"].unique())
    shown = frame[(frame["kind"] == "distance") & (frame["block"] == FIRST)]
    shown = shown[shown["seed"] == shown["seed"].min()]
    means = frame[frame["kind"].isin(["distance_mean", "shared_mean"])].set_index(["method", "kind", "block"])
    low, high = float(shown["value"].min()), float(shown["value"].max())
    figure = Figure(figsize=(PAGE_WIDTH, 2.3))
    cells = figure.add_gridspec(1, len(methods) + 1, width_ratios=[*(1 for _ in methods), 0.07])
    grid = [figure.add_subplot(cells[0, place]) for place in range(len(methods))]
    for axes, method, name in zip(grid, methods, "abcdefgh", strict=False):
        image = heatmap(axes, _matrix(shown[shown["method"] == method]), low, high)
        first, both, shared = (
            means["value"][method, kind, block]
            for kind, block in (("distance_mean", FIRST), ("distance_mean", ALL), ("shared_mean", FIRST))
        )
        letter(axes, name, method_title(method) + "\n\n\n")
        words = f"first block {first:.4f}\nall hidden blocks {both:.4f}\nlinks shared {shared:.3f}"
        axes.text(0, 1.05, words, transform=axes.transAxes, fontsize=6.5, va="bottom")
    colour_bar(figure, image, figure.add_subplot(cells[0, len(methods)]))
    about = dataset_words(frame["dataset"].iloc[0], frame["partial"].iloc[0])
    ensembles = int(means["ensembles"].max())
    figure.supxlabel(f"member ({about}; means over {ensembles} ensemble{'s' if ensembles > 1 else ''})", fontsize=7.5)
    warn(figure, preset)
    return figure


def _matrix(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the distances of all members to all others; each pair was measured once."""
    size = int(pairs["other"].max()) + 1
    matrix = pd.DataFrame(float("nan"), index=range(size), columns=range(size))
    for one, other, value in zip(pairs["one"], pairs["other"], pairs["value"], strict=True):
        matrix.loc[one, other] = matrix.loc[other, one] = value
    return matrix
