"""The rules by which claims about convolutional networks are judged, written before any run of theirs was looked at."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import ALPHA, NOT_TESTED, Finding, Rule, partial, verdict, weighed, welch
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.statistics.stratified import FEWEST
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
    """A cell of Table 4 by the operations of a prediction; `runs` are its accuracies as a test over seeds has them."""

    compression: float
    i_flops: float
    iqm: float
    runs: pd.Series


def _equal_cost(evidence: Evidence, dataset: str, compressions: Sequence[float], least: float, most: float) -> Finding:
    ours, printed = (_compared(evidence, dataset, compressions, name) for name in ("value", "published"))
    if {mode for mode, _ in ours} < set(SPARSE):
        raise Missing("a way of training has no point with two seeds within the operations of both other models")
    (part, text), (printed_part, printed_text) = _share(ours), _share(printed)
    each = ", ".join(
        f"{_SHORT[mode]} c{at:g} {'above' if min(found.gaps) > 0 else 'not above'}"
        for (mode, at), found in ours.items()
    )
    try:
        clear = [found.clear() for found in ours.values()]
    except Missing as missing:
        return Finding(text, printed_text, NOT_TESTED, f"{each}; {missing}", part, printed_part)
    above_, below = clear.count(1), clear.count(-1)
    holds = above_ >= least * len(clear) and below >= (1 - most) * len(clear)
    why = f"{each}; clearly above {above_}, clearly not {below}"
    return Finding(text, printed_text, verdict(holds), why, part, printed_part)


class Beside(NamedTuple):
    """A point of SPaS-CNN beside each of the others: gaps in points of IQM, and the weighed means that are tested."""

    gaps: list[float]
    terms: list[list[tuple[float, pd.Series]]]

    def clear(self) -> int:
        """Return 1 for a point that is clearly above both others, -1 for one clearly below one of them, else 0.

        Raises
        ------
        Missing
            Where a test has too few seeds.
        """
        p = [above(weighed(terms), math.fsum(weight * row["value"] for weight, row in terms)) for terms in self.terms]
        return 1 if max(p) < ALPHA else -1 if max(p) > 1 - ALPHA else 0


def _share(found: dict[tuple[str, float], Beside]) -> tuple[float, str]:
    """Return which part of the points is above, and that in words."""
    higher, count = sum(min(beside.gaps) > 0 for beside in found.values()), len(found)
    return higher / count if count else float("nan"), f"{higher} of {count} points"


def _compared(
    evidence: Evidence, dataset: str, compressions: Sequence[float], name: str
) -> dict[tuple[str, float], Beside]:
    """Return SPaS-CNN beside both others at its operations, by mode and compression.

    `name` is "value" or "published". A point with fewer or more operations than another model has anywhere is left out.
    """
    found = {}
    for mode in SPARSE:
        curves = {model: _curve(evidence, dataset, model, mode, name) for model in (SPAS_CNN, *OTHERS)}
        for point in curves[SPAS_CNN]:
            levels = [between(curves[model], point.i_flops) for model in OTHERS]
            if point.compression in compressions and all(levels):
                gaps = [less(point.iqm, math.fsum(weight * other.iqm for weight, other in level)) for level in levels]
                terms = [[(1.0, point.runs), *((-weight, other.runs) for weight, other in level)] for level in levels]
                found[mode, point.compression] = Beside(gaps, terms)
    return found


def _curve(evidence: Evidence, dataset: str, model: str, mode: str, name: str) -> list[Point]:
    """Return the points of a model that trains one way, its dense one included, by rising operations."""
    rows = evidence.rows("table4", dataset=dataset, model=model)
    rows = rows[rows["mode"].isin([mode, DENSE]) & rows[name].notna()]
    if name == "value":
        rows = rows[rows["seeds"] > 1]
    wide = rows.pivot_table(name, "compression", "metric").reindex(columns=["i_flops", "iqm"]).dropna()
    runs = {row["compression"]: spread_of(row) for _, row in rows[rows["metric"] == "iqm"].iterrows()}
    return [
        Point(float(at), float(i_flops), float(iqm), runs[at])
        for at, i_flops, iqm in wide.sort_values("i_flops").itertuples()
    ]


def between(curve: Sequence[Point], i_flops: float) -> list[tuple[float, Point]]:
    """Return the points beside some operations with their weights, linear in the logarithm; none beyond the ends."""
    for one, other in zip(curve, curve[1:], strict=False):
        if one.i_flops <= i_flops <= other.i_flops:
            share = math.log(i_flops / one.i_flops) / math.log(other.i_flops / one.i_flops)
            return [(1 - share, one), (share, other)]
    return []


EQUAL_COST = Rule(
    "equal cost",
    "IQM of SPaS-CNN less what CNN and DenseNet have at as many operations of a prediction, by interpolation "
    "between their own points, linear in the logarithm of the operations; for both ways of training, at the "
    "compressions that have two seeds or more. A point outside the operations of another model is left out, as "
    "the dense one is. A point is clearly above both, or clearly below one, where Welch's test of the mean and "
    f"the interpolated one has one-sided p < {ALPHA}. Up to compression 5 (printed ratios of 0.37 and more): "
    "confirmed where all points are clearly above both. Beyond (0.14 and less): confirmed where at least half of "
    f"them are clearly below one. Not tested: fewer than {FEWEST} degrees of freedom.",
    _equal_cost,
)


def _rank(evidence: Evidence, mode: str, budget: int, model: str, rank: int) -> Finding:
    keys = {"mode": mode, "budget": budget}
    cells = {name: cell(evidence, "table7", {**keys, "model": name}, "mean") for name in CONVOLUTIONAL}
    own, others = cells[model], [row for name, row in cells.items() if name != model]
    ours, printed = (1 + sum(bool(row[name] > own[name]) for row in others) for name in ("value", "published"))
    if min(int(row["seeds"]) for row in cells.values()) < 2:
        raise Missing("a model has only one run, which says little of its mean; run more seeds")
    means = ", ".join(f"{CONVOLUTIONAL[name]} {row['value']:.1f}" for name, row in cells.items())
    why, sign = f"{means} %{partial(own)}", 1 if rank == 1 else -1
    try:
        p = max(above(welch(spread_of(own), spread_of(row)), sign * less(own["value"], row["value"])) for row in others)
    except Missing as missing:
        return Finding(_place(ours), _place(printed), NOT_TESTED, f"{why}; {missing}", ours, printed)
    why = f"{why}; {p_text(p)} against the nearest"
    return Finding(_place(ours), _place(printed), verdict(ours == rank and p < ALPHA), why, ours, printed)


def _place(rank: int) -> str:
    return f"{('first', 'second', 'third')[rank - 1]} of three"


RANK = Rule(
    "rank",
    "Place of a model among CNN, DenseNet and SPaS-CNN by mean accuracy at one number of links (Table 7). Confirmed: "
    "it is the one the claim says, and Welch's test over seeds against each of the others has one-sided p < "
    f"{ALPHA}. Not tested: one seed, or fewer than {FEWEST} degrees of freedom.",
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
