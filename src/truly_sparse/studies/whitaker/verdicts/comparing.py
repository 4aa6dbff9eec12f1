"""Rules over runs, and what they share: differences paired by seed, means over datasets, intervals over seeds.

A run is picked by `Keys`; two of them are a pair when they have the same dataset and seed, and so the same split and,
with the same settings, the same parent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.analysis import formats, published
from truly_sparse.analysis.evidence import Evidence, Missing, rows_with
from truly_sparse.analysis.judging import ALPHA, NOT_TESTED, Finding, Rule, verdict
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.rounding import less, settled
from truly_sparse.analysis.statistics.paired import Numbers
from truly_sparse.analysis.statistics.stratified import FEW_SEEDS, Interval, Trend, over_groups, trend

#: Columns of a frame of runs, and the value that each has, or a tuple of those it may have.
Keys = Mapping[str, Any]
#: Names of frames of evidence: a row per run; all printed numbers.
RUNS, PRINTED = "runs", "printed"
#: Printed tables, and figures with numbers in them.
TABLES = (
    "table4_1", "table5_1", "table5_2", "table5_3", "table6_1", "table6_2", "table7_1", "figure7_1_matrix",
    "figure7_1_summary", "figure7_4",
)  # fmt: skip
#: The dataset whose differences are of another size than those of all others: its rows are split at random though they
#: are frames of the same videos, so that near-duplicates of test rows are trained on.
LEAKY = "gesture"
#: Measures in percent, whose differences are points.
_POINTS = "accuracy"
#: Decimals of what is very small.
_DECIMALS = {"rise": 5}


@dataclass(frozen=True)
class Printed:
    """Two rows of a printed table, whose difference stands beside ours.

    Attributes
    ----------
    table : str
        Such as "table5_1".
    one, other : mapping
        Columns of the printed table and their values.
    metric : str
    of : str
        Whose numbers they are, where that is not said otherwise.
    """

    table: str
    one: Keys
    other: Keys
    metric: str = "test_accuracy"
    of: str = ""

    def gap(self, evidence: Evidence) -> float:
        """Return `one` less `other`, the mean over whatever else tells the table's rows apart."""
        rows = evidence.rows(PRINTED, table=f"whitaker_{self.table}", metric=self.metric)
        values = [float(picked(rows, keys)["published"].mean()) for keys in (self.one, self.other)]
        return less(*values)


def named(text: str, of: str) -> str:
    """Return a printed number in words with whose it is, where that must be said."""
    return f"{text}, {of}" if of else text


def printed_numbers() -> pd.DataFrame:
    """Return all printed numbers, a row each."""
    return pd.concat([published.load(f"whitaker_{name}") for name in TABLES], ignore_index=True)


def picked(frame: pd.DataFrame, keys: Keys) -> pd.DataFrame:
    """Return the rows of a frame that `keys` pick.

    Raises
    ------
    Missing
        Without one.
    """
    for name in keys:
        if name not in frame.columns:
            raise Missing(f"no column {name}")
    frame = rows_with(frame, keys)
    if frame.empty:
        raise Missing(f"no run of {words(keys)}")
    return frame


def pairs(
    evidence: Evidence,
    one: Keys,
    other: Keys,
    metric: str = "accuracy",
    frame: str = RUNS,
    sign: int = 1,
    by: Sequence[str] = (),
    other_metric: str = "",
) -> dict[str, Numbers]:
    """Return, by dataset, the differences of two kinds of runs, one for each seed.

    Parameters
    ----------
    one, other : mapping
        What picks the runs.
    metric : str
        Column that is compared.
    sign : int
        -1 where smaller is better.
    by : sequence of str
        Other columns in which the runs of a pair must agree; the difference of a seed is the mean over these.
    other_metric : str
        Column of the `other` runs, where it is not the same.

    Raises
    ------
    Missing
        Without a single pair.
    """
    rows = evidence.rows(frame)
    keys = ["dataset", "seed", *by]
    sides = []
    for picks, column in ((one, metric), (other, other_metric or metric)):
        found = picked(rows, picks)
        found = found[found[column].notna()]
        sides.append(found.groupby(keys, sort=False)[column].mean())
    both = pd.concat(sides, axis=1, join="inner", keys=["one", "other"]).reset_index()
    if both.empty:
        raise Missing(f"no pair of finished runs of {words(one)} and of {words(other)}")
    both["difference"] = [sign * less(*pair) for pair in zip(both["one"], both["other"], strict=True)]
    by_seed = both.groupby(["dataset", "seed"], sort=False)["difference"].mean()
    return {str(name): part.to_numpy(np.float64) for name, part in by_seed.groupby("dataset", sort=False)}


