"""How much noise a network bears, and which noisy networks are kept: by validation rows, never by others."""

import numpy as np
import pytest

from truly_sparse.engine import store
from truly_sparse.engine.divergence import divergence
from truly_sparse.engine.noise import Noise, noise_of
from truly_sparse.engine.store import perturbed
from truly_sparse.ensembles.noise_search import (
    DEVIATIONS,
    between,
    deviation_at,
    mean_divergence,
    noisy_members,
    population,
)
from truly_sparse.ensembles.trainer import Data, Trainer, create
from truly_sparse.errors import UserError
from truly_sparse.measure.combining import combined
from truly_sparse.training.config import TrainingConfig

NOISY = {
    "hidden_layer_sizes": [60, 40], "members": 4, "epochs": 8, "exploration_epochs": 8, "refinement": "none",
    "evolution_every": 0, "selection": "last", "population": 16, "epsilon": 8.0, "dropout": 0.0,
    "activation": "relu",
}  # fmt: skip
KEYS = [11, 2**63 + 5, 77]


@pytest.fixture(scope="module", params=["sparse", "dense"])
def trained(request, data):
    from .conftest import TRAINING

    own = {"members": 1, "epsilon": 8.0 if request.param == "sparse" else None}
    trainer = Trainer(data, TRAINING | NOISY | own, request.param, "none", 2)
    trainer.run()
    return trainer


def settings_of(training, **changes):
    return TrainingConfig.of(training | NOISY | changes)


def mean_at(network, x, sd, sparsity, count):
    return mean_divergence(network, x, [Noise(k, sd, sparsity) for k in range(count)], network.predict_proba(x))


def test_nothing_diverges_without_noise_and_the_mean_is_that_of_a_loop(trained, data):
    network, x = trained.network, data.x_validation
    assert mean_at(network, x, 0.0, 0.0, 3) == 0
    noises = [Noise(key, 0.1, 0.5) for key in KEYS]
    reference = network.predict_proba(x)
    slow = np.mean([divergence(reference, perturbed(network, noise).predict_proba(x)) for noise in noises])
    assert mean_divergence(network, x, noises, reference) == pytest.approx(slow, rel=1e-9)
    assert slow > 0


def test_divergence_grows_with_the_square_of_small_noise_and_with_its_share(trained, data):
    """Halving sigma, or quartering the share of weights that get some, quarters it."""
    network, x = trained.network, data.x_validation
    whole = mean_at(network, x, 0.02, 0.0, 1000)
    assert mean_at(network, x, 0.01, 0.0, 1000) == pytest.approx(whole / 4, rel=0.1)
    assert mean_at(network, x, 0.02, 0.75, 1500) == pytest.approx(whole / 4, rel=0.1)


@pytest.mark.parametrize("kind", ["quad", "mirrored", "independent"])
@pytest.mark.parametrize("wanted", [0.005, 0.02, 0.08])
def test_the_deviation_found_has_the_divergence_asked_for(trained, data, training, kind, wanted):
    network, x = trained.network, data.x_validation
    settings, keys = settings_of(training, noise=kind, divergence=wanted), list(range(16))
    sd = deviation_at(network, x, settings, keys, 0.5)
    noises = list(population(kind, keys, sd, 0.5))[:8]
    found = mean_divergence(network, x, noises, network.predict_proba(x))
    assert found == pytest.approx(wanted, rel=0.2)
    assert deviation_at(network, x, settings, keys, 0.5) == sd


def test_a_divergence_beyond_all_that_is_tried_ends_at_the_grids_ends(trained, data, training):
    network, x = trained.network, data.x_validation
    assert deviation_at(network, x, settings_of(training, divergence=100.0), KEYS, 0.5) == DEVIATIONS[-1]
    assert deviation_at(network, x, settings_of(training, divergence=1e-12), KEYS, 0.5) == DEVIATIONS[0]
    assert pytest.approx(0.001) == DEVIATIONS[0]
    assert pytest.approx(0.3) == DEVIATIONS[-1]
    assert np.allclose(DEVIATIONS, np.geomspace(0.001, 0.3, 13))


def test_interpolation_is_between_logarithms():
    assert between(0.01, 0.1, 0.001, 0.1, 0.01) == pytest.approx(10**-1.5)
    assert between(0.01, 0.1, 0.02, 0.02, 0.02) == pytest.approx(10**-1.5)
    assert between(0.01, 0.1, 0.001, 0.1, 5.0) == pytest.approx(0.1)


