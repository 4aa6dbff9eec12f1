"""Test accuracy of every method by epsilon: all seeds, their mean, and the published value beside it."""

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import dataset_title, method_title, row_order, split_setting
from truly_sparse.analysis.origin import parts_of
from truly_sparse.analysis.places import banner
from truly_sparse.analysis.style import BLACK, PAGE_WIDTH, VERMILION, series
from truly_sparse.studies.journal.tables.table1 import tidy as table1

_TIGHT: dict[str, Any] = {"handletextpad": 0.1, "columnspacing": 1.1, "handlelength": 1.5}
COLUMNS = ("figure", "dataset", "method", "epsilon", "setting", "kind", "seed", "value", "std", "partial")
PANEL_HEIGHT = 1.75
# One panel alone has room for finer differences.
SINGLE_HEIGHT = 3.0
# Within the place of one epsilon: seeds left, mean in the middle, published right.
_SEEDS, _HERE, _PUBLISHED, _GAP = -0.38, -0.08, 0.34, 0.8


def data(inputs: Inputs) -> pd.DataFrame:
    """Return what the figure shows as a tidy frame with the columns `COLUMNS`.

    `kind` is run (one per seed), mean or published; `value` and `std` are in percent; `partial` says
    "n of N rows" where a dataset was not there as a whole.
    """
    lines = []
    for record in inputs.records:
        if record["status"] == "ok":
            epsilon = record["settings"]["training"].get("epsilon")
            head = [record["dataset"], record["method"], epsilon, record["setting"]]
            lines.append([*head, "run", record["seed"], 100 * record["accuracy"]["test"], None])
    frame = table1(inputs.records, inputs.published("table1"), inputs.absent)
    for row in frame[frame["metric"] == "test_accuracy"].itertuples():
        head = [row.dataset, row.method, row.epsilon, row.setting]
        lines.append([*head, "mean", None, row.value, row.std])
        lines.append([*head, "published", None, row.published, row.published_std])
    parts = parts_of(inputs.records)
    tidy = pd.DataFrame([["accuracy", *line, parts.get(line[0], "")] for line in lines], columns=list(COLUMNS))
    numbers = ["epsilon", "value", "std"]
    tidy[numbers] = tidy[numbers].astype(float)
    return tidy.dropna(subset="value").astype({"seed": "Int64"}).reset_index(drop=True)


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw one panel per dataset from what `data` returns."""
    datasets = list(dict.fromkeys(sorted(frame["dataset"])))
    height = SINGLE_HEIGHT if len(datasets) == 1 else PANEL_HEIGHT * len(datasets)
    figure = Figure(figsize=(PAGE_WIDTH, height + 0.55))
    epsilons = sorted(frame["epsilon"].dropna().unique())
    looks = series(epsilons)
    for axes, dataset in zip(figure.subplots(len(datasets), squeeze=False)[:, 0], datasets, strict=True):
        _panel(axes, frame[frame["dataset"] == dataset], looks)
        (part,) = set(frame.loc[frame["dataset"] == dataset, "partial"])
        axes.set_title(dataset_title(dataset) + (f" (only {part})" if part else ""))
        axes.set_ylabel("test accuracy (%)")
    if banner(preset):
        figure.suptitle(banner(preset), color=VERMILION, fontsize=8.5)
    others = set(frame.loc[frame["epsilon"].isna(), "method"])
    dense = "dense" if all(method.startswith("dense") for method in others) else "no ε"
    handles = _legend(looks, dense if others else None, bool((frame["kind"] == "published").any()))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), **_TIGHT)
    return figure


def _panel(axes: Axes, frame: pd.DataFrame, looks: dict[float, tuple[str, str]]) -> None:
    places: list[tuple[float, str]] = []
    start = 0.0
    for label, group in _groups(frame):
        epsilons = sorted(group["epsilon"].unique(), key=lambda epsilon: (pd.isna(epsilon), epsilon))
        for slot, epsilon in enumerate(epsilons):
            part = group[group["epsilon"].isna() if pd.isna(epsilon) else group["epsilon"] == epsilon]
            _slot(axes, part, start + slot, *looks.get(epsilon, (BLACK, "D")))
        places.append((start + (len(epsilons) - 1) / 2, label))
        start += len(epsilons) + _GAP
    axes.set_xticks([x for x, _ in places], [label for _, label in places])
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.5 - _GAP / 2, start - _GAP - 0.5 + _GAP / 2)
    axes.margins(y=0.08)


def _slot(axes: Axes, part: pd.DataFrame, x: float, colour: str, marker: str) -> None:
    """Draw one setting: seeds as small points, their mean as a filled marker, the published value as an open one."""
    seeds = part.loc[part["kind"] == "run", "value"].tolist()
    axes.plot([x + _SEEDS] * len(seeds), seeds, ".", color=colour, alpha=0.55, markersize=3.5, markeredgewidth=0)
    for kind, offset, face in (("mean", _HERE, colour), ("published", _PUBLISHED, "white")):
        for value, std in part.loc[part["kind"] == kind, ["value", "std"]].to_numpy(dtype=float).tolist():
            spread = None if math.isnan(std) else std
            look: dict[str, Any] = {"fmt": marker, "color": colour, "markerfacecolor": face, "markersize": 3.8}
            lines: dict[str, Any] = {"elinewidth": 0.8, "capsize": 1.6, "capthick": 0.8, "markeredgewidth": 0.9}
            axes.errorbar([x + offset], [value], spread, **look, **lines)


def _groups(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Split a dataset's rows by method and by every axis but epsilon, in the journal's order."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for index, (method, setting) in enumerate(zip(frame["method"], frame["setting"], strict=True)):
        groups.setdefault((method, *split_setting(setting)), []).append(index)
    order = sorted(groups, key=lambda key: row_order("", key[0], None, "|".join(key[1:])))
    return [(_label(*key), frame.iloc[groups[key]]) for key in order]


def _label(method: str, lambda_: str, others: str) -> str:
    words = [method_title(method).replace(" ", "\n"), f"λ {lambda_}" if lambda_ else "", others]
    return "\n".join(filter(None, words))


def _legend(looks: dict[float, tuple[str, str]], dense: str | None, published: bool) -> list[Line2D]:
    def handle(label: str, **look: Any) -> Line2D:
        return Line2D([], [], linestyle="none", label=label, **look)

    handles = [
        handle(f"ε = {epsilon:g}", marker=marker, color=colour, markersize=4.2)
        for epsilon, (colour, marker) in looks.items()
    ]
    if dense:
        handles.append(handle(dense, marker="D", color=BLACK, markersize=4.2))
    handles.append(handle("one seed", marker=".", color=BLACK, alpha=0.55, markersize=4, markeredgewidth=0))
    handles.append(handle("mean ± std, measured here", marker="o", color=BLACK, markersize=4.2))
    if published:
        handles.append(handle("published", marker="o", color=BLACK, markerfacecolor="white", markersize=4.2))
    return handles
