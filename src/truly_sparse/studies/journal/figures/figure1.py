"""Journal figure 1: how FD-TSE trains its members, drawn anew from a small example that follows its rules."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.style import BLACK, BLUE, GREEN, PAGE_WIDTH, VERMILION

COLUMNS = ("figure", "panel", "source", "target", "magnitude", "state")
#: Neurons of both layers, links, links exchanged in refinement, links pruned between members.
NEURONS, LINKS, FEW, MANY = 6, 11, 2, 8
_SEED = 5
_GREY = "#8a8a8a"
#: Lower left corner of each panel, and its words.
_PLACES = {
    "a": (0.15, 3.05, "exploration"),
    "b": (2.15, 3.05, "subnetwork $S_i$"),
    "c": (4.15, 3.05, "refinement"),
    "d": (6.15, 3.05, "final state of $S_i$"),
    "e": (6.15, 0.35, "pruned: fraction $q$"),
    "": (3.15, 0.35, "regrown: $S_{i+1}$"),
}
_WIDTH, _HEIGHT = 1.15, 1.45


def data(inputs: Inputs) -> pd.DataFrame:
    """Return the links drawn in each panel of the example, with the columns `COLUMNS`; no measurement.

    `state` is kept, removed, grown or blocked: a place that a stored member's final state takes.
    """
    del inputs
    rng = np.random.default_rng(_SEED)
    places = rng.permutation(NEURONS**2)
    stored, links = set(places[:3].tolist()), places[3 : 3 + LINKS].tolist()
    strength = dict(zip(links, np.linspace(0.35, 1.0, LINKS), strict=True))
    # A link that refinement strengthens or weakens keeps its place in the order here: weakest first.
    explored = _step(strength, FEW, set(), rng)
    refined = _step(explored[1], FEW, stored, rng)
    final = refined[1]
    escaped = _step(final, MANY, stored | set(final), rng)
    pruned = {place: final[place] for place in final if place in escaped[1]}
    rows = [
        *_rows("a", explored[0]),
        *_rows("b", _all(explored[1], "kept")),
        *_rows("c", refined[0] | _all(dict.fromkeys(stored - set(refined[1]), 0.3), "blocked")),
        *_rows("d", _all(final, "kept")),
        *_rows("e", _all(pruned, "kept")),
        *_rows("", _only(escaped[0]) | _all(dict.fromkeys((set(final) | stored) - set(escaped[1]), 0.3), "blocked")),
    ]
    return pd.DataFrame([["figure1", *row] for row in rows], columns=list(COLUMNS))


_Links = dict[int, tuple[float, str]]


def _step(
    strength: dict[int, float], count: int, blocked: set[int], rng: np.random.Generator
) -> tuple[_Links, dict[int, float]]:
    """Remove the `count` weakest links and grow as many at free places that are not blocked."""
    weakest = sorted(strength, key=strength.__getitem__)[:count]
    free = sorted(set(range(NEURONS**2)) - set(strength) - blocked)
    grown = dict(zip(rng.permutation(free)[:count].tolist(), np.linspace(0.5, 0.8, count), strict=True))
    kept = {place: value for place, value in strength.items() if place not in weakest}
    drawn = _all(kept, "kept") | _all({place: strength[place] for place in weakest}, "removed") | _all(grown, "grown")
    return drawn, kept | grown


def _all(strength: dict[int, float], state: str) -> _Links:
    return {place: (value, state) for place, value in strength.items()}


def _only(links: _Links) -> _Links:
    return {place: link for place, link in links.items() if link[1] != "removed"}


def _rows(panel: str, links: _Links) -> Iterable[tuple[str, int, int, float, str]]:
    for place, (value, state) in sorted(links.items()):
        yield panel, *divmod(place, NEURONS), float(value), state


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw the cycle; the same for every preset."""
    del preset
    figure = Figure(figsize=(PAGE_WIDTH, 3.35))
    axes = figure.subplots()
    axes.set(xlim=(0, 10.2), ylim=(0, 5.1))
    axes.set_axis_off()
    for panel, (x, y, words) in _PLACES.items():
        _network(axes, frame[frame["panel"] == panel], x, y)
        _words(axes, x + _WIDTH / 2, y + _HEIGHT + 0.17, panel, words)
    _store(axes, frame)
    _ensemble(axes)
    _arrows(axes)
    _key(axes)
    return figure


def _words(axes: Axes, x: float, y: float, name: str, words: str) -> None:
    axes.text(x, y, (rf"$\bf{{{name}}}$  " if name else "") + words, ha="center", va="bottom", fontsize=7.5)


