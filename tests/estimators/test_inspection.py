"""What one can ask a fitted estimator, against plain definitions; exports against the estimator's own predictions."""

import json
from importlib.util import find_spec

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.datasets import load_breast_cancer, load_iris, make_friedman1

from truly_sparse import (
    SparseMLPClassifier,
    TrulySparseEnsembleClassifier,
    TrulySparseEnsembleRegressor,
    load_model,
    save_model,
)
from truly_sparse.errors import UserError
from truly_sparse.estimators.export import to_csr
from truly_sparse.estimators.onnx_export import network_to_onnx
from truly_sparse.estimators.torch_export import network_to_torch

from ..engine.test_graph import network_of

mpl.use("agg")
SMALL = {"hidden_layer_sizes": (40, 30), "epsilon": 5, "members": 3, "exploration_epochs": 20, "member_epochs": 10}


@pytest.fixture(scope="module")
def data():
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def fitted(data):
    return TrulySparseEnsembleClassifier(**SMALL, validation_fraction=0.2).fit(*data)


@pytest.fixture(scope="module", params=["piecewise_linear", "quantile", "standard", "none", "regressor"])
def any_model(request):
    if request.param == "regressor":
        x, y = make_friedman1(300, random_state=0)
        return TrulySparseEnsembleRegressor(**SMALL).fit(x, y), x
    x, y = load_iris(return_X_y=True)
    return TrulySparseEnsembleClassifier(**SMALL, preprocessing=request.param).fit(x, y), x


def outputs(model, x):
    return model.predict_proba(x) if hasattr(model, "classes_") else model.predict(x)


def test_the_summary_counts_every_link(fitted):
    frame = pd.DataFrame(fitted.summary())
    rows = frame[frame["member"] != "all"]
    total = frame.iloc[-1]
    assert len(rows) == 3 * 3
    assert rows["links"].sum() == total["links"] == sum(sum(network.link_counts) for network in fitted.members_)
    dense = [weights.toarray() for weights, _, _ in fitted.to_csr(1)]
    assert rows.loc[rows["member"] == 2, "density"].tolist() == pytest.approx([(w != 0).mean() for w in dense])
    assert str(fitted.summary()).splitlines()[-1].split()[0] == "all"
    assert fitted.summary()._repr_html_().count("<tr>") == 11


def test_csr_weights_are_a_slow_forward_pass(fitted, data):
    encoded = fitted._model.encoding.transform(data[0])
    rows = encoded.astype(np.float64)
    parts = fitted.to_csr(0)
    for number, (weights, biases, sources) in enumerate(parts, 1):
        assert sources == (number - 1,)
        rows = rows @ weights.toarray().T + biases
        if number < len(parts):
            rows = np.where(rows > 0, rows, rows * fitted.members_[0].slopes[number])
    rows = np.exp(rows - rows.max(axis=1, keepdims=True))
    assert np.allclose(rows / rows.sum(axis=1, keepdims=True), fitted.members_[0].predict_proba(encoded), atol=1e-5)


def test_importances_are_the_strength_of_input_links_and_find_what_matters():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 10))
    x[:, 9] = 1.0
    y = (x[:, 2] + x[:, 6] > 0).astype(int)
    model = SparseMLPClassifier(hidden_layer_sizes=(60,), epsilon=3, epochs=60, preprocessing="standard").fit(x, y)
    shares = model.feature_importances_
    assert set(np.argsort(shares)[-2:]) == {2, 6}
    strength = np.abs(model.to_csr()[0][0].toarray()).sum(axis=0)
    assert shares == pytest.approx(strength / strength.sum())
    encoded = SparseMLPClassifier(hidden_layer_sizes=(60,), epochs=5).fit(x, y)
    assert encoded.feature_importances_.sum() == pytest.approx(1)
    assert encoded.feature_importances_[9] == 0


def test_plots_return_axes_with_the_numbers(fitted, data):
    degrees = fitted.plot_degrees(block=1, side="inputs")
    counts = np.bincount(np.diff(fitted.members_[0].blocks[1].pointers))
    assert degrees.lines[0].get_ydata().tolist() == counts.tolist()
    bars = fitted.plot_importances(top=5)
    assert [bar.get_width() for bar in bars.patches] == sorted(fitted.feature_importances_)[-5:]
    curve = fitted.plot_training()
    assert curve.lines[0].get_ydata().tolist() == fitted.loss_curve_
    assert len(curve.figure.axes) == 2
    predicted = fitted._member_outputs(data[0]).argmax(axis=2)
    shown = fitted.plot_disagreement(data[0]).images[0].get_array()
    assert shown[0, 2] == pytest.approx((predicted[0] != predicted[2]).mean())
    given = mpl.figure.Figure().add_subplot()
    assert fitted.plot_degrees(ax=given) is given
    with pytest.raises(UserError, match="side"):
        fitted.plot_degrees(side="up")


