"""Predictions by any way: row by row, prepared, in many rows, by several threads; the same bits by all of them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.sparse import csr_array
from sklearn.datasets import load_breast_cancer, load_wine

from truly_sparse import (
    SparseCNNClassifier,
    SparseMLPClassifier,
    TrulySparseEnsembleClassifier,
    TrulySparseEnsembleRegressor,
)
from truly_sparse.engine.prediction import MANY
from truly_sparse.errors import UserError
from truly_sparse.estimators.base import PREDICTION_ROWS

NET = {"hidden_layer_sizes": (40, 30), "epsilon": 5}
SMALL = {**NET, "members": 3, "exploration_epochs": 10, "member_epochs": 4}
MODELS = {
    "ramps": lambda: TrulySparseEnsembleClassifier(**SMALL),
    "quantile": lambda: TrulySparseEnsembleClassifier(**SMALL, preprocessing="quantile"),
    "standard": lambda: TrulySparseEnsembleClassifier(**SMALL, preprocessing="standard", activation="mish"),
    "none": lambda: SparseMLPClassifier(**NET, epochs=5, preprocessing="none"),
    "regressor": lambda: TrulySparseEnsembleRegressor(**SMALL),
    "shortcuts": lambda: TrulySparseEnsembleClassifier(**SMALL, shortcut_ratio=0.5),
    "noise": lambda: TrulySparseEnsembleClassifier("noisy_subnetworks", **NET, members=3, parent_epochs=10),
    "dropped neurons": lambda: TrulySparseEnsembleClassifier("mc_dropout", **NET, members=9, parent_epochs=10),
}


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    x, y = load_wine(return_X_y=True)
    return MODELS[request.param]().fit(x, y), x


def outputs(model, x):
    return model.predict_proba(x) if hasattr(model, "classes_") else model.predict(x)


def by_each(model, x):
    """Return what the members give by themselves, 64 rows at a time, and from it what the model gives."""
    encoded = model._model.encoding.transform(x)
    mean = np.array([network.predict_proba(encoded) for network in model.members_]).mean(axis=0, dtype=np.float64)
    mean = mean / mean.sum(axis=1, keepdims=True)
    return mean if hasattr(model, "classes_") else (mean * model.knots_).sum(axis=1)


def test_a_row_alone_prepared_or_among_others_has_the_same_bits(fitted):
    model, x = fitted
    wanted, predict = by_each(model, x), model.predictor()
    assert outputs(model, x).tobytes() == wanted.tobytes()
    for row in range(0, len(x), 7):
        assert outputs(model, x[row : row + 1]).tobytes() == wanted[row].tobytes()
        assert np.asarray(predict(x[row])).tobytes() == wanted[row].tobytes()
        assert np.asarray(predict(x[row].tolist())).tobytes() == wanted[row].tobytes()
    for rows in (2, 3, 11, 12, 13, 14):
        assert outputs(model, x[:rows]).tobytes() == wanted[:rows].tobytes()


@pytest.mark.parametrize("kind", ["classifier", "regressor", "sparse rows", "pictures"])
def test_rows_without_a_prediction_are_refused_and_named(kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 8, 8) if kind == "pictures" else (100, 4))
    y = np.arange(100) % 2
    if kind == "pictures":
        model = SparseCNNClassifier(hidden_layer_sizes=(4, 8), compression=4, epochs=1)
    elif kind == "regressor":
        model = TrulySparseEnsembleRegressor(**SMALL, preset="paper")
    else:
        model = SparseMLPClassifier(**NET, epochs=3, preset="paper", preprocessing="none")
    x, far = x.copy(), x[:5].copy()
    far[3] = 3e38 * np.sign(far[3])
    if kind == "sparse rows":
        x, far = csr_array(x), csr_array(far)
    model.fit(x, y)
    ways = [model.predict] if kind == "regressor" else [model.predict, model.predict_proba]
    if kind in ("classifier", "regressor"):
        prepared = model.predictor()
        assert np.isfinite(prepared(far[0])).all()
        ways.append(lambda rows: prepared(rows[3]))
    for way in ways:
        with (
            np.errstate(over="ignore"),
            pytest.raises(UserError, match=r"row [03] of X .* has no prediction") as caught,
        ):
            way(far)
        assert "\n" not in str(caught.value)
        assert ("row 0" in str(caught.value)) == (way is ways[-1] and kind in ("classifier", "regressor"))


def test_any_number_of_threads_gives_the_same_bits():
    x, y = load_breast_cancer(return_X_y=True)
    rows = np.tile(x, (9, 1))[: PREDICTION_ROWS * 4 + MANY - 1]
    model = TrulySparseEnsembleClassifier(
        hidden_layer_sizes=(60, 40), members=2, exploration_epochs=10, member_epochs=2
    )
    wanted = by_each(model.fit(x, y), rows).tobytes()
    for jobs in (None, 1, 2, 3, -1):
        assert model.set_params(n_jobs=jobs).predict_proba(rows).tobytes() == wanted
    for backend in ("threading", "loky"):
        with parallel_config(backend, n_jobs=2):
            assert model.set_params(n_jobs=None).predict_proba(rows).tobytes() == wanted


@pytest.mark.parametrize("rows", [1, MANY])
def test_what_is_kept_for_the_next_rows_follows_the_members(rows):
    x, y = load_breast_cancer(return_X_y=True)
    model = TrulySparseEnsembleClassifier(**{**SMALL, "epsilon": 60})
    model.fit(x, y)
    size = len(pickle.dumps(model))
    for _ in range(2):
        assert model._mean_output(x[:rows]).tobytes() == by_each(model, x[:rows]).tobytes()
    assert model._predicting(rows) is model._predicting(rows)
    assert len(pickle.dumps(model)) == size
    model.members_[1].biases[3] += 0.5
    assert model._mean_output(x[:rows]).tobytes() == by_each(model, x[:rows]).tobytes()


@pytest.mark.parametrize("wanted", ["list", "Fortran", "float32", "wrong", "flat", "named"])
def test_arrays_that_skip_checks_are_those_that_would_pass_them(wanted):
    x, y = load_wine(return_X_y=True)
    model = SparseMLPClassifier(**NET, epochs=3).fit(x, y)
    by_list = model.predict_proba(x.tolist())
    assert model.predict_proba(x).tobytes() == by_list.tobytes()
    if wanted == "list":
        assert model.predict_proba(x[0:1]).tobytes() == by_list[:1].tobytes()
    elif wanted == "Fortran":
        assert model.predict_proba(np.asfortranarray(x)).tobytes() == by_list.tobytes()
    elif wanted == "float32":
        assert np.allclose(model.predict_proba(x.astype(np.float32)), by_list, atol=1e-4)
        swapped = x.astype(x.dtype.newbyteorder())
        assert model.predict_proba(swapped).tobytes() == by_list.tobytes()
    elif wanted == "named":
        named = SparseMLPClassifier(**NET, epochs=3).fit(pd.DataFrame(x).rename(columns=str), y)
        with pytest.warns(UserWarning, match="feature names"):
            named.predict_proba(x)
    else:
        with pytest.raises(ValueError, match="features" if wanted == "wrong" else "1D array"):
            model.predict_proba(x[:, :-1].copy() if wanted == "wrong" else x[0])
        with pytest.raises(ValueError, match="0 sample"):
            model.predict_proba(x[:0])


def test_a_prepared_row_has_gaps_and_categories_and_does_not_follow_the_model():
    rng = np.random.default_rng(0)
    x = pd.DataFrame(
        {"size": rng.normal(size=200), "colour": rng.choice(["red", "blue"], 200), "shop": rng.integers(3, 6, 200)}
    )
    y = (x["size"] > 0) ^ (x["colour"] == "red")
    x.loc[::7, "size"] = np.nan
    model = TrulySparseEnsembleClassifier(**SMALL, categorical_features=["shop"]).fit(x, y)
    given = pd.DataFrame({"size": [np.nan, 0.5], "colour": [None, "green"], "shop": [4, 9]})
    rows = pd.concat([x[:20], given])
    numbers = rows.assign(colour=[{"blue": 0, "red": 1, "green": -1}.get(name, np.nan) for name in rows["colour"]])
    wanted, predict = model.predict_proba(rows), model.predictor()
    model.members_[0].biases[:] = np.arange(len(model.members_[0].biases))
    for row, probabilities in zip(numbers.to_numpy(float), wanted, strict=True):
        assert predict(row).tobytes() == probabilities.tobytes()
    assert model.predict_proba(rows).tobytes() != wanted.tobytes()
