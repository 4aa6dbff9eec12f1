"""Means over groups, such as datasets, of what seeds say in each: intervals from the spread over seeds in every group.

Says whether a mean difference would be there again with other seeds, on these datasets, each of which counts the same
however many seeds it has. It does not say that it would be there on other datasets.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from truly_sparse.analysis.rounding import settled
from truly_sparse.analysis.statistics.paired import CONFIDENCE, Numbers

#: Degrees of freedom that an interval or a test over seeds needs, in every study; seeds less one over all groups, or
#: those of the test. With a single one, t has to exceed 12.7: such a test finds next to nothing, whatever there is.
FEWEST = 2
#: What is said where there is no interval.
FEW_SEEDS = "too few seeds for an interval: it needs two of every dataset, and three of a single one"
#: What is said where a test has too few degrees of freedom.
FEW_FOR_TEST = f"too few seeds for a test: fewer than {FEWEST} degrees of freedom"
#: Times that the points of curves are shuffled.
SHUFFLES = 9999
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


class Trend(NamedTuple):
    """A mean over groups of rank correlations; attributes as those of `Interval`, p None where seeds are too few."""

    mean: float
    p: float | None
    seeds: int
    groups: tuple[str, ...]


def interval(values: Mapping[str, Sequence[float] | Numbers]) -> Interval:
    """Return the mean over groups of each group's mean over seeds, with Student's interval and p.

    The variance of the mean is the sum of those of the groups, each from the spread of its own seeds; its degrees of
    freedom are Satterthwaite's (Biometrics Bulletin 2, 1946): as many as seeds less one over all groups where these
    spread alike, fewer where one spreads most. A single group has Student's interval of its mean.

    Parameters
    ----------
    values : mapping of str to sequence of float
        What every seed gave, by group; at least one group with at least one number. An interval needs two seeds in
        every group, and `FEWEST` degrees of freedom.
    """
    groups = {name: np.asarray(numbers, np.float64) for name, numbers in values.items()}
    scale = max(float(np.abs(numbers).max(initial=0.0)) for numbers in groups.values())
    mean = settled(float(np.mean([numbers.mean() for numbers in groups.values()])), scale)
    known = Interval(mean, None, None, None, sum(map(len, groups.values())), tuple(groups))
    if not _enough(groups.values()):
        return known
    sizes = np.array([len(numbers) for numbers in groups.values()])
    # Settled, so that equal numbers do not spread.
    spreads = np.array([settled(float(numbers.std(ddof=1)), scale) for numbers in groups.values()])
    variances = spreads**2 / sizes
    if not variances.any():
        return known._replace(low=mean, high=mean, p=0.0 if mean else 1.0)
    freedom = satterthwaite(variances, sizes - 1)
    error = float(np.sqrt(variances.sum())) / len(groups)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    low, high = (settled(end, scale) for end in (mean - half, mean + half))
    return known._replace(low=low, high=high, p=float(2 * stats.t.sf(abs(mean) / error, freedom)))


def too_few(freedom: float) -> bool:
    """Say whether degrees of freedom are too few for an interval or a test over seeds (`FEWEST`)."""
    return round(freedom, 9) < FEWEST


def few_seeds(seeds: int, one: str) -> str:
    """Say why a test over seeds, or over what pairs of runs differ by, decides nothing; nothing where it does.

    `one` is said of a single seed.
    """
    return one if seeds < 2 else FEW_FOR_TEST if too_few(seeds - 1) else ""


def satterthwaite(variances: Numbers, freedoms: npt.NDArray[Any]) -> float:
    """Return the degrees of freedom of a sum of independent estimates, given each one's variance and its own."""
    return float(variances.sum() ** 2 / (variances**2 / freedoms).sum())


def over_groups(values: Mapping[str, Numbers]) -> Interval:
    """Return the mean over groups with its interval; those with a single seed are left out where others have more."""
    several = {name: numbers for name, numbers in values.items() if len(numbers) > 1}
    return interval(several or values)


def trend(series: Mapping[str, Mapping[float, Sequence[float]]], curve: Curve | None = None) -> Trend:
    """Return the mean over groups of Spearman's correlation of a curve with its abscissa, and p of there being none.

    p is two-sided: how often the points of every seed, in an order drawn at random, give a mean of the correlations of
    the seeds' own curves that is as far from zero. Of seeds of one group this is Page's test for ordered alternatives
    (Journal of the American Statistical Association 58, 1963).

    Parameters
    ----------
    series : mapping of str to mapping of float to sequence of float
        For every group, what the seeds gave at each of at least three abscissas, in the same order of seeds. p needs
        as many seeds as an interval.
    curve : callable, optional
        Makes a curve of what the seeds gave, shape (..., seeds, abscissas), which p is of, too; their mean by default.
    """
    curves = {name: np.array([points[x] for x in sorted(points)], np.float64).T for name, points in series.items()}
    mean = np.mean([_spearman((curve or _mean_over_seeds)(values)) for values in curves.values()])
    known = Trend(settled(float(mean), 1.0), None, sum(map(len, curves.values())), tuple(curves))
    if not _enough(curves.values()):
        return known
    rng = np.random.default_rng(0)
    shuffled = (rng.permuted(np.broadcast_to(values, (SHUFFLES, *values.shape)), axis=-1) for values in curves.values())
    found, by_chance = _correlated(curves.values(), curve), _correlated(shuffled, curve)
    as_far = np.round(np.abs(by_chance), 10) >= np.round(np.abs(found), 10)
    return known._replace(p=float((1 + as_far.sum()) / (1 + SHUFFLES)))


def _mean_over_seeds(values: Numbers) -> Numbers:
    found: Numbers = values.mean(axis=-2)
    return found


def _correlated(groups: Iterable[Numbers], curve: Curve | None) -> Numbers:
    """Return the mean over groups, and seeds where there is no curve of all, of correlations with the order."""
    each = [_spearman(curve(values)) if curve else _spearman(values).mean(axis=-1) for values in groups]
    found: Numbers = np.mean(each, axis=0)
    return found


def _enough(groups: Collection[Numbers]) -> bool:
    """Say whether there are seeds enough, the first axis of every group, to say how much they spread."""
    return min(map(len, groups)) > 1 and not too_few(sum(map(len, groups)) - len(groups))


def _spearman(values: Numbers) -> Numbers:
    """Return the correlation of ranks with the order, shape (..., abscissas); 0 where all values are equal."""
    ranks = stats.rankdata(np.round(values, 10), axis=-1) - (values.shape[-1] + 1) / 2
    order = np.arange(values.shape[-1]) - (values.shape[-1] - 1) / 2
    # Ranks are multiples of a half: these sums are exact on every processor.
    lengths = np.sqrt((ranks**2).sum(axis=-1) * (order**2).sum())
    found: Numbers = np.divide((ranks * order).sum(axis=-1), lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return found
