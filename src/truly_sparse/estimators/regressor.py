"""The ensemble for real-valued targets."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_array

from truly_sparse.errors import UserError
from truly_sparse.estimators.checks import gathered
from truly_sparse.estimators.distinct_rows import Table
from truly_sparse.estimators.ensemble import Ensemble
from truly_sparse.estimators.inspection import Inspection
from truly_sparse.estimators.parameters import documented
from truly_sparse.estimators.predictor import Finish
from truly_sparse.estimators.state import Model
from truly_sparse.estimators.streaming import where_streamed
from truly_sparse.estimators.targets import Values, knots_of, mean_of
from truly_sparse.estimators.undoing import undone_on_failure
from truly_sparse.training.settings import setting


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class TrulySparseEnsembleRegressor(Inspection, RegressorMixin, Ensemble):
    """Ensemble of truly sparse perceptrons that predict a distribution, whose mean is the prediction.

    The range of the target is cut into `knots` values; a network gives each a probability and is trained by
    cross-entropy, as the classifier's are (a histogram loss, Imani and White 2018). A prediction stays within the
    range of the training targets. Parameters that are None take the value of the `preset`, and where a method needs
    another one, that.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    knots_ : ndarray of float64, shape (at most knots,)
        The values that get a probability; the other attributes are those of `TrulySparseEnsembleClassifier`, without
        classes, and the score of an epoch is R^2.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from truly_sparse import TrulySparseEnsembleRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = TrulySparseEnsembleRegressor(hidden_layer_sizes=(50, 50), members=2).fit(X, y)
    >>> bool(model.score(X, y) > 0.4)
    True
    """

    knots: int = setting(
        32,
        "Values of the target that get a probability: quantiles of the training targets. They count as classes where a "
        'setting is "auto".',
        least=2,
        most=1_000_000,
    )

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train on rows and their real-valued targets; see `TrulySparseEnsembleClassifier.fit`."""
        return self._fit(X, y, sample_weight, self._earlier())

    def _fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        before: Model | None,
        changes: Mapping[str, Any] | None = None,
    ) -> Self:
        """Train, or go on from `before`, with changes of the settings."""
        with undone_on_failure(self):
            settings = self._settings() | dict(changes or {})
            table = self._distinct(X, y, sample_weight, before is None)
            if before is None:
                self.knots_ = knots_of(table.y, table.weights, int(self.knots))
            self._warn_of_others(table, stacklevel=4)
            self._learn(table, settings, before)
        return self

    @where_streamed
    def partial_fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        targets: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Train every member one epoch on some rows; see `TrulySparseEnsembleClassifier.partial_fit`.

        `knots_` are learned in the first call: from `targets`, values that are spread as those of all rows will be, or
        from its y; these must not be all the same. Later targets beyond them count as the nearest one, of which a
        warning tells.

        Raises
        ------
        UserError
            For rows or targets that cannot be learned from, or first targets that are all the same.
        """
        before = self._streamed()
        with undone_on_failure(self):
            table = self._distinct(X, y, sample_weight, before is None, 2 if before is None else 1)
            settings = self._one_epoch(before)
            if before is None:
                spread = table.y if targets is None else check_array(targets, ensure_2d=False, dtype=np.float64).ravel()
                of_spread = table.weights if targets is None else np.ones(len(spread))
                self.knots_ = knots_of(spread, of_spread, int(self.knots))
                if len(self.knots_) < 2:
                    raise UserError(
                        f"the first targets are all {self.knots_[0]:g}, so that nothing else could be predicted later; "
                        "give targets, values that are spread as those of all rows will be"
                    )
            self._warn_of_others(table, stacklevel=3)
            self._learn(table, settings, before)
        return self

    def _settled(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        return super()._settled(settings) | {"knots": int(self.knots)}

    def _distinct(
        self, x: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None, reset: bool, least: int = 2
    ) -> Table:
        """Return the distinct rows, at least so many, with their targets and weights."""
        if getattr(y, "ndim", 1) == 2 and np.shape(y)[1] > 1:
            raise UserError(
                "y has several columns; sklearn.multioutput.MultiOutputRegressor trains an ensemble for each"
            )
        features, values, weights = self._check_training(x, y, sample_weight, reset, y_numeric=True)
        if values.dtype.kind in "mM":
            raise UserError("y holds dates or times; turn them into numbers")
        try:
            targets = values.astype(np.float64)
        except ValueError as error:
            raise UserError("y holds text; a regressor needs numbers") from error
        return gathered(features, targets, weights, least)

    def _warn_of_others(self, table: Table, stacklevel: int) -> None:
        """Tell the caller, so many calls up, of targets that no knots around them can express."""
        low, high = float(self.knots_[0]), float(self.knots_[-1])
        share = np.average((table.y < low) | (table.y > high), weights=table.weights)
        if share > 0:
            warnings.warn(
                f"{share:.2%} of the targets are not between the knots {low:g} and {high:g}, and count as the nearer; "
                "a new fit, or targets in the first partial_fit, gives other knots",
                stacklevel=stacklevel,
            )

    def _learn(self, table: Table, settings: dict[str, Any], before: Model | None) -> None:
        self._train(table, lambda y, held, weights: Values(y, held, self.knots_, weights), settings, before)

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the mean of the predicted distribution of each row, shape (n_samples,)."""
        return mean_of(self._mean_output(X), self.knots_)

    def _finish(self) -> Finish:
        return partial(_first_mean, knots=self.knots_)

    def predict_distribution(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the probability of every value of `knots_`, shape (n_samples, n_knots)."""
        return self._mean_output(X)


def _first_mean(probabilities: npt.NDArray[np.float64], knots: npt.NDArray[np.float64]) -> np.float64:
    """Return the mean of the distribution of the one row."""
    found: np.float64 = mean_of(probabilities, knots)[0]
    return found
