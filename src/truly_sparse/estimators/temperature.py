"""How sure a classifier is: one number by which the logarithms of its probabilities are divided.

It is the one with which the probabilities of rows that were held out have the least log loss (temperature scaling, Guo
et al. 2017). Sums are taken row by row, class by class, and `exp` and `log` are those of `engine.libm`, so that no
processor changes a bit.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from truly_sparse.engine import libm
from truly_sparse.engine.compiled import COMPILED, INLINED

Doubles = npt.NDArray[np.float64]
#: Probabilities below this one count as this one.
LEAST = np.float32(1e-30)
#: The highest temperature that is searched, and how often what lies between the inverses is halved. The lowest is 1:
#: nothing makes a model surer than it is.
HIGHEST, HALVINGS = 32.0, 40
#: Rows that are enough, so that their probabilities take little memory.
MOST_HELD = 100_000
#: Rows without which nothing is searched. Rows that weigh more than so many times the median of their class do not
#: count: where many rows are equal but for their labels, those of one label may all be held out, and would decide.
FEWEST, HEAVIEST = 40, 10.0


@njit(**INLINED)
def _logarithm(probability):
    own = np.float32(probability)
    return np.float64(libm.log(own if own > LEAST else LEAST))


@njit(cache=True, **COMPILED)
def _tempered(probabilities, temperature, found):
    """Write what `tempered` returns to `found`."""
    rows, classes = probabilities.shape
    for row in range(rows):
        total = 0.0
        for c in range(classes):
            found[row, c] = np.float64(libm.exp(np.float32(_logarithm(probabilities[row, c]) / temperature)))
            total += found[row, c]
        for c in range(classes):
            found[row, c] /= total


@njit(cache=True, **COMPILED)
def _slope(probabilities, labels, weights, inverse):
    """Return the derivative of the weighted sum of log losses by the inverse of the temperature."""
    whole = 0.0
    for row in range(probabilities.shape[0]):
        total, moment = 0.0, 0.0
        for c in range(probabilities.shape[1]):
            logarithm = _logarithm(probabilities[row, c])
            power = np.float64(libm.exp(np.float32(logarithm * inverse)))
            total += power
            moment += power * logarithm
        whole += weights[row] * (moment / total - _logarithm(probabilities[row, labels[row]]))
    return whole


def tempered(probabilities: Doubles, temperature: float) -> Doubles:
    """Return probabilities [row][class] to the power of 1 / temperature, those of a row with the sum 1.

    The order of the classes of a row stays as it is, as far as float32 tells them apart. A temperature of 1 changes
    nothing.
    """
    if temperature == 1:
        return probabilities
    found = np.empty_like(probabilities)
    _tempered(probabilities, temperature, found)
    return found


def temperature_of(probabilities: Doubles, labels: npt.NDArray[np.int64], weights: Doubles) -> float:
    """Return the temperature with the least weighted log loss, 1 where there are fewer than `FEWEST` rows.

    Rows that are heavier than `HEAVIEST` says do not count.

    Parameters
    ----------
    probabilities : ndarray of float64, shape (rows, classes)
        Of rows that were not trained on.
    labels : ndarray of int64, shape (rows,)
    weights : ndarray of float64, shape (rows,)
    """
    if len(labels) < FEWEST:
        return 1.0
    weights = weights.copy()
    for label in np.unique(labels):
        own = labels == label
        weights[own & (weights > HEAVIEST * np.median(weights[own]))] = 0.0
    low, high = 1 / HIGHEST, 1.0
    if _slope(probabilities, labels, weights, high) <= 0:  # the loss still falls there
        return 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _slope(probabilities, labels, weights, middle) > 0:
            high = middle
        else:
            low = middle
    return 2 / (low + high)
