"""Optimisers against scalar float64 ones, and Mish against NumPy."""

import numpy as np
import pytest

from truly_sparse.engine import store
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD, Adam, of_gradients
from truly_sparse.engine.streams import Streams

from .reference import Reference, SlowAdam, SlowSGD, at_step
from .test_graph import network_of, problem

STEPS = 40


RATES = np.linspace(0.01, 0.1, STEPS, dtype=np.float32)
OPTIMISERS = {
    "sgd": SGD(0.05),
    "coupled": SGD(0.05, decay=0.01, coupled=True),
    "nesterov": SGD(0.05, nesterov=True),
    "nesterov, coupled": SGD(0.02, nesterov=True, decay=0.01, coupled=True),
    "sgd by steps": SGD(RATES, momentum=1 - RATES, decay=RATES / 20),
    "coupled by steps": SGD(RATES, decay=RATES / 5, coupled=True),
    "adam": Adam(0.01),
    "adam, l1": Adam(0.01, l1=1e-3),
    "adam by steps": Adam(RATES / 10, decay=RATES / 20, beta1=0.8, beta2=0.99, epsilon=1e-4),
}


def gradients_of(network, x, y):
    by_matrix, by_bias = Reference.of_sparse(network).gradients(x, y)
    links = np.zeros(len(network.graph))
    for block, gradient in zip(network.blocks, by_matrix, strict=True):
        links[block.where] = gradient.reshape(-1)[block.links()]
    neurons = np.concatenate(by_bias)
    return np.concatenate([links, neurons[network._bias_neurons]])


@pytest.mark.parametrize("optimiser", OPTIMISERS.values(), ids=OPTIMISERS)
@pytest.mark.parametrize("per_block", [False, True])
@pytest.mark.parametrize("clip", [0.0, 0.05])
def test_steps_are_those_of_a_slow_optimiser(optimiser, per_block, clip):
    network = network_of(bias_per_block=per_block, density=0.3)
    x, y = problem(64, 7, 4)
    w = np.concatenate([network.graph.values, network.biases]).astype(float)
    slow = (SlowSGD if isinstance(optimiser, SGD) else SlowAdam)(optimiser, len(w))
    for step in range(STEPS):
        # At one step each, so that the slow one gets its gradients where the quick one is, and no error adds up.
        g = gradients_of(network, x, y)
        norm = np.linalg.norm(g)
        w = slow.move(w, g * min(1, clip / norm) if clip else g, step)
        now = {"rate": at_step(optimiser.rate, step), "decay": at_step(optimiser.decay, step)}
        if isinstance(optimiser, SGD):
            now["momentum"] = at_step(optimiser.momentum, step)
        network.train_epoch(x, y, np.arange(64), 64, optimiser._replace(clip=clip, **now), 0.0, 0, step)
        found = np.concatenate([network.graph.values, network.biases])
        assert np.allclose(found, w, atol=2e-4 if isinstance(optimiser, Adam) else 2e-5)
        network.graph.values[:], network.biases[:] = w[: len(network.graph)], w[len(network.graph) :]


@pytest.mark.slow
def test_adam_with_l1_stays_with_a_slow_one_over_a_thousand_steps():
    """Moments and powers are its own all along; gradients are taken where it is."""
    network, optimiser = network_of(bias_per_block=True, density=0.3), Adam(0.005, l1=5e-5)
    x, y = problem(64, 7, 4)
    w = np.concatenate([network.graph.values, network.biases]).astype(float)
    slow = SlowAdam(optimiser, len(w))
    for step in range(1000):
        w = slow.move(w, gradients_of(network, x, y), step)
        network.train_epoch(x, y, np.arange(64), 64, optimiser, 0.0, 0, step)
        assert np.allclose(np.concatenate([network.graph.values, network.biases]), w, rtol=0, atol=1e-5)
        network.graph.values[:], network.biases[:] = w[: len(network.graph)], w[len(network.graph) :]