def compare(evidence: Evidence, one: Keys, other: Keys, **how: Any) -> Interval:
    """Return the mean difference over datasets with its interval; parameters and errors as for `pairs`.

    Datasets with a single seed are left out where others have more.
    """
    return over_groups(pairs(evidence, one, other, **how))


def words(keys: Keys) -> str:
    """Return what picks a run, as an explanation has it."""
    return ", ".join(f"{name} {formats.setting(list(value) if isinstance(value, tuple) else value)}" if name not in
                     ("experiment", "method") else str(value) for name, value in keys.items())  # fmt: skip


def shown(value: float | None, metric: str) -> str:
    """Return a difference as it is read: two decimals of points, five of a rise of the loss, three of anything else."""
    return formats.difference(value, 2 if _POINTS in metric else _DECIMALS.get(metric, 3))


def shown_interval(found: Interval, metric: str) -> str:
    """Return a mean with its interval, such as "+0.35 (+0.10 to +0.60)"."""
    text = shown(found.mean, metric)
    if found.low is None:
        return text
    return f"{text} ({shown(found.low, metric)} to {shown(found.high, metric)})"


def counted(values: Mapping[str, Numbers], metric: str = "") -> str:
    """Return on how many datasets the mean difference is above zero.

    With a metric, also what the median and the mean of the others is where one of several is `LEAKY`.
    """
    means = {name: float(numbers.mean()) for name, numbers in values.items()}
    above = sum(mean > 0 for mean in means.values())
    seeds = sum(len(numbers) for numbers in values.values())
    if len(values) == 1:
        return f"{dataset_title(next(iter(values)))}, {seeds} seeds"
    text = f"above 0 on {above} of {len(values)} datasets, {seeds} pairs"
    rest = [mean for name, mean in means.items() if name != LEAKY]
    if not metric or len(rest) == len(means):
        return text
    scale = max(map(abs, means.values()))
    median, others = (settled(float(of), scale) for of in (np.median([*means.values()]), np.mean(rest)))
    return f"{text}; median {shown(median, metric)}, mean without {dataset_title(LEAKY)} {shown(others, metric)}"


def judged(
    values: Mapping[str, Numbers],
    metric: str,
    low: float,
    high: float = np.inf,
    in_print: str = formats.NOTHING,
    gap: float | None = None,
) -> Finding:
    """Judge differences by whether the interval of their mean over datasets lies between two bounds."""
    found = over_groups(values)
    ours, why = shown_interval(found, metric), counted({name: values[name] for name in found.groups}, metric)
    if found.low is None or found.high is None:
        return Finding(ours, in_print, NOT_TESTED, f"{why}; {FEW_SEEDS}", found.mean, gap)
    # What is allowed may be used up; what must be exceeded may not just be reached.
    holds = (found.low > low or found.low == low < 0) and found.high < high
    return Finding(ours, in_print, verdict(holds), why, found.mean, gap)


def _published(evidence: Evidence, printed: Printed | None, metric: str, sign: int) -> tuple[str, float | None]:
    if printed is None:
        return formats.NOTHING, None
    value = sign * printed.gap(evidence)
    return named(shown(value, metric), printed.of), value


