"""Samples without their zeros train and are predicted to the bits of the same samples with them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truly_sparse.engine.gate import Gate, thresholds_of
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD, Adam, in_advance, of_epoch, of_gradients
from truly_sparse.engine.rows import NonZeros, chosen, taken
from truly_sparse.engine.streams import Streams
from truly_sparse.errors import UserError

CLASSES = 4
#: Those whose missed steps differ: velocity alone, decay, decay in the gradient, clipped, looking ahead, both moments.
OPTIMISERS = {
    "momentum": SGD(0.1, decay=0.0),
    "no_momentum": SGD(0.2, momentum=0.0, decay=0.0),
    "decay": SGD(0.1, decay=0.01),
    "clipped": SGD(0.1, clip=0.05),
    "nesterov": SGD(0.1, nesterov=True, coupled=True, decay=0.003),
    "adam": Adam(0.01),
    "adam_l1": Adam(0.01, l1=0.002, decay=0.001, clip=0.02),
}


def non_zeros(x, rng=None):
    """Return dense samples without their zeros; with `rng`, samples lie in another order than they come."""
    rows = [(np.flatnonzero(row).astype(np.int32), row[row != 0]) for row in x]
    order = np.arange(len(x)) if rng is None else rng.permutation(len(x))
    ends = np.zeros(len(x), np.int64)
    ends[order] = np.cumsum([len(rows[number][0]) for number in order])
    begins = ends - [len(features) for features, _ in rows]
    features, values = (np.concatenate([rows[number][part] for number in order]) for part in (0, 1))
    return NonZeros(values.astype(np.float32), features, begins, ends, x.shape[1])


def samples(rows, features, density, rng):
    present = rng.random((rows, features)) < density * rng.random(features) * 2
    x = np.where(present, rng.normal(size=(rows, features)), 0).astype(np.float32)
    x[rng.random(rows) < 0.1] = 0
    return x, rng.integers(0, CLASSES, rows)


def pair(sizes, storage="float32", slopes=None, epsilon=4.0):
    slopes = [0.0, -0.5, 0.3][: len(sizes) - 2] if slopes is None else slopes
    return [SparseMLP.erdos_renyi(sizes, epsilon, slopes, Streams(0).start, storage=storage) for _ in range(2)]


def assert_same(dense, sparse, x, short):
    one, other = dense.copy_state(), sparse.copy_state()
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)
    assert np.array_equal(dense._powers, sparse._powers)
    for predict in ("predict_proba", "predict_as_trained"):
        assert getattr(dense, predict)(x).tobytes() == getattr(sparse, predict)(short).tobytes()


def train_both(dense, sparse, x, y, batch, optimiser, rng, epochs=3, dropout=0.2):
    """Train both for some epochs with a step of evolution after each, and compare all bits."""
    short = non_zeros(x, rng)
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        steps = len(x) // batch
        results = [
            network.train_epoch(samples, y, order, batch, optimiser, dropout, 5, epoch * steps)
            for network, samples in ((dense, x), (sparse, short))
        ]
        assert results[0] == results[1]
        assert np.isfinite(results[0].loss)
        assert_same(dense, sparse, x, short)
        for network in (dense, sparse):
            network.evolve(0.3, Streams(epoch))


#: Batch, storage and optimiser: each batch once, each storage with each optimiser; kernels of every one are compiled.
COMPILED = [
    (1, "float32", "decay"),
    (20, "bfloat16", "decay"),
    (32, "float32", "clipped"),
    (100, "bfloat16", "clipped"),
    (128, "bfloat16", "adam_l1"),
    (256, "float32", "adam_l1"),
    (300, "bfloat16", "decay"),
]


@settings(max_examples=40, deadline=None)
@given(
    features=st.integers(1, 300),
    hidden=st.lists(st.integers(1, 40), min_size=0, max_size=3),
    density=st.sampled_from([0.0, 0.01, 0.1, 0.6, 1.0]),
    compiled=st.sampled_from(COMPILED),
    seed=st.integers(0, 1000),
)
def test_any_samples_and_layers(features, hidden, density, compiled, seed):
    batch, storage, optimiser = compiled
    rng = np.random.default_rng(seed)
    x, y = samples(310, features, density, rng)
    slow = OPTIMISERS[optimiser]._replace(rate=0.01 * min(batch, 32) / 32)
    train_both(*pair((features, *hidden, CLASSES), storage), x, y, batch, slow, rng, epochs=2)


@pytest.mark.parametrize("slopes", [None, pytest.param("mish", marks=pytest.mark.slow)])
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_makes_up_for_steps_in_which_a_feature_was_absent(optimiser, slopes):
    rng = np.random.default_rng(1)
    x, y = samples(3000, 60, 0.004, rng)  # 4 samples in 5 are empty; a feature misses most of 375 steps
    x[:8] = 1
    train_both(*pair((60, 30, 20, CLASSES), slopes=slopes), x, y, 8, OPTIMISERS[optimiser], rng)


@pytest.mark.parametrize("torch", [False, True])
def test_rates_that_change_in_every_step(torch):
    rng, steps = np.random.default_rng(2), 50
    rate = np.linspace(0.3, 0.001, steps)
    optimiser = SGD(rate, np.linspace(0.95, 0.8, steps) if not torch else 0.9, decay=rate / 100, clip=0.5)
    x, y = samples(steps * 16, 40, 0.02, rng)
    optimiser = of_gradients(optimiser, 0.3, steps) if torch else optimiser
    train_both(*pair((40, 30, CLASSES)), x, y, 16, optimiser, rng)


def test_links_that_skip_layers_and_neurons_with_several_biases():
    rng = np.random.default_rng(3)
    x, y = samples(200, 50, 0.1, rng)
    links = {p: np.sort(rng.permutation(n)[: n // 3]) for p, n in {(0, 1): 1000, (0, 2): 50 * 4, (1, 2): 80}.items()}
    for per_block in (False, True):
        both = [
            SparseMLP.start((50, 20, CLASSES), links, [0.1], np.random.default_rng(0), bias_per_block=per_block)
            for _ in range(2)
        ]
        train_both(*both, x, y, 32, OPTIMISERS["clipped"], rng)


def test_one_network_may_see_samples_with_and_without_zeros_in_turn():
    rng = np.random.default_rng(4)
    x, y = samples(200, 30, 0.2, rng)
    short, order = non_zeros(x), np.arange(200)
    mixed, alone = pair((30, 20, CLASSES))
    for epoch in range(4):
        for network, own in ((mixed, (x, short)[epoch % 2]), (alone, x)):
            network.train_epoch(own, y, order, 32, SGD(0.1), 0.1, 3, epoch * 6)
        assert_same(mixed, alone, x, x)
        assert_same(alone, mixed, x, short)


def test_a_diverging_epoch_ends_as_it_does_with_zeros():
    rng = np.random.default_rng(5)
    x, y = samples(400, 30, 0.3, rng)
    x *= np.float32(1e18)
    dense, sparse = pair((30, 20, 10, CLASSES))
    losses = [
        network.train_epoch(own, y, np.arange(400), 32, SGD(1e3), 0.0, 1, 0).loss
        for network, own in ((dense, x), (sparse, non_zeros(x)))
    ]
    assert not np.isfinite(losses).any()


def test_adam_s_rates_in_advance_are_those_of_its_steps():
    powers, own = np.array([0.9**7, 0.999**7]), Adam(np.linspace(0.1, 0.2, 5))
    expected = [
        (np.float32(np.float32(rate) / (1 - 0.9 ** (8 + k))), 1 / (1 - 0.999 ** (8 + k)))
        for k, rate in enumerate(own.rate)
    ]
    rates = in_advance(of_epoch(own, 5), powers)
    assert np.allclose(np.array([rates.rate, rates.spread]).T, expected, rtol=1e-6)
    assert np.allclose(powers, [0.9**12, 0.999**12])


def test_samples_are_chosen_and_taken_by_their_numbers_alone():
    rng = np.random.default_rng(6)
    x, _ = samples(50, 20, 0.2, rng)
    short, rows = non_zeros(x, rng), np.array([3, 3, 49, 0])
    part = chosen(short, rows)
    assert part.values is short.values
    assert part.shape == (4, 20)
    assert np.array_equal(taken(part, slice(None)), x[rows])
    assert np.array_equal(taken(short, rows), x[rows])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"width": 21}, "features expected"),
        ({"ends": np.full(50, 10**6)}, "begin or end where there are no values"),
        ({"begins": np.full(50, -1)}, "begin or end where there are no values"),
        ({"begins": np.full(50, 10**6)}, "do not fit each other"),
        ({"begins": np.zeros(49, np.int64)}, "do not fit each other"),
        ({"values": np.zeros(3, np.float32)}, "do not fit each other"),
        ({"features": np.full(1000, 20)}, "in features beyond"),
        ({"features": np.full(1000, -1)}, "in features beyond"),
    ],
)
def test_what_does_not_fit_is_refused(change, what):
    given = non_zeros(np.ones((50, 20)))._asdict()
    network = pair((20, 10, CLASSES))[0]
    with pytest.raises(ValueError, match=what):
        network.predict_proba(NonZeros(**{**given, **change}))


def test_gates_are_refused():
    x, y = samples(50, 20, 0.2, np.random.default_rng(8))
    network = pair((20, 10, CLASSES))[0]
    gate = Gate(thresholds_of(np.full(len(network.graph), 0.5)), 1, True)
    with pytest.raises(UserError, match="cannot be trained on sparse rows"):
        network.train_epoch(non_zeros(x), y, np.arange(50), 10, SGD(0.1), 0.0, 1, 0, gate)
