"""What an ensemble costs by epsilon, published and here: weights, operations and time of training."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.looks import LOOKS
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.origin import parts_of
from truly_sparse.analysis.panels import letter, warn
from truly_sparse.analysis.style import BLACK, PAGE_WIDTH
from truly_sparse.studies.journal.tables.table1 import tidy as table1

COLUMNS = ("figure", "panel", "dataset", "method", "epsilon", "setting", "kind", "value", "partial")
#: Panel: metric of Table 1 and the title.
PANELS = {
    "a": ("weights_ratio", "weights, × dense"),
    "b": ("training_operations_ratio", "operations, × dense"),
    "c": ("train_time", "minutes of training"),
}
_LOOKS = {**LOOKS, "dense": (BLACK, "_")}
_HERE, _PUBLISHED = "here", "published"


def data(inputs: Inputs) -> pd.DataFrame:
    """Return what the figure shows as a tidy frame with the columns `COLUMNS`.

    `kind` is here or published; `partial` says "n of N rows" where a dataset was not there as a whole.
    """
    frame = table1(inputs.records, inputs.published("table1"), inputs.absent)
    frame = frame[frame["method"].isin(_LOOKS)]
    lines = []
    for panel, (metric, _) in PANELS.items():
        rows = frame[frame["metric"] == metric]
        for kind, column in ((_HERE, "value"), (_PUBLISHED, "published")):
            lines.append(rows.assign(panel=panel, kind=kind, value=rows[column].astype(float)).dropna(subset="value"))
    found = pd.concat(lines, ignore_index=True).assign(figure="cost")
    parts = parts_of(inputs.records)
    return found.assign(partial=[parts.get(name, "") for name in found["dataset"]]).reindex(columns=list(COLUMNS))


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw the three panels side by side; datasets beside each other, and in each a place per epsilon."""
    figure = Figure(figsize=(PAGE_WIDTH, 2.3))
    known = frame.dropna(subset="epsilon")
    keys = dict.fromkeys(zip(known["dataset"], known["epsilon"], strict=True))
    places = {key: place for place, key in enumerate(keys)}
    for axes, (panel, (_, title)) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        _panel(axes, frame[frame["panel"] == panel], places)
        letter(axes, panel, title)
    methods = [method for method in _LOOKS if method in set(frame["method"])]
    figure.legend(handles=_legend(methods, frame), loc="outside lower center", ncols=len(methods) + 2)
    warn(figure, preset)
    return figure


def _panel(axes: Axes, frame: pd.DataFrame, places: dict[tuple[str, float], int]) -> None:
    shift = 0.13
    for number, (method, (colour, marker)) in enumerate(_LOOKS.items()):
        for kind, face in ((_HERE, colour), (_PUBLISHED, "white")):
            own = frame[(frame["method"] == method) & (frame["kind"] == kind)]
            if method == "dense":
                _dense(axes, own, kind, places)
                continue
            x = [places[key] + shift * (number - 1.5) for key in zip(own["dataset"], own["epsilon"], strict=True)]
            look: dict[str, Any] = {"color": colour, "markerfacecolor": face, "markersize": 3.6, "markeredgewidth": 0.8}
            axes.plot(x, own["value"], marker, **look)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(list(places.values()), [f"{epsilon:g}" for _, epsilon in places])
    axes.set_xlim(-0.6, len(places) - 0.4)
    for dataset in dict.fromkeys(name for name, _ in places):
        at = [place for (name, _), place in places.items() if name == dataset]
        words = dataset_title(dataset).replace(" ", "\n") + _part(frame[frame["dataset"] == dataset])
        axes.annotate(f"ε\n{words}", (sum(at) / len(at), 0), xycoords=("data", "axes fraction"),
                      xytext=(0, -13), textcoords="offset points", ha="center", va="top")  # fmt: skip
        if at[0]:
            axes.axvline(at[0] - 0.5, color="#bbbbbb", linewidth=0.6)


def _part(own: pd.DataFrame) -> str:
    """Return how much there was of a dataset, in lines below its name; nothing where it was whole."""
    part = own["partial"].iloc[0]
    return ", only\n" + part.replace(" of ", " of\n") if part else ""


def _dense(axes: Axes, own: pd.DataFrame, kind: str, places: dict[tuple[str, float], int]) -> None:
    """Draw the dense network, which has no epsilon, as a line over the places of its dataset."""
    for dataset, value in zip(own["dataset"], own["value"], strict=True):
        at = [place for (name, _), place in places.items() if name == dataset]
        axes.plot([at[0] - 0.4, at[-1] + 0.4], [value] * 2, "-" if kind == _HERE else ":", color=BLACK, linewidth=1)


def _legend(methods: list[str], frame: pd.DataFrame) -> list[Line2D]:
    handles = []
    for method in methods:
        colour, marker = _LOOKS[method]
        look: dict[str, Any] = {"color": colour, "linestyle": "none", "marker": marker}
        if method == "dense":
            look |= {"linestyle": "-", "marker": ""}
        handles.append(Line2D([], [], label=method_title(method), markersize=3.8, linewidth=1, **look))
    if _PUBLISHED in set(frame["kind"]):
        look = {"color": BLACK, "linestyle": ":", "marker": "o", "markerfacecolor": "white"}
        handles.append(Line2D([], [], label="published (open, dotted)", markersize=3.8, linewidth=1, **look))
    return handles
