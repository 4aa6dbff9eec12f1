"""Where the plateau of accuracies ends: the "extreme sparsity contour", for which the paper gives no rule."""

import math
from typing import NamedTuple

import pandas as pd
from scipy import stats

from truly_sparse.analysis.rounding import settled

#: Up to here the paper calls the accuracy practically unaffected.
UNAFFECTED = 0.9
#: How many standard errors below the plateau a fraction must lie.
ERRORS = 2.0


class Plateau(NamedTuple):
    """Mean accuracy up to `UNAFFECTED`, and what training alone moves.

    Attributes
    ----------
    mean : float
        Of the fractions' means.
    error : float or None
        Standard error of the mean of one fraction.
    spread : float
        Standard deviation of a run: over seeds, pooled over the plateau's fractions.
    freedom : int
        Degrees of freedom of `spread`, 0 where no fraction has two seeds.
    variance : float
        Of `mean`, as a part of that of a run.
    """

    mean: float
    error: float | None
    spread: float
    freedom: int
    variance: float


def plateau(runs: pd.DataFrame, metric: str) -> Plateau:
    """Return the plateau of finished runs.

    The standard error is that of training: the standard deviation over seeds, pooled over the plateau's fractions, by
    the root of the number of seeds. Where no fraction has two seeds, it is the standard deviation between the
    fractions; None for a single fraction.

    Parameters
    ----------
    runs : DataFrame
        Columns `zeta`, `seed` and the metric.
    metric : str
    """
    flat = runs[runs["zeta"] <= UNAFFECTED].groupby("zeta")[metric].agg(["mean", "var", "count"])
    flat = flat[flat["count"] > 0]
    several = flat[flat["count"] > 1]
    error = None
    if len(several):
        error = math.sqrt(math.fsum(several["var"] / several["count"]) / len(several))
    elif len(flat) > 1:
        error = float(flat["mean"].std())
    freedom = int((several["count"] - 1).sum())
    spread = math.sqrt(math.fsum((several["count"] - 1) * several["var"]) / freedom) if freedom else math.nan
    mean = math.fsum(flat["mean"]) / len(flat) if len(flat) else math.nan
    return Plateau(
        mean, error, spread, freedom, math.fsum(1 / flat["count"]) / len(flat) ** 2 if len(flat) else math.nan
    )


def contour(runs: pd.DataFrame, metric: str) -> float | None:
    """Return the smallest fraction from which on all means lie more than 2 standard errors below the plateau.

    None where the largest fraction does not, or the standard error is not known.
    """
    level, means = plateau(runs, metric), means_of(runs, metric)
    if level.error is None:
        return None
    limit = level.mean - ERRORS * level.error
    return from_which_on(means.map(lambda value: settled(value - limit, level.mean) < 0))


def significant_from(runs: pd.DataFrame, metric: str, alpha: float) -> float | None:
    """Return the smallest fraction above `UNAFFECTED` from which on all means lie significantly below the plateau.

    By a two-sided t test with the spread of training that the plateau has (`Plateau.spread`): a spread taken from two
    seeds of one fraction says next to nothing, or is zero. That of the plateau must not be.
    """
    level, below = plateau(runs, metric), {}
    for zeta, values in runs[runs["zeta"] > UNAFFECTED].groupby("zeta")[metric]:
        error = level.spread * math.sqrt(1 / len(values) + level.variance)
        gap = settled(float(values.mean()) - level.mean, level.mean)
        below[float(str(zeta))] = gap < 0 and 2 * float(stats.t.cdf(gap / error, level.freedom)) < alpha
    return from_which_on(pd.Series(below, dtype=bool))


def before(runs: pd.DataFrame, metric: str) -> float:
    """Return the mean over all fractions before the contour (formula 3), all of them without one."""
    means, end = means_of(runs, metric), contour(runs, metric)
    level = means[means.index < end] if end is not None else means
    return math.fsum(level) / len(level)


def means_of(runs: pd.DataFrame, metric: str) -> pd.Series:
    """Return mean accuracies of finished runs by fraction."""
    return runs.groupby("zeta")[metric].mean().dropna()


def from_which_on(holds: pd.Series) -> float | None:
    """Return the smallest index from which on all values are true; None where the last is not."""
    found = None
    for zeta, true in reversed(list(holds.items())):
        if not true:
            break
        found = float(zeta)
    return found
