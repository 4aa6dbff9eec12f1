"""The classifiers: an ensemble collected in one run, and a single truly sparse perceptron."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from truly_sparse.ensembles import methods
from truly_sparse.errors import UserError
from truly_sparse.estimators import presets, tables
from truly_sparse.estimators.base import SparseEstimator
from truly_sparse.estimators.checks import gathered
from truly_sparse.estimators.distinct_rows import Rows, Weights
from truly_sparse.estimators.ensemble import Ensemble
from truly_sparse.estimators.inspection import Inspection
from truly_sparse.estimators.labels import CLASS_WEIGHT, ClassWeight, Labelled
from truly_sparse.estimators.parameters import SingleParameters, documented, parameter
from truly_sparse.estimators.predictor import Finish
from truly_sparse.estimators.state import Model
from truly_sparse.estimators.streaming import where_streamed
from truly_sparse.estimators.temperature import tempered
from truly_sparse.estimators.undoing import undone_on_failure
from truly_sparse.training.targets import Classes


@dataclass(kw_only=True, eq=False, repr=False)
class SparseClassifier(Inspection, Labelled, ClassifierMixin, SparseEstimator):
    """Base of the classifiers: labels and class weights on their way to a training run."""

    _calibrates: ClassVar[bool] = True
    class_weight: ClassWeight = parameter(None, *CLASS_WEIGHT)

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train on rows and their labels.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
            Numbers and categories, NaN where a value is missing. Columns of text are categories, as are those of a
            table's own type for them; other ones are named in `categorical_features`. A table (pandas, polars, Arrow)
            names the features. A sparse matrix or array of SciPy holds numbers, and never becomes dense.
        y : array-like, shape (n_samples,)
            Labels: numbers or strings.
        sample_weight : array-like, shape (n_samples,), optional
            A whole number repeats a row, 0 leaves it out; other numbers are proportions. Whole ones therefore multiply
            the time of training, and must not sum to more than 1e9.

        Returns
        -------
        self

        Raises
        ------
        UserError
            If the settings contradict each other, a column holds neither numbers nor categories, or infinite values, a
            row has no label, y has one class, or training diverges at ever lower rates. After any exception the
            estimator is as it was.
        """
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
            features, labels, weights = self._check_training(X, y, sample_weight, reset=before is None)
            check_classification_targets(labels)
            settings = self._settings() | dict(changes or {})
            self._learn(features, self._encode(labels, new=before is None), weights, settings, before)
        return self

    @where_streamed
    def partial_fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        classes: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Train every member one epoch on some rows, with a SET step after every `evolution_every`-th call.

        The first call learns the preprocessing, and the categories, from its rows, and needs `classes`, all labels
        there will be, unless its y holds them all. It draws networks that are independent of each other, whatever
        `method` says of how members follow one another; after `fit`, the members that there are go on. The rate stays
        at `learning_rate`, by default that of a single network. Ensembles whose members come of one network, such as
        subnetworks and snapshots, have no `partial_fit`.

        Raises
        ------
        UserError
            For rows or labels that cannot be learned from, one class, or other classes than those of the first call.
        """
        before = self._streamed()
        with undone_on_failure(self):
            features, labels, weights = self._check_training(X, y, sample_weight, reset=before is None)
            check_classification_targets(labels)
            known = self._told_classes(classes) if classes is not None else None
            if before is None:
                self.classes_: npt.NDArray[Any] = known if known is not None else np.unique(labels)
                if len(self.classes_) < 2:
                    raise UserError("classes holds one class only; a classifier needs at least 2 classes")
            elif known is not None and not np.array_equal(known, self.classes_):
                raise UserError(f"classes {known} are not those of the first call, {self.classes_}")
            settings, numbers = self._one_epoch(before), self._encode(labels, new=False)
            self._learn(
                features, numbers, weights, settings, before, 2 if before is None else 1, told=known is not None
            )
        return self

    @staticmethod
    def _told_classes(classes: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the labels that there will be, sorted; refuse one that is missing."""
        told = column_or_1d(classes)
        if tables.is_missing(told).any():
            raise UserError("classes holds a value that is missing; leave it out")
        return np.unique(told)

    def _encode(self, labels: npt.NDArray[Any], new: bool) -> npt.NDArray[np.int64]:
        """Return class numbers of labels; sets `classes_`, or refuses labels that it lacks."""
        found = np.unique(labels)
        if new:
            self.classes_ = found
        elif not np.isin(found, self.classes_).all():
            raise UserError(f"y holds classes {np.setdiff1d(found, self.classes_)} that the first fit did not know")
        return np.searchsorted(self.classes_, labels).astype(np.int64)

    def _learn(
        self,
        features: Rows,
        numbers: npt.NDArray[np.int64],
        weights: Weights | None,
        settings: dict[str, Any],
        before: Any,
        least: int = 2,
        told: bool = False,
    ) -> None:
        """Train on at least so many distinct rows, of one class only if `classes_` was `told` or known before."""
        table = gathered(features, numbers, weights, least)
        del numbers
        table = self._weighted(table, some=told or before is not None)
        count = len(self.classes_)
        self._train(table, lambda y, held, weights: Classes(y, held, count, weights), settings, before)

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the probabilities of all classes, shape (n_samples, n_classes), in the order of `classes_`.

        They are the members' mean softmax output, to the power of 1 / `temperature_` and with a sum of 1 again.
        """
        return tempered(self._mean_output(X), self.temperature_)

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the most probable class of each row, shape (n_samples,)."""
        best = self._mean_output(X).argmax(axis=1)
        return self.classes_[best]

    def _finish(self) -> Finish:
        return partial(_first_tempered, temperature=self.temperature_)

    def _take(self, model: Model) -> None:
        super()._take(model)
        self.temperature_ = model.temperature


