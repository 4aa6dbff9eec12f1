"""Accuracies of a child after each of its epochs, against its network at the end."""

import pandas as pd
import pytest

from truly_sparse.engine import store
from truly_sparse.errors import UserError
from truly_sparse.experiments import measurements
from truly_sparse.experiments.measuring.trained import finish, trainer_of
from truly_sparse.experiments.measuring.tuning import measure, training_of

from .made_up_images import prepared

OWN = {
    "datasets": ["toy"],
    "methods": ["annealing", "iterative"],
    "seeds": 2,
    "epochs": 6,
    "child_epochs": 4,
    "sparsity": 0.9,
    "falling_epochs": 2,
    "child_learning_rate": 0.02,
}
ALONE = {"members": 1, "include_parent": False, "sampler": "random"}
METHODS = {
    "annealing": {"model": "dense", "strategy": "stochastic_subnetworks", "training": ALONE},
    "iterative": {"model": "dense", "strategy": "sparse_subnetworks", "training": ALONE},
    "several": {"model": "dense", "strategy": "sparse_subnetworks", "training": ALONE | {"members": 2}},
    "apart": {"model": "sparse", "strategy": "none", "training": {"members": 1}},
}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return prepared(tmp_path_factory, METHODS, "tuning", OWN)


@pytest.fixture(scope="module")
def frame(config):
    return measure(config["measurements"]["tuning"], config)


def test_one_row_for_every_epoch_of_a_child(frame):
    assert frame.groupby(["method", "seed"])["epoch"].agg(list).tolist() == [[1, 2, 3, 4]] * 4
    assert frame["accuracy"].between(0, 100).all()


@pytest.mark.parametrize("method", ["annealing", "iterative"])
def test_the_last_accuracy_is_that_of_the_child(frame, config, method):
    training = training_of(config["measurements"]["tuning"], config, "toy", method)
    strategy = METHODS[method]["strategy"]
    trainer, data = trainer_of(config, "toy", training, strategy, 1, 1, "dense")
    finish(trainer, "toy")
    child = store.build(trainer.members[0].arrays)
    hidden = sum(child.link_counts[:-1])
    assert hidden == pytest.approx(0.1 * (81 * 30 + 30 * 20), abs=2)
    predicted = child.predict_proba(data.x_validation).argmax(axis=1)
    own = frame[(frame["method"] == method) & (frame["seed"] == 1)].set_index("epoch")["accuracy"]
    assert own[4] == pytest.approx(100 * (predicted == data.y_validation).mean(), abs=1)


def test_epochs_differ_by_method_alone(frame, config):
    pd.testing.assert_frame_equal(frame, measure(config["measurements"]["tuning"], config))
    whole = frame.pivot_table("accuracy", ["seed", "epoch"], "method")
    assert (whole["annealing"] != whole["iterative"]).any()


@pytest.mark.parametrize("method", ["several", "apart"])
def test_methods_without_one_child_are_refused(config, method):
    with pytest.raises(UserError, match=f"method {method} does not make one child of one parent"):
        measure(config["measurements"]["tuning"] | {"methods": [method]}, config)


def test_golden_runs_are_asked_for(config):
    assert "measurement tuning" in measurements.features(config, "tuning")
