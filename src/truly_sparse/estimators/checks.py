"""What an estimator is given, checked: rows, targets, weights, seeds, and settings that may not change."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_sample_weight,
    check_array,
    check_consistent_length,
    check_random_state,
    check_X_y,
    column_or_1d,
)

from truly_sparse.engine.rows import NonZeros
from truly_sparse.errors import UserError
from truly_sparse.estimators import preprocessing, tables
from truly_sparse.estimators.distinct_rows import Rows, Table, Weights, gather
from truly_sparse.estimators.parameters import Parameters
from truly_sparse.estimators.sparse_rows import of_csr
from truly_sparse.estimators.state import Model
from truly_sparse.estimators.stored import StoredRows

#: How scikit-learn checks the matrix of a table; what may not be infinite is refused by the name of its column.
CHECKED: dict[str, Any] = {
    "dtype": (np.float64, np.float32),
    "order": "C",
    "ensure_all_finite": False,
    "accept_sparse": "csr",
}


class Checks(Parameters):
    """What the estimators check of rows, and learn of their columns."""

    _model: Model
    categories_: tables.Categories
    n_features_in_: int

    def _check_training(
        self, x: Any, y: Any, sample_weight: npt.ArrayLike | None, reset: bool, y_numeric: bool = False
    ) -> tuple[Rows, npt.NDArray[Any], Weights | None]:
        """Return rows as a matrix, targets and weights; with `reset`, learn names and categories of the columns."""
        if isinstance(x, StoredRows):
            return self._check_stored(x, y, sample_weight, reset)
        rows = tables.read(x)
        _check_feature_names(self, x, reset=reset)
        tables.refuse_missing_targets(y)
        features, targets = check_X_y(rows.values, y, y_numeric=y_numeric, estimator=self, **CHECKED)
        _check_n_features(self, features, reset=reset)
        weights = weights_of(sample_weight, features)
        if issparse(features):
            if self.categorical_features is not None:
                raise UserError("X is sparse and has no categories; leave out categorical_features, or make X dense")
            preprocessing.for_sparse(self.preprocessing)
            if reset:
                self.categories_ = {}
            return self._of_sparse(features, new=reset), targets, weights
        if reset:
            named = tables.places_of(self.categorical_features, features.shape[1], rows.names)
            kept = weights > 0 if weights is not None else None
            self.categories_ = tables.learned(rows, features, named, kept)
        return self._coded(rows, features), targets, weights

    def _of_sparse(self, features: Any, new: bool = False) -> NonZeros:
        """Return the rows of a CSR matrix; unless they are `new`, the model has to keep their zeros."""
        if not new and not self._model.encoding.keeps_zeros:
            raise UserError(
                "X is sparse, but the model was fitted on dense rows that its encoding did not leave as they are; give "
                "X.toarray(), or fit on sparse rows"
            )
        return of_csr(features)

    def _check_stored(
        self, x: StoredRows, y: Any, sample_weight: npt.ArrayLike | None, reset: bool
    ) -> tuple[StoredRows, npt.NDArray[Any], Weights | None]:
        """Do for rows in a file what `_check_training` does for others."""
        targets = column_or_1d(y)
        check_consistent_length(x, targets)
        weights = weights_of(sample_weight, x)
        if reset:
            self.feature_names_in_, self.n_features_in_ = np.array(x.names, object), x.shape[1]
            named = tables.places_of(self.categorical_features, x.shape[1], x.names)
            self.categories_ = (x if weights is None else x[weights > 0]).learned(named)
        self._check_names(x)
        return x.coded(self.categories_), targets, weights

    def _check_names(self, x: StoredRows) -> None:
        known = getattr(self, "feature_names_in_", np.zeros(0, object)).tolist()
        if list(x.names) != known:
            raise UserError("the columns of the file are not those of training: " + ", ".join(map(str, known[:8])))

    def _check_features(self, x: Any) -> npt.NDArray[np.floating] | NonZeros:
        """Return rows to predict as a matrix."""
        if isinstance(x, StoredRows):
            self._check_names(x)
            return x.coded(self.categories_).matrix()
        rows = tables.read(x)
        if self._passes(x):
            return self._coded(rows, x)
        _check_feature_names(self, x, reset=False)
        features = check_array(rows.values, estimator=self, input_name="X", **CHECKED)
        _check_n_features(self, features, reset=False)
        if issparse(features):
            return self._of_sparse(features)
        return self._coded(rows, features)

    def _passes(self, x: Any) -> bool:
        """Return whether scikit-learn's checks, which take as long as to predict a row, would return these rows."""
        return (
            type(x) is np.ndarray
            and x.dtype in CHECKED["dtype"]
            and x.ndim == 2
            and len(x) > 0
            and x.shape[1] == self.n_features_in_
            and x.flags.c_contiguous
            and not hasattr(self, "feature_names_in_")
        )

    def _coded(self, rows: tables.Rows, features: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        tables.refuse_infinite(features, rows)
        return tables.coded(rows, features, self.categories_)


def refuse_changes(before: Mapping[str, Any], now: Mapping[str, Any], but: Collection[str]) -> None:
    """Refuse settings that are others than before, `but` some."""
    for name in now:
        if name in before and name not in but and now[name] != before[name]:
            raise UserError(
                f"{name} is {now[name]!r} and was {before[name]!r} in the fit that this one goes on from, which cannot "
                "change it; set it back, or fit anew"
            )


def seed_of(random_state: Any) -> int:
    """Return the seed that a parameter `random_state` gives; refuse numbers below 0."""
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        if random_state < 0:
            raise UserError(f"random_state is {random_state}; give a whole number that is not negative, or None")
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def weights_of(sample_weight: npt.ArrayLike | None, rows: npt.NDArray | StoredRows) -> Weights | None:
    """Return checked weights of rows; None where there are none."""
    if sample_weight is None:
        return None
    weights: Weights = _check_sample_weight(sample_weight, rows, dtype=np.float64)
    if (weights < 0).any() or not weights.any():
        raise UserError("sample_weight must not be negative, nor 0 for all rows")
    return weights


def gathered(features: Rows, y: npt.NDArray, weights: Weights | None, least: int = 2) -> Table:
    """Return the distinct rows, refusing fewer than `least`: what goes on in a stream needs 1, all else 2."""
    table = gather(features, y, weights)
    if len(table.y) < least:
        raise UserError(f"{len(table.y)} distinct row(s), n_samples = {len(y)}; training needs at least {least}")
    return table
