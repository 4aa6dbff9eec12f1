"""How sure classifiers are: the temperature, where it comes from, and that all ways out of a model have it."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array
from sklearn.metrics import log_loss

from truly_sparse import (
    SparseMLPClassifier,
    TrulySparseEnsembleClassifier,
    TrulySparseEnsembleRegressor,
    load_model,
    open_table,
    save_model,
)
from truly_sparse.estimators.temperature import FEWEST, HIGHEST, temperature_of, tempered

SMALL = {"hidden_layer_sizes": (40, 40), "members": 2, "exploration_epochs": 30, "member_epochs": 30, "random_state": 0}


def softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def drawn(rng, rows, classes, true):
    """Return probabilities that are too sure by a factor `true` of their logarithms, labels, and weights."""
    z = rng.normal(size=(rows, classes))
    known = softmax(z)
    labels = (known.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1).clip(max=classes - 1)
    return softmax(true * z), labels, rng.integers(1, 4, rows).astype(float)


def noisy(rows, seed=0, columns=6):
    """Return rows of which a quarter has the wrong label, which networks learn by heart."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)).astype(np.float32)
    return x, np.where(rng.random(rows) < 0.25, x[:, 0] <= 0, x[:, 0] > 0).astype(np.int64)


@pytest.fixture(scope="module")
def sure():
    """Return a model that was too sure, and rows it has not seen."""
    model = TrulySparseEnsembleClassifier(**SMALL, epsilon=20, dropout=0.0).fit(*noisy(400))
    assert model.temperature_ > 1.5
    return model, *noisy(600, 1)


# The number.


@given(st.integers(0, 10**6), st.integers(2, 6), st.sampled_from([1.5, 3.0, 8.0]))
def test_it_has_the_least_weighted_log_loss(seed, classes, true):
    probabilities, labels, weights = drawn(np.random.default_rng(seed), 300, classes, true)

    def loss(inverse):
        found = softmax(inverse * np.log(probabilities))[np.arange(300), labels]
        return -np.average(np.log(found), weights=weights)

    best = minimize_scalar(loss, bounds=(1 / HIGHEST, 1), method="bounded", options={"xatol": 1e-9})
    found = temperature_of(probabilities, labels, weights)
    assert 1 <= found <= HIGHEST
    assert 1 / found == pytest.approx(best.x, abs=1e-4)
    assert temperature_of(probabilities, labels, 3 * weights) == pytest.approx(found, rel=1e-6)


def test_nothing_is_made_surer_and_few_rows_say_nothing():
    rng = np.random.default_rng(0)
    assert temperature_of(*drawn(rng, 1000, 3, 0.5)) == 1
    probabilities, labels, weights = drawn(rng, FEWEST, 3, 9.0)
    assert temperature_of(probabilities, labels, weights) > 1
    assert temperature_of(probabilities[1:], labels[1:], weights[1:]) == 1
    # Sure, and wrong without exception.
    wrong = np.array([[0.0, 1.0]] * 50)
    assert temperature_of(wrong, np.zeros(50, int), np.ones(50)) == pytest.approx(HIGHEST)


