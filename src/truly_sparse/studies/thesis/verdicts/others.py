"""Rules on distances, on members, depth and width, and on the topology of converged members."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import ALPHA, NOT_TESTED, Finding, Rule, verdict, welch
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.rounding import less, significant
from truly_sparse.analysis.statistics.stratified import FEWEST
from truly_sparse.analysis.tse import BASELINE
from truly_sparse.studies.thesis.member_topology import ALL, FIRST
from truly_sparse.studies.thesis.verdicts.reading import ONE_SEED

#: Draws that are said to suffice, how often they are repeated, and in how many repetitions they are to look normal.
DRAWS, REPETITIONS, NORMAL = 100, 10, 8
#: Mean correlation of the methods' curves from which on they act alike.
ALIKE = 0.8
#: NNSTD within which two methods' members are as far apart.
SAME_DISTANCE = 0.005
FIGURES = {"cifar10": "thesis_figure9", "gesture": "thesis_figure10", "higgs": "thesis_figure11"}


def _gaussian(evidence: Evidence, dataset: str) -> Finding:
    rows = evidence.rows("thesis_figure5", dataset=dataset, distance="row_wise", kind="distance")
    rows = rows[rows["draws"] == DRAWS * REPETITIONS].sort_values("draw")
    if len(rows) < DRAWS * REPETITIONS:
        raise Missing(f"fewer than {DRAWS * REPETITIONS} draws in one go")
    several = rows["value"].to_numpy(float).reshape(REPETITIONS, DRAWS)
    p = [significant(float(stats.shapiro(values).pvalue), 6) for values in several]
    normal = sum(value > ALPHA for value in p)
    words = f"{normal} of {REPETITIONS}"
    return Finding(words, "normal", verdict(normal >= NORMAL), f"least p = {formats.p_value(min(p))}", normal)


GAUSSIAN = Rule(
    "normal from 100 draws",
    f"Shapiro–Wilk's test on {DRAWS} distances of random regrowths, row by row, {REPETITIONS} times: consecutive "
    f"hundreds of a thousand draws. Confirmed: p > {ALPHA} in at least {NORMAL} of them. The thesis prints histograms.",
    _gaussian,
)


def _curve(evidence: Evidence, panel: str, method: str) -> "pd.Series[float]":
    rows = evidence.rows("thesis_figure8", panel=panel, kind="mean", method=method)
    curve = rows.set_index("x")["value"].astype(float).sort_index()
    if len(curve) < 3:
        raise Missing(f"fewer than three points of {method_title(method)}")
    return curve


def _members(evidence: Evidence, method: str, falls: bool) -> Finding:
    curve = _curve(evidence, "a", method)
    found = significant(float(stats.spearmanr(curve.index, curve).statistic))
    why = ", ".join(f"{members}: {value:.1f}" for members, value in curve.items())
    words = f"ρ = {formats.difference(found, 2)}", "falls" if falls else "rises"
    return Finding(*words, verdict(found < 0 if falls else found > 0), why, found)


MEMBERS = Rule(
    "more members",
    "Spearman's correlation of mean accuracy with the number of members, all epochs together being the same. "
    "Confirmed: the claimed sign. How clear it is does not enter; the thesis prints lines.",
    _members,
)


def _act_alike(evidence: Evidence, panel: str, methods: tuple[str, ...]) -> Finding:
    curves = [_curve(evidence, panel, method) for method in methods]
    pairs = [pd.concat(both, axis=1, join="inner").to_numpy(float) for both in combinations(curves, 2)]
    if min(map(len, pairs)) < 3:
        raise Missing("two methods have fewer than three points in common")
    correlations = [float(np.corrcoef(both.T)[0, 1]) for both in pairs]
    found = significant(float(np.mean(correlations)))
    why = f"{len(pairs)} pairs, {min(correlations):.2f} to {max(correlations):.2f}"
    return Finding(f"r = {found:.2f}", "alike", verdict(found >= ALIKE), why, found)


ACT_ALIKE = Rule(
    "act alike",
    "Mean over pairs of methods of Pearson's correlation of their curves of mean accuracy. Confirmed: at least "
    f"{ALIKE}. The thesis prints lines.",
    _act_alike,
)


def _apart(evidence: Evidence, dataset: str, method: str, closer: bool) -> Finding:
    def cell(name: str, block: str = FIRST) -> pd.Series:
        return evidence.cell(FIGURES[dataset], dataset=dataset, method=name, kind="distance_mean", block=block)

    one, other = cell(method), cell(BASELINE)
    value = less(float(one["value"]), float(other["value"]))
    whole = less(float(cell(method, ALL)["value"]), float(cell(BASELINE, ALL)["value"]))
    why = f"{one['value']:.4f} and {other['value']:.4f}; over all hidden blocks {formats.difference(whole, 4)}"
    words = formats.difference(value, 4), "closer" if closer else "similar"
    if not closer:
        return Finding(*words, verdict(abs(value) <= SAME_DISTANCE), why, value)
    if one["ensembles"] < 2:
        return Finding(*words, NOT_TESTED, f"{why}; {ONE_SEED}", value)
    try:
        p = welch(one, other, "ensembles")
    except Missing as missing:
        return Finding(*words, NOT_TESTED, f"{why}; {missing}", value)
    return Finding(*words, verdict(value < 0 and p < ALPHA), f"{why}; p = {formats.p_value(p)}", value)


APART = Rule(
    "members apart",
    "Mean topological distance (NNSTD) among the members of an ensemble in the block between the first two hidden "
    f"layers, less that of EDST_RG's. Closer: confirmed if negative, Welch's p < {ALPHA} over ensembles; not tested "
    f"with one, or where the test has fewer than {FEWEST} degrees of freedom. Similar: confirmed if within "
    f"{SAME_DISTANCE}. The thesis prints pictures.",
    _apart,
)
RULES: tuple[Rule, ...] = (GAUSSIAN, MEMBERS, ACT_ALIKE, APART)
