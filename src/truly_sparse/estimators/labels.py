"""What classifiers of tables and of pictures have in common: weights of classes, and logarithms of probabilities."""

from collections.abc import Mapping
from math import inf, nan
from typing import Any

import numpy as np
import numpy.typing as npt

from truly_sparse.errors import UserError
from truly_sparse.estimators.distinct_rows import Table, Weights

ClassWeight = Mapping[Any, float] | str | None
#: Of the parameter `class_weight`: its type in words, and what it is.
CLASS_WEIGHT = ('dict or "balanced"', "Weight of each class, as a factor on `sample_weight`.")


class Labelled:
    """Base of what predicts one of some labels."""

    classes_: npt.NDArray[Any]
    class_weight: ClassWeight

    def _weighted(self, table: Table, some: bool = False) -> Table:
        """Return a table whose weights are multiplied by those of its classes, numbers in `classes_`.

        Parameters
        ----------
        some : bool
            Whether it may hold one class only.
        """
        if not some and len(np.unique(table.y)) < 2:
            raise UserError("y holds one class only (with a weight above 0); a classifier needs at least 2 classes")
        with np.errstate(over="ignore", invalid="ignore"):  # where they are too large, training says so
            return table._replace(weights=table.weights * self._class_weights(table.y, table.weights)[table.y])

    def _class_weights(self, numbers: npt.NDArray[np.int64], weights: Weights) -> Weights:
        """Return the factor of every class."""
        count = len(self.classes_)
        if self.class_weight is None:
            return np.ones(count)
        if isinstance(self.class_weight, Mapping):
            unknown = [label for label in self.class_weight if label not in self.classes_]
            if unknown:
                raise UserError(f"class_weight names {unknown}, which y does not hold")
            return np.array([_factor(label, self.class_weight.get(label, 1.0)) for label in self.classes_.tolist()])
        if self.class_weight == "balanced":
            totals = np.bincount(numbers, weights=weights, minlength=count)
            return totals.sum() / (np.count_nonzero(totals) * np.where(totals > 0, totals, 1.0))
        raise UserError(f'class_weight is {self.class_weight!r}; give "balanced" or a weight for each class')

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the probabilities of all classes, shape (n_samples, n_classes), in the order of `classes_`."""
        raise NotImplementedError

    def predict_log_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))


def _factor(label: Any, given: Any) -> float:
    """Return the weight of a class as it was given, or refuse it."""
    try:
        factor = float(given)
    except (TypeError, ValueError, OverflowError):
        factor = nan
    if not 0 < factor < inf:
        raise UserError(
            f"class_weight of {label!r} is {given!r}; give a finite number above 0, and leave rows out with "
            "sample_weight 0"
        )
    return factor
