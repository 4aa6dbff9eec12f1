"""Prediction of one row after the other, with everything prepared and nothing checked."""

import copy
from collections.abc import Callable, Sequence
from math import isnan
from typing import Any

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.prediction import OneRow, Ordered
from truly_sparse.errors import UserError
from truly_sparse.estimators.encoding import Encoding
from truly_sparse.estimators.export import marked_values
from truly_sparse.estimators.tables import Categories

#: Makes a prediction of the mean of the members' outputs, shape (1, classes).
Finish = Callable[[npt.NDArray[np.float64]], Any]


class Predictor:
    """A fitted model as it was when this was made, for one row at a time; see `SparseEstimator.predictor`.

    A call gives the bits that the model gives. It is not for several threads at once: each needs one of its own.
    """

    def __init__(
        self, members: Sequence[SparseMLP], encoding: Encoding, categories: Categories, finish: Finish
    ) -> None:
        self._encoding = copy.copy(encoding)
        self._encoding.mark_value = marked_values(encoding, categories)
        self._outputs, self._finish = OneRow(Ordered(members)), finish
        self._inputs = self._outputs.inputs[None]

    def __call__(self, row: npt.ArrayLike) -> Any:
        """Return the prediction of a row, shape (features,)."""
        self._encoding.write(np.asarray(row, np.float64)[None], self._inputs)
        mean = mean_of_members(self._outputs()[:, None])
        if isnan(mean[0, 0]):  # one number says it of the whole row
            refuse_overflow(mean)
        return self._finish(mean)


def mean_of_members(outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the mean of outputs [member][row][class] (journal equation 1), whose rows sum to 1 in float64."""
    mean = np.add.reduce(outputs, axis=0, dtype=np.float64) / len(outputs)  # as .mean does, in half the time of a row
    return np.asarray(mean / np.add.reduce(mean, axis=1, keepdims=True))


def refuse_overflow(mean: npt.NDArray[np.float64]) -> None:
    """Refuse rows without an answer: probabilities [row][class], of which a row has all NaN or none, its sum being 1.

    Raises
    ------
    UserError
    """
    wrong = np.isnan(mean[:, 0])
    if wrong.any():
        raise UserError(
            f"row {int(wrong.argmax())} of X (counted from 0) has no prediction: its numbers are so far from those of "
            "training that sums in the network overflow; correct the row, scale it as in training, or leave it out"
        )
