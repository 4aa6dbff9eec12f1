"""Whole networks: prediction against SciPy, the same bits, constant links, memory by links."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, special

from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import SparseMLP, all_relu_slopes
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.rows import NonZeros
from truly_sparse.engine.streams import NAMES, Streams
from truly_sparse.errors import UserError

SIZES = [10, 50, 40, 30, 4]


def build(seed=0, epsilon=4.0, sizes=SIZES, storage="float32"):
    slopes = all_relu_slopes(len(sizes) - 2, 0.5)
    return SparseMLP.erdos_renyi(sizes, epsilon, slopes, Streams(seed).start, storage=storage)


def problem(samples=300):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, samples)
    return (rng.normal(size=(4, 10))[y] + rng.normal(size=(samples, 10))).astype(np.float32), y


def train(network, epochs=3, seed=0, evolve=0.0):
    x, y = problem()
    streams = Streams(seed)
    results = []
    for epoch in range(epochs):
        order = streams.order.permutation(300)
        results.append(network.train_epoch(x, y, order, 32, SGD(0.05), 0.2, 11, epoch * 9))
        if evolve:
            network.evolve(evolve, streams)
    return results


def scipy_predict(network, x):
    a, start = x.astype(np.float64), 0
    for layer, block in enumerate(network.blocks):
        matrix = sparse.csr_array((block.values, np.divmod(block.links(), block.n_out)), (block.n_in, block.n_out))
        a = a @ matrix + network.biases[start : start + block.n_out]
        start += block.n_out
        if layer < len(network.blocks) - 1:
            a = np.where(a > 0, a, network.slopes[layer + 1] * a)
    return special.softmax(a, axis=1)


@pytest.mark.parametrize("samples", [1, 5, 127, 128, 129, 300])
def test_predictions_are_scipys(samples):
    network, (x, _) = build(), problem()
    assert np.allclose(network.predict_proba(x[:samples]), scipy_predict(network, x[:samples]), atol=1e-5)
    train(network, evolve=0.3)
    assert np.allclose(network.predict_proba(x[:samples]), scipy_predict(network, x[:samples]), atol=1e-5)


@pytest.mark.parametrize("trained", [False, True])
def test_predictions_as_trained_differ_by_the_rounding_of_activations_only(trained):
    x, half, single = problem()[0], build(storage="bfloat16"), build()
    if trained:
        train(half)
        single.load_state(half.copy_state())
    exact = single.predict_proba(x)
    assert np.array_equal(single.predict_as_trained(x), exact)
    assert np.array_equal(half.predict_proba(x), exact)
    rounded = half.predict_as_trained(x)
    assert not np.array_equal(rounded, exact)
    assert np.allclose(rounded, exact, atol=0.03)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.2, 30), st.floats(0, 0.9))
def test_evolution_keeps_links_survivors_and_momentum(seed, epsilon, fraction):
    network = build(seed, epsilon)
    train(network, 1)
    before = [(b.links(), b.values.copy(), b.velocity.copy()) for b in network.blocks]
    network.evolve(fraction, Streams(seed))
    for block, (links, values, velocity) in zip(network.blocks, before, strict=True):
        now = block.links()
        assert len(now) == len(links)
        assert (np.diff(now) > 0).all()
        old = dict(zip(links.tolist(), zip(values, velocity, strict=True), strict=True))
        kept = {int(k): (v, s) for k, v, s in zip(now, block.values, block.velocity, strict=True) if int(k) in old}
        same = sum(old[k] == state for k, state in kept.items())
        positive, negative = (values > 0).sum(), (values < 0).sum()
        removed = 0
        if block is not network.blocks[-1]:
            removed = int(fraction * positive) + int(fraction * negative) + (values == 0).sum()
        assert same >= len(links) - removed
        # The second order holds the same links.
    links = network.graph.arrays
    targets = network.sizes[0] + np.repeat(np.arange(len(links.fan_in) - 1), np.diff(links.fan_in))
    again = links.sources.astype(np.int64) * network.graph.starts[-1] + targets
    assert np.array_equal(np.sort(again), network.graph.keys())
    assert np.array_equal(network.graph.keys()[links.position], again)
    assert (np.diff(targets) >= 0).all()


def test_the_same_seed_gives_the_same_bytes():
    def bytes_of(seed):
        network = build(seed)
        train(network, 4, seed, evolve=0.3)
        return network.predict_proba(problem()[0]).tobytes()

    assert bytes_of(1) == bytes_of(1)
    assert bytes_of(1) != bytes_of(2)


def test_training_lowers_the_loss():
    results = train(build(), 30)
    assert results[-1].loss < 0.6 * results[0].loss
    assert results[-1].accuracy > results[0].accuracy
    assert results[0].samples == 288


@pytest.mark.parametrize("make", [build, lambda: DenseMLP(SIZES, [0.0] * 3, Streams(0).start)])
def test_divergence_is_a_loss_that_is_not_finite(make):
    network, (x, y) = make(), problem()
    losses = [network.train_epoch(x, y, np.arange(300), 32, SGD(1e6), 0.2, 0, 9 * step).loss for step in range(5)]
    assert not np.isfinite(losses).all()


@pytest.mark.parametrize(
    "rows", [lambda x: x, lambda x: NonZeros(x.ravel()[:0], *(np.zeros(n, int) for n in (0, 300, 300)), 10)]
)
@pytest.mark.parametrize("make", [build, lambda: DenseMLP(SIZES, [0.0] * 3, Streams(0).start)])
def test_fewer_samples_than_a_batch_are_refused(make, rows):
    network, (x, y) = make(), problem()
    with pytest.raises(UserError, match="a batch of 32 samples cannot be made of 31; lower batch_size"):
        network.train_epoch(rows(x), y, np.arange(31), 32, SGD(0.05), 0.0, 0, 0)


def test_memory_grows_with_links_never_with_places():
    sizes = [20, 6000, 6000, 2]  # one dense block would be 144 MB
    train(build(), 1, evolve=0.3)  # compile before memory is counted
    tracemalloc.start()
    network = SparseMLP.erdos_renyi(sizes, 1, [0.0, 0.0], Streams(0).start)
    x, y = problem(64)
    x = np.hstack([x, x])
    network.train_epoch(x, y % 2, np.arange(64), 32, SGD(0.01), 0.2, 0, 0)
    network.evolve(0.3, Streams(0))
    network.predict_proba(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    rows = sum(sizes) * 32
    assert peak < 400 * sum(network.link_counts) + 16 * rows + 1_000_000
    assert peak < 6000 * 6000


def test_no_mask_and_no_dense_array_is_held():
    network = build(sizes=[20, 3000, 3000, 2], epsilon=1)
    train_x = np.zeros((32, 20), np.float32)
    network.train_epoch(train_x, np.zeros(32, np.int64), np.arange(32), 32, SGD(0.01), 0.2, 0, 0)
    owners = [network, network.graph, *network.blocks]
    arrays = [v for owner in owners for v in vars(owner).values() if isinstance(v, np.ndarray)]
    arrays += [*network.graph.arrays, *(array for array in network._workspace.space if len(array))]
    assert max(array.size for array in arrays) < 3000 * 3000 // 10


def test_streams_are_children_of_one_seed_and_can_go_on():
    draws = {name: getattr(Streams(5), name).random(4).tobytes() for name in NAMES}
    assert len(set(draws.values())) == len(NAMES)
    other = Streams(5)
    other.order.random(1000)
    assert other.evolution.random(4).tobytes() == draws["evolution"]
    assert Streams(5, member=1).start.random(4).tobytes() != draws["start"]
    first = Streams(5)
    first.order.random(3)
    second = Streams(6)
    second.restore(first.state())
    assert first.order.random(9).tobytes() == second.order.random(9).tobytes()


def test_slopes_of_all_relu_change_their_sign_from_layer_to_layer():
    assert all_relu_slopes(5, 0.6) == [-0.6, 0.6, -0.6, 0.6, -0.6]
