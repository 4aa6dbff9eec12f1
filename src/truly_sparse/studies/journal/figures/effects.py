"""What helps: regrowth by refinement, scaling by decay, and the models that train like the ensembles."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.looks import LOOKS
from truly_sparse.analysis.names import METHODS as TITLES
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.origin import parts_of
from truly_sparse.analysis.panels import letter, warn
from truly_sparse.analysis.runs import frame_of
from truly_sparse.analysis.statistics.within import within_seeds
from truly_sparse.analysis.style import BLUE, ORANGE, PAGE_WIDTH
from truly_sparse.studies.journal.tables.ablation_points import EPSILON, level_title
from truly_sparse.studies.journal.tables.ablations import alone_runs

COLUMNS = (
    "figure",
    "panel",
    "dataset",
    "epsilon",
    "method",
    "setting",
    "value",
    "std",
    "seeds",
    "low",
    "high",
    "partial",
)
_LEGEND = 0.3
_REFINEMENTS = {"none": "none", "eta": "η", "eta_zeta": "η, ζ", "comprehensive": "compr."}
_SCALINGS = {"minmax_all_rows": "min-max", "standard": "stand.", "quantile": "quant."}
_DECAYS = {"False": (BLUE, "o"), "True": (ORANGE, "s")}
#: In panel c, what is no ensemble of the paper is grey.
_OTHERS = ("#666666", "v")
_BARS: dict[str, Any] = {"markersize": 3.4, "elinewidth": 0.8, "capsize": 1.6}


def data(inputs: Inputs) -> pd.DataFrame:
    """Return mean accuracies in percent as a tidy frame with the columns `COLUMNS`.

    `panel` is a (setting: the refinement), b (setting: "scaling/decay times eta?") or c (setting: schedule);
    `low` to `high` is the 95 % interval of `statistics.within`, over the conditions of one small panel; empty for a
    single run.
    """
    runs, parts = frame_of(inputs.records), parts_of(inputs.records)
    crossed, scaled = (runs[runs["experiment"] == name].copy() for name in ("refinement", "preprocessing"))
    crossed["setting"] = crossed["refinement"]
    scaled["setting"] = scaled["scaling"] + "/" + scaled["decay_times_learning_rate"].astype(str)
    frames = [
        within_seeds(part, ["dataset", "epsilon", "method", "setting"]).assign(panel=panel)
        for panel, shown in (("a", crossed), ("b", scaled), ("c", alone_runs(runs)))
        for _, part in shown.groupby(_keys(panel), sort=False)
    ]
    frame = pd.concat(frames, ignore_index=True)
    partial = frame["dataset"].map(lambda name: parts.get(name, ""))
    return frame.assign(figure="effects", partial=partial).reindex(columns=list(COLUMNS))


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a row of panels, or several, for each of the three questions: one panel per dataset and epsilon."""
    drawn = [(name, *_PANELS[str(name)], _cells(part, str(name))) for name, part in frame.groupby("panel", sort=True)]
    heights = [_LEGEND + height * math.ceil(len(cells) / across) for _, _, across, height, cells in drawn]
    figure = Figure(figsize=(PAGE_WIDTH, sum(heights)))
    parts: Any = figure.subfigures(len(drawn), 1, height_ratios=heights, squeeze=False)
    for part, (name, fill, across, _, cells) in zip(parts[:, 0], drawn, strict=True):
        fill(part, _grid(part, cells, across, str(name)), [cell for _, cell in cells])
    warn(figure, preset)
    return figure


def _cells(part: pd.DataFrame, name: object) -> list[tuple[str, pd.DataFrame]]:
    """Return (title, rows) of every panel."""
    return [(_title(cell.iloc[0]), cell) for _, cell in part.groupby(_keys(name), sort=False)]


def _keys(panel: object) -> list[str]:
    """Return what one small panel of a panel is for."""
    return ["dataset", "epsilon"] if panel == "a" else ["dataset"]


def _title(row: pd.Series) -> str:
    """Return the dataset, its epsilon where that is not the usual one, and below how much of it there was."""
    epsilon = "" if pd.isna(row["epsilon"]) or row["epsilon"] == EPSILON else f", ε {row['epsilon']:g}"
    return dataset_title(row["dataset"]) + epsilon + (f"\n{row['partial']}" if row["partial"] else "")


