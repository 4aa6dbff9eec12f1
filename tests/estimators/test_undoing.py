"""Fits that fail, diverge or are interrupted: the estimator stays what it was."""

import numpy as np
import pandas as pd
import pytest

from truly_sparse import (
    SparseCNNClassifier,
    SparseMLPClassifier,
    TrulySparseEnsembleClassifier,
    TrulySparseEnsembleRegressor,
)
from truly_sparse.errors import UserError
from truly_sparse.estimators import ensemble, halving

NET = {"hidden_layer_sizes": (10,), "epsilon": 5, "preset": "fast"}
ENSEMBLE = {**NET, "members": 2, "exploration_epochs": 1, "member_epochs": 2}
RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(120, 4)), columns=list("abcd"))
Y = (X["a"] + X["b"] > 0).to_numpy(int)
PICTURES = RNG.random((40, 8, 8))
OTHERS = pd.DataFrame({"e": RNG.normal(size=120), "f": RNG.choice(["no", "yes"], 120)})


def named(model):
    return model.fit(X, np.array(["no", "yes"])[Y])


CASES = {
    "single": (lambda: named(SparseMLPClassifier(**NET, epochs=3)), "fit", (OTHERS, Y)),
    "longer": (lambda: named(SparseMLPClassifier(**NET, epochs=3, warm_start=True)), "fit", (X, ["no", "yes"] * 60)),
    "new": (lambda: SparseMLPClassifier(**NET, epochs=3), "partial_fit", (X, Y)),
    "stream": (lambda: named(TrulySparseEnsembleClassifier(**ENSEMBLE)), "partial_fit", (X, ["no", "yes"] * 60)),
    "more": (
        lambda: named(TrulySparseEnsembleClassifier("sparse_subnetworks", **NET, members=2, parent_epochs=2)),
        "add_members",
        (2, X, np.array(["no", "yes"])[Y]),
    ),
    "regressor": (lambda: TrulySparseEnsembleRegressor(**ENSEMBLE).fit(X, X["a"]), "fit", (OTHERS, 1000 * X["a"])),
    "regressor, new": (lambda: TrulySparseEnsembleRegressor(**ENSEMBLE), "partial_fit", (X, X["a"])),
    "pictures": (
        lambda: SparseCNNClassifier(hidden_layer_sizes=(4,), epochs=1).fit(PICTURES, ["no", "yes"] * 20),
        "fit",
        (PICTURES[:, :7], np.arange(40) % 3),
    ),
}


def state(model):
    """Return the attributes, and what can be seen of the networks."""
    outputs = []
    if model.__sklearn_is_fitted__():
        rows = PICTURES if isinstance(model, SparseCNNClassifier) else X
        outputs = [model.predict(rows).tolist()]
        outputs += [model.predict_proba(rows).tobytes()] if hasattr(model, "classes_") else []
    return dict(vars(model)), outputs


def unchanged(model, before):
    now, outputs = state(model)
    assert now.keys() == before[0].keys()
    assert all(now[name] is before[0][name] for name in now)
    assert outputs == before[1]


@pytest.mark.parametrize("name", CASES)
def test_an_interrupted_fit_changes_nothing(name, monkeypatch):
    made, method, arguments = CASES[name]
    model = made()
    before = state(model)

    def interrupt(*_):
        raise KeyboardInterrupt

    for room in (halving, ensemble):
        monkeypatch.setattr(room, "show_epoch", interrupt)
    with pytest.raises(KeyboardInterrupt):  # after an epoch, that is
        getattr(model, method)(*arguments)
    unchanged(model, before)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        ({}, {"y": ["only"] * 120}, "one class only"),
        ({"epochs": -1}, {"X": OTHERS}, "epochs is -1"),
        ({"preprocessing": "none"}, {"X": OTHERS.assign(e=1e38 * OTHERS["e"])}, "lower learning_rate"),
    ],
)
def test_a_fit_that_fails_changes_nothing_but_parameters(change, more, words):
    model = named(SparseMLPClassifier(**NET, epochs=3)).set_params(**change)
    before = state(model)
    with pytest.raises(UserError, match=words):
        model.fit(**{"X": X, "y": Y, **more})
    unchanged(model, before)