def test_a_population_is_quads_or_pairs_or_each_by_itself():
    def marks(kind):
        return [(noise.key, noise.sign, noise.complement) for noise in population(kind, [1, 2], 0.1, 0.5)]

    quad = [(1, False), (1, True), (-1, False), (-1, True)]
    assert marks("quad") == [(key, *each) for key in (1, 2) for each in quad]
    assert marks("mirrored") == [(key, sign, False) for key in (1, 2) for sign in (1, -1)]
    assert marks("independent") == [(1, 1, False), (2, 1, False)]


def chosen(trained, training, **changes):
    settings = settings_of(training, **changes)
    return noisy_members(trained.network, trained.problem, settings, np.random.default_rng(5)), settings


def test_the_best_on_validation_rows_are_kept_in_order_with_ties_to_the_lower_loss(trained, data, training):
    found, settings = chosen(trained, training, noise_sd=0.4)
    rng = np.random.default_rng(5)
    keys = [int(rng.integers(2**64, dtype=np.uint64)) for _ in range(4)]
    every = list(population("quad", keys, 0.4, 0.5))
    assert len(every) == settings.population
    rows = np.arange(len(data.y_validation))
    outputs = [perturbed(trained.network, noise).predict_proba(data.x_validation) for noise in every]
    scores = [(own.argmax(axis=1) == data.y_validation).mean() for own in outputs]
    losses = [-np.log(np.maximum(own[rows, data.y_validation].astype(float), 1e-38)).mean() for own in outputs]
    expected = sorted(range(16), key=lambda i: (-scores[i], losses[i], i))[:4]
    assert len(set(scores)) < 16  # there are ties
    assert [noise_of(arrays["noise"]) for _, arrays in found] == [every[i] for i in expected]
    assert [score for score, _ in found] == pytest.approx([scores[i] for i in expected])
    for (_, arrays), i in zip(found, expected, strict=True):
        assert np.array_equal(store.build(arrays).predict_proba(data.x_validation), outputs[i])


def test_the_sparsity_searched_is_that_of_the_best_ensemble(trained, data, training):
    found, _ = chosen(trained, training, noise="mirrored", search_sparsity=True)
    assert len(found) == 4
    sparsities = {noise_of(arrays["noise"]).sparsity for _, arrays in found}
    assert len(sparsities) == 1
    best = combined_of(trained, data, found)
    for sparsity in (0.0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99):
        other, _ = chosen(trained, training, noise="mirrored", sparsity=sparsity)
        assert combined_of(trained, data, other) <= best + 1e-12


def combined_of(trained, data, found):
    outputs = [trained.network.predict_proba(data.x_validation)]
    outputs += [store.build(arrays).predict_proba(data.x_validation) for _, arrays in found]
    return combined(np.stack(outputs), data.y_validation)["mean_softmax"]["accuracy"]


@pytest.mark.parametrize("model", ["sparse", "dense"])
def test_test_rows_and_training_labels_change_no_choice(data, training, model):
    """Parent and validation rows alone decide: the training labels are poisoned once the parent is trained."""
    changes = NOISY | {"epsilon": 8.0 if model == "sparse" else None, "search_sparsity": True, "noise": "mirrored"}
    found = []
    for poisoned in (False, True):
        y = data.y.copy()
        trainer = Trainer(
            Data(data.x, y, data.x_validation, data.y_validation, 3), training | changes, model, "noisy_subnetworks", 4
        )
        if poisoned:
            trainer.run(trained=lambda epoch, y=y: y.__setitem__(slice(None), 0) if epoch.ends_member else None)
            assert not y.any()
        else:
            trainer.run()
        found.append([member.arrays["noise"].tolist() for member in trainer.members[1:]])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"population": 3}, "population 3 is less than members 4; raise it"),
        ({"population": 6}, "population 6 with noise quad: make it a multiple of 4"),
        ({"population": 5, "noise": "mirrored"}, "population 5 with noise mirrored: make it a multiple of 2"),
        ({"sparsity": 0.9}, "noise quad balances at sparsity 0.5 alone; use noise mirrored"),
        ({"search_sparsity": True}, "noise quad balances at sparsity 0.5 alone"),
    ],
)
def test_populations_that_cannot_be_are_one_line(training, changes, message):
    with pytest.raises(UserError, match=message) as error:
        create("noisy_subnetworks", settings_of(training, **changes))
    assert "\n" not in str(error.value)