def _grid(part: SubFigure, cells: Sequence[tuple[str, pd.DataFrame]], across: int, name: str) -> list[Axes]:
    """Return one titled axes per panel; places without a panel stay empty."""
    across = min(across, len(cells))
    rows = math.ceil(len(cells) / across)
    grid = part.subplots(rows, across, squeeze=False, sharey=name == "c").ravel()
    for axes in grid[len(cells) :]:
        axes.set_visible(False)
    for axes, (title, _) in zip(grid, cells, strict=False):
        axes.set_title(title, fontsize=7)
        axes.tick_params(labelsize=6.5)
    letter(grid[0], name, cells[0][0])
    grid[0].set_title(grid[0].get_title(loc="left"), fontsize=7)
    return list(grid[: len(cells)])


def _lines(axes: Axes, x: npt.NDArray[np.floating], part: pd.DataFrame, label: str, look: tuple[str, str]) -> None:
    """Draw means joined by a line, with their intervals."""
    axes.errorbar(x, part["value"], _ends(part), color=look[0], marker=look[1], linewidth=0.9, label=label, **_BARS)


def _ends(part: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return how far the intervals reach below and above the means; a single run has none."""
    ends = np.array([part["value"] - part["low"], part["high"] - part["value"]], dtype=float)
    return np.nan_to_num(ends)


def _crossed(part: SubFigure, grid: Sequence[Axes], cells: Sequence[pd.DataFrame]) -> None:
    for axes, cell in zip(grid, cells, strict=True):
        for number, (method, look) in enumerate(LOOKS.items()):
            own = cell[cell["method"] == method].set_index("setting").reindex(list(_REFINEMENTS))
            _lines(axes, np.arange(len(own)) + 0.08 * (number - 1.5), own, level_title(method), look)
        axes.set_xticks(range(len(_REFINEMENTS)), list(_REFINEMENTS.values()), fontsize=5.5)
        axes.set_xlim(-0.5, len(_REFINEMENTS) - 0.5)  # also where a level has not finished
    _finish(part, grid, "regrowth, by refinement:")


def _scaled(part: SubFigure, grid: Sequence[Axes], cells: Sequence[pd.DataFrame]) -> None:
    for axes, cell in zip(grid, cells, strict=True):
        for number, (decay, look) in enumerate(_DECAYS.items()):
            own = cell.set_index("setting").reindex([f"{scaling}/{decay}" for scaling in _SCALINGS])
            _lines(axes, np.arange(len(own)) + 0.1 * (number - 0.5), own, level_title(decay), look)
        axes.set_xticks(range(len(_SCALINGS)), list(_SCALINGS.values()), fontsize=5.5)
    _finish(part, grid, "FD-TSE, by scaling of the features:")


def _finish(part: SubFigure, grid: Sequence[Axes], title: str) -> None:
    """Name the vertical axis and put the legend below, headed by what the lines and the horizontal axis are."""
    for axes in grid:
        axes.margins(x=0.1)
    part.supylabel("test accuracy (%)", fontsize=7.5)
    handles, labels = grid[0].get_legend_handles_labels()
    heading = Line2D([], [], linestyle="none", label=title)
    part.legend(handles=[heading, *handles], labels=[title, *labels], loc="outside lower center", ncols=1 + len(labels))


def _alone(part: SubFigure, grid: Sequence[Axes], cells: Sequence[pd.DataFrame]) -> None:
    present = set(pd.concat(cells)["method"])
    order = [name for name in reversed(TITLES) if name in present]
    for axes, cell in zip(grid, cells, strict=True):
        for _, row in cell.groupby("method"):
            method = row["method"].iloc[0]
            colour, marker = LOOKS.get(method, _OTHERS)
            place = [order.index(method)]
            axes.errorbar(row["value"], place, xerr=_ends(row), color=colour, marker=marker, linestyle="none", **_BARS)
        axes.grid(visible=True, axis="x")
        axes.set_yticks(range(len(order)), [method_title(name) for name in order])
    part.supxlabel("test accuracy (%)", fontsize=7.5)


#: Panel: what fills it, how many stand beside each other, and the height of one in inches.
_PANELS = {"a": (_crossed, 5, 1.2), "b": (_scaled, 5, 1.2), "c": (_alone, 4, 1.9)}
