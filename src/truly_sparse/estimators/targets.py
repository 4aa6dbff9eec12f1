"""Real values as what a network is trained towards: a distribution over knots.

The engine minimises cross-entropy over classes. A regression target between two knots is one or the other at random,
drawn anew in every epoch with the odds that make the mean the target ("two-hot" targets, of which the drawn one is an
unbiased sample): the distribution a network predicts then has the mean of the target as its mean.
"""

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.network import Floats
from truly_sparse.estimators.distinct_rows import Weights
from truly_sparse.training.targets import Labels

Reals = npt.NDArray[np.float64]


class Values:
    """Real values between knots; the score is the weighted R^2 of the distributions' means.

    Parameters
    ----------
    y, y_validation : ndarray of float64
    knots : ndarray of float64
        Ascending.
    weights : ndarray of float64
        Of the validation rows.
    """

    metric = "r2"

    def __init__(self, y: Reals, y_validation: Reals, knots: Reals, weights: Weights) -> None:
        self.y_validation, self.weights = y_validation, weights
        self.knots, self.classes = knots, len(knots)
        below = np.searchsorted(knots, y, side="right") - 1
        self._below = np.clip(below, 0, max(0, len(knots) - 2))
        above = np.minimum(self._below + 1, len(knots) - 1)
        width = knots[above] - knots[self._below]
        self._share = np.clip((y - knots[self._below]) / np.where(width > 0, width, 1.0), 0.0, 1.0)

    def draw(self, rng: np.random.Generator) -> Labels:
        """Return one of the two knots around each value, with the mean of the value."""
        return self._below + (rng.random(len(self._below)) < self._share)

    def score(self, probabilities: Floats) -> float:
        """Return 1 - weighted squared error / weighted variance."""
        # Divided by a power of two, which rounds nothing, squares of large targets are finite, and of small ones not 0.
        _, power = np.frexp(np.abs(self.y_validation).max())
        y, weights = np.ldexp(self.y_validation, -power), self.weights
        variance = np.average((y - np.average(y, weights=weights)) ** 2, weights=weights)
        error = np.average((np.ldexp(mean_of(probabilities, self.knots), -power) - y) ** 2, weights=weights)
        return float(1.0 - error / variance) if variance > 0 else -float(np.ldexp(error, 2 * power))

    def loss(self, probabilities: Floats) -> float:
        """Return the error that the score knows."""
        return -self.score(probabilities)


def mean_of(probabilities: npt.NDArray[np.floating], knots: Reals) -> Reals:
    """Return the means of distributions over knots, shape (rows,); no product of BLAS, whose sums are not ours."""
    return np.asarray((probabilities * knots).sum(axis=1))


def knots_of(y: Reals, weights: Weights, count: int) -> Reals:
    """Return up to `count` ascending knots: weighted quantiles of y, its least and its greatest value among them."""
    order = np.argsort(y, kind="stable")
    ends = np.cumsum(weights[order])
    places = np.searchsorted(ends, np.linspace(0.0, ends[-1], max(2, count))).clip(max=len(y) - 1)
    return np.unique(y[order][places])