def _network(axes: Axes, links: pd.DataFrame, x: float, y: float) -> None:
    """Draw two layers as columns of neurons, and the links between them."""
    looks = {
        "kept": (BLACK, "-", 0.9),
        "grown": (GREEN, "-", 1.0),
        "removed": (VERMILION, (0, (2, 1.5)), 0.9),
        "blocked": (_GREY, (0, (1, 1)), 0.9),
    }
    at = [y + _HEIGHT * (1 - (place + 0.5) / NEURONS) for place in range(NEURONS)]
    ends = (x + 0.12, x + (_WIDTH - 0.12))
    rows: Any = links.sort_values("state", kind="stable").itertuples()
    for link in rows:
        colour, line, strength = looks[str(link.state)]
        width = 0.7 if link.state in ("removed", "blocked") else 2.2 * float(link.magnitude) * strength
        axes.plot(ends, (at[link.source], at[link.target]), color=colour, linestyle=line, linewidth=width)
    for end in ends:
        axes.plot([end] * NEURONS, at, "o", color="white", markeredgecolor=BLUE, markersize=4.2, zorder=3)


def _store(axes: Axes, frame: pd.DataFrame) -> None:
    """Draw the stored members as a pile of cards, the last one on top."""
    _words(axes, 9.2, 4.67, "f", "stored")
    for number in (2, 1, 0):
        x, y = 8.5 + 0.14 * number, 3.1 + 0.12 * number
        card = FancyBboxPatch(
            (x, y), 1.2, 1.2, boxstyle="round,pad=0.02", facecolor="white", edgecolor=_GREY, linewidth=0.7
        )
        axes.add_patch(card)
        card.set_zorder(4)
    inner = axes.inset_axes((8.52, 3.12, 1.16, 1.16), transform=axes.transData, zorder=5)
    inner.set(xlim=(0, _WIDTH), ylim=(0, _HEIGHT))
    inner.set_axis_off()
    _network(inner, frame[frame["panel"] == "d"], 0, 0)


def _ensemble(axes: Axes) -> None:
    box = FancyBboxPatch(
        (8.4, 0.62), 1.5, 0.9, boxstyle="round,pad=0.04", facecolor="#eef4fa", edgecolor=BLUE, linewidth=0.8
    )
    axes.add_patch(box)
    axes.text(9.15, 1.07, "mean of the\n$M$ members'\noutputs", ha="center", va="center", fontsize=7)
    _words(axes, 9.15, 1.97 - 0.15, "g", "ensemble")


def _arrows(axes: Axes) -> None:
    middle = 3.05 + _HEIGHT / 2
    low = 0.35 + _HEIGHT / 2
    steps = [
        ((1.4, middle), (2.05, middle), ""),
        ((3.4, middle), (4.05, middle), ""),
        ((5.4, middle), (6.05, middle), ""),
        ((7.4, middle), (8.35, middle), "store"),
        ((6.72, 2.97), (6.72, 2.12), "prune"),
        ((6.05, low), (4.4, low), "regrow away from\nall stored members"),
        ((3.05, low), (2.72, 2.97), "next member,\n$M-1$ times"),
        ((9.15, 3.02), (9.15, 2.15), "after $M$ members"),
    ]
    for start, end, words in steps:
        curve = "angle,angleA=180,angleB=-90,rad=6" if words.startswith("next") else "arc3"
        axes.add_patch(
            FancyArrowPatch(
                start, end, arrowstyle="-|>", mutation_scale=8, linewidth=0.9, color=_GREY, connectionstyle=curve
            )
        )
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        if words == "store":
            axes.text(x, y + 0.08, words, ha="center", va="bottom", fontsize=6.8)
        elif words.startswith("regrow"):
            axes.text(x, y + 0.1, words, ha="center", va="bottom", fontsize=6.8)
        elif words.startswith("next"):
            axes.text(2.6, 1.75, words, ha="right", va="center", fontsize=6.8)
        elif words:
            axes.text(x - 0.1, y, words, ha="right", va="center", fontsize=6.8)


def _key(axes: Axes) -> None:
    """Explain the lines, under the exploration."""
    lines = (
        ("link, thicker: larger weight", BLACK, "-", 1.6),
        ("newly grown", GREEN, "-", 1.6),
        ("removed", VERMILION, (0, (2, 1.5)), 0.8),
        ("place of a stored member", _GREY, (0, (1, 1)), 0.8),
    )
    for number, (words, colour, line, width) in enumerate(lines):
        y = 1.05 - 0.28 * number
        axes.plot([0.1, 0.45], [y, y], color=colour, linestyle=line, linewidth=width)
        axes.text(0.55, y, words, va="center", fontsize=6.5)
