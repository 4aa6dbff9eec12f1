"""Means over groups, such as datasets, of what seeds say in each: intervals from seeds drawn anew within every group.

Says whether a mean difference would be there again with other seeds, on these datasets, each of which counts the same
however many seeds it has. It does not say that it would be there on other datasets.

Seeds drawn anew spread less than seeds do, by (n - 1) / n in variance, which matters where n is 2 or 3; deviations from
a group's mean are stretched by as much before they are drawn (Hesterberg 2015).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from truly_sparse.analysis.rounding import settled
from truly_sparse.analysis.statistics.paired import CONFIDENCE, RESAMPLES, Numbers

#: Degrees of freedom, seeds less one over all groups, that an interval needs.
FEWEST = 2
#: What is said where there is no interval.
FEW_SEEDS = "too few seeds for an interval: it needs two of every dataset, and three of a single one"
#: Resamples of whole curves.
CURVES = 999
Curve = Callable[[Numbers], Numbers]


class Interval(NamedTuple):
    """A mean over groups.

    Attributes
    ----------
    mean : float
        Equal-weight mean over all groups.
    low, high : float or None
        Ends of its 95 % interval; None where seeds are too few for one.
    p : float or None
        Two-sided, of a mean of zero.
    seeds : int
        Numbers in all groups together.
    groups : tuple of str
        Their names.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None
    seeds: int
    groups: tuple[str, ...]


def _mean(values: Numbers) -> Numbers:
    found: Numbers = values.mean(axis=0)
    return found


def interval(values: Mapping[str, Sequence[float] | Numbers]) -> Interval:
    """Return the mean over groups of each group's mean over seeds, with an interval by the bootstrap.

    Parameters
    ----------
    values : mapping of str to sequence of float
        What every seed gave, by group; at least one group with at least one number. An interval needs two seeds in
        every group, and `FEWEST` degrees of freedom.
    """
    groups = {name: np.asarray(numbers, np.float64) for name, numbers in values.items()}
    scale = max(float(np.abs(numbers).max(initial=0.0)) for numbers in groups.values())
    mean = settled(float(np.mean([numbers.mean() for numbers in groups.values()])), scale)
    total = sum(len(numbers) for numbers in groups.values())
    known = Interval(mean, None, None, None, total, tuple(groups))
    if total - len(groups) < FEWEST or min(map(len, groups.values())) < 2:
        return known
    drawn = _means(groups.values(), np.random.default_rng(0))
    low, high = (settled(float(end), scale) for end in np.quantile(drawn, _ends()))
    return known._replace(low=low, high=high, p=two_sided(drawn))


def over_groups(values: Mapping[str, Numbers]) -> Interval:
    """Return the mean over groups with its interval; those with a single seed are left out where others have more."""
    several = {name: numbers for name, numbers in values.items() if len(numbers) > 1}
    return interval(several or values)


def trend(series: Mapping[str, Mapping[float, Sequence[float]]], curve: Curve = _mean) -> Interval:
    """Return the mean over groups of Spearman's correlation of a curve with its abscissa.

    Parameters
    ----------
    series : mapping of str to mapping of float to sequence of float
        For every group, what the seeds gave at each of at least three abscissas, in the same order of seeds. The
        curve of a group is the mean over its seeds; these are drawn anew as a whole.
    curve : callable
        Makes a curve of what the seeds gave, shape (seeds, abscissas); their mean by default.
    """
    curves = {name: np.array([points[x] for x in sorted(points)], np.float64).T for name, points in series.items()}
    abscissas = {name: sorted(points) for name, points in series.items()}
    mean = float(np.mean([_spearman(abscissas[name], curve(values)) for name, values in curves.items()]))
    total = sum(len(values) for values in curves.values())
    known = Interval(settled(mean, 1.0), None, None, None, total, tuple(curves))
    if total - len(curves) < FEWEST or min(map(len, curves.values())) < 2:
        return known
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(CURVES):
        means = (curve(values[rng.integers(0, len(values), len(values))]) for values in curves.values())
        rows.append(np.mean([_spearman(abscissas[name], line) for name, line in zip(curves, means, strict=True)]))
    drawn = np.array(rows)
    low, high = (settled(float(end), 1.0) for end in np.quantile(drawn, _ends()))
    return known._replace(low=low, high=high, p=two_sided(drawn))


def two_sided(drawn: Numbers) -> float:
    """Return twice the smaller share of resampled means on one side of zero; a resample of zero counts on both."""
    below, above = float(np.mean(drawn <= 0)), float(np.mean(drawn >= 0))
    least = 1 / (len(drawn) + 1)
    return min(1.0, 2 * max(least, min(below, above)))


def _means(groups: Iterable[Numbers], rng: np.random.Generator) -> Numbers:
    total, count = np.zeros(RESAMPLES), 0
    for numbers in groups:
        size = len(numbers)
        deviations = (numbers - numbers.mean()) * np.sqrt(size / (size - 1))
        total += numbers.mean() + deviations[rng.integers(0, size, (RESAMPLES, size))].mean(axis=1)
        count += 1
    # Resamples of the same numbers in another order have the same mean.
    return np.round(total / count, 12)


def _spearman(abscissas: Sequence[float], values: Numbers) -> float:
    """Return the correlation of ranks; 0 where all values are equal."""
    ranks = stats.rankdata(np.round(values, 10)), stats.rankdata(abscissas)
    deviations = [rank - rank.mean() for rank in ranks]
    length = float(np.sqrt(np.prod([np.sum(deviation**2) for deviation in deviations])))
    return float(np.sum(deviations[0] * deviations[1])) / length if length else 0.0


def _ends() -> tuple[float, float]:
    return (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
