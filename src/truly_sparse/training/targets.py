"""What a network is trained towards, and how good its predictions of validation rows are."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.divergence import cross_entropy
from truly_sparse.engine.network import Floats

Labels = npt.NDArray[np.int64]


class Targets(Protocol):
    """Labels of the training rows, drawn for every epoch, and the score of predictions on the validation rows.

    Attributes
    ----------
    classes : int
        How many labels there are.
    metric : str
        Name of the score.
    """

    classes: int
    metric: str

    def draw(self, rng: np.random.Generator) -> Labels:
        """Return the labels of all training rows."""

    def score(self, probabilities: Floats) -> float:
        """Return how good the probabilities of all validation rows are; higher is better."""

    def loss(self, probabilities: Floats) -> float:
        """Return how far they are from the targets, which decides between equal scores."""


class Classes:
    """Class numbers; the score is the accuracy.

    Parameters
    ----------
    y, y_validation : ndarray of int64
        Below `classes`.
    classes : int
    weights : ndarray of float64, optional
        Of the validation rows.
    """

    metric = "accuracy"

    def __init__(
        self, y: Labels, y_validation: Labels, classes: int, weights: npt.NDArray[np.float64] | None = None
    ) -> None:
        self.y, self.y_validation, self.classes, self.weights = y, y_validation, classes, weights

    def draw(self, rng: np.random.Generator) -> Labels:
        """Return the class numbers, which nothing random changes."""
        del rng
        return self.y

    def score(self, probabilities: Floats) -> float:
        """Return the (weighted) share of rows whose most probable class is right."""
        return float(np.average(probabilities.argmax(axis=1) == self.y_validation, weights=self.weights))

    def loss(self, probabilities: Floats) -> float:
        """Return the mean cross-entropy, in nats, without weights."""
        return cross_entropy(probabilities, self.y_validation)
