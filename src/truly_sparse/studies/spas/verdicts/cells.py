"""Cells of the tables as rules read them, and how clearly two of them are apart."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing, rows_with
from truly_sparse.analysis.judging import ALPHA, NOT_TESTED, Finding, partial, verdict, welch
from truly_sparse.analysis.rounding import less
from truly_sparse.studies.spas.runs import DENSE, EVOLVING, MODELS, MODES, STATIC, spread_of

#: What picks a cell of a table, such as {"model": "mlp", "mode": "static", "compression": 5}.
Keys = Mapping[str, Any]
#: Compressions of sparse networks in Table 3 and figure 4.
COMPRESSIONS = (2, 5, 12.5, 25, 75)
SPARSE = (STATIC, EVOLVING)


def cell(evidence: Evidence, table: str, keys: Keys, metric: str = "iqm") -> pd.Series:
    """Return one cell that has finished runs.

    Raises
    ------
    Missing
        Without.
    """
    rows = rows_with(evidence.rows(table, metric=metric), keys)
    rows = rows[rows["value"].notna()]
    if rows.empty:
        raise Missing(f"no finished run of {_words(keys)} in {table}")
    return rows.iloc[0]


def best(evidence: Evidence, dataset: str, model: str) -> pd.Series:
    """Return the cell of Table 3 in which a sparse model is the most accurate; Missing where one is."""
    found = [
        cell(evidence, "table3", {"dataset": dataset, "model": model, "mode": mode, "compression": compression})
        for mode in SPARSE
        for compression in COMPRESSIONS
    ]
    return max(found, key=lambda row: float(row["value"]))


def above(p: float, difference: float) -> float:
    """Return the one-sided p of a difference above zero, given its two-sided one."""
    return p / 2 if difference > 0 else 1 - p / 2


def compared(one: pd.Series, other: pd.Series, sign: int, least: float, most: float = math.inf) -> Finding:
    """Judge the difference of two cells: `sign` times it is from `least` to `most`, and clear by Welch's test."""
    ours, printed = (less(one[name], other[name]) for name in ("value", "published"))
    try:
        p = above(welch(spread_of(one), spread_of(other)), sign * less(one["mean"], other["mean"]))
    except Missing as missing:
        return untested(ours, printed, str(missing))
    why = f"{p_text(p)} over {one['seeds']} and {other['seeds']} seeds{partial(one)}"
    holds = least <= sign * ours <= most and p < ALPHA
    return Finding(points(ours), points(printed), verdict(holds), why, ours, printed)


def untested(ours: float, printed: float, why: str) -> Finding:
    """Return what is shown of a difference that cannot be told from noise."""
    return Finding(points(ours), points(printed), NOT_TESTED, why, ours, printed)


def p_text(p: float) -> str:
    """Return "one-sided p = 0.023"."""
    return f"one-sided p = {formats.p_value(p)}"


def points(value: float) -> str:
    """Return a difference of accuracies as it is shown."""
    return formats.difference(value, 2)


def spans(values: Iterable[float]) -> float:
    """Return largest less smallest."""
    found = list(values)
    return less(max(found), min(found)) if found else math.nan


def _words(keys: Keys) -> str:
    titles: dict[str, Any] = {
        "model": lambda value: MODELS.get(value, value),
        "mode": lambda value: MODES[value].lower() if value != EVOLVING else MODES[value],
        "compression": lambda value: f"compression {value:g}",
        "budget": lambda value: f"{value:,} links",
    }
    shown = {name: value for name, value in keys.items() if not (name == "compression" and keys.get("mode") == DENSE)}
    return ", ".join(titles.get(name, str)(value) for name, value in shown.items())
