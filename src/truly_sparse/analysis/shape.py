"""Test accuracy against number of members, depth and width, one varied at a time."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from truly_sparse.analysis.looks import LOOKS
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.panels import dataset_words, letter, warn
from truly_sparse.analysis.style import BLACK, PAGE_WIDTH
from truly_sparse.experiments.records import Record

Shape = tuple[int, int, int]
COLUMNS = ("figure", "panel", "dataset", "method", "kind", "x", "seed", "value", "std", "seeds", "epsilon", "partial")
#: Panel: its axis, and what of a run varies along it.
PANELS = {"a": "members", "b": "hidden layers", "c": "neurons per hidden layer"}


def tidy(runs: Iterable[Record], usual: Shape, figure: str) -> pd.DataFrame:
    """Return accuracies in percent as a tidy frame with the columns `COLUMNS`; `kind` is run (one per seed) or mean.

    Parameters
    ----------
    runs : iterable of dict
        Records; one that differs from the usual shape in more than one thing is left out, one that does not differ
        stands in all panels.
    usual : tuple
        The shape that is varied, as `shape_of` returns it.
    figure : str
        Name of the figure.
    """
    lines = []
    for record in runs:
        if record["status"] != "ok":
            continue
        shape = shape_of(record["settings"]["training"])
        changed = [panel for panel, one, other in zip(PANELS, shape, usual, strict=True) if one != other]
        for panel, x in zip(PANELS, shape, strict=True):
            if changed in ([], [panel]):
                lines.append(
                    {
                        "figure": figure,
                        "panel": panel,
                        "dataset": record["dataset"],
                        "method": record["method"],
                        "kind": "run",
                        "x": x,
                        "seed": record["seed"],
                        "value": 100 * record["accuracy"]["test"],
                        "epsilon": record["settings"]["training"]["epsilon"],
                        "partial": record["data"].get("partial") or "",
                    }
                )
    frame = pd.DataFrame(lines, columns=list(COLUMNS))
    keys = ["figure", "panel", "dataset", "method", "x", "epsilon", "partial"]
    means = frame.groupby(keys, sort=False)["value"].agg(value="mean", std="std", seeds="size").reset_index()
    whole = pd.concat([frame, means.assign(kind="mean")], ignore_index=True)[list(COLUMNS)]
    order = {method: place for place, method in enumerate(LOOKS)}
    whole = whole.sort_values(
        ["panel", "method", "kind", "x", "seed"], key=lambda s: s.map(order) if s.name == "method" else s
    )
    return whole.astype({"seed": "Int64", "seeds": "Int64", "x": "Int64"}).reset_index(drop=True)


def shape_of(training: Mapping[str, Any]) -> Shape:
    """Return (members, hidden layers, neurons of each hidden layer)."""
    return training["members"], len(training["hidden_layer_sizes"]), training["hidden_layer_sizes"][0]


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw one panel per axis: every seed, and lines through the means."""
    figure = Figure(figsize=(PAGE_WIDTH, 2.6))
    panels = figure.subplots(1, len(PANELS), sharey=True)
    methods = [method for method in LOOKS if method in set(frame["method"])]
    for axes, (panel, label) in zip(panels, PANELS.items(), strict=True):
        own = frame[frame["panel"] == panel]
        ticks = sorted(own["x"].unique())
        places = {x: place for place, x in enumerate(ticks)}
        for number, method in enumerate(methods):
            _line(axes, own[own["method"] == method], places, 0.09 * (number - (len(methods) - 1) / 2), method)
        axes.set_xticks(range(len(ticks)), [f"{x:,}" for x in ticks])
        axes.set_xlabel(label)
        letter(axes, panel)
    panels[0].set_ylabel("test accuracy (%)")
    about = dataset_words(frame["dataset"].iloc[0], frame["partial"].iloc[0])
    panels[0].set_title(f"{panels[0].get_title(loc='left')}{about}, ε = {frame['epsilon'].iloc[0]:g}")
    handles = _legend(methods)
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    warn(figure, preset)
    return figure


def _line(axes: Axes, part: pd.DataFrame, places: dict[int, int], shift: float, method: str) -> None:
    colour, marker = LOOKS[method]
    runs, means = part[part["kind"] == "run"], part[part["kind"] == "mean"].sort_values("x")
    at = runs["x"].map(places).astype(float) + shift - 0.045
    axes.plot(at, runs["value"], ".", color=colour, markersize=3.5, alpha=0.5, markeredgewidth=0)
    at = means["x"].map(places).astype(float) + shift
    axes.errorbar(
        at, means["value"], means["std"].fillna(0.0), color=colour, marker=marker, markersize=3.8,
        linewidth=0.9, elinewidth=0.8, capsize=1.6,
    )  # fmt: skip


def _legend(methods: list[str]) -> list[Line2D]:
    looks = {method: LOOKS[method] for method in methods}
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=3.8, linewidth=0.9, label=method_title(method))
        for method, (colour, marker) in looks.items()
    ]
    seed = Line2D([], [], linestyle="none", marker=".", color=BLACK, alpha=0.5, markersize=4, label="one seed")
    return [*handles, seed]
