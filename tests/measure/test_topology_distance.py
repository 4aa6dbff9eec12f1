"""Topology distance against Python sets, all permutations, relabelled networks and networks of the engine."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from truly_sparse.engine import store
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import SparseMLP
from truly_sparse.errors import UserError
from truly_sparse.measure.topology_distance import heatmap, topology_distances, topology_of


def random_network(sizes, density, seed):
    rng = np.random.default_rng(seed)
    return [
        sparse.csr_array((rng.random((a, b)) < density).astype(np.int32))
        for a, b in zip(sizes, sizes[1:], strict=False)
    ]


def incoming(block):
    """Return the set of input neurons of every output neuron."""
    return [set(np.flatnonzero(column)) for column in block.toarray().T]


def neuron_distance(a, b):
    return len(a ^ b) / len(a | b) if a | b else 0.0


def slow_distances(first, second):
    """The definition with Python sets: names of the second network's neurons are translated layer by layer."""
    name = {i: i for i in range(first[0].shape[0])}
    found = []
    for one, other in zip(first, second, strict=True):
        mine = incoming(one)
        theirs = [{name[i] for i in links} for links in incoming(other)]
        costs = [[neuron_distance(a, b) for b in theirs] for a in mine]
        _, partner = linear_sum_assignment(costs)
        found.append(np.mean([costs[i][j] for i, j in enumerate(partner)]))
        name = {int(j): i for i, j in enumerate(partner)}
    return found


networks = st.tuples(
    st.lists(st.integers(1, 7), min_size=2, max_size=5), st.floats(0, 1), st.integers(0, 2**32 - 1)
).map(lambda drawn: (random_network(*drawn), random_network(drawn[0], drawn[1], drawn[2] + 1)))


@settings(max_examples=80)
@given(networks)
def test_distances_are_those_of_python_sets(pair):
    np.testing.assert_allclose(topology_distances(*pair), slow_distances(*pair), rtol=1e-12, atol=1e-15)


@settings(max_examples=40)
@given(networks)
def test_the_first_layer_is_matched_at_least_cost_and_symmetric(pair):
    first, second = pair
    mine, theirs = incoming(first[0]), incoming(second[0])
    totals = [
        sum(neuron_distance(a, b) for a, b in zip(mine, order, strict=True)) / len(mine)
        for order in permutations(theirs)
    ]
    assert topology_distances(first, second)[0] == pytest.approx(min(totals), abs=1e-12)
    assert topology_distances(second, first)[0] == pytest.approx(min(totals), abs=1e-12)


@settings(max_examples=40)
@given(networks)
def test_distances_lie_between_0_and_1_and_a_network_is_no_distance_from_itself(pair):
    distances = topology_distances(*pair)
    assert ((distances >= 0) & (distances <= 1)).all()
    assert topology_distances(pair[0], pair[0])[0] == 0


def test_neurons_in_another_order_are_no_distance():
    sizes = [40, 30, 25, 20]
    network = random_network(sizes, 0.3, 5)
    rng, order, shuffled = np.random.default_rng(1), np.arange(sizes[0]), []
    for block in network:
        columns = rng.permutation(block.shape[1])
        shuffled.append(block[order][:, columns])
        order = columns
    np.testing.assert_array_equal(topology_distances(network, shuffled), 0)
    assert (topology_distances(network, random_network(sizes, 0.3, 6)) > 0.3).all()


def test_values_by_hand():
    first = [sparse.csr_array(np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0]]))]
    second = [sparse.csr_array(np.array([[0, 1, 0], [0, 0, 0], [1, 1, 1]]))]
    # Incoming sets {0, 1}, {1, 2}, {} against {2}, {0, 2}, {2}: best are 1/2, 2/3 and 1 for the empty one.
    assert topology_distances(first, second)[0] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)


def test_blocks_without_a_common_link_are_at_distance_one():
    full = [sparse.csr_array(np.ones((4, 3), np.int32))]
    empty = [sparse.csr_array((4, 3), dtype=np.int32)]
    assert topology_distances(full, empty) == 1
    assert topology_distances(empty, empty) == 0


def test_topologies_of_the_engine(tmp_path):
    network = SparseMLP.erdos_renyi([20, 30, 30, 3], 4, [0.0, 0.0], np.random.default_rng(0))
    blocks = topology_of(store.snapshot(network))
    for block, matrix in zip(network.blocks, blocks, strict=True):
        dense = np.zeros(block.places)
        dense[block.links()] = 1
        np.testing.assert_array_equal(matrix.toarray(), dense.reshape(block.n_in, block.n_out))
    store.save(store.snapshot(network), tmp_path / "member.npz")
    with np.load(tmp_path / "member.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(topology_distances(blocks, topology_of(archive)), 0)


def test_heatmap_is_pair_by_pair():
    rows = [random_network([8, 9, 7, 3], 0.4, seed) for seed in range(2)]
    columns = [random_network([8, 9, 7, 3], 0.4, seed) for seed in range(10, 13)]
    found = heatmap(rows, columns, 1)
    assert found.shape == (2, 3)
    for i, one in enumerate(rows):
        for j, other in enumerate(columns):
            assert found[i, j] == topology_distances(one, other)[1]


def test_networks_that_cannot_be_compared_are_refused():
    with pytest.raises(UserError, match="same layers"):
        topology_distances(random_network([3, 4], 0.5, 0), random_network([3, 5], 0.5, 0))
    with pytest.raises(UserError, match="dense network"):
        topology_of(store.snapshot(DenseMLP([3, 4, 2], [0.0], np.random.default_rng(0))))
