"""The critical-difference diagram of Demšar (2006): average ranks on a line, bars over what does not differ."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.style import BLACK, BLUE, PAGE_WIDTH

# Heights in steps of one label.
_STEP, _RULER, _FIRST_BAR, _BAR = 0.17, 1.6, 0.55, 0.45
# Width of a label, and how far the outermost marks stay from it, in parts of the line.
_LABEL, _MARGIN = 0.34, 0.04
_LINE: dict[str, Any] = {"color": BLACK, "linewidth": 0.8, "solid_capstyle": "butt", "clip_on": False}


def draw(average_ranks: pd.Series, critical_difference: float) -> Figure:
    """Draw average ranks, best at the left, with bars over methods that the post-hoc test does not tell apart.

    Parameters
    ----------
    average_ranks : Series
        By method, 1 for the best; as `statistics.ranks.friedman` returns them.
    critical_difference : float
        Ranks further apart differ; drawn as a ruler above the line.
    """
    ordered = average_ranks.sort_values(kind="stable").astype(float)
    bars = groups(ordered, critical_difference)
    left = (len(ordered) + 1) // 2
    depth = _FIRST_BAR + _BAR * len(bars) + left + 0.4
    figure = Figure(figsize=(PAGE_WIDTH, _STEP * (depth + _RULER + 3.0)))
    axes = figure.add_subplot()
    axes.axis("off")
    axes.set_ylim(-depth, _RULER + 0.8)
    low, high = 1.0, float(len(ordered))
    span = high - low
    axes.set_xlim(low - _LABEL * span, high + _LABEL * span)
    _scale(axes, int(high), critical_difference)
    for row, bar in enumerate(bars):
        start, stop, pad, y = ordered[bar[0]], ordered[bar[-1]], 0.012 * span, -(_FIRST_BAR + _BAR * row)
        axes.plot([start - pad, stop + pad], [y, y], **{**_LINE, "linewidth": 3, "color": BLUE}, gid=f"bar{row}")
    for place, (method, rank) in enumerate(ordered.items()):
        first_half = place < left
        y = -(_FIRST_BAR + _BAR * len(bars) + 0.6 + (place if first_half else len(ordered) - 1 - place))
        edge = low - _MARGIN * span if first_half else high + _MARGIN * span
        axes.plot([rank, rank, edge], [0, y, y], **_LINE)
        text = f"{method_title(str(method))}  {rank:.2f}" if first_half else f"{rank:.2f}  {method_title(str(method))}"
        axes.text(edge, y, f" {text} ", ha="right" if first_half else "left", va="center")
    return figure


def groups(average_ranks: pd.Series, critical_difference: float) -> list[tuple[str, ...]]:
    """Return the largest runs of methods, neighbours in rank, that do not differ significantly, best first."""
    ordered = average_ranks.sort_values(kind="stable")
    names, ranks = list(ordered.index), ordered.to_numpy()
    found: list[tuple[str, ...]] = []
    reached = 0
    for start in range(len(names)):
        stop = int(np.searchsorted(ranks, ranks[start] + critical_difference, side="right"))
        if stop > max(reached, start + 1):
            found.append(tuple(names[start:stop]))
            reached = stop
    return found


def _scale(axes: Axes, methods: int, critical_difference: float) -> None:
    """Draw the line of ranks with its ticks and, above it, the ruler of the critical difference."""
    axes.plot([1, methods], [0, 0], **_LINE)
    for rank in range(1, methods + 1):
        axes.plot([rank, rank], [0, 0.25], **_LINE)
        axes.text(rank, 0.35, str(rank), ha="center", va="bottom")
    # More than the line is long tells the reader no more than the line does.
    end = min(1 + critical_difference, float(methods))
    axes.plot([1, end], [_RULER, _RULER], **_LINE)
    for x in (1.0, end):
        axes.plot([x, x], [_RULER - 0.15, _RULER + 0.15], **_LINE)
    axes.text((1 + end) / 2, _RULER + 0.2, f"critical difference {critical_difference:.2f}", ha="center", va="bottom")