def _first_tempered(probabilities: npt.NDArray[np.float64], temperature: float) -> npt.NDArray[np.float64]:
    """Return the probabilities of the one row."""
    return tempered(probabilities, temperature)[0]


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class TrulySparseEnsembleClassifier(SparseClassifier, Ensemble):
    """Ensemble of truly sparse perceptrons collected in one training run (van der Wal et al. 2025).

    One network explores; then members follow one another, each from the last one by pruning most links and growing
    others elsewhere. Other methods make members in other ways, such as children of one parent, which are tuned alone.
    Parameters that are None take the value of the `preset`, and where a method needs another one, that.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Features of X.
    feature_names_in_ : ndarray of str
        Their names, where X had names.
    categories_ : dict of int to ndarray
        The sorted categories of each column that has some, by its place.
    members_ : list of SparseMLP
        The collected networks; of subnetworks the parent, where `include_parent` says so, then its children.
    loss_curve_, validation_scores_ : list of float
        Training loss, and accuracy on the rows held out (None without any), by epoch.
    history_ : list of dict
        One row per epoch: phase, member, rate, loss, score, connections, seconds.
    n_iter_ : int
        Epochs trained.
    temperature_ : float
        What the logarithms of the probabilities are divided by: 1, which changes nothing, or more.
    feature_importances_ : ndarray, shape (n_features,)
        Share of the strength of all input links that each feature has.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from truly_sparse import TrulySparseEnsembleClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = TrulySparseEnsembleClassifier(hidden_layer_sizes=(50, 50), members=2).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class SparseMLPClassifier(SparseClassifier, SingleParameters):
    """One truly sparse perceptron: SET (Mocanu et al. 2018) or a static sparse network.

    Parameters that are None take the value of the `preset`. Attributes are those of `TrulySparseEnsembleClassifier`.

    Parameters
    ----------
    <parameters>

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from truly_sparse import SparseMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SparseMLPClassifier("set", hidden_layer_sizes=(50, 50), epochs=50).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _presets: ClassVar[Mapping[str, Mapping[str, Any]]] = presets.SINGLE

    def _method(self) -> str:
        return methods.SINGLE

    def _lengths(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        epochs = int(settings["epochs"])
        every = self._every(settings)
        return {"epochs": epochs, "exploration_epochs": epochs, "members": 1, "evolution_every": every}

    def _every(self, settings: Mapping[str, Any]) -> int:
        """Return the epochs between SET steps."""
        return 0 if self.topology == "static" else int(settings["evolution_every"])
