"""How the loss rises about small networks, against a slow network in float64 and the steps that were taken."""

import numpy as np
import pandas as pd
import pytest

from truly_sparse.engine.noise import Noise, add_noise
from truly_sparse.ensembles.subnetworks import parts_of
from truly_sparse.errors import UserError
from truly_sparse.experiments import measurements
from truly_sparse.experiments.measuring import landscape
from truly_sparse.experiments.measuring.landscape import measure, rise, root_mean_square
from truly_sparse.experiments.measuring.trained import some_rows

from .made_up_images import prepared

NORMS = [0.05, 0.2]
OWN = {
    "datasets": ["toy"],
    "methods": ["parts", "whole"],
    "seeds": 2,
    "epsilon": 8,
    "epochs": 12,
    "child_epochs": 4,
    "members": 2,
    "rows": 150,
    "norms": NORMS,
    "draws": 6,
}
METHODS = {
    "parts": {"model": "dense", "strategy": "sparse_subnetworks"},
    "whole": {"model": "dense", "strategy": "sparse_subnetworks", "training": {"sampler": "random", "sparsity": 0}},
    "sparse": {"model": "sparse", "strategy": "sparse_subnetworks"},
    "apart": {"model": "sparse", "strategy": "independent"},
}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return prepared(tmp_path_factory, METHODS, "landscape", OWN)


@pytest.fixture(scope="module")
def frame(config):
    return measure(config["measurements"]["landscape"], config)


@pytest.fixture(scope="module")
def family(config):
    return landscape.family_of(config["measurements"]["landscape"], config, "toy", "parts", 0)


def cross_entropy(weights, biases, x, y):
    """Return the mean cross-entropy of a perceptron with ReLU, in float64."""
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        x = x @ w.astype(np.float64).T + b
        x = np.maximum(x, 0) if layer < len(weights) - 1 else x
    x = x - x.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(x).sum(axis=1)) - x[np.arange(len(y)), y]))


def test_one_row_for_every_network_and_norm(frame):
    assert len(frame) == 2 * 2 * 3 * len(NORMS)
    assert (
        frame.groupby(["method", "seed"])["network"].agg(lambda names: list(dict.fromkeys(names))).tolist()
        == [["parent", "pruned", "tuned"]] * 4
    )
    trained = frame[frame["network"] != "pruned"]
    assert (trained["rise"] > 0).all()
    steps = trained.pivot_table("rise", ["method", "seed", "network"], "norm")
    assert (steps[0.2] > 4 * steps[0.05]).all()  # the loss bends upwards


def test_a_step_has_its_length_and_a_loss_its_value(family):
    networks, data = family
    parent = networks["parent"][0]
    x, y = some_rows(data.x_train, data.y_train, 150)
    genuine = [weights.copy() for weights in parent.weights]
    values = np.concatenate([weights.ravel() for weights in genuine]).astype(np.float64)
    assert root_mean_square(parent) == pytest.approx(np.sqrt((values**2).mean()))
    before, losses, keys = cross_entropy(genuine, parent.biases, x, y), [], [3, 2**62 + 1, 77]
    for key in keys:
        add_noise(parent, Noise(key, 0.2 * root_mean_square(parent), 0.0))
        steps = [weights - own for weights, own in zip(parent.weights, genuine, strict=True)]
        length = np.sqrt(sum((step.astype(np.float64) ** 2).sum() for step in steps))
        assert length == pytest.approx(0.2 * np.sqrt((values**2).sum()), rel=0.05)
        losses.append(cross_entropy(parent.weights, parent.biases, x, y))
        for weights, own in zip(parent.weights, genuine, strict=True):
            weights[:] = own
    loss, (found,) = rise(parent, x, y, [0.2], keys)
    assert loss == pytest.approx(before, abs=1e-7)
    assert found == pytest.approx(np.mean(losses) - before, rel=1e-4, abs=1e-7)


def test_pruned_children_have_the_links_of_tuned_ones_and_the_values_of_their_parent(family):
    networks, _ = family
    weights = [matrix.T for matrix in networks["parent"][0].weights]
    for pruned, tuned in zip(networks["pruned"], networks["tuned"], strict=True):
        for layer, (before, after) in enumerate(zip(parts_of(pruned).values(), parts_of(tuned).values(), strict=True)):
            (began, sources, targets), (became, *ends) = before, after
            np.testing.assert_array_equal((sources, targets), ends)
            np.testing.assert_array_equal(began, weights[layer][sources, targets])
            assert (began != became).any()
    first, second = (child.blocks[0].links() for child in networks["tuned"])
    assert sorted([*first, *second]) == list(range(weights[0].size))


def test_children_that_lose_nothing_begin_as_their_parent(frame):
    own = frame[frame["method"] == "whole"].set_index(["network", "seed", "norm"]).sort_index()
    for column in ("loss", "rise", "links"):
        np.testing.assert_allclose(own.loc["pruned", column], own.loc["parent", column], rtol=1e-4)
    parts = frame[(frame["method"] == "parts")].set_index(["network", "seed", "norm"]).sort_index()
    np.testing.assert_array_equal(parts.loc["parent", "rise"], own.loc["parent", "rise"])


def test_the_parent_may_be_sparse(config):
    found = measure(config["measurements"]["landscape"] | {"methods": ["sparse"], "seeds": 1}, config)
    links = found.groupby("network")["links"].first()
    assert links["pruned"] == links["tuned"] < links["parent"]


def test_it_is_the_same_again(frame, config):
    pd.testing.assert_frame_equal(frame, measure(config["measurements"]["landscape"], config))


def test_a_method_without_a_parent_is_refused(config):
    with pytest.raises(UserError, match="method apart does not make children of one parent"):
        measure(config["measurements"]["landscape"] | {"methods": ["apart"]}, config)


def test_golden_runs_are_asked_for(config):
    assert "measurement landscape" in measurements.features(config, "landscape")
