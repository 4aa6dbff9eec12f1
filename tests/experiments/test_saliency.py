"""Saliency maps of small trained ensembles, against the parts that they are made of."""

import numpy as np
import pytest

from truly_sparse.engine import store
from truly_sparse.errors import UserError
from truly_sparse.experiments.measuring.saliency import image_shape, measure
from truly_sparse.experiments.measuring.trained import finish, settings_of, trainer_of
from truly_sparse.measure.diversity import error_overlap
from truly_sparse.measure.saliency import Gradients, map_distances, saliency_maps

from .made_up_images import SIDE, prepared

OWN = {
    "datasets": ["toy"],
    "methods": ["dense", "sparse"],
    "seeds": 2,
    "images": 30,
    "draws": 2,
    "noise": 0.0,
    "epsilon": 8,
}
METHODS = {
    "dense": {"model": "dense", "strategy": "independent"},
    "sparse": {"model": "sparse", "strategy": "independent", "training": {"members": 3}},
    "single": {"model": "dense", "strategy": "none", "training": {"members": 1}},
}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return prepared(tmp_path_factory, METHODS, "saliency", OWN)


@pytest.fixture(scope="module")
def frame(config):
    return measure(config["measurements"]["saliency"], config)


def test_one_row_for_every_ensemble(frame):
    assert frame[["method", "seed"]].to_numpy().tolist() == [["dense", 0], ["dense", 1], ["sparse", 0], ["sparse", 1]]
    assert (frame["images"] == 30).all()
    assert (frame["accuracy"] > 60).all()
    assert frame["rmse"].between(0.01, 0.9).all()
    assert frame["error_overlap"].between(0, 1).all()


def test_a_row_is_what_its_networks_say(frame, config):
    training = settings_of(config, "toy", "dense", epsilon=8)
    trainer, data = trainer_of(config, "toy", training, "independent", 0, 0, "dense")
    finish(trainer, "toy")
    networks = [store.build(member.arrays) for member in trainer.members]
    x = data.x_test[:30].astype(float)
    maps = []
    for network in networks:
        gradients = Gradients(network)
        maps.append(saliency_maps(gradients.of(x, gradients.predicted(x)), (1, SIDE, SIDE)))
    expected = map_distances(*maps)
    row = frame[(frame["method"] == "dense") & (frame["seed"] == 0)].iloc[0]
    assert row[list(expected)].to_dict() == pytest.approx(expected, rel=1e-5)
    predicted = np.stack([network.predict_proba(data.x_test).argmax(axis=1) for network in networks])
    assert row["error_overlap"] == pytest.approx(error_overlap(predicted, data.y_test), rel=1e-5)


def test_noise_changes_the_maps(frame, config):
    noisy = measure(config["measurements"]["saliency"] | {"noise": 0.5, "seeds": 1}, config)
    assert (noisy["rmse"].to_numpy() != frame.loc[frame["seed"] == 0, "rmse"].to_numpy()).all()


def test_one_member_is_refused(config):
    with pytest.raises(UserError, match="one member"):
        measure(config["measurements"]["saliency"] | {"methods": ["single"]}, config)


@pytest.mark.parametrize(("features", "shape"), [(784, (1, 28, 28)), (3072, (3, 32, 32)), (64, (1, 8, 8))])
def test_shapes_of_images(features, shape):
    assert image_shape(features) == shape


def test_what_is_no_image_is_refused():
    with pytest.raises(UserError, match="no square image"):
        image_shape(50)
