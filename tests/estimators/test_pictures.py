"""The classifier of pictures: what it learns, that it keeps scikit-learn's rules, and what it refuses."""

import pickle
import re
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils import estimator_checks

from truly_sparse import SparseCNNClassifier, load_model, save_model
from truly_sparse.errors import UserError
from truly_sparse.estimators import archives
from truly_sparse.estimators.pictures import _shade_of

SMALL = {"hidden_layer_sizes": (4, 8), "compression": 4, "epochs": 3}


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))  # rows of one writer follow one another
    return data.images.astype(np.uint8)[order], data.target[order]


@pytest.fixture(scope="module")
def fitted(digits):
    x, y = digits
    return SparseCNNClassifier(hidden_layer_sizes=(8, 16), compression=3, epochs=40).fit(x[:1200], y[:1200])


def test_digits_are_learnt_with_few_links(fitted, digits):
    x, y = digits
    assert fitted.score(x[1200:], y[1200:]) > 0.9
    plan = fitted.network_.plan
    places = sum(plan.sizes[i] * plan.sizes[j] for i, j in plan.pairs)
    assert sum(fitted.network_.link_counts) == round(places / 3)
    assert len(fitted.loss_curve_) == len(fitted.history_) == fitted.n_iter_ == 40
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0] / 2
    assert (fitted.picture_shape_, fitted.n_features_in_) == ((8, 8, 1), 64)


def test_probabilities_are_those_of_the_network(fitted, digits):
    x, _ = digits
    shown = (x[:50].reshape(50, 64) - fitted.shade_.mean) / fitted.shade_.deviation
    found = fitted.predict_proba(x[:50])
    assert found == pytest.approx(fitted.network_.predict_proba(shown.astype(np.float32)), abs=1e-4)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-12)
    assert np.array_equal(fitted.predict(x[:50]), fitted.classes_[found.argmax(axis=1)])


def test_channels_come_last_and_are_standardised_apart():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 255, (60, 6, 7, 3)).astype(np.uint8)
    x[..., 1] //= 4
    y = np.arange(60) % 2
    model = SparseCNNClassifier(**SMALL).fit(x, y)
    assert model.picture_shape_ == (6, 7, 3)
    assert tuple(model.network_.plan.picture) == (3, 6, 7)
    assert model.shade_.mean == pytest.approx(x.mean(axis=(0, 1, 2)))
    assert model.shade_.deviation == pytest.approx(x.std(axis=(0, 1, 2)))
    flat, _ = model._flattened(x, None)
    assert np.array_equal(flat.reshape(60, 3, 6, 7), np.moveaxis(x, 3, 1))


def test_a_whole_numbered_weight_repeats_a_picture_and_the_order_makes_no_difference(digits):
    x, y = digits[0][:120], digits[1][:120]
    weights = np.arange(120) % 3
    one = SparseCNNClassifier(**SMALL).fit(x, y, weights)
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(120), weights))
    other = SparseCNNClassifier(**SMALL).fit(x[order], y[order])
    assert one.predict_proba(x).tobytes() == other.predict_proba(x).tobytes()


def test_shades_are_weighted_means_and_a_flat_channel_stays_flat():
    rng = np.random.default_rng(1)
    x, weights = rng.random((30, 8)), rng.random(30) + 0.1
    x[:, 4:] = 3.0
    shade = _shade_of(x, weights, 2)
    mean = np.average(x[:, :4].mean(axis=1), weights=weights)
    assert shade.mean == pytest.approx([mean, 3.0])
    spread = np.sqrt(np.average(((x[:, :4] - mean) ** 2).mean(axis=1), weights=weights))
    assert shade.deviation == pytest.approx([spread, 1.0])


def test_the_same_seed_gives_the_same_bytes_and_pickles_predict_the_same(fitted, digits):
    x, y = digits
    again = clone(fitted).fit(x[:1200], y[:1200])
    wanted = fitted.predict_proba(x).tobytes()
    assert again.predict_proba(x).tobytes() == wanted
    assert pickle.loads(pickle.dumps(fitted)).predict_proba(x).tobytes() == wanted
    assert clone(fitted).set_params(random_state=1).fit(x[:1200], y[:1200]).predict_proba(x).tobytes() != wanted


