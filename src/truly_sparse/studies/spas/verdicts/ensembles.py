"""The claims about truly sparse ensembles of convolutional networks, and the rule that judges them; all of ours."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import ALPHA, NOT_TESTED, Claim, Finding, Rule, verdict
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.rounding import less, settled
from truly_sparse.analysis.statistics.paired import Numbers, holm
from truly_sparse.analysis.statistics.stratified import FEW_SEEDS, over_groups
from truly_sparse.studies.spas.verdicts.cells import points

#: The frame of evidence: a row per finished run, as `analysis.runs.frame_of` has them.
RUNS = "cnn_ensemble_runs"
TOPIC = "Ensembles of convolutional networks"
ENSEMBLES = ("cnn_edst_rg", "cnn_fd_tse", "cnn_partition")
#: What they are compared with, and what a claim calls it.
OTHERS = {"cnn_one": "one CNN", "cnn_independent": "five independent CNNs"}
#: As many operations: at most so many times those of what an ensemble is compared with.
MOST = 1.05


def claims() -> Iterator[Claim]:
    """Yield a claim for every ensemble and what it is compared with."""
    for other, words in OTHERS.items():
        for method in ENSEMBLES:
            text = f"Ours: {method_title(method)} is more accurate than {words}, for as many operations."
            keys = {"method": method, "other": other}
            yield Claim(f"cnn_ensembles/{method}/{other}", TOPIC, text, "", AHEAD, keys)


def _ahead(evidence: Evidence, method: str, other: str) -> Finding:
    pairs = _pairs(evidence, method, other)
    if pairs.empty:
        raise Missing(f"no dataset and seed has finished runs of {method_title(method)} and {method_title(other)}")
    values = _by_dataset(pairs)
    found, ratio = over_groups(values), float(pairs["ratio"].mean())
    where = ", ".join(f"{dataset_title(name)} {len(values[name])}" for name in found.groups)
    why = f"pairs of {where}; {formats.ratio(settled(ratio, ratio))} of the operations"
    if found.low is None or found.high is None or found.p is None:
        return Finding(points(found.mean), formats.NOTHING, NOT_TESTED, f"{why}; {FEW_SEEDS}", found.mean)
    p = _corrected(evidence, method, other)
    ours = f"{points(found.mean)} ({points(found.low)} to {points(found.high)})"
    holds = found.low > 0 and p < ALPHA and ratio <= MOST
    return Finding(ours, formats.NOTHING, verdict(holds), f"{why}; Holm's p {formats.p_value(p)}", found.mean)


def _pairs(evidence: Evidence, method: str, other: str) -> pd.DataFrame:
    """Return a row for every dataset and seed of both: how many points it has more, and the ratio of operations."""
    rows = evidence.rows(RUNS)
    one, base = (rows[rows["method"] == name] for name in (method, other))
    both = one.merge(base, on=["dataset", "seed"], suffixes=("", "_other"))
    gains = [less(*pair) for pair in zip(both["accuracy"], both["accuracy_other"], strict=True)]
    return both.assign(gain=gains, ratio=both["operations"] / both["operations_other"])


def _by_dataset(pairs: pd.DataFrame) -> dict[str, Numbers]:
    groups = pairs.groupby("dataset", sort=False)["gain"]
    return {str(name): own.to_numpy(np.float64) for name, own in groups}


def _corrected(evidence: Evidence, method: str, other: str) -> float:
    """Return the p of an ensemble by Holm's method over all that can be tested against the same."""
    p_values = {}
    for name in ENSEMBLES:
        pairs = _pairs(evidence, name, other)
        p_values[name] = None if pairs.empty else over_groups(_by_dataset(pairs)).p
    return float(holm(pd.Series(p_values, dtype=float))[ENSEMBLES.index(method)])


AHEAD = Rule(
    "ensembles, CNN",
    "A rule of ours: no source has such ensembles. Accuracy of an ensemble of sparse CNNs less that of one CNN, or of "
    "five independent ones, with the same dataset and seed: the mean over datasets, each counted once, with its 95 % "
    "interval by Student's t from the spread over seeds within every dataset. Confirmed: the interval lies above zero, "
    f"p is below {ALPHA} by Holm's method over the ensembles that are compared with the same, and training took at "
    f"most {MOST:g} times the operations. Not tested: fewer than two seeds of every dataset, or three of a single one.",
    _ahead,
)
RULES = (AHEAD,)