def test_rates_of_an_epoch_are_those_of_its_steps():
    x, y = problem(64 * STEPS, 7, 4)
    whole, single = network_of(), network_of()
    for optimiser in (SGD(RATES, momentum=1 - RATES, decay=RATES / 20), Adam(RATES / 10, decay=RATES / 20)):
        whole.train_epoch(x, y, np.arange(len(x)), 64, optimiser, 0.1, 5, 0)
        for step in range(STEPS):
            now = {"rate": optimiser.rate[step], "decay": optimiser.decay[step]}
            if isinstance(optimiser, SGD):
                now["momentum"] = optimiser.momentum[step]
            rows = np.arange(64 * step, 64 * step + 64)
            single.train_epoch(x, y, rows, 64, optimiser._replace(**now), 0.1, 5, step)
        assert np.array_equal(whole.graph.values, single.graph.values)
    with pytest.raises(ValueError, match="40 steps do not fit an epoch of 3 steps"):
        whole.train_epoch(x, y, np.arange(192), 64, SGD(RATES), 0.1, 5, 0)
    with pytest.raises(ValueError, match="a decay of 0 in some steps, and not in others"):
        whole.train_epoch(x, y, np.arange(128), 64, SGD(0.1, decay=np.array([0, 0.1])), 0.1, 5, 0)


def test_biases_of_blocks_move_together_as_many_times_as_there_are_under_adam():
    one, many = network_of(bias_per_block=False), network_of(bias_per_block=True)
    many.graph.values[:] = one.graph.values
    one.biases[:], many.biases[:] = 0, 0
    x, y = problem(64, 7, 4)
    for network in (one, many):
        network.train_epoch(x, y, np.arange(64), 64, Adam(0.001), 0.0, 0, 0)
    blocks = np.bincount(many._bias_neurons, minlength=len(one.biases))
    assert np.allclose(many.summed_biases(), one.biases * blocks, rtol=1e-4)
    assert blocks.max() == 3


def test_links_that_grow_start_with_moments_of_zero_and_others_keep_theirs():
    network = network_of(density=0.4)
    x, y = problem(64, 7, 4)
    network.train_epoch(x, y, np.arange(64), 32, Adam(0.01), 0.0, 0, 0)
    moments = {
        int(key): (m, v)
        for key, m, v in zip(network.graph.keys(), network.graph.velocity, network.graph.arrays.second, strict=True)
    }
    network.evolve(0.3, Streams(0))
    new = 0
    for key, m, v in zip(network.graph.keys(), network.graph.velocity, network.graph.arrays.second, strict=True):
        new += (m, v) == (0, 0)
        assert (m, v) in ((0, 0), moments.get(int(key)))
    assert new > 0


def test_mish_and_its_derivative():
    z = np.concatenate([np.linspace(-90, 90, 4001), np.linspace(-2, 2, 2000)]).astype(np.float32)
    network = SparseMLP.from_dense({(0, 1): [[1.0]], (1, 2): [[1.0, 0.0]]}, [[0.0], [0.0, 0.0]], "mish")
    x = z[:, None]
    probabilities = network.predict_proba(x).astype(float)
    double = z.astype(float)
    mish = double * np.tanh(np.logaddexp(0, double))
    wanted = 1 / (1 + np.exp(-mish))
    assert np.allclose(probabilities[:, 0], wanted, atol=1e-6)
    network.train_epoch(x, np.zeros(len(z), np.int64), np.arange(len(z)), len(z), SGD(0.0), 0.0, 0, 0)
    count = network._workspace.count
    found = network._workspace.space.derivatives[count : count + len(z)]
    slope = np.tanh(np.logaddexp(0, double)) + double * (1 / np.cosh(np.logaddexp(0, double))) ** 2 / (
        1 + np.exp(-double)
    )
    assert np.isfinite(found).all()
    assert np.allclose(found, slope, atol=2e-6)