def _greater(
    evidence: Evidence,
    one: Keys,
    other: Keys,
    metric: str = "accuracy",
    sign: int = 1,
    least: float = 0.0,
    printed: Printed | None = None,
    alone: str = "",
    **how: Any,
) -> Finding:
    values = pairs(evidence, one, other, metric=metric, sign=sign, **how)
    found = judged(values, metric, least, np.inf, *_published(evidence, printed, metric, sign))
    if not alone:
        return found
    without = over_groups(pairs(evidence, one, other, metric=alone, other_metric=metric, sign=sign, **how))
    return replace(found, why=f"{found.why}; children without their parent {shown_interval(without, metric)}")


def _alike(
    evidence: Evidence,
    one: Keys,
    other: Keys,
    delta: float,
    metric: str = "accuracy",
    printed: Printed | None = None,
    **how: Any,
) -> Finding:
    values = pairs(evidence, one, other, metric=metric, **how)
    return judged(values, metric, -delta, delta, *_published(evidence, printed, metric, 1))


def _no_worse(
    evidence: Evidence,
    one: Keys,
    other: Keys,
    delta: float,
    metric: str = "accuracy",
    sign: int = 1,
    printed: Printed | None = None,
    **how: Any,
) -> Finding:
    values = pairs(evidence, one, other, metric=metric, sign=sign, **how)
    return judged(values, metric, -delta, np.inf, *_published(evidence, printed, metric, sign))


def _signs(
    evidence: Evidence,
    cells: Sequence[tuple[Keys, Keys]],
    share: float,
    metric: str = "accuracy",
    sign: int = 1,
    printed: Sequence[Printed] = (),
    frame: str = RUNS,
    or_equal: bool = False,
) -> Finding:
    """Count cells, each of one dataset, in which the mean difference over seeds is above zero, or not below."""
    above, known, pairs_of = 0, 0, 0
    for one, other in cells:
        try:
            values = pairs(evidence, one, other, metric=metric, sign=sign, frame=frame)
        except Missing:
            continue
        for numbers in values.values():
            known, pairs_of = known + 1, pairs_of + len(numbers)
            mean = settled(float(numbers.mean()), 1.0)
            above += mean >= 0 if or_equal else mean > 0
    if not known:
        raise Missing("not one of the cells has a pair of finished runs")
    gaps = [sign * one.gap(evidence) for one in printed]
    in_print = f"{sum(gap > 0 for gap in gaps)} of {len(gaps)}" if gaps else formats.NOTHING
    share_of_print = sum(gap > 0 for gap in gaps) / len(gaps) if gaps else None
    holds = above >= share * known
    why = f"means of {pairs_of} pairs; wanted: {100 * share:.0f} %"
    return Finding(f"{above} of {known}", in_print, verdict(holds), why, above / known, share_of_print)


def curves(
    evidence: Evidence,
    points: Sequence[tuple[float, Keys]],
    metric: str = "accuracy",
    frame: str = RUNS,
    other: Sequence[Keys] = (),
    sign: int = 1,
) -> dict[str, dict[float, list[float]]]:
    """Return, by dataset, what the seeds that have every point gave at each, in their order.

    Parameters
    ----------
    points : sequence of (float, mapping)
        Abscissas, and what picks the runs there.
    other : sequence of mapping
        What is taken off at each point; nothing by default.

    Raises
    ------
    Missing
        Where no seed has all points.
    """
    rows = evidence.rows(frame)
    columns: dict[float, pd.Series] = {}
    for place, (x, keys) in enumerate(points):
        found = sign * picked(rows, keys).groupby(["dataset", "seed"], sort=False)[metric].mean()
        if other:
            found = found - sign * picked(rows, other[place]).groupby(["dataset", "seed"], sort=False)[metric].mean()
        columns[x] = found
    whole = pd.DataFrame(columns).dropna()
    if whole.empty:
        raise Missing("no seed has a finished run at every point of the curve")
    return {
        str(name): {x: part[x].tolist() for x in columns} for name, part in whole.groupby(level="dataset", sort=False)
    }


def _trend(
    evidence: Evidence,
    points: Sequence[tuple[float, Keys]],
    metric: str = "accuracy",
    sign: int = 1,
    frame: str = RUNS,
    other: Sequence[Keys] = (),
    printed: float | None = None,
) -> Finding:
    return judged_trend(rising(curves(evidence, points, metric, frame, other, sign)), printed)


