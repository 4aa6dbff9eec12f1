"""What rules read: every run and every printed number, by dataset, method and setting."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.judging import ALPHA, NOT_TESTED, Finding, verdict
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.runs import class_count
from truly_sparse.analysis.statistics.paired import compare
from truly_sparse.analysis.statistics.stratified import few_seeds
from truly_sparse.analysis.tse import ACCURACY
from truly_sparse.experiments.records import Record

#: Frames of the evidence beside tables and figures.
RUNS, PRINTED = "runs", "printed"
#: Tables with printed numbers in the common columns.
TABLES = ("table7", "table8", "table9", "table12")
CIFAR, GESTURE, HIGGS, FASHION = "cifar10", "gesture", "higgs", "fashion_mnist"
#: Points within which accuracies count as the same.
SAME = 1.0
ONE_SEED = "one seed, which shows no spread"


class Row(NamedTuple):
    """A row of a table: dataset, method, and the setting as folders are called."""

    dataset: str
    method: str
    setting: str

    @property
    def title(self) -> str:
        """Method and dataset in words."""
        return f"{method_title(self.method)} on {dataset_title(self.dataset)}"


def row(dataset: str, method: str, epsilon: float, factor: float = 1.5, refinement: str = "") -> Row:
    """Return the row of a sparse model; `factor` (lambda) is Dist-TSE's, `refinement` that of the ablation."""
    parts = [f"eps{epsilon:g}", f"refinement{refinement}" if refinement else ""]
    parts.append(f"lambda{factor:.1f}" if method == "dist_tse" else "")
    return Row(dataset, method, "_".join(filter(None, parts)))


#: A single dense model, and the ensemble, on CIFAR-10 as the thesis trains them.
DENSE, DENSE_ENSEMBLE = (Row(CIFAR, method, "eta0.0001") for method in ("dense", "dense_ensemble"))


def frames(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """Return the frames `RUNS` and `PRINTED`."""
    printed = [inputs.published(name) for name in TABLES]
    return {RUNS: runs(inputs.records), PRINTED: pd.concat(printed, ignore_index=True)}


def runs(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run, diverged ones with a `status` that says so and no `accuracy`.

    Returns
    -------
    DataFrame
        `dataset, method, setting, seed, status, learning_rate, classes`; `accuracy` in percent; `balanced`, the
        balanced accuracy, a fraction.
    """
    return pd.DataFrame([_run(record) for record in records])


def _run(record: Record) -> dict[str, Any]:
    test = record["accuracy"]["test"]
    return {
        **{key: record[key] for key in ("dataset", "method", "setting", "seed", "status")},
        "learning_rate": record["settings"]["training"]["learning_rate"],
        "classes": class_count(record["data"]),
        "accuracy": None if test is None else 100 * test,
        "balanced": (record.get("metrics") or {}).get("balanced_accuracy"),
    }


def accuracies(evidence: Evidence, of: Row) -> "pd.Series[float]":
    """Return the test accuracies (%) of a row's finished runs by seed; Missing where there are none."""
    found = evidence.rows(RUNS, **of._asdict())
    found = found[found["status"] == "ok"].drop_duplicates("seed")
    if found.empty:
        raise Missing(f"no finished run of {of.title}")
    return found.set_index("seed")["accuracy"].astype(float).sort_index()


def mean(evidence: Evidence, of: Row) -> float:
    """Return the mean accuracy (%) over seeds."""
    return float(accuracies(evidence, of).mean())


def printed(evidence: Evidence, of: Row) -> float:
    """Return a printed accuracy; Missing where there is none, but NaN of the dataset that the source does not have."""
    if of.dataset == FASHION:
        return math.nan
    found = evidence.rows(PRINTED, metric=ACCURACY, **of._asdict())["published"].dropna()
    if found.empty:
        raise Missing(f"nothing printed of {of.title}")
    return float(found.iloc[0])


class Difference(NamedTuple):
    """Accuracies of rows less those of others with the same seed, in points, over the seeds that all rows have.

    Attributes
    ----------
    each, published : tuple of float
        Mean of every pair of rows, here and in print.
    mean : float
        Over pairs of rows and seeds.
    p : float or None
        Of the paired t test over seeds, each with its mean over the pairs of rows: runs of one seed share their split
        and much of their training, and are no observations of their own. None where all seeds say the same.
    seeds : int
    """

    each: tuple[float, ...]
    published: tuple[float, ...]
    mean: float
    p: float | None
    seeds: int

    @property
    def printed(self) -> float:
        """Mean of the printed differences."""
        return float(np.mean(self.published))


def difference(evidence: Evidence, pairs: Sequence[tuple[Row, Row]]) -> Difference:
    """Return what the first row of every pair is ahead of the second; Missing where no seed has all rows."""
    each = [accuracies(evidence, of) for pair in pairs for of in pair]
    shared = pd.concat(each, axis=1, join="inner").to_numpy(float)
    if not len(shared):
        raise Missing(f"{' and '.join(dict.fromkeys(of.title for pair in pairs for of in pair))} share no seed")
    firsts, seconds = shared[:, ::2], shared[:, 1::2]
    found = compare(firsts.mean(axis=1), seconds.mean(axis=1))
    means = zip(firsts.mean(axis=0), seconds.mean(axis=0), strict=True)
    return Difference(
        tuple(less(float(one), float(other)) for one, other in means),
        tuple(less(printed(evidence, one), printed(evidence, other)) for one, other in pairs),
        found["difference"],
        found["t_p"],
        len(shared),
    )


def clear(found: Difference, holds: bool, ours: str, said: str, why: str = "") -> Finding:
    """Return the finding of a rule that wants p < 0.05 over seeds beside what else `holds`; few seeds cannot say."""
    p, verdict_, said_of_p = found.p, NOT_TESTED, few_seeds(found.seeds, ONE_SEED)
    if not said_of_p:
        said_of_p = "runs that do not vary" if p is None else f"p = {formats.p_value(p)}"
        verdict_ = verdict(holds and p is not None and p < ALPHA)
    return Finding(ours, said, verdict_, "; ".join(filter(None, (why, said_of_p))), found.mean, found.printed)


def points(value: float, said: float | None, found: str, why: str = "") -> Finding:
    """Return a finding about a difference in points."""
    return Finding(formats.difference(value), formats.difference(said), found, why, value, said)
