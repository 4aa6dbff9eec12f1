"""Streams: `partial_fit` of ensembles, and models that go on from a file."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from truly_sparse import (
    SparseCNNClassifier,
    SparseMLPClassifier,
    TrulySparseEnsembleClassifier,
    TrulySparseEnsembleRegressor,
    load_model,
    save_model,
)
from truly_sparse.errors import UserError

NET = {"hidden_layer_sizes": (40, 30), "epsilon": 5, "random_state": 1}
ENSEMBLE = {**NET, "members": 2, "exploration_epochs": 3, "member_epochs": 4}


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


def stream(model, x, y, rounds, **more):
    for _ in range(rounds):
        for start in range(0, 400, 100):
            model.partial_fit(x[start : start + 100], y[start : start + 100], **more)
    return model


def state(model):
    return [{name: own.tobytes() for name, own in network.copy_state().items()} for network in model.members_]


def test_every_member_learns_and_the_first_is_what_a_single_network_would_be(cancer):
    x, y = cancer
    single = stream(SparseMLPClassifier(**NET), x, y, 4, classes=[0, 1])
    three = stream(TrulySparseEnsembleClassifier(**NET, members=3), x, y, 4, classes=[0, 1])
    assert state(three)[:1] == state(single)
    assert len({one.predict_proba(np.zeros((1, one.sizes[0]), np.float32)).tobytes() for one in three.members_}) == 3
    assert three.score(x[400:], y[400:]) > 0.93
    assert three.n_iter_ == 3 * 16
    assert [row["member"] for row in three.history_[:4]] == [0, 1, 2, 0]


def test_a_regressor_learns_from_a_stream_within_the_targets_it_was_told(diabetes):
    x, y = diabetes
    model = stream(TrulySparseEnsembleRegressor(**NET, members=2), x, y, 10, targets=y)
    assert model.score(x[400:], y[400:]) > 0.2
    assert (model.knots_[0], model.knots_[-1]) == (y.min(), y.max())
    low = np.argsort(y)[:100]
    narrow = TrulySparseEnsembleRegressor(**NET, members=2).partial_fit(x[low], y[low])
    share = f"{np.mean(y > y[low].max()):.2%}"
    with pytest.warns(UserWarning, match=f"{share} of the targets are not between the knots 25 and") as caught:
        narrow.partial_fit(x, y)
    assert [one.filename for one in caught] == [__file__]
    assert narrow.predict(x).max() <= y[low].max()
    for targets in (None, np.zeros(3)):
        with pytest.raises(UserError, match=r"the first targets are all 0, .* give targets, values"):
            TrulySparseEnsembleRegressor(**NET).partial_fit(x, np.zeros(len(y)), targets=targets)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (SparseMLPClassifier, {"hidden_layer_sizes": (50,)}),
        (SparseMLPClassifier, {"preprocessing": "standard"}),
        (SparseMLPClassifier, {"preset": "paper"}),
        (SparseMLPClassifier, {"bins": 3}),
        (SparseMLPClassifier, {"pairs": 0}),
        (SparseMLPClassifier, {"activation": "mish"}),
        (SparseMLPClassifier, {"negative_slope": 0.25}),
        (SparseMLPClassifier, {"shortcut_ratio": 0.5}),
        (SparseMLPClassifier, {"categorical_features": [0]}),
        (TrulySparseEnsembleRegressor, {"knots": 5}),
        (TrulySparseEnsembleRegressor, {"hidden_layer_sizes": (50,)}),
    ],
)
def test_what_going_on_cannot_change_is_refused_in_one_line(kind, change, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)), np.arange(60) % 2
    lengths = {"epochs": 1} if kind is SparseMLPClassifier else {"members": 1, "member_epochs": 2}
    model = kind(**NET, **lengths, warm_start=True).fit(x, y)
    save_model(model, tmp_path / "model.npz", training_state=True)
    for own in (model, load_model(tmp_path / "model.npz")):
        before = state(own)
        own.set_params(**change)
        for method in ("fit", "partial_fit"):
            more = {"members": 2} if method == "fit" and "members" in lengths else {}
            with pytest.raises(UserError, match=r"is .* and was .* in the fit .* or fit anew") as caught:
                getattr(own.set_params(**more), method)(x, y)
            assert "\n" not in str(caught.value)
            own.set_params(**{name: value for name, value in lengths.items() if name in more})
        assert state(own) == before
        own.set_params(warm_start=False).fit(x, y)


def test_members_that_begin_anew_may_have_other_layers(cancer):
    model = TrulySparseEnsembleClassifier("independent", **ENSEMBLE, warm_start=True).fit(*cancer)
    model.set_params(members=3, hidden_layer_sizes=(20,)).fit(*cancer)
    assert [network.sizes[1:-1] for network in model.members_] == [(40, 30), (40, 30), (20,)]
    with pytest.raises(UserError, match="bins is 3 and was"):
        model.set_params(members=4, bins=3).fit(*cancer)


def test_a_regressor_that_goes_on_warns_of_targets_that_its_knots_cannot_express(diabetes):
    x, y = diabetes
    model = TrulySparseEnsembleRegressor(**ENSEMBLE, warm_start=True).fit(x, y)
    with pytest.warns(UserWarning, match=r"100.00% of the targets are not between") as caught:
        model.set_params(members=3).fit(x, 1000 * y)
    assert [one.filename for one in caught] == [__file__]


def test_a_stream_may_begin_with_one_class_and_go_on_with_one_row(cancer, diabetes):
    (x, y), (rows, targets) = cancer, diabetes
    one = np.flatnonzero(y == 1)[:50]
    model = SparseMLPClassifier(**NET).partial_fit(x[one], y[one], classes=[0, 1]).partial_fit(x[:100], y[:100])
    assert model.predict_proba(x).shape == (569, 2)
    with pytest.raises(UserError, match="one class only"):
        SparseMLPClassifier(**NET).partial_fit(x[one], y[one])
    with pytest.raises(UserError, match=r"1 distinct row.*needs at least 2"):
        SparseMLPClassifier(**NET).partial_fit(x[:1], y[:1], classes=[0, 1])
    regressor = TrulySparseEnsembleRegressor(**NET, members=2).partial_fit(rows, targets)
    for own, table in ((model, cancer), (regressor, diabetes)):
        before = state(own)
        for part in (slice(0, 1), np.zeros(30, int)):
            assert state(own.partial_fit(*(values[part] for values in table))) != before
            before = state(own)


def test_members_that_fit_made_go_on_and_more_can_follow(cancer):
    x, y = cancer
    model = TrulySparseEnsembleClassifier(**ENSEMBLE).fit(x[:300], y[:300])
    before = state(model)
    model.partial_fit(x[300:], y[300:])
    assert all(one != other for one, other in zip(before, state(model), strict=True))
    assert model.set_params(warm_start=True, members=3).fit(x, y).score(x, y) > 0.9
    assert len(model.members_) == 3
    model.set_params(members=2)
    with pytest.raises(UserError, match="partial_fit trains the 3 members that there are, but members is 2"):
        model.partial_fit(x, y)


@pytest.mark.parametrize("method", ["sparse_subnetworks", "noisy_subnetworks", "snapshot", "mc_dropout"])
def test_methods_of_one_network_have_no_partial_fit(method, cancer):
    for kind in (TrulySparseEnsembleClassifier, TrulySparseEnsembleRegressor):
        model = kind(method)
        assert not hasattr(model, "partial_fit")
        with pytest.raises(UserError, match=f"method {method} makes all members of one network") as caught:
            model.partial_fit(*cancer)
        assert "\n" not in str(caught.value)


GOING_ON = {
    "single, stream": (SparseMLPClassifier(**NET), "partial_fit"),
    "stream": (TrulySparseEnsembleClassifier(**NET, members=2), "partial_fit"),
    "regressor, stream": (TrulySparseEnsembleRegressor(**NET, members=2), "partial_fit"),
    "single": (SparseMLPClassifier(**NET, epochs=3, warm_start=True), "fit"),
    "adam": (SparseMLPClassifier(**NET, epochs=3, warm_start=True, optimiser="adam", learning_rate=0.001), "fit"),
    "members": (TrulySparseEnsembleClassifier(**ENSEMBLE, warm_start=True), "fit"),
    "fit, then stream": (TrulySparseEnsembleClassifier(**ENSEMBLE), "partial_fit"),
}


@pytest.mark.parametrize("name", GOING_ON)
def test_a_model_read_from_a_file_goes_on_to_the_bits_of_one_never_saved(name, cancer, diabetes, tmp_path):
    model, method = GOING_ON[name]
    x, y = diabetes if hasattr(model, "knots") else cancer

    def more(one):
        if method == "fit" and hasattr(one, "members"):
            one.set_params(members=one.members + 1)
        return getattr(one, method)(x[200:400], y[200:400])

    if name in ("fit, then stream", "members", "single", "adam"):
        model.fit(x[:200], y[:200])
    else:
        model.partial_fit(x[:200], y[:200])
    path = tmp_path / "model.npz"
    for _ in range(2):  # what was read can be saved in turn
        save_model(model, path, training_state=True)
        loaded = load_model(path)
        assert state(more(model)) == state(more(loaded))
        assert loaded.n_iter_ == model.n_iter_
        model = loaded


def test_without_training_state_there_is_none_to_go_on_from_or_to_keep(cancer, tmp_path):
    x, y = cancer
    model = SparseMLPClassifier(**NET, epochs=3, warm_start=True).fit(x, y)
    path = tmp_path / "model.npz"
    save_model(model, path)
    loaded = load_model(path)
    with pytest.raises(UserError, match="without training state"):
        save_model(loaded, path, training_state=True)
    assert loaded.fit(x, y).n_iter_ == 3
    pictures = SparseCNNClassifier(hidden_layer_sizes=(4,), epochs=1).fit(
        np.eye(64).reshape(64, 8, 8), np.arange(64) % 2
    )
    with pytest.raises(UserError, match="leave training_state out"):
        save_model(pictures, path, training_state=True)
