"""Rules on accuracies: who is ahead of whom, by how much, and whether training again would say the same."""

import math

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import ALPHA, EXPLAINED, NOT_CONFIRMED, NOT_TESTED, Finding, Rule, verdict
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.statistics.ranks import friedman
from truly_sparse.analysis.statistics.stratified import few_seeds
from truly_sparse.analysis.tse import ENSEMBLES, EPSILON
from truly_sparse.studies.thesis.verdicts.reading import (
    CIFAR,
    DENSE,
    DENSE_ENSEMBLE,
    FASHION,
    GESTURE,
    HIGGS,
    ONE_SEED,
    PRINTED,
    RUNS,
    SAME,
    accuracies,
    clear,
    difference,
    mean,
    points,
    printed,
    row,
)

#: Of every dataset of the thesis, and of those that stand beside them.
EPSILONS = {CIFAR: (10, 20, 30), GESTURE: (10, 20, 30), HIGGS: (10, 20)}
ALL_EPSILONS = {**EPSILONS, FASHION: (10, 20, 30)}
FACTORS = (1.0, 1.5, 2.0)
#: Every sparse ensemble of a printed table, by method and lambda.
SPARSE = (*((method, 1.5) for method in ENSEMBLES[:-1]), *(("dist_tse", factor) for factor in FACTORS))
#: Points by which a method may be behind and not be worse.
NOT_WORSE_BY = 0.2
#: The least that the dense ensemble is to gain, in points.
ENSEMBLE_GAIN = 2.0
#: What lambda may change, in points.
LAMBDA_RANGE = 0.9


def _ahead(evidence: Evidence, dataset: str, one: str, other: str, each: bool) -> Finding:
    pairs = [(row(dataset, one, epsilon), row(dataset, other, epsilon)) for epsilon in ALL_EPSILONS[dataset]]
    found = difference(evidence, pairs)
    ours, said = (
        formats.NOTHING
        if math.isnan(value)
        else f"{formats.difference(value, 2)} ({sum(gap > 0 for gap in gaps)} of {len(gaps)} positive)"
        for value, gaps in ((found.mean, found.each), (found.printed, found.published))
    )
    return clear(found, found.mean > 0 and (not each or min(found.each) > 0), ours, said)


AHEAD = Rule(
    "ahead",
    "Difference of two methods' accuracies with the same seed, in points, averaged over ε within a seed. Confirmed: "
    f"positive over seeds with p < {ALPHA} (paired t test, two-sided), and on average at every single ε where that is "
    "the claim. Not tested: with fewer than three seeds.",
    _ahead,
)


def _not_worse(evidence: Evidence, dataset: str, one: str, other: str) -> Finding:
    ours, said = [], []
    for epsilon in EPSILONS[dataset]:
        rivals = [row(dataset, other, epsilon, factor) for factor in FACTORS]
        own = row(dataset, one, epsilon)
        ours.append(less(mean(evidence, own), max(mean(evidence, rival) for rival in rivals)))
        said.append(less(printed(evidence, own), max(printed(evidence, rival) for rival in rivals)))
    value, published = (sum(gaps) / len(gaps) for gaps in (ours, said))
    why = f"by ε {', '.join(formats.difference(gap) for gap in ours)}"
    return points(value, published, verdict(value > -NOT_WORSE_BY), why)


NOT_WORSE = Rule(
    "not worse",
    "Mean accuracy of a method less that of the other's best λ at the same ε, averaged over ε. Confirmed: above "
    f"−{NOT_WORSE_BY} points. (The best of three is chosen on the same runs, which favours it.)",
    _not_worse,
)


def _sparser(evidence: Evidence, dataset: str, least: int) -> Finding:
    gains = {}
    for method, factor in SPARSE:
        ends = [
            row(dataset, method, epsilon, factor) for epsilon in (ALL_EPSILONS[dataset][0], ALL_EPSILONS[dataset][-1])
        ]
        name = method_title(method) + (f" λ {factor:g}" if method == "dist_tse" else "")
        gains[name] = tuple(less(*(read(evidence, end) for end in ends)) for read in (mean, printed))
    ours, said = (sum(gain[which] > 0 for gain in gains.values()) for which in (0, 1))
    why = ", ".join(f"{name} {formats.difference(gain[0])}" for name, gain in gains.items())
    total = len(gains)
    if dataset == FASHION:
        return Finding(f"{ours} of {total}", formats.NOTHING, verdict(ours >= least), why, ours)
    return Finding(f"{ours} of {total}", f"{said} of {total}", verdict(ours >= least), why, ours, said)


SPARSER = Rule(
    "sparser is better",
    "Ensembles (each λ counts as one) whose mean accuracy is higher at the smallest ε than at the largest. Confirmed: "
    "at least five of six, as in print. How clear each difference is does not enter.",
    _sparser,
)


def _lead(evidence: Evidence, dataset: str, rival: str) -> Finding:
    other = row(dataset, rival, EPSILON)
    rows = [row(dataset, method, epsilon, factor) for method, factor in SPARSE for epsilon in EPSILONS[dataset]]
    least = min(rows, key=lambda one: mean(evidence, one))
    found = difference(evidence, [(least, other)])
    said = less(min(printed(evidence, one) for one in rows), printed(evidence, other))
    why = f"least: {least.title}, {least.setting.replace('_', ' ')}"
    judged = clear(found, found.mean >= SAME, "", "", why)
    return points(found.mean, said, judged.verdict, judged.why)