def test_a_file_predicts_the_same_and_a_spoilt_one_is_one_line(fitted, digits, tmp_path):
    x, y = digits
    path = tmp_path / "model.npz"
    save_model(fitted, path, {"from": "digits"})
    loaded = load_model(path)
    assert loaded.predict_proba(x).tobytes() == fitted.predict_proba(x).tobytes()
    assert loaded.get_params() == fitted.get_params() | {"hidden_layer_sizes": [8, 16]}
    assert loaded.about_ == {"from": "digits"}
    assert (loaded.n_features_in_, loaded.picture_shape_) == (64, (8, 8, 1))
    assert loaded.history_ == fitted.history_
    named = SparseCNNClassifier(**SMALL).fit(x[:100], np.array(list("abcdefghij"), object)[y[:100]])
    save_model(named, path)
    assert load_model(path).classes_.tolist() == list("abcdefghij")
    facts, arrays = archives.read(path, ())
    for change, said in (
        ({"shade/mean": np.zeros(2)}, "shade"),
        ({"shade/deviation": np.zeros(1)}, "do not fit"),
        ({"shade/deviation": np.array([np.inf])}, "do not fit"),
        ({"shade/mean": np.array([np.nan])}, "do not fit"),
        ({"network/picture": np.array([1, 16, 4])}, "does not take pictures"),
        ({"network/values": arrays["network/values"][1:]}, "not float32"),
        ({"classes_": np.array(["a"])}, "does not know its classes"),
    ):
        archives.write(path, facts, arrays | change)
        with pytest.raises(UserError, match=said) as error:
            load_model(path)
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="not fitted"):
        save_model(SparseCNNClassifier(), path)
    with pytest.raises(UserError, match=r"^classifiers of pictures do not go on from a fit; leave training_state out$"):
        save_model(fitted, path, training_state=True)


