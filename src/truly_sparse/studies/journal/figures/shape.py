"""Test accuracy against number of members, depth and width (thesis figure 8)."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.panels import dataset_words, letter, warn
from truly_sparse.analysis.style import BLACK, PAGE_WIDTH
from truly_sparse.experiments.records import Record
from truly_sparse.studies.journal.figures.looks import LOOKS

COLUMNS = ("figure", "panel", "dataset", "method", "kind", "x", "seed", "value", "std", "seeds", "epsilon", "partial")
#: Panel: its axis, and what of a run varies along it.
PANELS = {"a": "members", "b": "hidden layers", "c": "neurons per hidden layer"}


def data(inputs: Inputs) -> pd.DataFrame:
    """Return accuracies in percent as a tidy frame with the columns `COLUMNS`; `kind` is run (one per seed) or mean.

    The runs of the experiment shape change one of members, depth and width; where all three are those of the
    configuration, runs of table 1 with the same dataset, epsilon and lambda stand in all panels.
    """
    own, usual = inputs.of("shape"), _shape(inputs.config["training"])
    wanted = {_kind(record) for record in own}
    runs = own + [r for r in inputs.of("table1") if _kind(r) in wanted and _shape(r["settings"]["training"]) == usual]
    lines = []
    for record in runs:
        if record["status"] != "ok":
            continue
        shape = _shape(record["settings"]["training"])
        changed = [panel for panel, one, other in zip(PANELS, shape, usual, strict=True) if one != other]
        for panel, x in zip(PANELS, shape, strict=True):
            if changed in ([], [panel]):
                lines.append(
                    {
                        "figure": "shape",
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


def _kind(record: Record) -> tuple[object, ...]:
    """Return what must be the same for two runs to stand in one line of the figure."""
    training = record["settings"]["training"]
    return record["dataset"], record["method"], training["epsilon"], training["distance_factor"]


def _shape(training: Record) -> tuple[int, int, int]:
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
