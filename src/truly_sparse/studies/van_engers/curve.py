"""Accuracy as a function of the replaced fraction zeta: the printed curve, fits of its form, and rival forms.

Accuracies are fractions here, as in formula 1 of the paper.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq, minimize

from truly_sparse.analysis.evidence import Missing
from truly_sparse.analysis.rounding import FITTED_DIGITS, significant

Numbers = npt.NDArray[np.float64]
#: Logarithms of b among which a fit looks first; printed is log 183 = 5.2.
_LOG_B = np.linspace(0.0, math.log(1e5), 461)
#: A curve through all points would have an AIC without bounds: errors below the rounding of accuracies are alike.
_LEAST_ERROR = 1e-10


class Curve(NamedTuple):
    """acc(zeta) = plateau - a exp(b (zeta - 1)); formula 2 of the paper."""

    a: float
    b: float
    plateau: float

    def at(self, zeta: float) -> float:
        """Return the accuracy at a fraction."""
        return self.plateau - self.a * math.exp(self.b * (zeta - 1))

    def error(self, means: pd.Series) -> float:
        """Return the mean squared error of accuracies by fraction."""
        squares = [(value - self.at(zeta)) ** 2 for zeta, value in means.items()]
        return significant(math.fsum(squares) / len(squares), FITTED_DIGITS)

    def falls(self, loss: float) -> float | None:
        """Return the fraction at which the curve lies `loss` below its plateau; None where it never does."""
        return 1 + math.log(loss / self.a) / self.b if self.a >= loss else None


class Rival(NamedTuple):
    """A form of the loss between 0 and 1, times a free factor, with its number of free parameters, that factor too."""

    words: str
    shape: Callable[[Numbers, Numbers, float], Numbers]
    grid: tuple[Numbers, ...]
    parameters: int


def fit(means: pd.Series, plateau: float) -> Curve:
    """Return the curve with the least squared error; every fraction weighs the same.

    For each b the best a is known, so that what is left is to find where the derivative by log b is zero: on a grid
    first, then by Brent's method.

    Parameters
    ----------
    means : Series
        Accuracies by fraction.
    plateau : float

    Raises
    ------
    Missing
        Where the squared error has no minimum, or there are fewer than three fractions.
    """
    distance, loss = 1 - means.index.to_numpy(float), plateau - means.to_numpy(float)
    if len(loss) < 3:
        raise Missing(f"{len(loss)} fractions are too few to fit a curve to")
    slopes = np.array([_slope(log_b, distance, loss) for log_b in _LOG_B])
    turns = np.flatnonzero((slopes[:-1] < 0) & (slopes[1:] >= 0))
    if not len(turns):
        raise Missing("no exponential curve fits: the squared error has no minimum")
    found = [brentq(_slope, _LOG_B[i], _LOG_B[i + 1], (distance, loss), xtol=1e-14) for i in turns]
    best = min(found, key=lambda log_b: _best(_decay(log_b, distance), loss)[1])
    a = _best(_decay(best, distance), loss)[0]
    return Curve(significant(a, FITTED_DIGITS), significant(math.exp(best), FITTED_DIGITS), plateau)


def criterion(error: float, points: int, parameters: int) -> float:
    """Return Akaike's criterion of a least-squares fit."""
    return significant(points * math.log(max(error, _LEAST_ERROR)) + 2 * parameters, FITTED_DIGITS)


def rival_error(rival: Rival, means: pd.Series, plateau: float, links: float) -> float:
    """Return the least mean squared error that a rival form reaches.

    Parameters
    ----------
    rival : Rival
    means : Series
        Accuracies by fraction.
    plateau : float
    links : float
        Links of which a part survives a step.
    """
    zeta, loss = means.index.to_numpy(float), plateau - means.to_numpy(float)

    def error(free: Numbers) -> float:
        return _best(rival.shape(np.asarray(free), zeta, links), loss)[1] / len(loss)

    starts = np.stack(np.meshgrid(*rival.grid, indexing="ij"), axis=-1).reshape(-1, len(rival.grid))
    start = min(starts, key=error)
    options = {"xatol": 1e-10, "fatol": 1e-20, "maxiter": 2000}
    return significant(
        min(error(start), float(minimize(error, start, method="Nelder-Mead", options=options).fun)), FITTED_DIGITS
    )


def _decay(log_b: float, distance: Numbers) -> Numbers:
    return np.exp(-math.exp(log_b) * distance)


def _best(shape: Numbers, loss: Numbers) -> tuple[float, float]:
    """Return the best factor of a shape, and the sum of squared errors that is left."""
    square = math.fsum(shape * shape)
    factor = math.fsum(shape * loss) / square if square else 0.0
    return factor, math.fsum((loss - factor * shape) ** 2)


def _slope(log_b: float, distance: Numbers, loss: Numbers) -> float:
    """Return the derivative of the least sum of squared errors by log b."""
    shape = _decay(log_b, distance)
    factor = _best(shape, loss)[0]
    return 2 * factor * math.exp(log_b) * math.fsum((loss - factor * shape) * distance * shape)


def _power(free: Numbers, zeta: Numbers, links: float) -> Numbers:
    del links
    return zeta ** math.exp(min(free[0], 700.0))


def _logistic(free: Numbers, zeta: Numbers, links: float) -> Numbers:
    """Rise from 0 to 1 with the logit of zeta, half of it where that is `free[0]`, over a width of exp(`free[1]`)."""
    del links
    with np.errstate(divide="ignore", over="ignore"):
        logit = np.log(zeta) - np.log1p(-zeta)
        return 1 / (1 + np.exp((free[0] - logit) / math.exp(free[1])))


def _survivors(free: Numbers, zeta: Numbers, links: float) -> Numbers:
    """Rise towards 1 as fewer links survive; half of it where they are exp(`free[0]`)."""
    half = math.exp(min(free[0], 700.0))
    return half / (half + (1 - zeta) * links)


#: Forms that the formula is compared with; parameters include the factor, as those of the curve do.
RIVALS = {
    "logistic": Rival(
        "logistic in logit ζ", _logistic, (np.linspace(0.0, 8.0, 33), np.linspace(math.log(0.05), 1.0, 25)), 3
    ),
    "power": Rival("power a ζᶜ", _power, (np.linspace(0.0, math.log(1e5), 231),), 2),
    "survivors": Rival("hyperbola in the number of survivors", _survivors, (np.linspace(0.0, math.log(1e8), 231),), 2),
}
#: Free parameters of the curve: a and b; the plateau is the mean of accuracies before the fall, for every form.
PARAMETERS = 2