LEAD = Rule(
    "lead",
    "Accuracy of the weakest sparse ensemble, of all methods, λ and ε, less that of a single sparse network at "
    f"ε = {EPSILON}, trained as printed. Confirmed: at least {SAME:g} point, p < {ALPHA} (paired t test over seeds). "
    "Not tested: with fewer than three seeds.",
    _lead,
)


def _equal(evidence: Evidence) -> Finding:
    static = row(CIFAR, "static", EPSILON)
    value, said = (less(read(evidence, static), read(evidence, DENSE)) for read in (mean, printed))
    return points(value, said, verdict(abs(value) <= SAME))


EQUAL = Rule(
    "as good as dense",
    f"Mean accuracy of static sparse at ε = {EPSILON} less that of the dense network, both as printed. Confirmed: "
    f"within {SAME:g} point.",
    _equal,
)


def _ensemble_gain(evidence: Evidence) -> Finding:
    value, said = (less(read(evidence, DENSE_ENSEMBLE), read(evidence, DENSE)) for read in (mean, printed))
    return points(value, said, verdict(value >= ENSEMBLE_GAIN))


GAIN = Rule(
    "gain of a dense ensemble",
    "Accuracy of five independent dense networks less that of one, as printed, one run each. Confirmed: at least "
    f"{ENSEMBLE_GAIN:g} points.",
    _ensemble_gain,
)


def _above_ensemble(evidence: Evidence, method: str, epsilon: int) -> Finding:
    own = row(CIFAR, method, epsilon)
    runs, dense = accuracies(evidence, own), mean(evidence, DENSE_ENSEMBLE)
    value = less(float(runs.mean()), dense)
    said = less(printed(evidence, own), printed(evidence, DENSE_ENSEMBLE))
    if few := few_seeds(len(runs), ONE_SEED):
        return points(value, said, NOT_TESTED, few)
    spread = float(runs.std())
    holds = value * said > 0 and abs(value) > 2 * spread
    return points(value, said, verdict(holds), f"standard deviation over seeds {spread:.2f}")


ABOVE_ENSEMBLE = Rule(
    "against the dense ensemble",
    "Mean accuracy of a sparse ensemble less that of the dense ensemble, which is one run. Confirmed: the printed "
    "sign, and more than two standard deviations of the sparse one over seeds. Not tested: with fewer than three.",
    _above_ensemble,
)


def _lambda(evidence: Evidence) -> Finding:
    found: dict[str, pd.DataFrame] = {}
    for name, read in ((RUNS, mean), (PRINTED, printed)):
        cells = {}
        for dataset, epsilons in EPSILONS.items():
            for epsilon in epsilons:
                try:
                    values = [read(evidence, row(dataset, "dist_tse", epsilon, factor)) for factor in FACTORS]
                except Missing:
                    continue
                cells[dataset, epsilon] = values
        found[name] = pd.DataFrame.from_dict(cells, orient="index", columns=list(map(str, FACTORS)))
    if len(found[RUNS]) < 2:
        raise Missing("fewer than two combinations of dataset and ε have finished")
    ours, said = (float((table.max(axis=1) - table.min(axis=1)).max()) for table in found.values())
    p = friedman(found[RUNS]).p_value
    why = f"{len(found[RUNS])} combinations of dataset and ε, Friedman's p = {formats.p_value(p)}"
    holds = ours <= LAMBDA_RANGE and p > ALPHA
    return Finding(f"{ours:.1f} points", f"{said:.1f} points", verdict(holds), why, ours, said)


LAMBDA = Rule(
    "lambda",
    "Largest range of Dist-TSE's mean accuracies over λ = 1, 1.5, 2 at one dataset and ε. Confirmed: at most "
    f"{LAMBDA_RANGE} points, and Friedman's test over datasets and ε has p > {ALPHA}.",
    _lambda,
)


def _fails(evidence: Evidence, dataset: str, epsilon: int) -> Finding:
    own = row(dataset, "edst_rg", epsilon)
    value, said = mean(evidence, own), printed(evidence, own)
    corrected = float(evidence.rows(PRINTED, **own._asdict())["journal"].dropna().iloc[0])
    found = verdict(abs(value - said) <= SAME)
    why = f"the journal prints {corrected:.1f} in its place"
    if found == NOT_CONFIRMED and min(value, corrected) - said > 5 * SAME:
        found = EXPLAINED
    return Finding(f"{value:.1f} %", f"{said:.1f} %", found, why, value, said)


FAILS = Rule(
    "fails",
    f"Mean accuracy. Confirmed: within {SAME:g} point of the printed one, which is the share of the larger class. "
    f"Different but explained: more than {5 * SAME:g} points above, and so is what the journal prints in its place.",
    _fails,
)


RULES: tuple[Rule, ...] = (AHEAD, NOT_WORSE, SPARSER, LEAD, EQUAL, GAIN, ABOVE_ENSEMBLE, LAMBDA, FAILS)