def test_torch_predicts_the_same(any_model):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    model, x = any_model
    module = model.to_torch()
    with torch.no_grad():
        found = module(torch.as_tensor(x)).numpy()
    assert np.abs(found - outputs(model, x)).max() < 1e-5 * max(1, np.abs(outputs(model, x)).max())


@pytest.mark.parametrize("sparse", [False, True])
def test_onnx_predicts_the_same(any_model, sparse, tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    model, x = any_model
    model.to_onnx(tmp_path / "model.onnx", sparse=sparse)
    found = runtime.InferenceSession(tmp_path / "model.onnx").run(None, {"X": x})[0]
    assert np.abs(found - outputs(model, x)).max() < 1e-5 * max(1, np.abs(outputs(model, x)).max())


def test_sparse_onnx_files_are_smaller(data, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    model = SparseMLPClassifier(hidden_layer_sizes=(500, 500), epsilon=3, epochs=2).fit(*data)
    for sparse in (False, True):
        model.to_onnx(tmp_path / f"{sparse}.onnx", sparse=sparse)
    assert (tmp_path / "True.onnx").stat().st_size < 0.2 * (tmp_path / "False.onnx").stat().st_size


def test_files_give_the_same_bytes_back(any_model, tmp_path):
    model, x = any_model
    save_model(model, tmp_path / "model.npz")
    loaded = load_model(tmp_path / "model.npz")
    assert type(loaded) is type(model)
    assert loaded.get_params() == {**model.get_params(), "hidden_layer_sizes": list(model.hidden_layer_sizes)}
    assert outputs(loaded, x).tobytes() == outputs(model, x).tobytes()
    assert str(loaded.summary()) == str(model.summary())
    assert loaded.loss_curve_ == model.loss_curve_


def test_files_keep_labels_and_feature_names(tmp_path):
    frame, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"], object)[y]
    model = SparseMLPClassifier(hidden_layer_sizes=(30,), epochs=20).fit(frame, names)
    save_model(model, tmp_path / "model.npz")
    loaded = load_model(tmp_path / "model.npz")
    assert loaded.predict(frame).tolist() == model.predict(frame).tolist()
    assert loaded.feature_names_in_.tolist() == list(frame.columns)


def test_files_that_are_no_models_are_refused_in_one_line(fitted, tmp_path):
    path = tmp_path / "model.npz"
    with pytest.raises(UserError, match="no model file"):
        load_model(path)
    path.write_bytes(b"PK but no archive")
    with pytest.raises(UserError, match="not a model file"):
        load_model(path)
    save_model(fitted, path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UserError, match="not a model file"):
        load_model(path)
    facts = np.frombuffer(json.dumps({"format": 1, "kind": "eval"}).encode(), np.uint8)
    np.savez(path, facts=facts)
    with pytest.raises(UserError, match="it holds a eval"):
        load_model(path)
    with pytest.raises(UserError, match="not fitted"):
        save_model(SparseMLPClassifier(), path)


SKIPPING = {
    "mish": lambda: network_of(),
    "slopes": lambda: network_of(slopes=[0.0, -0.3, 0.2], bias_per_block=True),
    "a layer without links": lambda: network_of(pairs=((0, 1), (1, 4), (2, 4))),
}


@pytest.mark.parametrize("made", SKIPPING.values(), ids=SKIPPING)
def test_networks_whose_links_skip_layers_are_exported(made, tmp_path):
    network, x = made(), np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    wanted = network.predict_proba(x)
    outputs = [x]
    for number, (weights, biases, sources) in enumerate(to_csr(network), 1):
        sums = np.hstack([outputs[source] for source in sources]) @ weights.toarray().T + biases
        mish = sums * np.tanh(np.logaddexp(0, sums))
        outputs.append(mish if network.mish else np.where(sums > 0, sums, network.slopes[number] * sums))
    assert np.allclose(softmax(sums, axis=1), wanted, atol=1e-5)
    if find_spec("torch"):
        import torch

        with torch.no_grad():
            logits = network_to_torch(network)(torch.as_tensor(x)).numpy()
        assert np.allclose(softmax(logits, axis=1), wanted, atol=1e-5)
    if find_spec("onnx") and find_spec("onnxruntime"):
        import onnxruntime

        for sparse in (False, True):
            network_to_onnx(network, tmp_path / "network.onnx", sparse)
            session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
            assert np.allclose(session.run(None, {"X": x})[0], wanted, atol=1e-5)
