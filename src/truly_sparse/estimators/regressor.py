"""The ensemble for real-valued targets."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from truly_sparse.ensembles.strategies import Strategy
from truly_sparse.errors import UserError
from truly_sparse.estimators import presets
from truly_sparse.estimators.base import gathered
from truly_sparse.estimators.ensemble import Ensemble
from truly_sparse.estimators.inspection import Inspection
from truly_sparse.estimators.targets import Values, knots_of, mean_of


class TrulySparseEnsembleRegressor(Inspection, RegressorMixin, Ensemble):
    """Ensemble of truly sparse perceptrons that predict a distribution, whose mean is the prediction.

    The range of the target is cut into `knots` values; a network gives each a probability and is trained by
    cross-entropy, as the classifier's are (a histogram loss, Imani and White 2018). A prediction stays within the
    range of the training targets. Parameters and attributes that are not named here are those of
    `TrulySparseEnsembleClassifier`, without classes; the score of an epoch is R^2.

    Parameters
    ----------
    knots : int, default 32
        Values of the target that get a probability: quantiles of the training targets. They count as classes where a
        setting is "auto".

    Attributes
    ----------
    knots_ : ndarray of float64, shape (at most knots,)

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from truly_sparse import TrulySparseEnsembleRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = TrulySparseEnsembleRegressor(hidden=(50, 50), members=2).fit(X, y)
    >>> bool(model.score(X, y) > 0.4)
    True
    """

    _presets: ClassVar[Mapping[str, Mapping[str, Any]]] = presets.ENSEMBLE

    def __init__(
        self,
        method: str | type[Strategy] = "fd_tse",
        *,
        preset: str = "best",
        knots: int = 32,
        preprocessing: str | None = None,
        bins: int | None = None,
        hidden: Sequence[int] | None = None,
        epsilon: float | str | None = None,
        start_values: str | None = None,
        activation: str | None = None,
        alpha: float | None = None,
        members: int | None = None,
        exploration_epochs: int | str | None = None,
        member_epochs: int | str | None = None,
        batch_size: int | str | None = None,
        eta: float | None = None,
        learning_rate: str | None = None,
        momentum: float | None = None,
        weight_decay: float | None = None,
        decay_times_eta: bool | None = None,
        dropout: float | None = None,
        zeta: float | None = None,
        q: float | None = None,
        evolution_every: int | None = None,
        refinement: str | None = None,
        clip_norm: float | None = None,
        distance_factor: float = 1.5,
        validation_fraction: float | None = None,
        selection: str | None = None,
        early_stopping: bool = False,
        patience: int = 10,
        warm_start: bool = False,
        verbose: bool = False,
        random_state: Any = 0,
    ) -> None:
        self._keep(locals())

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train on rows and their real-valued targets; see `TrulySparseEnsembleClassifier.fit`."""
        before = self._earlier()
        features, values = validate_data(
            self, X, y, dtype=(np.float64, np.float32), order="C", y_numeric=True, reset=before is None
        )
        settings = self._settings()
        if not isinstance(self.knots, int | np.integer) or self.knots < 2:
            raise UserError(f"knots is {self.knots!r}; give a whole number from 2")
        table = gathered(features, values.astype(np.float64), self._weights(sample_weight, features))
        if before is None:
            self.knots_ = knots_of(table.y, table.weights, int(self.knots))
        self._train(table, lambda y, held, weights: Values(y, held, self.knots_, weights), settings, before)
        return self

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the mean of the predicted distribution of each row, shape (n_samples,)."""
        return mean_of(self._mean_output(X), self.knots_)

    def predict_distribution(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the probability of every value of `knots_`, shape (n_samples, n_knots)."""
        return self._mean_output(X)
