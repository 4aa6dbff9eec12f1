"""Kernels of convolutional networks against SciPy's correlation, finite differences and PyTorch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from truly_sparse.engine import topology
from truly_sparse.engine.convolution import architectures
from truly_sparse.engine.convolution.layers import Convolution, MaxPool, Plan
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.optimisers import SGD, Adam
from truly_sparse.engine.rows import Bytes
from truly_sparse.engine.streams import Streams
from truly_sparse.errors import UserError

from .reference import SlowNetwork, correlated, slopes

PURE = SGD(1.0, 0.0, 0.0)  # one step then moves a parameter by minus its gradient


def drawn(picture, layers, density, seed=0, storage="float32"):
    plan, rng = Plan(picture, layers), np.random.default_rng(seed)
    links = {(i, j): topology.bernoulli(plan.sizes[i] * plan.sizes[j], density, rng) for i, j in plan.pairs}
    network = SparseCNN.start(picture, layers, links, rng, storage=storage)
    network.norms[:] += rng.normal(size=len(network.norms)).astype(np.float32) * 0.3
    return network


def problem(network, samples, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(samples, int(np.prod(network.plan.picture)))).astype(np.float32)
    return x, rng.integers(0, network.sizes[-1], samples)


def moved(network, x, y):
    """Return the loss of one step, and the gradients of links, biases and norms by which it moved them."""
    before = [own.copy() for own in (network.graph.values, network.biases, network.norms)]
    loss = network.train_epoch(x, y, np.arange(len(y)), len(y), PURE).loss
    after = network.graph.values, network.biases, network.norms
    return loss, *(old - new for old, new in zip(before, after, strict=True))


def close(found, expected, tolerance=1e-4):
    assert np.abs(found - expected).max(initial=0) <= tolerance * np.abs(expected).max(initial=0) + 2e-6


def all_at_once(classes):
    """Return a network of every kind of layer: several maps, borders, pools, activations, odd sizes."""
    return [
        Convolution((0,), 3, activation="none"),
        MaxPool(1),
        Convolution((2,), 2, norm=True, activation="mish"),
        Convolution((2, 3), 3, norm=True, bias_per_map=True),
        Convolution((3, 4), 2, 1, 0, norm=True, activation="mish", pool="average"),
        Convolution((5,), 4, 2, 0, activation="relu"),
        Convolution((6,), 3, 1, 0, activation="mish", pool="flatten"),
        Convolution((7,), classes, 1, 0),
    ]


SMALL = {
    "all": ((2, 11, 9), all_at_once(3)),
    "lenet": ((1, 18, 16), architectures.lenet(3, (2, 3), (5, 4))),
    "plain": ((1, 6, 10), architectures.plain(2, (2, 3, 2))),
    "global": ((1, 5, 7), [Convolution((0,), 2, activation="none"), Convolution((1,), 2, norm=True, pool="max"),
                           Convolution((2,), 3, 1, 0, norm=True, activation="mish", pool="global")]),
}  # fmt: skip


def test_the_reference_correlates_as_scipy_does():
    rng = np.random.default_rng(0)
    z, kernel = rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(4, 3, 3, 3))
    found = correlated(z, kernel, 1)
    wide = np.pad(z, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for sample in range(2):
        for out in range(4):
            whole = correlate(wide[sample], kernel[out], "valid", method="direct")[0]
            assert np.allclose(found[sample, out], whole)


@pytest.mark.parametrize("samples", [32, 21])
@pytest.mark.parametrize("name", SMALL)
def test_gradients_agree_with_finite_differences(name, samples):
    network = drawn(*SMALL[name], density=0.6)
    x, y = problem(network, samples)
    expected = slopes(network, x, y)
    slow = SlowNetwork(network)
    loss, *found = moved(network, x, y)
    assert loss == pytest.approx(slow.loss(x, y), rel=1e-5)
    for own, other in zip(found, expected, strict=True):
        close(own, other)


@settings(max_examples=12)
@given(
    picture=st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(4, 12)),
    channels=st.integers(1, 5),
    kernel=st.sampled_from([1, 2, 3, 4]),
    border=st.integers(0, 3),
    density=st.floats(0.0, 1.0),
    samples=st.sampled_from([1, 16, 17, 40, 70]),
    pool=st.sampled_from(["none", "max", "average"]),
    activation=st.sampled_from(["relu", "mish"]),
    seed=st.integers(0, 99),
)
def test_every_shape_agrees_with_scipy(picture, channels, kernel, border, density, samples, pool, activation, seed):
    layers = [
        Convolution((0,), channels, kernel, min(border, kernel - 1), activation="none"),
        Convolution((1,), 3, 1, 0, activation=activation, pool=pool),
        Convolution((2,), 2, 1, 0, activation=activation, pool="global"),
    ]
    try:
        network = drawn(picture, layers, density, seed)
    except UserError as error:
        assert any(said in str(error) for said in ("does not fit", "flatten", "pools a map"))  # noqa: PT017
        return
    x, y = problem(network, samples, seed)
    assert network.train_epoch(x, y, np.arange(samples), samples, SGD(0.0, 0.0, 0.0)).loss == pytest.approx(
        SlowNetwork(network).loss(x, y), rel=1e-4
    )
    logits = SlowNetwork(network).forward(x)
    shares = np.exp(logits - logits.max(1, keepdims=True))
    close(network.predict_proba(x), shares / shares.sum(1, keepdims=True), 1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_predictions_are_normalised_by_running_moments(name):
    network = drawn(*SMALL[name], density=0.7)
    x, y = problem(network, 48)
    for _ in range(3):
        network.train_epoch(x, y, np.arange(48), 16, SGD(0.01))
    moments = [network.copy_state()[key].astype(float) for key in ("running_means", "running_variances")]
    logits = SlowNetwork(network).forward(x, moments)
    shares = np.exp(logits - logits.max(1, keepdims=True))
    close(network.predict_proba(x), shares / shares.sum(1, keepdims=True), 1e-4)


def test_running_moments_are_those_of_the_batches():
    network = drawn((1, 4, 4), [Convolution((0,), 2, activation="none"),
                                Convolution((1,), 2, 1, 0, norm=True, pool="global")], 1.0)  # fmt: skip
    x, y = problem(network, 20)
    made = SlowNetwork(network)
    z = correlated(x.reshape(20, 1, 4, 4).astype(float), made.kernels[0], 1) + made.biases[:2, None, None]
    network.train_epoch(x, y, np.arange(20), 20, SGD(0.0))
    state = network.copy_state()
    close(state["running_means"][1:3], 0.1 * z.mean((0, 2, 3)))
    close(state["running_variances"][1:3], 0.9 + 0.1 * z.var((0, 2, 3), ddof=1))


def test_bytes_are_scaled_pixels():
    network = drawn(*SMALL["lenet"], density=1.0)
    rng = np.random.default_rng(0)
    pixels, scale, shift = rng.integers(0, 256, (9, 288)).astype(np.uint8), np.full(288, 0.01), np.full(288, -1.0)
    scale, shift = scale.astype(np.float32), shift.astype(np.float32)
    shown = network.predict_proba(Bytes(pixels, scale, shift))
    assert np.abs(shown - network.predict_proba(pixels * scale + shift)).max() < 1e-6


def test_bfloat16_maps_are_near():
    single, half = (drawn(*SMALL["plain"], density=0.7, storage=storage) for storage in ("float32", "bfloat16"))
    x, y = problem(single, 64)
    for own, other in zip(moved(single, x, y)[1:], moved(half, x, y)[1:], strict=True):
        close(own, other, 0.1)


def test_the_batch_does_not_matter_to_a_prediction():
    network = drawn(*SMALL["all"], density=0.7)
    x, y = problem(network, 100)
    whole = network.predict_proba(x)
    network.train_epoch(x, y, np.arange(96), 32, SGD(0.0, 0.0, 0.0))
    state = network.copy_state()
    other = drawn(*SMALL["all"], density=0.7)
    other.load_state(state)
    assert (network.predict_proba(x) == other.predict_proba(x)).all()
    assert whole.shape == (100, 3)


@pytest.mark.parametrize("optimiser", [SGD(0.05), SGD(0.05, clip=0.1), Adam(0.01, l1=1e-4)])
def test_a_network_learns(optimiser):
    network = drawn((1, 8, 8), [Convolution((0,), 6, activation="none"), Convolution((1,), 6, norm=True, pool="max"),
                                Convolution((2,), 3, 1, 0, norm=True, pool="global")], 0.5)  # fmt: skip
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 512)
    x = rng.normal(size=(512, 8, 8)).astype(np.float32)
    x[y == 0, :, 2:4] += 2
    x[y == 1, 2:4, :] += 2
    x = x.reshape(512, 64)
    for epoch in range(12):
        last = network.train_epoch(x, y, rng.permutation(512), 64, optimiser, first_step=8 * epoch)
    assert last.accuracy > 0.9
    assert (network.predict_proba(x).argmax(1) == y).mean() > 0.9


def test_a_loss_that_is_not_finite_ends_the_epoch():
    network = drawn(*SMALL["plain"], density=0.7)
    x, y = problem(network, 64)
    x[5] = np.nan
    assert not np.isfinite(network.train_epoch(x, y, np.arange(64), 16, SGD(0.1)).loss)


def test_dropout_is_refused():
    network = drawn(*SMALL["plain"], density=0.7)
    x, y = problem(network, 16)
    with pytest.raises(UserError, match="dropout 0"):
        network.train_epoch(x, y, np.arange(16), 16, SGD(0.1), dropout=0.5)


def test_set_keeps_the_links_of_every_block_but_the_last():
    network = drawn(*SMALL["all"], density=0.4)
    before, kept = network.link_counts, network.graph.values.copy()
    network.evolve(0.3, Streams(0, 0))
    assert network.link_counts == before
    assert (network.graph.values != kept).any()
    last = network.blocks[-1]
    assert (last.values == kept[last.where]).all()
    x, y = problem(network, 32)
    expected = slopes(network, x, y)
    for own, other in zip(moved(network, x, y)[1:], expected, strict=True):
        close(own, other)


def test_a_step_counts_whoever_looked_at_the_links_since():
    network = drawn(*SMALL["all"], density=0.4)
    x, y = problem(network, 32)
    network.train_epoch(x, y, np.arange(32), 16, SGD(0.01))
    network.evolve(0.5, Streams(0, 0))
    other = drawn(*SMALL["all"], density=0.4)
    other.load_state(network.copy_state())  # which brings the graph's own orders up to date
    assert (network.predict_proba(x) == other.predict_proba(x)).all()


@pytest.mark.parametrize("optimiser", [SGD(0.05), Adam(0.01)])
def test_a_network_without_some_links_trains_as_one_that_never_had_them(optimiser):
    network = drawn(*SMALL["all"], density=0.7)
    x, y = problem(network, 32)
    network.train_epoch(x, y, np.arange(32), 16, optimiser)
    kept = np.random.default_rng(0).random(len(network.graph)) < 0.5
    child = network.subnetwork(kept)
    network.graph.values[~kept] = 0
    assert (child.predict_proba(x) == network.predict_proba(x)).all()
    expected = slopes(child, x[:16], y[:16])
    child.rest()
    for own, other in zip(moved(child, x[:16], y[:16])[1:], expected, strict=True):
        close(own, other)


@pytest.mark.parametrize("optimiser", [SGD(0.05), Adam(0.01)], ids=["sgd", "adam"])
def test_a_network_at_rest_has_its_parameters_and_no_moments(optimiser):
    network = drawn(*SMALL["all"], density=0.7)
    x, y = problem(network, 32)
    network.train_epoch(x, y, np.arange(32), 16, optimiser)
    trained = network.copy_state()
    network.rest()
    resting = network.copy_state()
    assert resting.keys() == trained.keys()
    for name, own in resting.items():
        forgotten = name.endswith(("velocity", "second"))
        expected = np.zeros_like(own) if forgotten else np.ones_like(own) if name == "powers" else trained[name]
        assert own.tobytes() == expected.tobytes(), name
    assert any(trained[name].any() for name in trained if name.endswith("velocity"))


def test_a_state_goes_on_as_the_network_it_was_copied_from():
    first, second = drawn(*SMALL["all"], density=0.7), drawn(*SMALL["all"], density=0.7)
    x, y = problem(first, 64)
    first.train_epoch(x, y, np.arange(64), 16, Adam(0.01))
    second.load_state(first.copy_state())
    for network in (first, second):
        network.train_epoch(x, y, np.arange(64), 16, Adam(0.01))
    for name, own in first.copy_state().items():
        assert (own == second.copy_state()[name]).all(), name