def judged_trend(found: Trend, printed: float | None = None, more: str = "") -> Finding:
    """Judge a trend by whether it is above zero, beside what the printed numbers give; `more` is said of the runs."""
    in_print = formats.NOTHING if printed is None else formats.difference(printed, 2)
    ours = formats.difference(found.mean, 2)
    why = f"{len(found.groups)} datasets, {found.seeds} seeds in all{more}"
    if found.p is None:
        return Finding(ours, in_print, NOT_TESTED, f"{why}; {FEW_SEEDS}", found.mean, printed)
    ours += f" (p {formats.p_value(found.p)})"
    return Finding(ours, in_print, verdict(rises(found)), why, found.mean, printed)


def rises(found: Trend) -> bool:
    """Say whether a trend is above zero."""
    return found.p is not None and found.p < ALPHA and found.mean > 0


def rising(series: Mapping[str, Mapping[float, Sequence[float]]]) -> Trend:
    """Return the rank correlation of curves with their abscissas; of datasets with several seeds, where there are."""
    several = {name: points for name, points in series.items() if len(next(iter(points.values()))) > 1}
    return trend(several or series)


def exact(ours: float, wanted: float, tolerance: float, why: str = "") -> Finding:
    """Judge a ratio of counts: it is the wanted one within a part of it."""
    holds = abs(ours - wanted) <= tolerance * abs(wanted)
    value = settled(ours, wanted)
    return Finding(formats.ratio(value), formats.ratio(wanted), verdict(holds), why, value, wanted)


def operations(evidence: Evidence, one: Keys, other: Keys, metric: str = "operations") -> float:
    """Return the mean over datasets of the ratio of what two kinds of runs cost."""
    rows = evidence.rows(RUNS)
    means = [picked(rows, keys).groupby("dataset")[metric].mean() for keys in (one, other)]
    ratios = (means[0] / means[1]).dropna()
    if ratios.empty:
        raise Missing("no dataset has finished runs of both")
    return settled(float(ratios.mean()), float(ratios.max()))


def _absent(evidence: Evidence, why: str) -> Finding:
    del evidence
    raise Missing(why)


def p_of(evidence: Evidence, keys: Keys) -> float | None:
    """Return the two-sided p of a claim by the rule `GREATER`, by what its rule is given; None without an interval.

    It is that of no difference, or of none beyond what the claim names.
    """
    how = {name: value for name, value in keys.items() if name not in ("least", "printed", "alone")}
    values, least = pairs(evidence, how.pop("one"), how.pop("other"), **how), float(keys.get("least", 0))
    return over_groups({name: numbers - least for name, numbers in values.items()}).p


GREATER = Rule(
    "greater",
    "Difference of runs with the same dataset and seed: the mean over datasets, each counted once, with its 95 % "
    "interval by Student's t from the spread over seeds within every dataset. Accuracies in points. Confirmed: the "
    "interval lies above zero, or above what the claim names, and does so when all claims of the topic by this rule "
    "are taken together (Holm).",
    _greater,
)
ALIKE = Rule("alike", "As rule greater. Confirmed: the whole interval is closer to zero than the claim allows.", _alike)
NO_WORSE = Rule(
    "no worse", "As rule greater. Confirmed: the interval lies above minus what the claim allows.", _no_worse
)
SIGNS = Rule(
    "signs",
    "Cells of a table, by dataset, in which the mean over pairs of the same seed has the printed sign. Confirmed: it "
    "has in the share of cells that the explanation names.",
    _signs,
)
TREND = Rule(
    "trend",
    "Spearman's rank correlation of a curve, the mean over seeds, with its abscissa; the mean over datasets. p is "
    "two-sided, from shuffling the points of every seed, of the seeds' own correlations (Page's test). Confirmed: the "
    "correlation is above zero, with p below "
    f"{ALPHA:g}.",
    _trend,
)
ABSENT = Rule("absent", "Not run here: not tested. The explanation says why.", _absent)
RULES = (GREATER, ALIKE, NO_WORSE, SIGNS, TREND, ABSENT)