@pytest.mark.parametrize(
    "optimiser",
    [
        SGD(0.1, nesterov=True),
        SGD(0.1, coupled=True, decay=0.01),
        SGD(np.array([0.1, 0.05], np.float32), np.array([0.9, 0.5], np.float32), clip=0.1),
        of_gradients(SGD(np.array([0.1, 0.05]), nesterov=True), 0.2, 2),
        Adam(0.01, l1=1e-3),
    ],
)
def test_a_dense_network_moves_as_a_sparse_one_with_all_links(optimiser):
    dense, (x, y) = DenseMLP([7, 5, 4], [0.0], Streams(0).start), problem(64, 7, 4)
    weights = {(i, i + 1): own.T for i, own in enumerate(dense.weights)}
    sparse = SparseMLP.from_dense(weights, dense.biases, [0.0])
    for network in (dense, sparse):
        for epoch in range(3):
            network.train_epoch(x, y, np.arange(64), 32, optimiser, 0.2, 3, 2 * epoch)
        restored = store.build(store.snapshot(network))
        network.train_epoch(x, y, np.arange(64), 32, optimiser, 0.2, 3, 6)
        restored.train_epoch(x, y, np.arange(64), 32, optimiser, 0.2, 3, 6)
        assert (network.predict_proba(x) == restored.predict_proba(x)).all()
    assert np.allclose(dense.predict_proba(x), sparse.predict_proba(x), atol=2e-6)


@pytest.mark.parametrize("optimiser", [SGD(0.05), Adam(0.01)], ids=["sgd", "adam"])
def test_a_dense_network_at_rest_trains_as_one_that_has_only_its_weights(optimiser):
    x, y = problem(64, 20, 3)
    trained, fresh = (DenseMLP((x.shape[1], 12, 3), [0.0], np.random.default_rng(0)) for _ in range(2))
    trained.train_epoch(x, y, np.arange(len(x)), 16, optimiser, 0.0, 7, 0)
    for own, other in zip((*fresh.weights, *fresh.biases), (*trained.weights, *trained.biases), strict=True):
        own[...] = other
    trained.rest()
    for network in (trained, fresh):
        network.train_epoch(x, y, np.arange(len(x)), 16, optimiser, 0.0, 7, 0)
    for own, other in zip((*fresh.weights, *fresh.biases), (*trained.weights, *trained.biases), strict=True):
        assert own.tobytes() == other.tobytes()


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_velocity_of_gradients_moves_as_pytorchs_does(nesterov):
    """torch: v = m v + g; p -= rate (g + m v) with Nesterov's momentum, rate v without."""
    rates, momentum, before = np.array([0.1, 0.05, 0.2, 0.02]), 0.9, 0.4
    ours = of_gradients(SGD(rates, momentum=momentum, nesterov=nesterov), before, len(rates))
    gradients = np.random.default_rng(0).normal(size=len(rates))
    position = other = 1.0
    velocity = 3.0
    own_velocity = -before * velocity
    for rate, gradient, factor in zip(rates, gradients, ours.momentum, strict=True):
        velocity = momentum * velocity + gradient
        position -= rate * (gradient + momentum * velocity) if nesterov else rate * velocity
        own_velocity = factor * own_velocity - rate * gradient
        other += ours.lookahead * own_velocity - rate * gradient if nesterov else own_velocity
    assert other == pytest.approx(position, rel=1e-12)


def test_only_second_moments_have_powers():
    x, y = problem(64, 20, 3)
    for optimiser, powers in ((SGD(0.05), False), (Adam(0.01), True)):
        network = DenseMLP((x.shape[1], 12, 3), [0.0], np.random.default_rng(0))
        network.train_epoch(x, y, np.arange(len(x)), 16, optimiser, 0.0, 7, 0)
        assert ("powers" in network.copy_state()) == powers
