"""Links of convolutions that take part in some steps: which do, and that a step is one of the network they make."""

import numpy as np
import pytest

from truly_sparse.engine.convolution import architectures
from truly_sparse.engine.convolution.layers import Plan
from truly_sparse.engine.convolution.start import start
from truly_sparse.engine.gate import Gate, thresholds_of
from truly_sparse.engine.optimisers import SGD, Adam

from ...ensembles.subnetwork_reference import active_links

KEY = 0xFEDCBA9876543210
LAYERS = {"spas": architectures.spas(3, channels=(3, 4)), "lenet": architectures.lenet(3, (2, 3), (5,))}
OPTIMISERS = {
    "sgd": SGD(0.05),
    "nesterov": SGD(0.05, nesterov=True, coupled=True, decay=0.01),
    "steps": SGD(np.array([0.05, 0.03, 0.02], np.float32), momentum=np.array([0.9, 0.8, 0.7], np.float32)),
    "adam": Adam(0.01, l1=1e-3),
    "clipped": SGD(0.05, clip=0.05),
}


def network_of(kind="spas", storage="float32"):
    plan = Plan((1, 16, 16), LAYERS[kind])
    return start(plan, (250, 120) if kind == "spas" else (180, 0), np.random.default_rng(0), storage=storage)


def train(network, optimiser, gate=None, steps=3, first_step=0, batch=20):
    rng = np.random.default_rng(first_step)
    x, y = rng.normal(size=(steps * batch, 256)).astype(np.float32), rng.integers(0, 3, steps * batch)
    return network.train_epoch(x, y, np.arange(steps * batch), batch, optimiser, 0.0, 0, first_step, gate)


def state(network):
    return {name: array.tobytes() for name, array in network.copy_state().items()}


def probabilities(network, seed=0):
    drawn = np.random.default_rng(seed).random(len(network.graph))
    return np.where(drawn < 0.1, 0.0, np.where(drawn > 0.9, 1.0, drawn))


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("kind", LAYERS)
def test_with_everything_on_a_step_is_one_without_a_gate(kind, optimiser):
    gated, free = network_of(kind), network_of(kind)
    for network in (gated, free):
        train(network, OPTIMISERS[optimiser])
    everything = Gate(thresholds_of(np.ones(len(gated.graph))), KEY, True)
    one = train(gated, OPTIMISERS[optimiser], everything, first_step=3)
    other = train(free, OPTIMISERS[optimiser], first_step=3)
    assert state(gated) == state(free)
    assert one == other


def test_decisions_are_those_of_the_slow_hash_and_are_counted():
    network = network_of()
    chances = probabilities(network)
    gate = Gate(thresholds_of(chances), KEY, False)
    for step in (0, 1, 12345):
        before = network.graph.values.copy()
        result = train(network, SGD(0.0, momentum=0.0, decay=0.5), gate, 1, step)
        marks = network.graph.values != before
        network.graph.values[:] = before
        expected = active_links(network, chances, KEY, step)
        assert np.array_equal(marks, expected)
        counts = [int(expected[block.where].sum()) for block in network.blocks]
        assert (result.links, result.input_links) == (sum(counts), counts[0])
        assert result.multiply_adds == (np.dot(counts, network.plan.positions), counts[0] * network.plan.positions[0])


@pytest.mark.parametrize("coast", [True, False])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("storage", ["float32", pytest.param("bfloat16", marks=pytest.mark.slow)])
def test_a_step_is_one_of_the_network_of_its_links(storage, optimiser, coast):
    network, chosen = network_of(storage=storage), OPTIMISERS[optimiser]
    train(network, chosen)
    chances, arrays = probabilities(network), network.graph.arrays
    for step in (3, 4):
        marks = active_links(network, chances, KEY, step)
        child = network.subnetwork(marks)
        still = {name: getattr(arrays, name).copy() for name in ("values", "velocity", "second")}
        train(network, chosen, Gate(thresholds_of(chances), KEY, coast), 1, step)
        train(child, chosen, None, 1, step)
        for name, before in still.items():
            own = getattr(arrays, name)
            if not len(own):
                continue
            assert np.array_equal(own[marks], getattr(child.graph.arrays, name))
            if not coast:
                assert np.array_equal(own[~marks], before[~marks])
        assert network.biases.tobytes() == child.biases.tobytes()
        assert network.norms.tobytes() == child.norms.tobytes()
        if coast and optimiser == "sgd":
            speed = np.float32(0.9) * still["velocity"][~marks]
            assert arrays.velocity[~marks] == pytest.approx(speed, rel=1e-6)
            moved = still["values"][~marks] + speed - np.float32(0.0002) * still["values"][~marks]
            assert arrays.values[~marks] == pytest.approx(moved, rel=1e-5, abs=1e-7)


def test_a_loss_that_is_not_finite_ends_the_epoch():
    network = network_of()
    network.graph.values[:] = np.inf
    result = train(network, SGD(0.05), Gate(thresholds_of(np.full(len(network.graph), 0.5)), KEY, True))
    assert not np.isfinite(result.loss)
