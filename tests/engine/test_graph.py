"""Networks whose links skip layers: gradients, topology steps, orders and children, against slow and obvious ones."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truly_sparse.engine import graph as graph_module
from truly_sparse.engine import topology
from truly_sparse.engine.graph import Graph
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD, Adam
from truly_sparse.engine.rows import Bytes
from truly_sparse.engine.streams import Streams
from truly_sparse.errors import UserError

from .reference import Reference, assert_finite_differences, masks_of

PURE = SGD(1.0, momentum=0.0, decay=0.0)
SIZES = (7, 12, 10, 8, 4)
SHORTCUTS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (2, 4), (3, 4))


def random_links(sizes, pairs, density, rng):
    return {(i, j): np.flatnonzero(rng.random(sizes[i] * sizes[j]) < density) for i, j in pairs}


def network_of(sizes=SIZES, pairs=SHORTCUTS, density=0.3, slopes="mish", seed=0, **more):
    rng = np.random.default_rng(seed)
    network = SparseMLP.start(sizes, random_links(sizes, pairs, density, rng), slopes, rng, **more)
    network.biases[:] = rng.normal(size=len(network.biases)) * 0.1
    return network


def problem(samples, features, classes, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(samples, features)).astype(np.float32), rng.integers(0, classes, samples)


def all_pairs(layers):
    return list(combinations(range(layers), 2))


@pytest.mark.parametrize("slopes", ["mish", [-0.5, 0.3, 0.0]])
def test_reference_with_shortcuts_agrees_with_finite_differences(slopes):
    x, y = problem(20, SIZES[0], SIZES[-1])
    reference = Reference.of_sparse(network_of(slopes=slopes))
    rng = np.random.default_rng(2)
    masks = [(rng.random((20, n)) > 0.3) / 0.7 for n in SIZES[1:-1]]
    assert_finite_differences(reference, x, y, masks, rng, 8)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 20), min_size=2, max_size=6),
    st.integers(0, 10_000),
    st.sampled_from([0.02, 0.2, 0.6, 1.0]),
    st.sampled_from(["mish", "slopes"]),
    st.sampled_from([5, 64, 100]),
    st.booleans(),
)
def test_gradients_of_any_graph_are_the_references(sizes, seed, density, kind, batch, per_block):
    rng = np.random.default_rng(seed)
    pairs = [pair for pair in all_pairs(len(sizes)) if rng.random() < 0.7] or [(0, len(sizes) - 1)]
    slopes = "mish" if kind == "mish" else rng.uniform(-1, 1, len(sizes) - 2).tolist()
    network = network_of(sizes, pairs, density, slopes, seed, bias_per_block=per_block)
    x, y = problem(batch, sizes[0], sizes[-1], seed)
    reference, before = Reference.of_sparse(network), network.copy_state()
    assert np.allclose(network.predict_proba(x), reference.forward(x)[0][-1], atol=2e-5)
    network.train_epoch(x, y, np.arange(batch), batch, PURE, 0.25, 3, 0)
    by_matrix, by_bias = reference.gradients(x, y, masks_of(network, batch, 0.25))
    moved = before["values"] - network.graph.values
    for block, gradient in zip(network.blocks, by_matrix, strict=True):
        wanted = gradient.reshape(-1)[block.links()]
        scale = max(np.abs(gradient).max() for gradient in by_matrix)
        assert np.abs(moved[block.where] - wanted).max(initial=0) <= 3e-5 * scale + 2e-7
    moved, start, last = before["biases"] - network.biases, 0, 0
    targets = [block.target for block in network.blocks] if per_block else range(1, len(sizes))
    for target in targets:
        stop = start + sizes[target]
        assert (
            np.abs(moved[start:stop] - by_bias[target - 1]).max()
            <= 3e-5 * max(map(np.max, map(np.abs, by_bias))) + 2e-7
        )
        start, last = stop, max(last, target)
    assert start == len(moved)


@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
def test_a_sequential_network_is_the_same_bit_for_bit_however_it_is_made(storage):
    made = SparseMLP.erdos_renyi(SIZES, 4, [0.0, 0.1, 0.2], Streams(0).start, storage=storage)
    links = {block.pair: block.links() for block in made.blocks}
    blocks = links | {(0, 3): np.empty(0, np.int64), (1, 4): np.empty(0, np.int64)}
    bounds = dict.fromkeys(blocks, 1.0)
    other = SparseMLP(Graph.of_blocks(SIZES, blocks), [0.0, 0.1, 0.2], bounds, storage)
    other.graph.values[:] = made.graph.values
    x, y = problem(300, SIZES[0], SIZES[-1])
    for network in (made, other):
        network.train_epoch(x, y, np.arange(300), 50, SGD(0.05), 0.2, 3, 0)
    assert np.array_equal(made.graph.values, other.graph.values)
    assert np.array_equal(made.predict_proba(x), other.predict_proba(x))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.05, 0.3, 0.9]), st.sampled_from([0.1, 0.5, 1.0]))
def test_a_step_of_one_block_keeps_the_others_and_their_moments(seed, density, fraction):
    network = network_of(density=density, seed=seed)
    x, y = problem(64, SIZES[0], SIZES[-1])
    network.train_epoch(x, y, np.arange(64), 64, Adam(0.01), 0.0, 3, 0)
    rng = np.random.default_rng(seed)

    def contents():
        second = network.graph.arrays.second
        return {b.pair: (b.links(), b.values.copy(), b.velocity.copy(), second[b.where].copy()) for b in network.blocks}

    for block in network.blocks:
        before = contents()
        links, values, velocity, second = before[block.pair]
        keep = rng.random(len(links)) > fraction
        keep |= len(links) > block.places // 2
        grown = topology.grow(links[keep], int((~keep).sum()), block.places, rng)
        block.replant(keep, grown, np.full(len(grown), 0.5, np.float32))
        after = contents()
        assert all(
            np.array_equal(a, b) for p in after if p != block.pair for a, b in zip(after[p], before[p], strict=True)
        )
        wanted = sorted(
            [
                *zip(links[keep], values[keep], velocity[keep], second[keep], strict=True),
                *((g, 0.5, 0, 0) for g in grown),
            ]
        )
        assert [tuple(map(float, link)) for link in zip(*after[block.pair], strict=True)] == [
            tuple(map(float, link)) for link in wanted
        ]
    assert_orders(network.graph)


def assert_orders(graph):
    links, keys = graph.arrays, graph.keys()
    assert (np.diff(keys) > 0).all()
    assert links.pointers[0] == 0
    assert links.pointers[-1] == len(graph) == sum(map(len, graph.blocks))
    targets = graph.sizes[0] + np.repeat(np.arange(len(links.fan_in) - 1), np.diff(links.fan_in))
    again = links.sources.astype(np.int64) * graph.starts[-1] + targets
    assert np.array_equal(keys[links.position], again)
    assert np.array_equal(np.lexsort((links.sources, targets)), np.arange(len(again)))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 0.9))
def test_links_move_between_blocks_while_their_number_stays(seed, fraction):
    """Prune the smallest of all, regrow anywhere: what global pruning does, against sets."""
    network = network_of(seed=seed, density=0.4)
    graph, rng = network.graph, np.random.default_rng(seed)
    values, keys = graph.values.copy(), graph.keys()
    keep = np.abs(values) > np.quantile(np.abs(values), fraction)
    places = np.concatenate(
        [block.global_keys(np.arange(block.places)) + block.first * graph.starts[-1] for block in graph.blocks]
    )
    free = np.setdiff1d(places, keys[keep])
    grown = np.sort(rng.choice(free, int((~keep).sum()), replace=False))
    graph.replant(keep, grown, np.full(len(grown), 0.25, np.float32))
    assert np.array_equal(graph.keys(), np.sort(np.concatenate([keys[keep], grown])))
    assert np.array_equal(graph.values[np.isin(graph.keys(), keys[keep])], values[keep])
    assert (graph.values[np.isin(graph.keys(), grown)] == 0.25).all()
    assert_orders(graph)
    x, y = problem(64, SIZES[0], SIZES[-1])
    assert np.isfinite(network.train_epoch(x, y, np.arange(64), 32, SGD(0.01), 0.0, 3, 0).loss)
    assert np.allclose(network.predict_proba(x), Reference.of_sparse(network).forward(x)[0][-1], atol=2e-5)


def test_a_network_without_links_is_one_whose_links_are_zero():
    network = network_of()
    x, y = problem(100, SIZES[0], SIZES[-1])
    network.train_epoch(x, y, np.arange(100), 50, Adam(0.01), 0.0, 3, 0)
    prune = np.abs(network.graph.values) < np.median(np.abs(network.graph.values))
    child, other = network.without(prune), network.subnetwork(~prune)
    assert sum(child.link_counts) == (~prune).sum()
    assert np.array_equal(child.graph.arrays.second, network.graph.arrays.second[~prune])
    network.graph.values[prune] = 0
    assert np.allclose(child.predict_proba(x), network.predict_proba(x), atol=1e-6)
    assert np.array_equal(child.predict_proba(x), other.predict_proba(x))
    child.train_epoch(x, y, np.arange(100), 50, Adam(0.01), 0.0, 3, 2)
    assert not np.array_equal(child.biases, network.biases)  # they are copies
    assert_orders(child.graph)


def test_dense_matrices_become_the_links_they_hold():
    rng = np.random.default_rng(0)
    shapes = {(0, 1): (5, 6), (1, 2): (6, 3), (0, 2): (5, 3)}
    weights = {pair: rng.normal(size=shape) * (rng.random(shape) < 0.5) for pair, shape in shapes.items()}
    biases = [rng.normal(size=6), rng.normal(size=3)]
    network = SparseMLP.from_dense(weights, biases, [0.1])
    assert sum(network.link_counts) == sum(np.count_nonzero(matrix) for matrix in weights.values())
    x = rng.normal(size=(40, 5)).astype(np.float32)
    reference = Reference(sorted(weights), [weights[pair] for pair in sorted(weights)], biases, [0.1])
    assert np.allclose(network.predict_proba(x), reference.forward(x)[0][-1], atol=1e-5)


@pytest.mark.parametrize(("biases", "said"), [
    ([[0.5], [0.0, 0.0]], r"biases of layer 1: shape \(1,\) does not fit its 4 neurons"),
    ([[0.0] * 4, [0.0] * 3], r"biases of layer 2: shape \(3,\) does not fit its 2 neurons"),
])  # fmt: skip
def test_biases_fit_their_layers(biases, said):
    with pytest.raises(UserError, match=said):
        SparseMLP.from_dense({(0, 1): np.ones((3, 4)), (1, 2): np.ones((4, 2))}, biases, [0.1])


def test_set_steps_leave_the_blocks_to_the_output_alone():
    network = network_of(density=0.5)
    before = {block.pair: block.links() for block in network.blocks}
    network.evolve(0.5, Streams(0))
    changed = {block.pair for block in network.blocks if not np.array_equal(block.links(), before[block.pair])}
    assert changed == {pair for pair in SHORTCUTS if pair[1] < 4}
    assert network.link_counts == [len(links) for links in before.values()]


def test_bytes_are_the_floats_they_stand_for():
    rng = np.random.default_rng(0)
    for features in (16, 7, 40, 150):
        pixels = rng.integers(0, 256, (130, features)).astype(np.uint8)
        scale, shift = rng.random((2, features)).astype(np.float32)
        floats, y = pixels.astype(np.float32) * scale + shift, rng.integers(0, 4, 130)
        networks = [network_of((features, *SIZES[1:]), density=0.1) for _ in range(2)]
        for network, x in zip(networks, (Bytes(pixels, scale, shift), floats), strict=True):
            network.train_epoch(x, y, np.arange(130), 64, SGD(0.01), 0.0, 3, 0)
        assert np.array_equal(networks[0].graph.values, networks[1].graph.values)
        one, other = networks[0].predict_proba(Bytes(pixels, scale, shift)), networks[1].predict_proba(floats)
        assert np.array_equal(one, other)


@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
def test_asking_for_rows_ahead_changes_no_bit(storage):
    x, y = problem(128, SIZES[0], SIZES[-1])
    states = []
    for far in (False, True):
        network = network_of(storage=storage)
        network._reserve(64, network.sizes).far = far
        network.train_epoch(x, y, np.arange(128), 64, SGD(0.01), 0.2, 3, 0)
        states.append(network.graph.values.tobytes())
    assert states[0] == states[1]


@pytest.mark.parametrize(
    ("sizes", "links", "said"),
    [
        ((5,), {}, "at least two layers"),
        ((5, 0), {(0, 1): []}, "at least one neuron"),
        ((5, 3), {}, "one block at least"),
        ((5, 3), {(1, 0): []}, "to a later one"),
        ((5, 3), {(0, 2): []}, "to a later one"),
        ((5, 3), {(0, 1): [3, 2]}, "not sorted"),
        ((5, 3), {(0, 1): [2, 2]}, "not distinct"),
        ((5, 3), {(0, 1): [15]}, "not in the block"),
    ],
)
def test_graphs_that_there_cannot_be_are_refused(sizes, links, said):
    with pytest.raises(UserError, match=said):
        Graph.of_blocks(sizes, {pair: np.array(own, np.int64) for pair, own in links.items()})


def test_more_links_than_their_numbers_count_are_refused(monkeypatch):
    monkeypatch.setattr(graph_module, "MOST_LINKS", 3)
    Graph.of_blocks((5, 3), {(0, 1): np.arange(3)})
    with pytest.raises(UserError, match="at most 3 links, not 4"):
        Graph.of_blocks((5, 3), {(0, 1): np.arange(4)})


def test_pointers_of_a_block_that_shares_its_sources_are_those_of_its_matrix():
    for block in network_of().graph.blocks:
        sources = block.links() // block.n_out
        assert block.pointers.tolist() == np.searchsorted(sources, np.arange(block.n_in + 1)).tolist()


def test_as_many_links_grow_as_are_pruned():
    graph = Graph.of_blocks((5, 3), {(0, 1): np.arange(4)})
    keep = np.array([True, True, False, True])
    with pytest.raises(ValueError, match="2 links cannot replace the 1 pruned ones"):
        graph.replant(keep, np.array([9, 12]), np.zeros(2, np.float32))


@pytest.mark.parametrize(
    ("slopes", "bounds", "said"),
    [
        ([0.5], {(0, 1): 1.0}, "a number for each of 0 hidden layers"),
        ("relu", {(0, 1): 1.0}, "or 'mish'"),
        ([], {(0, 1): 1.0, (0, 2): 1.0}, "one number is needed for each block"),
    ],
)
def test_slopes_and_bounds_that_do_not_fit_the_layers_are_refused(slopes, bounds, said):
    with pytest.raises(UserError, match=said):
        SparseMLP(Graph.of_blocks((5, 3), {(0, 1): np.arange(4)}), slopes, bounds)


def test_matrices_of_which_two_want_other_layers_are_refused():
    weights = {(0, 1): np.ones((5, 4)), (1, 2): np.ones((3, 2))}
    with pytest.raises(UserError, match=r"block \(0, 1\): shape \(5, 4\) does not fit"):
        SparseMLP.from_dense(weights, [np.zeros(4), np.zeros(2)], [0.5])


def test_data_of_another_width_are_refused_in_training_too():
    network, (x, y) = network_of(), problem(64, 5, 4)
    with pytest.raises(ValueError, match="7 features expected"):
        network.train_epoch(x, y, np.arange(64), 32, SGD(0.1), 0.0, 0, 0)
