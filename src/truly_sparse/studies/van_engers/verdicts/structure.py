"""Rules about the links per pixel: do they follow the pictures, and until where?"""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import NOT_CONFIRMED, Finding, Rule, verdict
from truly_sparse.analysis.rounding import less
from truly_sparse.studies.van_engers import contour, structure
from truly_sparse.studies.van_engers.runs import DATASET
from truly_sparse.studies.van_engers.structure import CEASED, PLAIN
from truly_sparse.studies.van_engers.verdicts.reading import STRUCTURE, printed, sweep

#: Fractions at which the paper sees the pictures.
SEEN = (0.2, 0.4, 0.6)
#: How far apart the ends of structure and of accuracy may lie.
NEAR = 0.02


def _correlations(evidence: Evidence, kind: str) -> pd.Series:
    rows = evidence.rows(STRUCTURE, dataset=DATASET, metric="rank_correlation", kind=kind)
    found: pd.Series = rows.set_index("zeta")["value"].astype(float).dropna()
    return found


def _structure(evidence: Evidence, kind: str) -> Finding:
    found, gone = _correlations(evidence, kind), printed(evidence)["contour"]
    for zeta in (*SEEN, gone):
        if zeta not in found.index:
            raise Missing(f"no measured network with ζ = {zeta:g}, or all of its pixels are alike")
    least, last = float(found[list(SEEN)].min()), float(found[gone])
    words = f"{least:.2f}, then {last:.2f}"
    return Finding(words, "seen, then not", verdict(least > PLAIN and last < CEASED), "", last)


STRUCTURE_RULE = Rule(
    "structure",
    "Rank correlation over pixels with their mean intensity (Table P1): the smallest at ζ = 0.2, 0.4 and 0.6, then "
    f"that at the printed contour, 0.96. Confirmed: above {PLAIN}, then below {CEASED}.",
    _structure,
)


def _together(evidence: Evidence, kind: str, metric: str) -> Finding:
    said = printed(evidence)["contour"]
    end = structure.crossing(_correlations(evidence, kind))
    loss = contour.contour(sweep(evidence, metric), metric)
    if end is None or loss is None:
        why = "the correlation never ceases" if end is None else "the accuracy never falls"
        return Finding("nowhere", f"both at ζ = {said:g}", NOT_CONFIRMED, why)
    apart = less(end, loss)
    words = f"ζ = {end:.3f} and {loss:g}"
    return Finding(words, f"both at ζ = {said:g}", verdict(abs(apart) <= NEAR), formats.difference(apart, 3), apart)


TOGETHER = Rule(
    "cessation",
    f"Where the rank correlation of the rule structure falls below {CEASED} for good, on straight lines between "
    f"measured fractions, and where the accuracy falls (rule contour). Confirmed: at most {NEAR} apart.",
    _together,
)
RULES: tuple[Rule, ...] = (STRUCTURE_RULE, TOGETHER)
