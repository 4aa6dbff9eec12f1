"""Rules about the accuracy: the plateau, where it ends, and how it falls."""

import math

from scipy import stats

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import ALPHA, CONFIRMED, NOT_CONFIRMED, NOT_TESTED, Finding, Rule, verdict
from truly_sparse.analysis.rounding import less, settled
from truly_sparse.analysis.statistics.stratified import FEW_FOR_TEST, few_seeds, too_few
from truly_sparse.studies.van_engers import contour
from truly_sparse.studies.van_engers.contour import UNAFFECTED
from truly_sparse.studies.van_engers.verdicts.reading import ONE_SEED, coverage, means, printed, sweep

#: How far from the printed plateau and end an accuracy may lie, in points.
PLATEAU_POINTS, END_POINTS = 1.0, 5.0
#: Largest difference of means that counts as unaffected, and largest loss that counts as none.
FLAT_POINTS, LOSS_POINTS = 0.5, 0.3
#: Where a significant decrease and the contour may begin.
START, CONTOUR = (0.97, 0.99), (0.94, 0.97)
#: The fractions between which slopes are compared, and how much steeper the second must be.
SLOPES, STEEPER = (0.97, 0.987, 1.0), 5.0
CONFIDENCE = 0.95


def _level(evidence: Evidence, metric: str) -> Finding:
    said = printed(evidence)
    found = means(sweep(evidence, metric), metric)
    flat = found[found.index <= said["contour"]]
    if flat.empty:
        raise Missing(f"no finished run with ζ up to {said['contour']:g}")
    ours, theirs = math.fsum(flat) / len(flat), 100 * said["plateau"]
    holds = abs(less(ours, theirs)) <= PLATEAU_POINTS
    why = f"mean of {len(flat)} fractions"
    return Finding(f"{ours:.1f} %", f"{theirs:.1f} %", verdict(holds), why, ours, theirs)


LEVEL = Rule(
    "plateau",
    f"Mean of the accuracies at all ζ up to the printed contour. Confirmed: within {PLATEAU_POINTS:.0f} point of the "
    "printed plateau.",
    _level,
)


def _flat(evidence: Evidence, metric: str) -> Finding:
    found = means(sweep(evidence, metric), metric)
    flat = found[found.index <= UNAFFECTED]
    if len(flat) < 3:
        raise Missing(f"fewer than three fractions up to {UNAFFECTED} have finished")
    spread = less(flat.max(), flat.min())
    p = float(stats.spearmanr(flat.index, flat).pvalue) if spread else math.nan
    trend = "no trend" if math.isnan(p) else f"Spearman's p = {formats.p_value(p)}"
    holds = spread <= FLAT_POINTS and not p < ALPHA
    why = coverage(evidence, metric, trend)
    return Finding(f"{spread:.2f} points", "unaffected", verdict(holds), why, spread)


FLAT = Rule(
    "flat",
    f"Largest less smallest mean accuracy among ζ up to {UNAFFECTED}. Confirmed: at most {FLAT_POINTS} points, and no "
    f"significant rank correlation of accuracy and ζ (Spearman's p ≥ {ALPHA}).",
    _flat,
)


def _no_loss(evidence: Evidence, metric: str) -> Finding:
    said = printed(evidence)
    zeta, runs = said["contour"], sweep(evidence, metric)
    means(runs, metric, zeta)
    flat = runs[runs["zeta"] <= UNAFFECTED].groupby("seed")[metric].mean()
    here = runs[runs["zeta"] == zeta].set_index("seed")[metric]
    gaps = (here - flat).dropna()
    if gaps.empty:
        raise Missing(f"no seed has both ζ = {zeta:g} and the plateau")
    ours = settled(math.fsum(gaps) / len(gaps), 100.0)
    theirs = less(said.accuracy(zeta), 100 * said["plateau"])
    words = formats.difference(ours, 2), formats.difference(theirs, 2)
    if few := few_seeds(len(gaps), ONE_SEED):
        return Finding(*words, NOT_TESTED, few, ours, theirs)
    bound = ours - float(stats.t.ppf(CONFIDENCE, len(gaps) - 1)) * float(gaps.std()) / math.sqrt(len(gaps))
    why = f"one-sided 95 % bound {formats.difference(bound, 2)}, {len(gaps)} seeds"
    holds = settled(bound, 100.0) >= -LOSS_POINTS
    return Finding(*words, verdict(holds), why, ours, theirs)


NO_LOSS = Rule(
    "no loss",
    f"Accuracy at the printed contour less the mean up to {UNAFFECTED}, seed by seed, in points; printed: by formula "
    f"1. Confirmed: with one-sided 95 % confidence (Student's t over seeds) the loss is at most {LOSS_POINTS} points. "
    "Not tested: with fewer than three seeds.",
    _no_loss,
)


