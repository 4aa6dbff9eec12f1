"""The rules by which claims about convolutional networks are judged, written before any run of theirs was looked at."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import ALPHA, Finding, Rule, partial, verdict, welch
from truly_sparse.studies.spas.runs import CNN, CONVOLUTIONAL, DENSE, DENSENET, EVOLVING, SPAS_CNN, spread_of
from truly_sparse.studies.spas.verdicts.cells import SPARSE, above, cell, p_text, spans

#: The models that SPaS-CNN is compared with.
OTHERS = (CNN, DENSENET)
#: Values of R that a verdict on them needs at least, both ends among them.
LEAST_RATIOS, ENDS = 4, (0.5, 1.0)
#: R hardly matters: its range in points at most, and the largest best R; it matters: at least, and the smallest.
HARDLY, MUCH = (3.0, 0.8), (15.0, 0.9)
#: A mode in a word.
_SHORT = {mode: "evolving" if mode == EVOLVING else mode for mode in SPARSE}


class Point(NamedTuple):
    """A cell of Table 4 by the operations of a prediction."""

    compression: float
    i_flops: float
    iqm: float


def _equal_cost(evidence: Evidence, dataset: str, compressions: Sequence[float], least: float, most: float) -> Finding:
    ours, printed = (_compared(evidence, dataset, compressions, name) for name in ("value", "published"))
    if {mode for mode, _ in ours} < set(SPARSE):
        raise Missing("a way of training has no point with two seeds within the operations of both other models")
    (part, text), (printed_part, printed_text) = _share(ours), _share(printed)
    each = [f"{_SHORT[mode]} c{at:g} {'above' if higher else 'not above'}" for (mode, at), higher in ours.items()]
    return Finding(text, printed_text, verdict(least <= part <= most), ", ".join(each), part, printed_part)


def _share(found: dict[tuple[str, float], bool]) -> tuple[float, str]:
    """Return which part of the points is above, and that in words."""
    higher, count = sum(found.values()), len(found)
    return higher / count if count else float("nan"), f"{higher} of {count} points"


def _compared(
    evidence: Evidence, dataset: str, compressions: Sequence[float], name: str
) -> dict[tuple[str, float], bool]:
    """Return whether SPaS-CNN is above both others at its operations, by mode and compression.

    `name` is "value" or "published". A point with fewer or more operations than another model has anywhere is left out.
    """
    found = {}
    for mode in SPARSE:
        curves = {model: _curve(evidence, dataset, model, mode, name) for model in (SPAS_CNN, *OTHERS)}
        for point in curves[SPAS_CNN]:
            levels = [interpolated(curves[model], point.i_flops) for model in OTHERS]
            if point.compression in compressions and not any(np.isnan(levels)):
                found[mode, point.compression] = point.iqm > max(levels)
    return found


def _curve(evidence: Evidence, dataset: str, model: str, mode: str, name: str) -> list[Point]:
    """Return the points of a model that trains one way, its dense one included, by rising operations."""
    rows = evidence.rows("table4", dataset=dataset, model=model)
    rows = rows[rows["mode"].isin([mode, DENSE]) & rows[name].notna()]
    if name == "value":
        rows = rows[rows["seeds"] > 1]
    wide = rows.pivot_table(name, "compression", "metric").reindex(columns=["i_flops", "iqm"]).dropna()
    return [Point(float(at), *map(float, numbers)) for at, *numbers in wide.sort_values("i_flops").itertuples()]


def interpolated(curve: Sequence[Point], i_flops: float) -> float:
    """Return the IQM of a curve at some operations, linear in their logarithm; NaN beyond its ends."""
    if not curve:
        return float("nan")
    x, y = (np.array([getattr(point, name) for point in curve]) for name in ("i_flops", "iqm"))
    return float(np.interp(np.log(i_flops), np.log(x), y, left=np.nan, right=np.nan))


EQUAL_COST = Rule(
    "equal cost",
    "IQM of SPaS-CNN less what CNN and DenseNet have at as many operations of a prediction, by interpolation between "
    "their own points, linear in the logarithm of the operations; for both ways of training, at the compressions that "
    "have two seeds or more. A point outside the operations of another model is left out, as the dense one is. Up to "
    "compression 5 (printed ratios of 0.37 and more): confirmed where all points are above both. Beyond (0.14 and "
    "less): confirmed where no more than half of them are.",
    _equal_cost,
)


def _rank(evidence: Evidence, mode: str, budget: int, model: str, rank: int, clear: bool) -> Finding:
    keys = {"mode": mode, "budget": budget}
    cells = {name: cell(evidence, "table7", {**keys, "model": name}, "mean") for name in CONVOLUTIONAL}
    own, others = cells[model], [row for name, row in cells.items() if name != model]
    ours, printed = (1 + sum(bool(row[name] > own[name]) for row in others) for name in ("value", "published"))
    if min(int(row["seeds"]) for row in cells.values()) < 2:
        raise Missing("a model has only one run, which says little of its mean; run more seeds")
    means = ", ".join(f"{CONVOLUTIONAL[name]} {row['value']:.1f}" for name, row in cells.items())
    holds, why = ours == rank, f"{means} %{partial(own)}"
    if clear:
        p = max(above(welch(spread_of(own), spread_of(row)), own["value"] - row["value"]) for row in others)
        holds, why = holds and p < ALPHA, f"{why}; {p_text(p)} against the nearest"
    return Finding(_place(ours), _place(printed), verdict(holds), why, ours, printed)


def _place(rank: int) -> str:
    return f"{('first', 'second', 'third')[rank - 1]} of three"


RANK = Rule(
    "rank",
    "Place of a model among CNN, DenseNet and SPaS-CNN by mean accuracy at one number of links (Table 7). Confirmed: "
    "it is the one the claim says; where SPaS-CNN is to be the first, Welch's test over seeds against each of the "
    f"others has one-sided p < {ALPHA} as well. Not tested: one seed.",
    _rank,
)


def _ratio(evidence: Evidence, budget: int, hardly: bool) -> Finding:
    rows = evidence.rows("figure5", dataset="cifar10", budget=budget, kind="iqm")
    rows = rows[rows["seeds"] > 1]
    values = dict(zip(rows["ratio"].astype(float), rows["value"].astype(float), strict=True))
    if len(values) < LEAST_RATIOS or not set(ENDS) <= values.keys():
        raise Missing(f"fewer than {LEAST_RATIOS} values of R, 0.5 and 1 among them, have two seeds")
    ours, best = spans(values.values()), max(values, key=lambda ratio: values[ratio])
    holds = ours <= HARDLY[0] and best <= HARDLY[1] if hardly else ours >= MUCH[0] and best >= MUCH[1]
    why = f"points over {len(values)} values of R; the best R is {best:g}"
    return Finding(f"{ours:.1f}", "hardly any" if hardly else "up to 30", verdict(holds), why, ours)


RATIO = Rule(
    "ratio, CNN",
    "Largest less smallest IQM of SPaS-CNN over R at one number of links, and the R of the largest (figure 5). "
    f"Confirmed: with many links no more than {HARDLY[0]:g} points, and the best R at most {HARDLY[1]:g}; with few at "
    f"least {MUCH[0]:g} points, and the best R at least {MUCH[1]:g}.",
    _ratio,
)
RULES = (EQUAL_COST, RANK, RATIO)
