"""Networks with shortcuts: printed counts, exact starts, and what a SPaSET step may change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chi2

from truly_sparse.engine import shortcuts, topology
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import Adam
from truly_sparse.errors import UserError
from truly_sparse.measure.possible import possible_weights

from .reference import Reference
from .test_graph import assert_orders, problem

CIFAR10, CIFAR100 = (3072, 100, 100, 100, 10), (3072, 100, 100, 100, 100)
SMALL = (20, 12, 10, 8, 3)


def build(sparsity=0.7, ratio=0.5, sizes=SMALL, seed=0, **more):
    numbers = shortcuts.numbers(sizes, 1 - ratio, 1 / (1 - sparsity))
    return shortcuts.start(sizes, *numbers, "mish", np.random.default_rng(seed), **more)


def counts(network):
    sequential = sum(len(block) for block in network.blocks if block.target == block.source + 1)
    return sequential, len(network.graph) - sequential


@pytest.mark.parametrize(("sizes", "printed"), [(CIFAR10, (328_200, 657_120)), (CIFAR100, (337_200, 951_600))])
def test_possible_links_are_those_of_table_2(sizes, printed):
    network = build(0.999, sizes=sizes)
    sequential = sum(block.places for block in network.blocks if block.target == block.source + 1)
    assert (sequential, sum(block.places for block in network.blocks) - sequential) == printed
    assert possible_weights(sizes) == printed


def test_a_start_has_exact_numbers_spread_over_the_places_of_a_kind():
    network = build(0.8, 0.5, CIFAR10)
    assert counts(network) == (32_820, 32_820)
    total = {True: 328_200, False: 657_120}
    for block in network.blocks:
        share = block.places / total[block.target == block.source + 1]
        assert binom.ppf(1e-6, 32_820, share) <= len(block) <= binom.isf(1e-6, 32_820, share)
    assert_orders(network.graph)
    assert len(network.biases) == sum(block.n_out for block in network.blocks) == 310 + 330
    bounds = [1 / np.sqrt(block.n_in) for block in network.blocks]
    for block, bound in zip(network.blocks, bounds, strict=True):
        assert 0.9 * bound < np.abs(block.values).max(initial=0) <= bound


@pytest.mark.parametrize("ratio", [0.0, 0.4])
def test_erdos_renyi_links_start_as_wide_as_the_links_that_are_expected_allow(ratio):
    sizes, epsilon = (300, 60, 40, 10), 5
    network = shortcuts.erdos_renyi(sizes, epsilon, ratio, "mish", np.random.default_rng(0), "he_links")
    for block in network.blocks:
        if block.target == block.source + 1:
            expected = (1 - ratio) * topology.density(block.n_in, block.n_out, epsilon)
            assert network.bounds[block.pair] == pytest.approx(np.sqrt(6 / (expected * block.n_in)))


def test_links_start_as_wide_as_those_that_are_drawn_allow():
    links = {(0, 1): np.arange(0, 240, 3), (1, 2): np.arange(10)}
    network = SparseMLP.start((24, 10, 4), links, "mish", np.random.default_rng(0), "he_links")
    assert network.bounds == {(0, 1): pytest.approx(np.sqrt(6 / 8)), (1, 2): pytest.approx(np.sqrt(6 / 2.5))}


def test_every_place_is_as_likely():
    hits = np.zeros(16)
    for seed in range(3000):
        network = build(0.5, 0.6, (3, 2, 2), seed)
        links = {block.pair: block.links() for block in network.blocks}
        for pair, offset in (((0, 1), 0), ((1, 2), 6), ((0, 2), 10)):
            hits[offset + links[pair]] += 1
    for part, count in ((hits[:10], 3), (hits[10:], 2)):
        expected = 3000 * count / len(part)
        # Draws without replacement spread less than these degrees of freedom say.
        assert ((part - expected) ** 2 / expected).sum() < chi2.isf(1e-6, len(part) - 1)


@pytest.mark.parametrize(("numbers", "said"), [((0, 1000), "shortcuts do not fit"), ((500, 0), "links do not fit")])
def test_what_does_not_fit_is_refused(numbers, said):
    with pytest.raises(UserError, match=said) as error:
        shortcuts.start((20, 5, 3), *numbers, "mish", np.random.default_rng(0))
    assert "\n" not in str(error.value)


def test_numbers_of_links():
    assert shortcuts.numbers(CIFAR10, 0.5, 5) == (32_820, 32_820)
    assert shortcuts.numbers(CIFAR10, 0.0, 1) == (328_200, 0)
    assert shortcuts.numbers(CIFAR10, 0.3, links=1000) == (700, 300)
    assert shortcuts.numbers(CIFAR10, 0.5, 0) == (328_200, 657_120)
    network = shortcuts.start(CIFAR10, *shortcuts.numbers(CIFAR10, 0.0, 0), "mish", np.random.default_rng(0))
    assert len(network.graph) == 985_320


@pytest.mark.parametrize(("sizes", "epsilon"), [((50, 1000, 1000, 1000, 5), 20.0), (SMALL, 2.0), (CIFAR10, 10.0)])
@pytest.mark.parametrize("ratio", [0.1, 0.5])
def test_erdos_renyi_with_shortcuts_has_as_many_links_as_without(sizes, epsilon, ratio):
    plain = [SparseMLP.erdos_renyi(sizes, epsilon, "mish", np.random.default_rng(seed)) for seed in range(20)]
    made = [shortcuts.erdos_renyi(sizes, epsilon, ratio, "mish", np.random.default_rng(seed)) for seed in range(20)]
    expected = np.mean([len(network.graph) for network in plain])
    links = np.array([counts(network) for network in made])
    tolerance = 6 * np.sqrt(expected / 20)
    assert abs(links.sum(axis=1).mean() - expected) < tolerance
    assert abs(links[:, 1].mean() - ratio * expected) < tolerance
    # Blocks that are not full have links in proportion to n_in + n_out.
    shares = {}
    for number, block in enumerate(made[0].blocks):
        mean = np.mean([len(network.blocks[number]) for network in made])
        assert mean <= block.places
        if block.target > block.source + 1 and mean < 0.95 * block.places:
            shares[block.n_in + block.n_out, block.pair] = mean
    rate = sum(shares.values()) / sum(neurons for neurons, _ in shares)
    for (neurons, _), mean in shares.items():
        assert abs(mean - rate * neurons) < 6 * np.sqrt(mean / 20) + 0.5
    assert_orders(made[0].graph)


def test_more_erdos_renyi_shortcuts_than_places_are_refused():
    with pytest.raises(UserError, match="lower shortcut_ratio"):
        shortcuts.erdos_renyi((20, 5, 3), 40.0, 0.9, "mish", np.random.default_rng(0))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.floats(0.05, 0.9),
    st.sampled_from([0.3, 0.6, 0.95]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.booleans(),
)
def test_a_step_prunes_the_smallest_of_all_and_keeps_what_it_says(seed, fraction, sparsity, ratio, fixed):
    network = build(sparsity, ratio, seed=seed)
    x, y = problem(64, 20, 3)
    network.train_epoch(x, y, np.arange(64), 64, Adam(0.01), 0.0, 0, 0)
    graph, before = network.graph, counts(network)
    old = {
        int(key): state
        for key, *state in zip(graph.keys(), graph.values, graph.velocity, graph.arrays.second, strict=True)
    }
    moved = shortcuts.evolve(network, fraction, np.random.default_rng(seed), fixed)
    assert moved == int(fraction * len(old))
    assert len(graph) == len(old) == sum(counts(network))
    if fixed:
        assert counts(network) == before
    assert_orders(graph)
    largest = sorted(old, key=lambda key: abs(old[key][0]))[moved:]
    now = {
        int(key): state
        for key, *state in zip(graph.keys(), graph.values, graph.velocity, graph.arrays.second, strict=True)
    }
    limit = min((abs(old[key][0]) for key in largest), default=0)
    stayed = [key for key in now if now[key] == old.get(key)]
    assert {key for key in largest if abs(old[key][0]) > limit} <= set(stayed)
    assert all(now[key][1:] == [0, 0] for key in now if now[key] != old.get(key))
    assert np.allclose(network.predict_proba(x), Reference.of_sparse(network).forward(x)[0][-1], atol=2e-5)


def test_an_unfixed_step_regrows_half_of_each_kind():
    network = build(0.8, 0.9)
    network.graph.values[:] = np.arange(1, len(network.graph) + 1)  # inputs' links, of both kinds, fall first
    before = counts(network)
    prune = np.arange(len(network.graph)) < 20
    fell = sum(int(prune[block.where].sum()) for block in network.blocks if block.target == block.source + 1)
    shortcuts.evolve(network, 20 / len(network.graph), np.random.default_rng(0), fixed=False)
    assert counts(network) == (before[0] - fell + 10, before[1] - (20 - fell) + 10)


def test_a_block_emptied_by_pruning_trains_on():
    network = build(0.9, 0.5)
    (block,) = (block for block in network.blocks if block.pair == (1, 2))
    child = network.without(np.isin(np.arange(len(network.graph)), block.where if block.alone else block._scattered()))
    assert [len(own) for own in child.blocks if own.pair == (1, 2)] == [0]
    x, y = problem(64, 20, 3)
    for step in range(5):
        assert np.isfinite(child.train_epoch(x, y, np.arange(64), 64, Adam(0.01), 0.0, 0, step).loss)
        shortcuts.evolve(child, 0.3, np.random.default_rng(step))
    assert np.allclose(child.predict_proba(x), Reference.of_sparse(child).forward(x)[0][-1], atol=2e-5)


def test_without_shortcuts_it_is_the_sequential_network_bit_for_bit():
    """Mish, Adam with L1, and steps of SET* between epochs, as the source trains plain networks (R = 1)."""
    made = build(0.7, 1.0)
    links = {block.pair: block.links() for block in made.blocks}
    other = SparseMLP.start(SMALL, links, "mish", np.random.default_rng(1), "torch")
    assert sorted(links) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    other.graph.values[:], other.biases[:] = made.graph.values, made.biases
    x, y = problem(96, 20, 3)
    for network in (made, other):
        rng = np.random.default_rng(2)
        for epoch in range(6):
            network.train_epoch(x, y, np.arange(96), 32, Adam(0.005, l1=5e-5), 0.0, 3, 3 * epoch)
            assert shortcuts.evolve(network, 0.3, rng) == int(0.3 * len(network.graph))
    for name, found in made.copy_state().items():
        assert np.array_equal(found, other.copy_state()[name]), name
    assert np.array_equal(made.predict_proba(x), other.predict_proba(x))
