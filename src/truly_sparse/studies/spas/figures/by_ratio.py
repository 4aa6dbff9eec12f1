"""What figures 5 and 6 share: accuracy by the sequential part R of the links, a line for each number of links."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from truly_sparse.analysis.style import series

Looks = Mapping[Any, tuple[str, str]]


def rows_of(
    runs: pd.DataFrame,
    keys: Sequence[str],
    kind: str,
    centre: str | Callable[[Any], float],
    columns: Sequence[str],
    order: Mapping[str, bool],
) -> pd.DataFrame:
    """Return runs (`kind` "run", a row for each seed) and what they have over seeds, a row for each of `keys`.

    Parameters
    ----------
    runs : DataFrame
        `keys`, `seed` and `value`, missing where a run has not finished.
    keys : sequence of str
    kind, centre : str, str or callable
        What rows over seeds are called, and the centre of the values that they have.
    columns : sequence of str
        Of the result, in order.
    order : mapping of str to bool
        Columns by which its rows are sorted, and whether they rise.
    """
    grouped = runs.groupby([*keys], sort=False)["value"]
    centres = grouped.agg(value=centre, std="std", seeds="count", asked="size").reset_index().assign(kind=kind)
    whole = pd.concat([runs.assign(kind="run"), centres], ignore_index=True)
    whole = whole[whole["value"].notna()].reindex(columns=[*columns])
    whole = whole.sort_values([*order], ascending=[*order.values()])
    return whole.astype({"seed": "Int64", "seeds": "Int64", "asked": "Int64"}).reset_index(drop=True)


def looks_of(values: pd.Series) -> Looks:
    """Return colour and marker of each of some numbers of links, the largest first."""
    return series(sorted(values.unique(), reverse=True))


def lines(axes: Axes, frame: pd.DataFrame, column: str, looks: Looks) -> None:
    """Draw a line for each value of a column."""
    for value, (colour, marker) in looks.items():
        part = frame[frame[column] == value].sort_values("ratio")
        axes.errorbar(
            part["ratio"], part["value"], part["std"].fillna(0.0), color=colour, marker=marker, markersize=3.4,
            linewidth=0.9, elinewidth=0.7, capsize=1.3,
        )  # fmt: skip
    axes.set_xlabel("sequential part R of the links")


def legend(figure: Figure, looks: Looks, title: str, words: Callable[[Any], str]) -> None:
    """Say what the lines are, beside the panels."""
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=3.4, linewidth=0.9, label=words(value))
        for value, (colour, marker) in looks.items()
    ]
    figure.legend(handles=handles, title=title, loc="outside right center")
