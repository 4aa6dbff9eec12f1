"""What noise does to small trained networks: columns, laws of small noise, and ensembles chosen as stated."""

import numpy as np
import pandas as pd
import pytest

from truly_sparse.errors import UserError
from truly_sparse.experiments import measurements
from truly_sparse.experiments.measuring import noise
from truly_sparse.experiments.measuring.noise import HALF, SPARSE, deviation_at, measure

from .made_up_images import prepared

DEVIATIONS = [0.02, 0.04, 0.1, 0.3, 1.0]
OWN = {
    "datasets": ["toy"],
    "method": "dense",
    "seeds": 2,
    "epochs": 15,
    "rows": 80,
    "sparsities": [0, 0.5, 0.9],
    "deviations": DEVIATIONS,
    "draws": 12,
    "population": 8,
    "members": [2, 4],
    "populations": 3,
}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return prepared(tmp_path_factory, {"dense": {"model": "dense", "strategy": "none"}}, "noise", OWN)


@pytest.fixture(scope="module")
def frame(config):
    return measure(config["measurements"]["noise"], config)


def part(frame, name):
    return frame[frame["part"] == name].dropna(axis=1, how="all")


class Asked:
    """A network that is sure of nothing."""

    def predict_proba(self, x):
        return np.full((len(x), 2), 0.5, np.float32)


@pytest.mark.parametrize("count", [1, 10, 77, 200, 1000])
def test_rows_are_from_all_over_a_table_that_is_sorted_by_its_labels(count):
    x, y = np.arange(200, dtype=np.float32)[:, None], np.repeat([0, 1], 100)
    rows = noise.rows_of(Asked(), x, y, count)
    number = min(count, 200)
    assert len(np.unique(rows.x)) == number
    assert abs(int(rows.y.sum()) - number / 2) <= 0.5
    np.testing.assert_array_equal(rows.y, y[rows.x[:, 0].astype(int)])


def test_every_cell_is_there_once(frame):
    counts = frame.pivot_table(index="part", columns="seed", values="kl", aggfunc="size")
    ensembles = 3 * 3 * 5  # populations, kinds, and choices: all, selected and random, of two sizes
    expected = {"grid": 3 * 5, "norm": 5, "combining": 3 * 5, "population": ensembles}
    assert counts.to_dict() == {0: expected, 1: expected}
    assert not frame["kl"].isna().any()
    assert set(frame["partial"]) == {""}


def test_divergence_of_small_noise_grows_with_its_square_and_the_part_that_gets_it(frame):
    kl = part(frame, "grid").groupby(["sparsity", "sd"])["kl"].mean()
    assert kl[0, 0.04] / kl[0, 0.02] == pytest.approx(4, rel=0.25)
    assert kl[0, 0.04] / kl[0.9, 0.04] == pytest.approx(10, rel=0.4)
    norm = part(frame, "norm").groupby("norm")["kl"].mean()
    assert norm[0.02] / kl[0, 0.02] == pytest.approx(1, rel=0.7)
    np.testing.assert_allclose(part(frame, "norm")["sd"], part(frame, "norm")["norm"] / np.sqrt(1 - SPARSE), rtol=1e-5)


def test_strong_noise_costs_accuracy_and_makes_networks_disagree(frame):
    cells = part(frame, "grid").groupby(["sd", "sparsity"])[["loss", "disagreement"]].mean()
    assert cells.loc[(1.0, 0), "loss"] > 10 > cells.loc[(0.02, 0), "loss"]
    assert (cells.loc[1.0, "disagreement"] > cells.loc[0.02, "disagreement"]).all()
    own = part(frame, "grid")
    parent = (own["accuracy"] + own["loss"]).groupby(own["seed"])
    assert (parent.max() - parent.min()).max() < 1e-3


def test_ensembles_have_the_wanted_divergence_and_hold_the_parent(frame):
    own = part(frame, "population")
    everybody = own[own["choice"] == "all"]
    assert 0.01 < everybody["kl"].mean() < 0.04  # wanted on the held-out rows: 0.02
    assert set(everybody["members"]) == {8}
    assert (own["kl_ensemble"] < own["kl"]).all()
    assert len(own[["seed", "parent_accuracy"]].drop_duplicates()) == 2
    first = own[(own["seed"] == 0) & (own["kind"] == "quad")]
    assert first.groupby("choice")["members"].agg(set).to_dict() == {
        "all": {8}, "random": {2, 4}, "selected": {2, 4},
    }  # fmt: skip


def test_mirrored_noise_cancels_to_first_order(monkeypatch, config):
    """The mean of the children's values is the parent's, which independent noise is not."""
    made = []
    genuine = noise.perturbed

    def watched(network, noise):
        child = genuine(network, noise)
        made.append((noise.key, noise.sign, noise.complement, child.weights[0] - network.weights[0]))
        return child

    monkeypatch.setattr(noise, "perturbed", watched)
    settings = config["measurements"]["noise"] | {"seeds": 1, "draws": 2, "populations": 2}
    measure(settings, config)
    variants = {}
    for key, sign, complement, change in made:
        variants.setdefault(key, {})[sign, complement] = change
    quads = [found for found in variants.values() if len(found) == 4]
    assert len(quads) == 2 * 2
    for found in quads:
        np.testing.assert_allclose(found[1, False], -found[-1, False], atol=1e-6)
        assert not ((found[1, False] != 0) & (found[1, True] != 0)).any()
        assert ((found[1, False] != 0) | (found[1, True] != 0)).mean() > 0.99
    assert sum(len(found) == 2 for found in variants.values()) == 2 * 4


def test_the_best_of_a_population_are_chosen_on_held_out_rows(monkeypatch, config):
    """With test labels that are all wrong, the same networks are chosen."""
    settings = config["measurements"]["noise"] | {"seeds": 1}
    chosen = part(measure(settings, config), "population")
    genuine = noise.trainer_of

    def poisoned(*given):
        trainer, data = genuine(*given)
        object.__setattr__(data, "y_test", (data.y_test + 1) % 3)
        return trainer, data

    monkeypatch.setattr(noise, "trainer_of", poisoned)
    other = part(measure(settings, config), "population")
    pd.testing.assert_series_equal(chosen["kl"], other["kl"])
    pd.testing.assert_series_equal(chosen["kl_ensemble"], other["kl_ensemble"])
    assert (other["accuracy"] < 50).all()


def test_it_is_the_same_again(frame, config):
    pd.testing.assert_frame_equal(frame, measure(config["measurements"]["noise"], config))


@pytest.mark.parametrize(("wanted", "found"), [(0.04, 0.2), (0.01, 0.1), (0.08, 0.2 * 2**0.5), (1e-9, 0.1), (100, 0.4)])
def test_the_deviation_of_a_divergence_is_found_between_logarithms(wanted, found):
    assert deviation_at([0.1, 0.2, 0.4], [0.01, 0.04, 0.16], wanted) == pytest.approx(found)


def test_more_members_than_a_population_has_are_refused(config):
    with pytest.raises(UserError, match="9 members of a population of 8"):
        measure(config["measurements"]["noise"] | {"members": [9]}, config)


def test_golden_runs_are_asked_for_the_networks_too(config):
    assert "measurement noise" in measurements.features(config, "noise")
    assert HALF in config["measurements"]["noise"]["sparsities"]
