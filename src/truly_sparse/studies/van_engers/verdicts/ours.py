"""Rules about what the paper does not ask: its data, what zeta is, choosing the epoch on test rows, links that stay."""

import math

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import NOT_CONFIRMED, NOT_TESTED, Finding, Rule, verdict
from truly_sparse.analysis.rounding import less, settled, significant
from truly_sparse.analysis.statistics.paired import compare
from truly_sparse.analysis.statistics.stratified import few_seeds
from truly_sparse.studies.van_engers.contour import UNAFFECTED
from truly_sparse.studies.van_engers.runs import DATASET
from truly_sparse.studies.van_engers.verdicts.reading import ONE_SEED, RUNS, finished, means, printed, sweep

#: Smallest mean excess of the best over the last epoch that counts, and the loss that tells where links are too few.
BIAS_POINTS, FALL_POINTS = 1.0, 1.0


def _of(evidence: Evidence, experiment: str, metric: str) -> pd.DataFrame:
    return finished(evidence.rows(RUNS, experiment=experiment, dataset=DATASET), metric)


def _data(evidence: Evidence, what: str, metric: str = "best") -> Finding:
    said = printed(evidence)
    part, whole = sweep(evidence, metric), _of(evidence, "van_engers_images", metric)
    theirs = said.accuracy(1.0) if what == "end" else 100 * said["plateau"]

    def ours(runs: pd.DataFrame) -> float:
        found = means(runs, metric, *([1.0] if what == "end" else []))
        flat = found[found.index <= said["contour"]]
        return float(found[1.0]) if what == "end" else math.fsum(flat) / len(flat)

    few, many = ours(part), ours(whole)
    holds = less(abs(less(few, theirs)), abs(less(many, theirs))) < 0
    words = f"{few:.1f} and {many:.1f} %"
    why = "the part of the images in {:,.0f} epochs, then all in {:,.0f}".format(
        *(runs["epochs"].max() for runs in (part, whole))
    )
    return Finding(words, f"{theirs:.1f} %", verdict(holds), why, few, theirs)


DATA = Rule(
    "which images",
    "The accuracy with the part of the images that the implementation takes by default, and that with all of them "
    "(Table D1), beside the printed one. Confirmed: the first is nearer; he used the part. Plateau: mean up to the "
    "printed contour.",
    _data,
)


def _links(evidence: Evidence) -> Finding:
    runs = sweep(evidence, "best")
    numbers = runs.groupby("seed")["links"].nunique()
    low, high = runs["links"].min(), runs["links"].max()
    holds = bool(runs["kept"].all()) and bool((numbers == 1).all())
    words = f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"
    density = 100 * float(runs["density"].mean())
    why = f"{len(runs)} runs; {density:.1f} % of all places, so that the sparsity is {100 - density:.1f} % for every ζ"
    return Finding(f"{words} links", "ζ is called sparsity", verdict(holds), why, density)


LINKS = Rule(
    "links",
    "Links of the networks of the sweep. Confirmed: every block of every run ends with as many as it started with, and "
    "runs of one seed have the same number for every ζ.",
    _links,
)


def _density(evidence: Evidence, metric: str = "best") -> Finding:
    said, runs = printed(evidence), _of(evidence, "van_engers_sparsity", metric)
    usual = runs[runs["zeta"] == said["usual"]].groupby("epsilon")[["density", metric]].mean()
    if 13.0 not in usual.index:
        raise Missing(f"no finished run with ε = 13 and ζ = {said['usual']:g}")
    level = float(usual[metric][13.0]) - FALL_POINTS
    fewer = usual[usual.index <= 13.0].sort_index(ascending=False)
    found = None
    for (_, dense), (_, sparse) in zip(fewer.iloc[:-1].iterrows(), fewer.iloc[1:].iterrows(), strict=True):
        if sparse[metric] < level <= dense[metric]:
            share = (dense[metric] - level) / (dense[metric] - sparse[metric])
            logs = math.log(dense["density"]), math.log(sparse["density"])
            found = significant(100 * math.exp(logs[0] + share * (logs[1] - logs[0])), 6)
            break
    if found is None:
        return Finding("nowhere", formats.NOTHING, NOT_CONFIRMED, f"no density down to ε = {fewer.index[-1]:g}")
    at = 100 * float(usual["density"][13.0])
    why = f"at ζ = {said['usual']:g}; all runs of the sweep have {at:.1f} % of all places"
    return Finding(f"{found:.2f} % of all places", formats.NOTHING, verdict(found < at), why, found)


DENSITY = Rule(
    "density",
    f"The part of all places at which the accuracy at the usual ζ has fallen {FALL_POINTS:.0f} point below that at "
    "ε = 13, on straight lines over the logarithm of the density (Table L1). Confirmed: there is one.",
    _density,
)


def _bias(evidence: Evidence) -> Finding:
    runs = sweep(evidence, "best")
    flat = runs[runs["zeta"] <= UNAFFECTED]
    if flat.empty:
        raise Missing(f"no finished run with ζ up to {UNAFFECTED}")
    excess = flat["best"] - flat["last"]
    ours = settled(math.fsum(excess) / len(excess), 100.0)
    tail = math.fsum(flat["best"] - flat["last_tenth"]) / len(flat)
    why = f"{len(flat)} runs; {tail:.2f} points above the last tenth of the epochs"
    return Finding(formats.difference(ours, 2), formats.NOTHING, verdict(ours >= BIAS_POINTS), why, ours)


BIAS = Rule(
    "choice on test rows",
    f"Highest test accuracy of any epoch less that of the last one, in points, mean over runs with ζ up to "
    f"{UNAFFECTED}. Confirmed: at least {BIAS_POINTS:.0f} point.",
    _bias,
)


def _evolving(evidence: Evidence, metric: str) -> Finding:
    said, runs = printed(evidence), sweep(evidence, metric)
    controls = _of(evidence, "van_engers_static", metric)
    static = controls[controls["evolution_every"] == 0].set_index("seed")[metric]
    usual = runs[runs["zeta"] == said["usual"]].set_index("seed")[metric]
    both = pd.DataFrame({"evolving": usual, "static": static}).dropna()
    if both.empty:
        raise Missing("no seed has both")
    found = compare(both["evolving"].to_numpy(), both["static"].to_numpy())
    ours, low, high = found["difference"], found["low"], found["high"]
    if few := few_seeds(len(both), ONE_SEED):
        return Finding(formats.difference(ours, 2), formats.NOTHING, NOT_TESTED, few, ours)
    if low is None:
        raise Missing("the differences are all equal, which leaves no noise to compare them with")
    why = f"95 % interval {formats.interval(low, high)}, {len(both)} seeds"
    return Finding(formats.difference(ours, 2), formats.NOTHING, verdict(low > 0), why, ours)


EVOLVING = Rule(
    "links that evolve",
    "Accuracy at the usual ζ = 0.3 less that with links that stay (Table T1), in points, paired by seed. Confirmed: "
    "the 95 % interval (Student's t) lies above zero. Not tested: with fewer than three seeds.",
    _evolving,
)


def _absent(evidence: Evidence, why: str) -> Finding:
    del evidence
    raise Missing(why)


ABSENT = Rule("not here", "A claim about what cannot be had or is no part of this package; its row says what.", _absent)
RULES: tuple[Rule, ...] = (DATA, LINKS, DENSITY, BIAS, EVOLVING, ABSENT)
