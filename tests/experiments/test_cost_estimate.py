"""What is told before a run starts is what it then takes, or a little more."""

import numpy as np
import pytest

from truly_sparse.engine.streams import Streams
from truly_sparse.experiments import cost_estimate
from truly_sparse.golden.cases import DATA, TRAINING
from truly_sparse.measure.flops import operations
from truly_sparse.training import evolution
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.start import fresh

ENTRY = {"rows": 800, "features": 10, "class_counts": {"0": 300, "1": 300, "2": 200}}
DENSITIES = [
    {"epsilon": 4.0},
    {"epsilon": None, "compression": 4.0, "shortcut_ratio": 0.5},
    {"epsilon": None, "compression": 0.0},
    {"epsilon": None, "links": 300},
    {"epsilon": 4.0, "shortcut_ratio": 0.3},
]


def settings(model="sparse", strategy="none", data=None, **training):
    return {"model": model, "strategy": strategy, "data": DATA | (data or {}), "training": TRAINING | training}


@pytest.mark.parametrize("density", DENSITIES)
def test_links_are_those_of_a_start(density):
    training = TRAINING | density
    draw = fresh("sparse", 10, 3, TrainingConfig.of(training))
    found = [sum(draw(Streams(seed).start).link_counts) for seed in range(40)]
    assert np.mean(found) == pytest.approx(
        cost_estimate.links([10, *training["hidden_layer_sizes"], 3], training), rel=0.02
    )


def test_operations_bound_those_of_the_record():
    # 800 rows, of which 160 are for testing and 128 for validation; 8 batches of 64.
    run = settings(epsilon=None, links=400)
    history = [{"connections": 400, "input_connections": 100, "samples": 512}] * 4
    told = cost_estimate.operations(run, ENTRY)
    assert told == 3 * 400 * 512 * 4
    assert told * 0.7 < operations(history, 128)["total_training"] <= told


@pytest.mark.parametrize(
    ("changes", "samples"),
    [
        ({}, 512),
        ({"data": {"validation": "test", "validation_fraction": 0.0}}, 640),
        ({"data": {"train_rows": 200}}, 128),
        ({"strategy": "independent", "members": 3}, 3 * 512),
        ({"strategy": "edst_rg", "members": 3, "epochs": 4}, 512),
    ],
)
def test_rows_and_networks_count(changes, samples):
    run = settings(epsilon=None, links=400, **changes)
    assert cost_estimate.operations(run, ENTRY) == 3 * 400 * samples * 4


def test_links_of_pictures_that_move_to_more_positions_stay_below_what_is_told():
    entry = ENTRY | {"features": 64}
    training = {"architecture": "spas_cnn", "hidden_layer_sizes": [2, 3], "activation": "mish", "dropout": 0.0}
    training |= {"epsilon": None, "links": 150, "shortcut_ratio": 0.5, "pruning": "global", "evolution_every": 1}
    run, still = settings(**training), settings(**training | {"evolution_every": 0})
    network, each = fresh("sparse", 64, 3, TrainingConfig.of(run["training"]))(Streams(0).start), 3 * 512 * 4
    before = network.multiply_adds
    many = max(network.plan.positions)
    for _ in range(60):
        for block, positions in zip(network.blocks, network.plan.positions, strict=True):
            block.values[:] = 1 + (positions == many)
        evolution.step(network, TrainingConfig.of(run["training"]), 0.3, Streams(0))
    assert cost_estimate.operations(still, entry) == pytest.approx(each * before, rel=0.1)
    assert 1.3 * cost_estimate.operations(still, entry) < each * network.multiply_adds
    assert each * network.multiply_adds <= cost_estimate.operations(run, entry)
    assert cost_estimate.operations(run, entry) <= each * 150 * many


def test_dense_weights_and_what_is_not_known():
    run = settings("dense", epsilon=None, hidden_layer_sizes=[28])
    assert cost_estimate.operations(run, ENTRY) == 3 * (10 * 28 + 28 * 3) * 512 * 4
    assert cost_estimate.operations(run, ENTRY | {"rows": None}) is None
    assert cost_estimate.operations(settings("reference") | {"training": {}}, ENTRY) is None
    images = ENTRY | {"rows": 1000, "test_rows": 200}
    assert cost_estimate.operations(settings(epsilon=None, links=10), images) == 3 * 10 * 640 * 4
