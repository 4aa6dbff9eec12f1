"""Journal figure 3: training trajectories of the members, as one t-SNE embedding of their outputs on the test set."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.panels import dataset_words, letter, of_first_dataset, warn
from truly_sparse.analysis.style import BLACK, PAGE_WIDTH, series

_OTHERS = "#dcdcdc"


def data(inputs: Inputs) -> pd.DataFrame:
    """Return one row per (method, epoch): member, coordinates `x` and `y`, and `mark`, start or end of a member.

    Of the first dataset measured; the other columns are those of the measurement `trajectories`.
    """
    measured, _ = inputs.measured("trajectories")
    frame = of_first_dataset(measured)
    epochs = frame.groupby(["method", "member"])["epoch"]
    frame["mark"] = ""
    frame.loc[frame["epoch"] == epochs.transform("min"), "mark"] = "start"
    frame.loc[frame["epoch"] == epochs.transform("max"), "mark"] = "end"
    frame.insert(0, "figure", "figure3")
    return frame


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw one panel per method; the other methods' points are grey behind it."""
    methods = list(frame["method"].unique())
    looks = series(sorted(frame["member"].unique()))
    rows = -(-len(methods) // 2)
    figure = Figure(figsize=(PAGE_WIDTH, 2.45 * rows + 0.35))
    panels = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, method, label in zip(panels, methods, "abcdefgh", strict=False):
        axes.plot(frame["x"], frame["y"], ".", color=_OTHERS, markersize=2, markeredgewidth=0)
        own = frame[frame["method"] == method].sort_values("epoch")
        for member, part in own.groupby("member"):
            _trajectory(axes, part, *looks[member])
        letter(axes, label, method_title(method))
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
    for axes in panels[len(methods) :]:
        axes.set_visible(False)
    about = dataset_words(frame["dataset"].iloc[0], frame["partial"].iloc[0])
    figure.supxlabel(f"t-SNE dimension 1 ({about})", fontsize=7.5)
    figure.supylabel("t-SNE dimension 2", fontsize=7.5)
    handles = _legend(looks)
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), handletextpad=0.3)
    warn(figure, preset)
    return figure


def _trajectory(axes: Axes, part: pd.DataFrame, colour: str, marker: str) -> None:
    axes.plot(part["x"], part["y"], "-", color=colour, linewidth=0.4, alpha=0.3)
    axes.plot(part["x"], part["y"], marker, color=colour, markersize=2.4, markeredgewidth=0, alpha=0.8)
    for mark, shape, size in (("start", "D", 5.5), ("end", "*", 10)):
        point = part[part["mark"] == mark]
        axes.plot(
            point["x"], point["y"], shape, color=colour, markersize=size, markeredgecolor=BLACK, markeredgewidth=0.7
        )


def _legend(looks: dict[int, tuple[str, str]]) -> list[Line2D]:
    handles = []
    for member, (colour, marker) in looks.items():
        handles.append(
            Line2D([], [], color=colour, marker=marker, markersize=3, linewidth=0.8, label=f"member {member + 1}")
        )
    for label, shape, size in (("start", "D", 5), ("end", "*", 9)):
        look: dict[str, Any] = {"color": "white", "markeredgecolor": BLACK, "markersize": size, "linestyle": "none"}
        handles.append(Line2D([], [], marker=shape, label=label, **look))
    handles.append(Line2D([], [], marker=".", color=_OTHERS, linestyle="none", label="all methods"))
    return handles
