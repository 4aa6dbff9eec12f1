"""The classifier in scikit-learn's hands."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from truly_sparse import TrulySparseEnsembleClassifier
from truly_sparse.errors import UserError

SMALL = {"hidden": (100, 100), "members": 2, "epochs": 24, "exploration_epochs": 8, "batch_size": 32, "epsilon": 5}


def test_it_works_in_a_pipeline_with_string_labels():
    x, y = load_breast_cancer(return_X_y=True)
    names = np.array(["malignant", "benign"])[y]
    model = make_pipeline(StandardScaler(), TrulySparseEnsembleClassifier(**SMALL))
    assert cross_val_score(model, x, names, cv=3).mean() > 0.93
    model.fit(x, names)
    assert set(model.predict(x)) == {"malignant", "benign"}
    assert np.allclose(model.predict_proba(x).sum(axis=1), 1, atol=1e-5)
    assert len(model[-1].history_) == 24


def test_clones_are_equal_and_fit_the_same():
    x, y = load_breast_cancer(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    first = TrulySparseEnsembleClassifier(method="dist_tse", **SMALL).fit(x, y)
    second = clone(first).fit(x, y)
    assert first.predict_proba(x).tobytes() == second.predict_proba(x).tobytes()


@pytest.mark.parametrize(
    ("changes", "y", "words"),
    [({}, np.zeros(60), "one class"), ({"eta": 1e6}, None, "eta"), ({"batch_size": 500}, None, "training rows")],
)
def test_what_cannot_be_fitted_is_said_in_one_line(changes, y, words):
    x = np.random.default_rng(0).normal(size=(60, 4))
    labels = np.arange(60) % 2 if y is None else y
    with pytest.raises(UserError, match=words):
        TrulySparseEnsembleClassifier(**{**SMALL, **changes}).fit(x, labels)