@pytest.fixture(scope="module")
def colours():
    """Return a classifier of pictures with three channels of different scales, and pictures to predict."""
    rng = np.random.default_rng(0)
    x = (rng.integers(0, 255, (90, 16, 18, 3)) // [1, 4, 9]).astype(np.uint8)
    model = SparseCNNClassifier(architecture="spas_cnn", compression=2, epochs=3)
    return model.fit(x[:60], np.array(["cat", "dog", "owl"])[np.arange(60) % 3]), x[60:]


def test_a_torch_module_takes_pictures_and_predicts_the_same(colours):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    model, x = colours
    module = model.to_torch()
    for given in (x, x.astype(np.float64)):
        with torch.no_grad():
            assert module(torch.as_tensor(given)).numpy() == pytest.approx(model.predict_proba(given), abs=1e-5)


@pytest.fixture(scope="module", params=[(1e6, 1.0), (0.0, 1e-39)], ids=["far", "tiny"])
def shifted(request):
    """Return a classifier of pictures whose numbers are far from 0, or so small that 1 / deviation is no float32."""
    mean, deviation = request.param
    x = (mean + deviation * np.random.default_rng(0).normal(size=(60, 8, 8, 1))).astype(np.float32)
    return SparseCNNClassifier(**SMALL).fit(x, np.arange(60) % 2), x


def test_a_torch_module_scales_as_exactly_as_the_classifier(shifted):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    model, x = shifted
    with torch.no_grad():
        assert model.to_torch()(torch.as_tensor(x)).numpy() == pytest.approx(model.predict_proba(x), abs=1e-5)


def test_an_onnx_model_scales_as_exactly_as_the_classifier(shifted, tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    model, x = shifted
    model.to_onnx(tmp_path / "pictures.onnx")
    found = runtime.InferenceSession(tmp_path / "pictures.onnx").run(None, {"X": x})[0]
    assert found == pytest.approx(model.predict_proba(x), abs=1e-5)


@pytest.mark.parametrize("sparse", [False, True])
def test_an_onnx_model_takes_pictures_and_predicts_the_same(colours, sparse, tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    model, x = colours
    model.to_onnx(tmp_path / "pictures.onnx", sparse)
    found = runtime.InferenceSession(tmp_path / "pictures.onnx").run(None, {"X": x.astype(np.float32)})[0]
    assert found == pytest.approx(model.predict_proba(x), abs=1e-5)


def test_scikit_learn_searches_and_validates_it(digits):
    x, y = digits[0][:300], digits[1][:300].astype(str)
    search = GridSearchCV(SparseCNNClassifier(**SMALL), {"topology": ["set", "static"]}, cv=2).fit(x, y)
    assert search.best_estimator_.classes_.tolist() == list("0123456789")
    assert len(cross_val_score(SparseCNNClassifier(**SMALL), x, y, cv=2)) == 2


def test_early_stopping_holds_pictures_out_and_keeps_the_best_state(digits):
    x, y = digits[0][:400], digits[1][:400]
    changes = {"epochs": 30, "early_stopping": True, "patience": 2}
    changes |= {"learning_rate_schedule": "steps"}  # whose rates do not depend on the number of epochs
    model = SparseCNNClassifier(**SMALL | changes).fit(x, y)
    scores = model.validation_scores_
    assert None not in scores
    assert model.n_iter_ <= 30
    if model.n_iter_ < 30:
        assert max(scores) == scores[-3]
    # The network is that of the best epoch, as one that trains no longer has it, and no longer that of the last.
    best = scores.index(max(scores)) + 1
    assert best < model.n_iter_
    short, whole = (
        SparseCNNClassifier(**SMALL | changes | {"epochs": epochs, "patience": 30}).fit(x, y)
        for epochs in (best, model.n_iter_)
    )
    assert short.validation_scores_ == scores[:best]
    assert short.predict_proba(x).tobytes() == model.predict_proba(x).tobytes()
    assert whole.predict_proba(x).tobytes() == model.predict_proba(x).tobytes()
    last = SparseCNNClassifier(
        **SMALL | changes | {"epochs": model.n_iter_, "early_stopping": False, "validation_fraction": 0.1}
    ).fit(x, y)
    assert last.predict_proba(x).tobytes() != model.predict_proba(x).tobytes()


def test_classes_have_weights_as_in_the_other_classifiers(digits):
    x, y = digits[0][:200], digits[1][:200]
    rare = (y < 2) | (np.arange(200) % 4 == 0)
    plain = SparseCNNClassifier(**SMALL).fit(x[rare], y[rare])
    counts = np.bincount(y[rare])
    given = dict(enumerate(rare.sum() / (10 * counts)))
    balanced, named = (
        SparseCNNClassifier(**SMALL, class_weight=weights).fit(x[rare], y[rare]).predict_proba(x)
        for weights in ("balanced", given)
    )
    weighted = SparseCNNClassifier(**SMALL).fit(x[rare], y[rare], np.array(list(given.values()))[y[rare]])
    assert balanced.tobytes() == named.tobytes() == weighted.predict_proba(x).tobytes()
    assert balanced.tobytes() != plain.predict_proba(x).tobytes()
    for weights, said in (({11: 2.0}, "names"), ({1: 0.0}, "above 0"), ("even", "'even'")):
        with pytest.raises(UserError, match=said) as error:
            SparseCNNClassifier(**SMALL, class_weight=weights).fit(x, y)
        assert "\n" not in str(error.value)


def test_logarithms_a_summary_and_sparse_matrices_are_those_of_the_network(fitted, digits):
    x, _ = digits
    assert np.array_equal(fitted.predict_log_proba(x[:20]), np.log(fitted.predict_proba(x[:20])))
    rows, network = fitted.summary(), fitted.network_
    assert [row["links"] for row in rows] == [*network.link_counts, sum(network.link_counts)]
    assert rows[-1]["multiply_adds"] == network.multiply_adds > sum(network.link_counts)
    assert [layer.weights.nnz for layer in fitted.to_csr()] == list(network.link_counts)
    for method in ("summary", "to_csr"):
        with pytest.raises(NotFittedError):
            getattr(SparseCNNClassifier(), method)()


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
    ],
)
def test_scikit_learns_checks_that_fit_nothing(check):
    check("SparseCNNClassifier", SparseCNNClassifier())


def test_a_table_is_no_picture(digits):
    with pytest.raises(UserError, match="give pictures as numbers"):
        SparseCNNClassifier().fit(digits[0].reshape(-1, 64), digits[1])


@pytest.mark.parametrize("architecture", ["spas_cnn", "densenet"])
def test_other_kinds_of_networks_are_trained(digits, architecture):
    x, y = digits[0][:200], digits[1][:200]
    shortcuts = {"shortcut_ratio": 0.5} if architecture == "spas_cnn" else {"hidden_layer_sizes": (3,)}
    pictures = np.kron(x, np.ones((1, 2, 2), np.uint8))
    model = SparseCNNClassifier(architecture, **SMALL | shortcuts).fit(pictures, y)
    assert model.predict(pictures).shape == (200,)
    assert any(map(model.network_.skips, model.network_.blocks)) == (architecture == "spas_cnn")


def test_what_diverges_is_tried_again_with_half_the_rate_and_then_refused(digits):
    wild = {"clip_norm": 0, "learning_rate": 1000, "weight_decay": 0.0, "momentum": 0.999, "epochs": 60}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        with pytest.raises(UserError, match=r"became infinite.* lower learning_rate"):
            SparseCNNClassifier(**SMALL | wild).fit(digits[0][:200], digits[1][:200])
    assert [one.category for one in caught] == [ConvergenceWarning] * 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"X": np.zeros((10, 64))}, "give pictures as numbers"),
        ({"X": np.zeros((10, 2, 2, 2, 2))}, "give pictures as numbers"),
        ({"X": np.full((10, 8, 8), "a")}, "give pictures as numbers"),
        ({"X": np.zeros((0, 8, 8))}, "holds no pictures"),
        ({"X": np.full((10, 8, 8), np.nan)}, "missing, infinite or too large"),
        ({"X": np.full((10, 8, 8), 1e39)}, "too large for float32"),
        ({"X": np.zeros((10, 2, 1))}, r"\(channels, rows, columns\): .*; give larger pictures, another"),
        ({"X": np.zeros((10, 1, 1))}, "several positions are needed"),
        ({"y": np.zeros(10)}, "one class only"),
        ({"y": np.array([None, *"abababab", "a"], object)}, "y holds no value in row 0"),
        ({"sample_weight": -np.ones(10)}, "must not be negative"),
        ({"architecture": "mlp"}, "give one of plain_cnn"),
        ({"architecture": "resnet"}, "architecture is 'resnet'"),
        ({"architecture": "lenet"}, "for a picture of"),
        ({"shortcut_ratio": 0.5}, "has no shortcuts"),
        ({"compression": -1}, "compression is -1"),
        ({"compression": 0.5}, "do not fit into"),
        ({"activation": "all_relu"}, "has activation relu or mish"),
        ({"topology": "grown"}, "topology is 'grown'"),
        ({"epochs": 0}, "epochs is 0"),
    ],
)
def test_what_it_cannot_do_is_one_line(change, said):
    rng = np.random.default_rng(0)
    given = {"X": rng.random((10, 8, 8)), "y": np.arange(10) % 2, "sample_weight": None}
    settings = {name: value for name, value in change.items() if name not in given}
    given |= {name: value for name, value in change.items() if name in given}
    with pytest.raises(UserError, match=said) as error:
        SparseCNNClassifier(**SMALL | settings).fit(**given)
    assert "\n" not in str(error.value)


