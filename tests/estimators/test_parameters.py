"""The estimators' parameters: written once, described by the settings that they name, and checked by them."""

import inspect
import re

import numpy as np
import pytest
from sklearn.base import clone

from truly_sparse import SparseMLPClassifier, TrulySparseEnsembleClassifier, TrulySparseEnsembleRegressor
from truly_sparse.cli import model_commands
from truly_sparse.errors import UserError
from truly_sparse.estimators.fit_config import AUTOMATIC, SETTINGS
from truly_sparse.estimators.presets import BEST, PAPER
from truly_sparse.training.config import DENSITIES
from truly_sparse.training.settings import settings_of

#: Those that concern a parent and its children alone.
OF_CHILDREN = [
    "parent_epochs", "include_parent", "child_epochs", "child_learning_rate", "child_learning_rate_schedule", "sampler",
    "parts", "sparsity", "structure", "prune_epochs", "annealing", "annealing_epochs", "temperature", "bag_fraction",
    "noise", "noise_sd", "divergence", "population",
]  # fmt: skip
ESTIMATORS = (TrulySparseEnsembleClassifier, SparseMLPClassifier, TrulySparseEnsembleRegressor)


def names(kind):
    return set(inspect.signature(kind).parameters)


def described(kind):
    section = kind.__doc__.partition("----------\n")[2].partition("\n\n")[0]
    return dict(re.findall(r"^(\w+) : .*\n((?:    .*\n?)+)", section, re.MULTILINE))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_the_docstring_describes_every_parameter_in_the_words_of_its_setting(kind):
    texts = {name: " ".join(text.split()) for name, text in described(kind).items()}
    assert set(texts) == names(kind) == set(kind().get_params())
    for name in names(kind) & SETTINGS.keys() - {one for one, _, _ in settings_of(kind)}:
        assert texts[name].startswith(SETTINGS[name].text)
        assert ('"auto"' in texts[name]) == (name in AUTOMATIC)


def test_classifier_and_regressor_have_the_same_parameters_and_texts_but_for_one():
    classifier, regressor = described(TrulySparseEnsembleClassifier), described(TrulySparseEnsembleRegressor)
    assert classifier.keys() ^ regressor.keys() == {"class_weight", "knots"}
    assert all(classifier[name] == regressor[name] for name in classifier.keys() & regressor.keys())
    single = names(SparseMLPClassifier)
    assert single - classifier.keys() == {"topology", "epochs"}
    assert set(classifier) - single == {
        "method",
        "members",
        "exploration_epochs",
        "member_epochs",
        "restart_prune_fraction",
        "refinement",
        "distance_factor",
        "n_jobs",
        *OF_CHILDREN,
    }


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_every_setting_is_checked_and_the_error_names_the_parameter(kind):
    x, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    checked = {name for name in names(kind) if name in SETTINGS}
    checked |= {name for name, _, _ in settings_of(kind)}
    assert names(kind) - checked <= {
        "method",
        "class_weight",
        "warm_start",
        "verbose",
        "random_state",
        "n_jobs",
        "categorical_features",
    }
    for name in checked | names(kind) & {"n_jobs", "categorical_features"}:
        with pytest.raises(UserError, match=f"^{name} is "):
            kind().set_params(**{name: "nonsense"}).fit(x, y)


def test_only_what_may_be_auto_is_auto_in_a_preset():
    assert {name for name, value in BEST.items() if value == "auto"} == set(AUTOMATIC)
    for preset in (PAPER, BEST):
        # Densities of another kind stand instead of epsilon.
        assert preset.keys() == SETTINGS.keys() - ({*DENSITIES} - {"epsilon"})
        for name, value in preset.items():
            assert SETTINGS[name].check(name, value, automatic=name in AUTOMATIC) == value


def test_the_first_parameter_may_be_given_by_place_and_no_other():
    assert TrulySparseEnsembleClassifier("rd_tse").method == "rd_tse"
    assert clone(SparseMLPClassifier("static")).topology == "static"
    with pytest.raises(TypeError, match="positional"):
        TrulySparseEnsembleRegressor("rd_tse", "paper")


@pytest.mark.parametrize("kind", [TrulySparseEnsembleClassifier, SparseMLPClassifier, TrulySparseEnsembleRegressor])
def test_more_effort_is_more_epochs_and_presets_are_in_order(kind):
    x = np.random.default_rng(0).normal(size=(300, 4))
    y = np.arange(300) % 2
    epochs = [
        kind(preset=preset, hidden_layer_sizes=(10,), batch_size=128, bins=4).fit(x, y).n_iter_
        for preset in ("fast", "best", "accurate")
    ]
    assert epochs == sorted(set(epochs))
    short, long = (kind(effort=effort, hidden_layer_sizes=(10,), bins=4).fit(x, y).n_iter_ for effort in (0.1, 0.2))
    assert abs(long - 2 * short) <= 10


def test_the_command_line_has_the_presets_of_the_estimators():
    (own,) = (one for name, one, _ in settings_of(SparseMLPClassifier) if name == "preset")
    assert own.choices == model_commands.PRESETS
