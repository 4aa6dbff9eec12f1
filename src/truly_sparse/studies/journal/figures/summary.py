"""What was found, on one look: verdicts by topic, and what regrowth and refinement are worth in points."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.judging import CONFIRMED, EXPLAINED, NOT_CONFIRMED, NOT_TESTED, VERDICTS
from truly_sparse.analysis.panels import letter, warn
from truly_sparse.analysis.style import BLACK, BLUE, ORANGE, PAGE_WIDTH, SKY
from truly_sparse.studies.journal.tables.ablation_points import POOLED, level_title

COLUMNS = ("figure", "panel", "topic", "verdict", "contrast", "value", "low", "high", "note")
_LOOKS = {CONFIRMED: (BLUE, "white"), EXPLAINED: (SKY, BLACK), NOT_CONFIRMED: (ORANGE, BLACK),
          NOT_TESTED: ("#dddddd", BLACK)}  # fmt: skip
_ORDER = (CONFIRMED, EXPLAINED, NOT_CONFIRMED, NOT_TESTED)
_ROW = 0.19


def data(inputs: Inputs) -> pd.DataFrame:
    """Return what the figure shows as a tidy frame with the columns `COLUMNS`.

    Panel a: `value` claims of a topic got a verdict (Table V1). Panel b: pooled contrasts of regrowth and of refinement
    in points with their 95 % interval (Table H2); none where datasets are not pooled.
    """
    judged = inputs.table("verdicts")
    counts = judged.groupby(["topic", "verdict"], sort=False).size().rename("value").reset_index()
    counts["verdict"] = pd.Categorical(counts["verdict"], VERDICTS)
    frames = [counts.astype({"verdict": str}).assign(panel="a")]
    if "ablations" in inputs.tables:
        ablations = inputs.table("ablations")
        pooled = ablations[(ablations["dataset"] == POOLED) & (ablations["setting"] == "refinement")]
        frames.append(pooled[~pooled["effect"].str.contains(":")].assign(panel="b"))
    return pd.concat(frames, ignore_index=True).assign(figure="summary").reindex(columns=list(COLUMNS))


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw bars of claims, a row per topic, and beside them the contrasts where there are any."""
    counts, contrasts = (frame[frame["panel"] == panel] for panel in ("a", "b"))
    topics = list(dict.fromkeys(counts["topic"]))
    figure = Figure(figsize=(PAGE_WIDTH, 0.7 + _ROW * max(len(topics), len(contrasts))))
    if contrasts.empty:
        left = figure.subplots()
    else:
        left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
        _points(right, contrasts)
    _claims(left, counts, topics)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=len(labels), handlelength=1, handletextpad=0.5)
    warn(figure, preset)
    return figure


def _claims(axes: Axes, counts: pd.DataFrame, topics: list[str]) -> None:
    wide = counts.pivot_table("value", "topic", "verdict").reindex(index=topics, columns=list(_ORDER)).fillna(0)
    start = pd.Series(0.0, index=topics)
    for verdict, (colour, ink) in _LOOKS.items():
        number = wide[verdict]
        if not number.any():
            continue
        axes.barh(range(len(topics)), number, left=start, color=colour, height=0.72, label=verdict)
        for place, (at, count) in enumerate(zip(start + number / 2, number, strict=True)):
            if count:
                axes.text(at, place, f"{count:.0f}", color=ink, ha="center", va="center", fontsize=6.5)
        start = start + number
    axes.set_yticks(range(len(topics)), [_wrapped(topic) for topic in topics], fontsize=6.3, linespacing=0.85)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
    axes.set_xlabel("claims of the journal")
    letter(axes, "a", "reproduced?")


def _wrapped(topic: str) -> str:
    """Return a topic in at most two lines."""
    words = topic.split()
    if len(topic) <= 26:
        return topic
    half = min(range(1, len(words)), key=lambda cut: abs(len(" ".join(words[:cut])) - len(topic) / 2))
    return " ".join(words[:half]) + "\n" + " ".join(words[half:])


def _points(axes: Axes, contrasts: pd.DataFrame) -> None:
    names = []
    for place, row in enumerate(contrasts.to_dict("records")):
        ends = [[row["value"] - row["low"]], [row["high"] - row["value"]]]
        clear = row["low"] > 0 or row["high"] < 0
        look: dict[str, Any] = {"color": BLUE, "markerfacecolor": BLUE if clear else "white"}
        axes.errorbar([row["value"]], [place], xerr=ends, fmt="o", markersize=4, elinewidth=0.9, capsize=2, **look)
        one, other = (level_title(name) for name in row["contrast"].split(" - "))
        names.append(f"{one} less {other}")
    axes.axvline(0, color=BLACK, linewidth=0.7)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"points, {contrasts['note'].iloc[0]}")
    letter(axes, "b", "both sides trained alike")