@given(st.integers(0, 10**6), st.floats(1.001, HIGHEST), st.integers(2, 40))
def test_the_order_of_the_classes_stays(seed, temperature, classes):
    rng = np.random.default_rng(seed)
    probabilities = softmax(rng.normal(size=(50, classes)) * rng.choice([1, 30]))
    probabilities[0] = np.eye(classes)[0]
    found = tempered(probabilities, temperature)
    assert (found.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    wanted = softmax(np.log(np.maximum(probabilities, 1e-30)) / temperature)
    assert np.allclose(found, wanted, rtol=1e-5, atol=1e-9)
    assert np.allclose(found.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert tempered(probabilities, 1.0) is probabilities


# Where it comes from.


def test_it_lowers_the_log_loss_and_changes_no_prediction(sure):
    model, x, y = sure
    whole = model._mean_output(x)
    assert log_loss(y, model.predict_proba(x)) < log_loss(y, whole) - 0.1
    assert (model.predict(x) == model.classes_[whole.argmax(axis=1)]).all()
    assert np.allclose(np.exp(model.predict_log_proba(x)), model.predict_proba(x))


def test_members_are_those_without_a_trial():
    x, y = noisy(300)
    model, other = (TrulySparseEnsembleClassifier(**SMALL, calibration_fraction=part).fit(x, y) for part in (None, 0))
    assert model._mean_output(x).tobytes() == other._mean_output(x).tobytes()
    assert model.temperature_ > other.temperature_ == 1
    assert other.predict_proba(x).tobytes() == other._mean_output(x).tobytes()


@pytest.mark.parametrize("kind", [SparseMLPClassifier, TrulySparseEnsembleClassifier])
@pytest.mark.parametrize(("preset", "tries"), [("best", True), ("accurate", True), ("fast", False), ("paper", False)])
def test_which_presets_try(kind, preset, tries):
    lengths = {"epochs": 20} if kind is SparseMLPClassifier else {"exploration_epochs": 10, "member_epochs": 10}
    own = {"hidden_layer_sizes": (40,), "dropout": 0.0, "preprocessing": "piecewise_linear"} | lengths
    model = kind(preset=preset, epsilon=20, **own).fit(*noisy(400))
    assert (model.temperature_ > 1) == tries


def test_the_same_rows_in_any_order_give_the_same_number():
    x, y = noisy(300)
    weights = np.random.default_rng(0).integers(1, 3, 300)
    order, repeated = np.random.default_rng(1).permutation(300), np.repeat(np.arange(300), weights)
    first, moved, twice = (
        TrulySparseEnsembleClassifier(**SMALL).fit(*arguments)
        for arguments in ((x, y, weights), (x[order], y[order], weights[order]), (x[repeated], y[repeated]))
    )
    assert first.temperature_ == moved.temperature_ == twice.temperature_ > 1


def test_rows_of_validation_are_taken_where_there_are_some(monkeypatch):
    x, y = noisy(400)
    monkeypatch.setattr(TrulySparseEnsembleClassifier, "_temperature_by_trial", None)  # would be called
    for more in ({"validation_fraction": 0.3}, {"early_stopping": True, "validation_fraction": 0.2}):
        model = TrulySparseEnsembleClassifier(**SMALL, dropout=0.0, epsilon=20, **more).fit(x, y)
        assert model.temperature_ > 1


@pytest.mark.parametrize("method", ["edst_rg", "independent", "sparse_subnetworks", "snapshot", "mc_dropout"])
def test_other_methods_have_one_too(method):
    own = SMALL | {"exploration_epochs": 10, "member_epochs": 10, "parent_epochs": 20, "child_epochs": 6}
    model = TrulySparseEnsembleClassifier(method, **own, dropout=0.1, epsilon=20).fit(*noisy(400))
    assert model.temperature_ > 1


def test_rows_that_chose_the_members_and_were_trained_on_do_not_count():
    own = SMALL | {"population": 4, "parent_epochs": 20, "dropout": 0.0, "epsilon": 20}
    x, y = noisy(400, 3)
    with pytest.warns(UserWarning, match="leave none for validation"):
        model = TrulySparseEnsembleClassifier("noisy_subnetworks", **own, validation_fraction=1e-9).fit(x, y)
    assert model.temperature_ == 1
    assert TrulySparseEnsembleClassifier("noisy_subnetworks", **own, validation_fraction=0.2).fit(x, y).temperature_ > 1


def test_a_fit_that_goes_on_keeps_it():
    x, y = noisy(300)
    model = TrulySparseEnsembleClassifier(**SMALL, warm_start=True).fit(x, y)
    known = model.temperature_
    assert known > 1
    assert model.set_params(members=3).fit(x, y).temperature_ == known
    assert model.partial_fit(x, y).temperature_ == known
    assert TrulySparseEnsembleClassifier(**SMALL).partial_fit(x, y).temperature_ == 1


def test_a_row_that_comes_very_often_does_not_decide():
    """As in tables where all that is unknown has one value: equal rows of two labels, each of which is one row here."""
    x, y = noisy(400)
    x = np.concatenate([x, np.full((200, x.shape[1]), -9, np.float32)])
    found = [
        TrulySparseEnsembleClassifier(**SMALL | {"random_state": seed})
        .fit(x, np.append(y, np.repeat([0, 1], [80, 120])))
        .temperature_
        for seed in range(8)
    ]
    assert max(found) < 4  # else the highest there is


# Where there is none, and odd rows.


def test_few_rows_have_none_and_rare_classes_are_no_trouble():
    x, y = noisy(5 * FEWEST - 6)
    assert TrulySparseEnsembleClassifier(**SMALL).fit(x, y).temperature_ == 1
    x, y = noisy(400)
    y[:2] = 7
    model = TrulySparseEnsembleClassifier(**SMALL).fit(x, y)
    assert model.temperature_ > 1
    assert model.predict_proba(x).shape == (400, 3)


@pytest.mark.parametrize("part", [None, 0.3])
def test_rows_in_a_file_give_the_same_number(tmp_path, part):
    x, y = noisy(400)
    pd.DataFrame(x, columns=list("abcdef")).assign(label=y).to_csv(tmp_path / "rows.csv", index=False)
    frame = pd.read_csv(tmp_path / "rows.csv")
    own = SMALL | {"dropout": 0.0, "epsilon": 20, "validation_fraction": part}
    with open_table(tmp_path / "rows.csv", "label") as rows:
        model = TrulySparseEnsembleClassifier(**own).fit(*rows)
    assert model.temperature_ == TrulySparseEnsembleClassifier(**own).fit(frame.drop(columns="label"), y).temperature_
    assert model.temperature_ > 1


def test_gaps_categories_and_sparse_rows():
    x, y = noisy(400)
    frame = pd.DataFrame(x, columns=list("abcdef"))
    frame.loc[::5, "b"] = np.nan
    frame["colour"] = np.where(x[:, 1] > 0, "red", "blue")
    assert TrulySparseEnsembleClassifier(**SMALL, dropout=0.0).fit(frame, y).temperature_ > 1
    thin = np.where(np.abs(x) > 0.7, x, 0)
    assert TrulySparseEnsembleClassifier(**SMALL, dropout=0.0, epsilon=20).fit(csr_array(thin), y).temperature_ > 1


def test_a_regressor_has_none():
    x, y = noisy(300)
    model = TrulySparseEnsembleRegressor(**SMALL).fit(x, y + x[:, 1])
    assert model._model.temperature == 1
    assert not hasattr(model, "temperature_")


# The ways out.


def test_files_and_single_rows_give_the_same_bits(sure, tmp_path):
    model, x, _ = sure
    wanted = model.predict_proba(x)
    save_model(model, tmp_path / "model.npz")
    loaded = load_model(tmp_path / "model.npz")
    assert loaded.temperature_ == model.temperature_
    assert loaded.predict_proba(x).tobytes() == wanted.tobytes()
    predict = model.predictor()
    assert np.stack([predict(row) for row in x[:40]]).tobytes() == wanted[:40].tobytes()
    assert model.predict_proba(x[:3]).tobytes() == wanted[:3].tobytes()


@pytest.mark.skipif(not find_spec("torch"), reason="PyTorch is not installed")
def test_torch_has_it(sure):
    import torch

    model, x, _ = sure
    with torch.no_grad():
        assert np.allclose(model.to_torch()(torch.as_tensor(x)).numpy(), model.predict_proba(x), atol=1e-5)


@pytest.mark.skipif(not (find_spec("onnx") and find_spec("onnxruntime")), reason="onnx is not installed")
def test_onnx_has_it(sure, tmp_path):
    import onnxruntime

    model, x, _ = sure
    model.to_onnx(tmp_path / "model.onnx")
    found = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(None, {"X": x.astype(np.float64)})[0]
    assert np.allclose(found, model.predict_proba(x), atol=1e-5)
