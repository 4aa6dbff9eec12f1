"""How far predictions lie from others, and from labels, in sums that are the same on every processor."""

import numpy as np
import numpy.typing as npt
from numba import njit

from truly_sparse.engine.compiled import COMPILED
from truly_sparse.engine.kernels import log_probability

Floats = npt.NDArray[np.float32]


def divergence(reference: Floats, other: Floats) -> float:
    """Return the mean Kullback-Leibler divergence of other probabilities from a reference's, in nats.

    Parameters
    ----------
    reference, other : ndarray of float32, shape (rows, classes)
    """
    return float(_divergence(reference, other))


def cross_entropy(probabilities: Floats, labels: npt.NDArray[np.int64]) -> float:
    """Return the mean of -log(probability of the label), in nats.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (rows, classes)
    labels : ndarray of int64, shape (rows,)
    """
    return float(_cross_entropy(probabilities, labels))


@njit(cache=True, **COMPILED)
def _divergence(reference, other):
    whole = 0.0
    for row in range(reference.shape[0]):
        for c in range(reference.shape[1]):
            if reference[row, c] > 0:
                whole += np.float64(reference[row, c]) * (
                    np.float64(log_probability(reference[row, c])) - np.float64(log_probability(other[row, c]))
                )
    return whole / reference.shape[0]


@njit(cache=True, **COMPILED)
def _cross_entropy(probabilities, labels):
    whole = 0.0
    for row in range(probabilities.shape[0]):
        whole -= log_probability(probabilities[row, labels[row]])
    return whole / probabilities.shape[0]