def _start(evidence: Evidence, metric: str) -> Finding:
    said, runs = printed(evidence), sweep(evidence, metric)
    level = contour.plateau(runs, metric)
    if too_few(level.freedom):
        raise Missing(FEW_FOR_TEST if level.freedom else ONE_SEED)
    if not settled(level.spread, level.mean):
        raise Missing("the seeds of every ζ have the same accuracy, which leaves no noise to compare with")
    ours = contour.significant_from(runs, metric, ALPHA)
    why = coverage(evidence, metric, f"{level.freedom} degrees of freedom")
    return _at(ours, said["significant_from"], START, why)


START_RULE = Rule(
    "significant from",
    f"Smallest ζ from which on every mean accuracy lies below that of all runs up to {UNAFFECTED} by a t test's "
    f"two-sided p < {ALPHA}, whose spread is that of training, over seeds, pooled over the ζ up to {UNAFFECTED}. "
    f"Confirmed: {START[0]} to {START[1]}. Not tested: with one seed.",
    _start,
)


def _contour(evidence: Evidence, metric: str) -> Finding:
    said, runs = printed(evidence), sweep(evidence, metric)
    level = contour.plateau(runs, metric)
    if level.error is None or (level.freedom and too_few(level.freedom)):
        raise Missing(FEW_FOR_TEST)
    return _at(contour.contour(runs, metric), said["contour"], CONTOUR, coverage(evidence, metric))


CONTOUR_RULE = Rule(
    "contour",
    f"Smallest ζ from which on all mean accuracies lie more than {contour.ERRORS:.0f} standard errors of one mean "
    f"below the mean up to {UNAFFECTED}; the standard error is that of training, over seeds (between fractions with a "
    f"single seed). The paper takes the contour by eye. Confirmed: {CONTOUR[0]} to {CONTOUR[1]}.",
    _contour,
)


def _at(ours: float | None, theirs: float, within: tuple[float, float], why: str) -> Finding:
    holds = ours is not None and within[0] <= ours <= within[1]
    words = "nowhere" if ours is None else f"ζ = {ours:g}"
    return Finding(words, f"ζ = {theirs:g}", verdict(holds), why, ours, theirs)


def _rapid(evidence: Evidence, metric: str) -> Finding:
    said, (first, middle, end) = printed(evidence), SLOPES
    found = means(sweep(evidence, metric), metric, *SLOPES)
    ours = _slopes(found[first], found[middle], found[end])
    theirs = _slopes(*map(said.accuracy, SLOPES))
    before, after = ours
    why = f"{before:.2f} points lost per 0.01 of ζ before, {after:.2f} after"
    if before <= 0 < after:
        return Finding("no loss before", f"{theirs[1] / theirs[0]:.0f}×", CONFIRMED, why)
    if before <= 0:
        return Finding("no loss", f"{theirs[1] / theirs[0]:.0f}×", NOT_CONFIRMED, why)
    ratio = after / before
    words = (f"{ratio:.1f}×", f"{theirs[1] / theirs[0]:.1f}×")
    return Finding(*words, verdict(ratio >= STEEPER), why, ratio, theirs[1] / theirs[0])


def _slopes(first: float, middle: float, end: float) -> tuple[float, float]:
    """Return points lost per 0.01 of zeta before and after the middle of `SLOPES`."""
    before, after = (100 * (SLOPES[i + 1] - SLOPES[i]) for i in (0, 1))
    return less(first, middle) / before, less(middle, end) / after


RAPID = Rule(
    "rapid after",
    f"Mean loss per unit of ζ from {SLOPES[1]} to 1 as a multiple of that from {SLOPES[0]} to {SLOPES[1]}; printed: by "
    f"formula 1. Confirmed: at least {STEEPER:.0f} times, or no loss before and some after.",
    _rapid,
)


def _end(evidence: Evidence, metric: str) -> Finding:
    said = printed(evidence)
    ours, theirs = float(means(sweep(evidence, metric), metric, 1.0)[1.0]), said.accuracy(1.0)
    holds = abs(less(ours, theirs)) <= END_POINTS
    return Finding(f"{ours:.1f} %", f"{theirs:.1f} %", verdict(holds), "", ours, theirs)


END = Rule(
    "end",
    "Accuracy at ζ = 1, where no link survives a step; printed: by formula 1. Confirmed: within "
    f"{END_POINTS:.0f} points.",
    _end,
)
RULES: tuple[Rule, ...] = (LEVEL, FLAT, NO_LOSS, START_RULE, CONTOUR_RULE, RAPID, END)
