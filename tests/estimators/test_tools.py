"""Tools for any scikit-learn estimator run on ours unchanged: pipelines, searches, calibration, inspection, SHAP."""

from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pytest
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from truly_sparse import (
    SparseCNNClassifier,
    SparseMLPClassifier,
    TrulySparseEnsembleClassifier,
    TrulySparseEnsembleRegressor,
)

mpl.use("agg")
SMALL = {"hidden_layer_sizes": (20, 20), "epsilon": 5, "members": 2, "exploration_epochs": 6, "member_epochs": 3}


@pytest.fixture(scope="module")
def data():
    x, y = load_breast_cancer(return_X_y=True)
    return x[:400, :8], y[:400], x[400:, :8], y[400:]


@pytest.fixture(scope="module")
def fitted(data):
    x, y, *_ = data
    return TrulySparseEnsembleClassifier(**SMALL).fit(x, y)


def test_a_pipeline_is_searched_and_its_steps_are_reached_by_name(data):
    x, y, x_test, y_test = data
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SparseMLPClassifier(hidden_layer_sizes=(20,), epochs=10)),
        {"sparsemlpclassifier__epsilon": [2, 5]},
        cv=2,
    ).fit(x, y)
    assert search.score(x_test, y_test) > 0.85


def test_calibration_by_scikit_learn_takes_its_probabilities(data):
    x, y, x_test, y_test = data
    made = CalibratedClassifierCV(TrulySparseEnsembleClassifier(**SMALL), cv=3).fit(x, y)
    assert len(made.calibrated_classifiers_) == 3
    assert log_loss(y_test, made.predict_proba(x_test)) < 0.4


def test_predictions_across_folds_are_those_of_each_fit(data):
    x, y, *_ = data
    found = cross_val_predict(TrulySparseEnsembleClassifier(**SMALL), x, y, cv=2, method="predict_proba")
    assert found.shape == (400, 2)
    assert ((found[:, 1] > 0.5) == y).mean() > 0.85


def test_permutation_and_partial_dependence_find_what_matters():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 6))
    y = (x[:, 2] + 0.1 * rng.normal(size=600) > 0).astype(int)
    model = TrulySparseEnsembleClassifier(**SMALL).fit(x, y)
    shuffled = permutation_importance(model, x, y, n_repeats=3, random_state=0).importances_mean
    assert shuffled.argmax() == model.feature_importances_.argmax() == 2
    shown = PartialDependenceDisplay.from_estimator(model, x, [2, 4])
    curves = [float(np.ptp(part["average"])) for part in shown.pd_results]
    assert curves[0] > 10 * curves[1]


def test_several_targets_have_an_ensemble_each():
    x, y = load_diabetes(return_X_y=True)
    both = np.stack([y, x[:, 2] - x[:, 8]], axis=1)
    model = MultiOutputRegressor(TrulySparseEnsembleRegressor(**SMALL), n_jobs=2).fit(x, both)
    alone = TrulySparseEnsembleRegressor(**SMALL).fit(x, both[:, 1])
    assert np.array_equal(model.predict(x)[:, 1], alone.predict(x))
    with pytest.raises(ValueError, match="MultiOutputRegressor"):
        TrulySparseEnsembleRegressor(**SMALL).fit(x, both)


def test_shap_explains_a_prediction_by_its_own_definition(data, fitted):
    shap = pytest.importorskip("shap", reason="shap is not installed")
    x, _, x_test, _ = data
    explainer = shap.Explainer(lambda rows: fitted.predict_proba(rows)[:, 1], x[:50], seed=0)
    found = explainer(x_test[:3])
    whole = found.values.sum(axis=1) + found.base_values
    assert whole == pytest.approx(fitted.predict_proba(x_test[:3])[:, 1], abs=1e-6)


def test_optuna_searches_its_settings(data):
    optuna = pytest.importorskip("optuna", reason="Optuna is not installed")
    x, y, x_test, y_test = data
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def accuracy(trial):
        settings = {"epsilon": trial.suggest_float("epsilon", 1, 8), "dropout": trial.suggest_float("dropout", 0, 0.5)}
        return TrulySparseEnsembleClassifier(**SMALL | settings).fit(x, y).score(x_test, y_test)

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(accuracy, n_trials=3)
    assert study.best_value > 0.85


class Cells(HTMLParser):
    """The cells of the last table of a page, row by row."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.inside = [], False
        self.feed(page)

    def handle_starttag(self, tag, _):
        if tag == "table":
            self.rows = []
        if tag == "tr":
            self.rows.append([])
        self.inside = tag in ("td", "th")

    def handle_data(self, text):
        if self.inside:
            self.rows[-1].append(text)
            self.inside = False


@pytest.mark.parametrize("kind", ["ensemble", "regressor", "single", "pictures"])
def test_a_notebook_shows_layers_and_links_once_fitted(kind, data):
    x, y, *_ = data
    if kind == "pictures":
        model = SparseCNNClassifier(hidden_layer_sizes=(4, 6), compression=4, epochs=1)
        x, y = load_digits(return_X_y=True)
        x = x[:200].reshape(-1, 8, 8)
        y = y[:200]
    elif kind == "regressor":
        model = TrulySparseEnsembleRegressor(**SMALL, knots=5)
        x, y = load_diabetes(return_X_y=True)
    elif kind == "single":
        model = SparseMLPClassifier(hidden_layer_sizes=(20,), epochs=2)
    else:
        model = TrulySparseEnsembleClassifier(**SMALL)
    before = model._repr_mimebundle_()["text/html"]
    assert 'class="truly-sparse"' not in before
    model.fit(x, y)
    networks = [model.network_] if kind == "pictures" else model.members_
    page = model._repr_html_()
    head, *rows = Cells(page).rows
    assert head[:4] == ["layer", "from", "to", "links"]
    assert len(rows) == len(networks[0].blocks)
    for number, row in enumerate(rows):
        links = [network.link_counts[number] for network in networks]
        shown = [int(count.replace(",", "")) for count in row[3].split(" to ")]
        assert (shown[0], shown[-1]) == (min(links), max(links))
        assert row[4] == f"{np.mean(links) / networks[0].blocks[number].places:.1%}"
    assert f"{sum(sum(network.link_counts) for network in networks):,} links in all" in page
    with config_context(display="text"):
        assert "text/html" not in model._repr_mimebundle_()