def test_prediction_wants_pictures_of_the_same_shape(fitted):
    with pytest.raises(UserError, match=r"pictures of \(9, 8, 1\) rows, columns and channels; fit had \(8, 8, 1\)"):
        fitted.predict(np.zeros((2, 9, 8)))
    with pytest.raises(NotFittedError):
        SparseCNNClassifier().predict(np.zeros((2, 8, 8)))


def test_numbers_too_large_to_predict_are_one_line_without_a_warning(fitted):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserError, match="too large for float32"):
            fitted.predict(np.full((2, 8, 8), 1e39))


def test_the_docstring_says_of_every_parameter_what_it_is_for_pictures():
    section = SparseCNNClassifier.__doc__.partition("----------\n")[2].partition("\n\n")[0]
    named = re.findall(r"^(\w+) : ", section, re.MULTILINE)
    assert set(named) == set(SparseCNNClassifier().get_params())
    for other in ("mlp", "all_relu", "square", "epsilon", "`links`", "preset", "refinement", "exploration"):
        assert other not in section


def test_a_compression_of_1_or_0_fills_every_place(digits):
    x, y = digits[0][:60], digits[1][:60]
    whole, all_places = (SparseCNNClassifier(**SMALL | {"compression": many}).fit(x, y) for many in (1, 0))
    assert whole.summary()[-1]["density"] == 1
    assert all_places.predict_proba(x).tobytes() == whole.predict_proba(x).tobytes()


def test_early_stopping_without_pictures_to_hold_out_is_off_and_says_so(digits):
    x = digits[0][:3]
    with pytest.warns(UserWarning, match="^3 pictures leave none for validation; early stopping is off$") as told:
        model = SparseCNNClassifier(**SMALL, early_stopping=True).fit(x, [0, 1, 1])
    assert [one.filename for one in told] == [__file__]
    assert model.validation_scores_ == [None] * 3
