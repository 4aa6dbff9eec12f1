"""The estimators in scikit-learn's hands."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_iris, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from truly_sparse import SparseMLPClassifier, TrulySparseEnsembleClassifier, TrulySparseEnsembleRegressor
from truly_sparse.errors import UserError

NET = {"hidden_layer_sizes": (40, 30), "epsilon": 5}
SMALL = {**NET, "members": 2, "exploration_epochs": 20, "member_epochs": 10}
FAMILY = {**NET, "members": 2, "parent_epochs": 30, "child_epochs": 8}


def accuracy(estimator, x, y):
    return estimator.fit(x[::2], y[::2]).score(x[1::2], y[1::2])


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


@parametrize_with_checks(
    [
        TrulySparseEnsembleClassifier(),
        TrulySparseEnsembleClassifier(**SMALL),
        TrulySparseEnsembleClassifier(**SMALL, preset="paper"),
        TrulySparseEnsembleClassifier("independent", **SMALL, preprocessing="quantile", early_stopping=True),
        SparseMLPClassifier(**NET, epochs=40),
        SparseMLPClassifier("static", **NET, epochs=40),
        TrulySparseEnsembleRegressor(**SMALL),
        TrulySparseEnsembleClassifier("sparse_subnetworks", **FAMILY),
        TrulySparseEnsembleClassifier("noisy_subnetworks", **FAMILY),
        TrulySparseEnsembleRegressor("stochastic_subnetworks", **FAMILY, sampler="random"),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("method", ["fd-tse", "rd_tse", "Dist-TSE", "edst_rg", "independent"])
def test_every_method_learns_in_a_pipeline_with_string_labels(cancer, method):
    x, y = cancer
    names = np.array(["malignant", "benign"])[y]
    model = make_pipeline(StandardScaler(), TrulySparseEnsembleClassifier(method, **SMALL))
    assert accuracy(model, x, names) > 0.93
    assert set(model.predict(x)) == {"malignant", "benign"}
    assert model.classes_.tolist() == ["benign", "malignant"]
    assert np.allclose(model.predict_proba(x).sum(axis=1), 1, atol=1e-12)


def test_the_defaults_learn_and_the_paper_s_preset_has_the_paper_s_schedule(cancer):
    assert accuracy(TrulySparseEnsembleClassifier(), *cancer) > 0.94
    doubled = (np.repeat(part, 2, axis=0) for part in cancer)
    twice = TrulySparseEnsembleClassifier(random_state=1).fit(*cancer, sample_weight=np.full(len(cancer[1]), 2))
    assert np.array_equal(TrulySparseEnsembleClassifier(random_state=1).fit(*doubled).loss_curve_, twice.loss_curve_)
    paper = TrulySparseEnsembleClassifier(preset="paper", hidden_layer_sizes=(100, 100)).fit(*cancer)
    phases = [(row["member"], row["phase"], row["learning_rate"]) for row in paper.history_]
    assert len(phases) == 350
    assert phases[:100] == [(0, "exploration", 0.1)] * 100
    assert phases[100:150] == [(0, "refinement_1", 0.1)] * 25 + [(0, "refinement_2", 0.05)] * 25
    assert [row[0] for row in phases[100::50]] == [0, 1, 2, 3, 4]


def test_grid_search_and_calibration_and_parallel_jobs(cancer):
    x, y = cancer
    search = GridSearchCV(TrulySparseEnsembleClassifier(**SMALL), {"members": [1, 2]}, cv=2, n_jobs=2).fit(x, y)
    assert search.best_score_ > 0.93
    assert cross_val_score(SparseMLPClassifier(**NET, epochs=20), x, y, cv=3, n_jobs=2).min() > 0.9
    calibrated = CalibratedClassifierCV(SparseMLPClassifier(**NET, epochs=20), cv=2)
    assert accuracy(calibrated, x, y) > 0.93


def test_clones_and_copies_and_row_orders_give_the_same_bytes(cancer):
    x, y = cancer
    first = TrulySparseEnsembleClassifier("dist_tse", **SMALL).fit(x, y)
    expected = first.predict_proba(x).tobytes()
    order = np.random.default_rng(0).permutation(len(y))
    assert clone(first).fit(x[order], y[order]).predict_proba(x).tobytes() == expected
    assert pickle.loads(pickle.dumps(first)).predict_proba(x).tobytes() == expected
    assert clone(first).set_params(random_state=1).fit(x, y).predict_proba(x).tobytes() != expected


def test_frames_name_the_features():
    data = load_breast_cancer(as_frame=True)
    model = SparseMLPClassifier(**NET, epochs=5).fit(data.data, data.target)
    assert model.feature_names_in_.tolist() == list(data.data.columns)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(data.data[data.data.columns[::-1]])
    series = model.fit(
        data.data, pd.Series(np.where(data.target, "yes", "no")), sample_weight=pd.Series(data.target + 1)
    )
    assert set(series.predict(data.data)) == {"yes", "no"}


def test_weights_move_the_decision_and_balance_classes():
    rng = np.random.default_rng(1)
    y = (rng.random(1500) < 0.1).astype(int)
    x = rng.normal(size=(1500, 4)) + y[:, None] * 0.8
    plain = SparseMLPClassifier(**NET, epochs=20).fit(x, y)
    balanced = SparseMLPClassifier(**NET, epochs=20, class_weight="balanced").fit(x, y)
    weighed = SparseMLPClassifier(**NET, epochs=20, class_weight={1: 9.0}).fit(x, y)
    rare = [model.predict(x)[y == 1].mean() for model in (plain, balanced, weighed)]
    assert min(rare[1:]) > rare[0] + 0.2
    one_sided = SparseMLPClassifier(**NET, epochs=20).fit(x, y, sample_weight=np.where(y, 1.0, 1e-3))
    assert one_sided.predict(x).mean() > 0.8


def test_early_stopping_ends_phases_and_keeps_the_best(cancer):
    settings = {**NET, "members": 2, "exploration_epochs": 200, "member_epochs": 100, "patience": 5}
    model = TrulySparseEnsembleClassifier(**settings, early_stopping=True, validation_fraction=0.3).fit(*cancer)
    assert model.n_iter_ == len(model.loss_curve_) == len(model.validation_scores_) < 200
    assert {row["member"] for row in model.history_} == {0, 1}
    assert {row["phase"] for row in model.history_} == {"exploration", "refinement_1"}
    window = [row["validation_score"] for row in model.history_ if row["member"] == 0]
    assert model._model.members[0].score == max(window)


def test_warm_start_adds_members_or_epochs(cancer):
    x, y = cancer
    model = TrulySparseEnsembleClassifier(**SMALL, warm_start=True).fit(x, y)
    before = [network.copy_state()["values"] for network in model.members_]
    model.set_params(members=4).fit(x, y)
    assert len(model.members_) == 4
    assert model.n_iter_ == 20 + 4 * 10
    for network, values in zip(model.members_, before, strict=False):
        assert np.array_equal(network.copy_state()["values"], values)
    avoided = set(model._model.end.earlier[1])
    assert all(set(network.blocks[1].links()) <= avoided for network in model.members_[:3])
    with pytest.warns(UserWarning, match="all members"):
        model.fit(x, y)
    with pytest.raises(UserError, match="takes no members away"):
        model.set_params(members=1).fit(x, y)
    single = SparseMLPClassifier(**NET, epochs=3, warm_start=True).fit(x, y)
    losses = single.loss_curve_
    assert single.fit(x, y).loss_curve_[:3] == losses
    assert single.n_iter_ == 6
    assert single.loss_curve_[5] < losses[0]


def test_partial_fit_learns_from_a_stream_and_set_steps_move_links(cancer):
    x, y = cancer
    model, static = SparseMLPClassifier(**NET), SparseMLPClassifier("static", **NET)
    for round_ in range(12):
        for start in range(0, 400, 100):
            part = slice(start, start + 100)
            model.partial_fit(x[part], y[part], classes=[0, 1])
            static.partial_fit(x[part], y[part], classes=[0, 1])
        if round_ == 0:
            started, kept = set(model.members_[0].blocks[0].links()), set(static.members_[0].blocks[0].links())
    assert model.score(x[400:], y[400:]) > 0.93
    assert set(model.members_[0].blocks[0].links()) != started
    assert set(static.members_[0].blocks[0].links()) == kept
    assert model.n_iter_ == 48
    with pytest.raises(UserError, match="classes"):
        model.partial_fit(x[:50], y[:50] + 1)


def test_a_diverging_rate_is_halved_and_said(cancer):
    with pytest.warns(ConvergenceWarning, match="once more with learning_rate"):
        model = SparseMLPClassifier(**NET, epochs=5, clip_norm=0, learning_rate=8.0, preset="paper").fit(*cancer)
    assert model.score(*cancer) > 0.8


@pytest.mark.filterwarnings("ignore:training diverged")
@pytest.mark.parametrize(
    ("changes", "y", "words"),
    [
        ({}, np.zeros(60), "one class"),
        ({"learning_rate": 1000.0, "clip_norm": 0, "preset": "paper"}, None, "lower learning_rate"),
        ({"member_epochs": "many"}, None, 'member_epochs is .many.; give a whole number .*, or "auto"'),
        ({"preset": "worst"}, None, "preset is 'worst'; give one of best, fast, accurate, paper"),
        ({"hidden_layer_sizes": ()}, None, "hidden_layer_sizes"),
        ({"dropout": 1.5}, None, "dropout is 1.5"),
        ({"members": 2.5}, None, "members is 2.5; give a whole number"),
        ({"epsilon": "many"}, None, "epsilon is 'many'"),
        ({"method": "tse"}, None, "method 'tse' is none of dist_tse"),
        ({"preprocessing": "magic"}, None, "preprocessing is 'magic'; give one of piecewise_linear"),
        ({"learning_rate_schedule": "up"}, None, "learning_rate_schedule is 'up'"),
        ({"batch_size": 0}, None, "batch_size is 0"),
        ({"random_state": -1}, None, "random_state is -1; give a whole number that is not negative"),
        ({"class_weight": "fair"}, None, "class_weight"),
        ({"class_weight": {7: 1.0}}, None, "class_weight names"),
        ({"class_weight": {1: 0}}, None, "class_weight of 1 is 0; give a finite number above 0"),
        ({"class_weight": {1: np.nan}}, None, "class_weight of 1 is nan; give"),
        ({"class_weight": {1: np.inf}}, None, "class_weight of 1 is inf; give"),
        ({"class_weight": {1: None}}, None, "class_weight of 1 is None; give"),
        ({"class_weight": {1: "much"}}, None, "class_weight of 1 is 'much'; give"),
        ({"class_weight": {1: 10**400}}, None, "class_weight of 1 is 1000.*; give"),
        ({"early_stopping": True, "validation_fraction": 0.0}, None, "validation_fraction"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_one_line(changes, y, words):
    x = np.random.default_rng(0).normal(size=(60, 4))
    labels = np.arange(60) % 2 if y is None else y
    model = TrulySparseEnsembleClassifier(**{**SMALL, **changes})
    with pytest.raises(UserError, match=words) as caught:
        model.fit(x, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("weights", "class_weight"),
    [
        (np.full(60, 1e15), None),
        (np.full(60, 1e308), None),
        (np.full(60, 1e200), {1: 1e200}),
        (np.where(np.arange(60) < 30, 1e308, 0.5), None),
        (np.full(60, 1e308), "balanced"),
    ],
)
def test_weights_that_repeat_too_many_rows_are_refused_in_one_line(weights, class_weight):
    x = np.random.default_rng(0).normal(size=(60, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserError, match=r"the weights of 60 distinct rows sum to .*; whole weights") as caught:
            SparseMLPClassifier(**NET, class_weight=class_weight).fit(x, np.arange(60) % 2, weights)
    assert "\n" not in str(caught.value)
    SparseMLPClassifier(**NET, epochs=1).fit(x, np.arange(60) % 2, np.full(60, 3.0))


def test_the_progress_bar_shows_only_when_asked(cancer, capsys):
    SparseMLPClassifier(**NET, epochs=3).fit(*cancer)
    assert capsys.readouterr().err == ""
    SparseMLPClassifier(**NET, epochs=3, verbose=True).fit(*cancer)
    assert "3/3" in capsys.readouterr().err


def test_a_class_of_one_s_own_is_a_method():
    from truly_sparse.engine.linked import regrow_at_random
    from truly_sparse.ensembles.strategies import Regrowth, Strategy

    calls = []

    class Mine(Strategy):
        def regrow(self, block, fraction, bound, rng, earlier):
            calls.append(len(earlier))
            return Regrowth(fallbacks=regrow_at_random(block, fraction, bound, rng))

    x, y = load_iris(return_X_y=True)
    assert TrulySparseEnsembleClassifier(Mine, **{**SMALL, "members": 3}).fit(x, y).score(x, y) > 0.9
    assert len(calls) == 2


def test_the_regressor_beats_a_line_where_there_is_more_than_a_line():
    x, y = make_friedman1(1200, noise=1.0, random_state=0)
    x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
    model = TrulySparseEnsembleRegressor(hidden_layer_sizes=(200, 200), members=2).fit(x_train, y_train)
    assert model.score(x_test, y_test) > LinearRegression().fit(x_train, y_train).score(x_test, y_test) + 0.1
    assert y_train.min() <= model.predict(x_test).min() <= model.predict(x_test).max() <= y_train.max()
    assert np.allclose(model.predict_distribution(x_test) @ model.knots_, model.predict(x_test))
