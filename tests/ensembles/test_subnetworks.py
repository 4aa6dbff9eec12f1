"""Children of a trained network: which links each one has, and what it begins with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.engine import store
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD, Adam
from truly_sparse.engine.streams import Streams
from truly_sparse.engine.topology import start_bound
from truly_sparse.ensembles import children
from truly_sparse.ensembles.subnetworks import child_of, every, fallen, idle_neurons, kept, marked, parts_of, ranked
from truly_sparse.ensembles.trainer import create
from truly_sparse.errors import UserError
from truly_sparse.training.config import TrainingConfig

from ..engine.reference import Reference
from ..engine.test_graph import SHORTCUTS, SIZES, network_of, problem

#: Not square, so that a transposed block shows.
NARROWING = (7, 11, 9, 4)


def draw(number):
    return Streams(3, number)


def settings_of(**changes):
    return TrainingConfig(**{"members": 6, "epsilon": 3.0} | changes)


def sparse_parent(sizes=NARROWING, **more):
    pairs = [(layer, layer + 1) for layer in range(len(sizes) - 1)]
    network = network_of(sizes=sizes, pairs=pairs, slopes=[0.3, -0.2], **{"density": 0.6} | more)
    trained(network)
    return network


def dense_parent():
    network = DenseMLP(NARROWING, [0.3, -0.2], np.random.default_rng(0))
    trained(network)
    return network


def trained(network):
    """Let a network have velocities, so that a child at rest shows."""
    x, y = problem(128, network.sizes[0], network.sizes[-1])
    network.train_epoch(x, y, np.arange(128), 32, SGD(0.05), 0.0, 0, 0)


def digest(network):
    return {name: array.tobytes() for name, array in store.snapshot(network).items()}


PARENTS = pytest.mark.parametrize("parent", [sparse_parent, dense_parent], ids=["sparse", "dense"])


def all_kept(parent, settings):
    return [kept(parent, settings, child, draw) for child in range(settings.members)]


@given(
    st.integers(2, 7), st.integers(1, 3), st.booleans(), st.sampled_from(["links", "rows"]), st.booleans(),
    st.integers(0, 1000),
)  # fmt: skip
def test_children_of_a_partition_share_the_links_of_their_parent(parts, groups, dense, structure, output, seed):
    parent = dense_parent() if dense else sparse_parent(seed=seed)
    settings = settings_of(parts=parts, members=parts * groups, structure=structure, prune_output_block=output)
    marks = all_kept(parent, settings)
    for group in range(groups):
        own = marks[group * parts : (group + 1) * parts]
        for pair, part in parts_of(parent).items():
            times = np.sum([each[pair] for each in own], axis=0)
            if pair[1] == len(parent.sizes) - 1 and not output:
                assert (times == parts).all()  # links to the outputs are in all of them
                continue
            assert (times == 1).all()
            sizes = [each[pair].sum() for each in own]
            if structure == "links":
                assert max(sizes) - min(sizes) <= 1
            else:  # a row is whole or not there, and as many rows are in each, but for one
                rows = [set(part.targets[each[pair]]) for each in own]
                assert len(set().union(*rows)) == sum(map(len, rows))
                assert max(map(len, rows)) <= -(-parent.sizes[pair[1]] // parts)


@PARENTS
def test_two_groups_of_a_parent_are_cut_differently(parent):
    settings = settings_of()
    marks = all_kept(parent(), settings)
    pair = (0, 1)
    assert len({each[pair].tobytes() for each in marks}) == 6
    # Two parts of different groups meet in a quarter of the links, or so; of one group in none.
    assert not (marks[0][pair] & marks[1][pair]).any()
    assert (marks[0][pair] & marks[2][pair]).any()
    assert (marks[0][pair] & marks[3][pair]).any()


def test_every_link_is_in_every_part_equally_often():
    """Chi-square over 2,000 partitions of 12 links into 3: 22 degrees of freedom, whose 0.9999 quantile is 54."""
    parent = network_of(sizes=(4, 3, 2), pairs=((0, 1), (1, 2)), density=1.0, slopes=[0.0])
    settings = settings_of(parts=3, members=3)
    found = np.zeros((3, 12))
    for seed in range(2000):
        found += [kept(parent, settings, child, lambda n, s=seed: Streams(s, n))[0, 1] for child in range(3)]
    expected = 2000 / 3
    assert (found.sum(axis=0) == 2000).all()
    assert (found.sum(axis=1) == 8000).all()
    assert 5 < ((found - expected) ** 2 / expected).sum() < 54


@pytest.mark.parametrize("sampler", ["random", "magnitude"])
@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.77, 0.95])
@PARENTS
def test_exactly_the_part_falls_of_every_block_but_that_to_the_outputs(parent, sampler, sparsity):
    parent = parent()
    for output in (False, True):
        settings = settings_of(sampler=sampler, sparsity=sparsity, prune_output_block=output)
        marks = all_kept(parent, settings)
        for pair, part in parts_of(parent).items():
            whole = pair[1] == len(parent.sizes) - 1 and not output
            count = len(part.values)
            for each in marks:
                assert each[pair].sum() == (count if whole else count - round(sparsity * count))
                if sampler == "magnitude" and not each[pair].all():
                    magnitudes = np.abs(part.values)
                    assert magnitudes[~each[pair]].max() <= magnitudes[each[pair]].min()


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40), st.floats(0, 0.999))
def test_ranks_are_those_of_a_slow_sort_of_equals_the_first(numbers, sparsity):
    slow = sorted(range(len(numbers)), key=lambda k: (numbers[k], k))
    assert [slow[rank] for rank in ranked(np.array(numbers))] == list(range(len(numbers)))
    assert 0 <= fallen(len(numbers), sparsity) <= len(numbers)


@PARENTS
def test_random_children_do_not_share_their_draws(parent):
    marks = all_kept(parent(), settings_of(sampler="random"))
    assert len({each[0, 1].tobytes() for each in marks}) == 6
    # Nor does it hang on how many there are, or which were made before.
    again = kept(parent(), settings_of(sampler="random", members=100), 4, draw)
    assert again[0, 1].tobytes() == marks[4][0, 1].tobytes()


@PARENTS
@pytest.mark.parametrize(
    "changes", [{}, {"sampler": "random"}, {"sampler": "random", "structure": "neurons"}, {"structure": "rows"}]
)
def test_a_child_has_its_parents_values_and_biases_and_no_velocity(parent, changes):
    parent = parent()
    settings, before = settings_of(**changes), digest(parent)
    marks = kept(parent, settings, 1, draw)
    child = child_of(parent, marks, settings, None)
    assert isinstance(child, SparseMLP)
    for block in child.blocks:
        part, own = parts_of(parent)[block.pair], marks[block.pair]
        assert block.values.tobytes() == part.values[own].tobytes()
        assert np.array_equal(block.links(), (part.sources * block.n_out + part.targets)[own])
    biases = parent.biases if isinstance(parent, SparseMLP) else np.concatenate(parent.biases)
    assert child.biases.tobytes() == biases.tobytes()
    assert biases.any()
    for still in (child.graph.velocity, child.bias_velocity):
        assert not still.any()
    trained(child)
    assert child.graph.velocity.any()
    assert digest(parent) == before


def test_a_child_under_adam_begins_anew():
    parent = sparse_parent()
    x, y = problem(64, 7, 4)
    parent.train_epoch(x, y, np.arange(64), 32, Adam(0.01), 0.0, 0, 0)
    child = child_of(parent, kept(parent, settings_of(), 0, draw), settings_of(), None)
    assert not child.graph.arrays.second.any()
    assert not child._bias_second.any()
    assert (child._powers == 1).all()
    assert (parent._powers < 1).all()


def without_complement(parent, marks):
    """Return the slow network of a parent whose other links are zero."""
    slow = Reference.of_sparse(parent) if isinstance(parent, SparseMLP) else Reference.of_dense(parent)
    for pair, matrix in zip(slow.pairs, slow.matrices, strict=True):
        part, whole = parts_of(parent)[pair], np.zeros(matrix.shape)
        whole[part.sources, part.targets] = marks[pair]
        matrix *= whole
    return slow


@PARENTS
@pytest.mark.parametrize(
    "changes", [{}, {"sampler": "magnitude", "sparsity": 0.8}, {"parts": 3, "prune_output_block": True}]
)
def test_a_child_predicts_what_its_parent_does_with_the_other_weights_zero(parent, changes):
    parent, settings = parent(), settings_of(**changes)
    x, _ = problem(50, 7, 4)
    for number in range(3):
        marks = kept(parent, settings, number, draw)
        found = child_of(parent, marks, settings, None).predict_proba(x)
        assert np.allclose(found, without_complement(parent, marks).forward(x)[0][-1], atol=1e-5)
        assert not np.allclose(found, parent.predict_proba(x), atol=1e-2)


@PARENTS
def test_a_child_with_all_links_predicts_what_its_parent_does(parent):
    parent = parent()
    x, _ = problem(50, 7, 4)
    marks = {pair: every(part) for pair, part in parts_of(parent).items()}
    child = child_of(parent, marks, settings_of(activation_storage="float32"), None)
    assert np.allclose(child.predict_proba(x), parent.predict_proba(x), atol=1e-5)


@PARENTS
@pytest.mark.parametrize("sparsity", [0.2, 0.5, 0.8])
def test_neurons_that_fall_leave_no_link_and_their_bias_has_no_effect(parent, sparsity):
    parent = parent()
    settings = settings_of(sampler="random", structure="neurons", sparsity=sparsity)
    child = child_of(parent, kept(parent, settings, 2, draw), settings, None)
    gone = [np.array([], int)]
    for layer in (1, 2):
        one, other = parts_of(child)[layer - 1, layer], parts_of(child)[layer, layer + 1]
        there = set(one.targets) | set(other.sources)
        gone.append(np.setdiff1d(np.arange(NARROWING[layer]), list(there)))
    for layer in (1, 2):
        fall = round(sparsity * NARROWING[layer])
        assert len(gone[layer]) >= fall
        if isinstance(parent, DenseMLP):
            assert len(gone[layer]) == fall
            stays = [7, 11 - round(sparsity * 11), 9 - round(sparsity * 9), 4]
            assert child.link_counts[layer - 1] == stays[layer - 1] * stays[layer]
    x, _ = problem(40, 7, 4)
    before = child.predict_proba(x)
    starts = child.graph.starts - child.sizes[0]
    for layer in (1, 2):
        child.biases[starts[layer] + gone[layer]] += 5
    assert np.array_equal(child.predict_proba(x), before)


def test_neurons_take_links_that_skip_layers_with_them():
    parent = network_of(sizes=SIZES, pairs=SHORTCUTS, density=0.9, slopes=[0.0, 0.0, 0.0])
    settings = settings_of(sampler="random", structure="neurons", sparsity=0.5)
    marks = kept(parent, settings, 0, draw)
    found = parts_of(child_of(parent, marks, settings, None))
    for layer in (1, 2, 3):
        reached = [set(part.targets) for pair, part in found.items() if pair[1] == layer]
        left = [set(part.sources) for pair, part in found.items() if pair[0] == layer]
        assert len(set().union(*reached, *left)) <= SIZES[layer] - round(SIZES[layer] / 2)
    for pair, part in parts_of(parent).items():
        stays = {(s, t) for s, t, own in zip(part.sources, part.targets, marks[pair], strict=True) if own}
        assert stays == set(zip(found[pair].sources, found[pair].targets, strict=True))


def test_a_neuron_that_lost_its_row_still_gives_what_its_bias_does():
    parent, settings = dense_parent(), settings_of(structure="rows")
    one, other = (child_of(parent, kept(parent, settings, child, draw), settings, None) for child in range(2))
    lost = np.setdiff1d(np.arange(11), parts_of(one)[0, 1].targets)
    assert 0 < len(lost) < 11
    assert set(parts_of(other)[0, 1].targets) == set(lost)
    assert set(parts_of(one)[1, 2].sources) >= set(lost)  # what leads from them stays, in whole rows of their targets
    x, _ = problem(40, 7, 4)
    before = one.predict_proba(x)
    one.biases[lost[0]] += 1
    assert not np.allclose(one.predict_proba(x), before, atol=1e-4)


@PARENTS
def test_fresh_children_have_their_own_start_values_and_biases_of_zero(parent):
    parent, settings = parent(), settings_of(inherit=False)
    one, again, other = (children.pruned(settings, child, whole=False)(parent, draw) for child in (0, 0, 2))
    assert one.graph.values.tobytes() == again.graph.values.tobytes()
    assert not one.biases.any()
    inherited = children.pruned(settings_of(), 0, whole=False)(parent, draw)
    assert np.array_equal(one.graph.keys(), inherited.graph.keys())  # the topology is that of the child that inherits
    assert (one.graph.values != inherited.graph.values).mean() > 0.99
    for block in one.blocks:
        assert np.abs(block.values).max() <= one.bounds[block.pair]
    assert one.graph.values[:5].tobytes() != other.graph.values[:5].tobytes()


@pytest.mark.parametrize("init", ["he_links", "torch_links"])
def test_fresh_children_start_by_the_links_that_they_have(init):
    sizes, links = (40, 30, 5), {(0, 1): np.arange(0, 1200, 4), (1, 2): np.arange(150)}
    parent = SparseMLP.start(sizes, links, [0.0], np.random.default_rng(0), init)
    settings = settings_of(inherit=False, init=init, sampler="random", sparsity=0.6)
    child = children.pruned(settings, 0, whole=False)(parent, draw)
    for block in child.blocks:
        n_in, n_out = sizes[block.pair[0]], sizes[block.pair[1]]
        own = start_bound(n_in, n_out, init, len(block) / (n_in * n_out))
        assert child.bounds[block.pair] == pytest.approx(own, rel=1e-12)
        assert 0.8 * own < np.abs(block.values).max() <= own


def test_children_that_nothing_is_taken_from_stay_what_their_parent_is():
    settings = settings_of(sampler="random", sparsity=0.0)
    for parent in (dense_parent(), sparse_parent()):
        before = parts_of(parent)
        child = children.pruned(settings, 0, whole=False)(store.build(store.snapshot(parent)), draw)
        assert type(child) is type(parent)
        for pair, part in parts_of(child).items():
            assert part.values.tobytes() == before[pair].values.tobytes()
        state = child.copy_state()
        assert not state["velocity"].any()
        assert not state["bias_velocity"].any()


def test_neurons_without_links_on_a_side_are_idle():
    weights = {(0, 1): np.array([[1, 0, 2, 0], [3, 0, 0, 4.0]]), (1, 2): np.array([[1, 1], [1, 1], [0, 0], [1, 0.0]])}
    network = SparseMLP.from_dense(weights, [np.zeros(4), np.zeros(2)], [0.0])
    assert idle_neurons(network) == 2  # the second has no link that leads to it, the third none that leads on
    assert (
        idle_neurons(SparseMLP.from_dense({(0, 1): np.ones((3, 2)), (1, 2): np.ones((2, 2))}, [np.zeros(2)] * 2, [0.0]))
        == 0
    )


def test_a_child_without_links_is_one_line():
    parent = network_of(sizes=(4, 3, 2), pairs=((0, 1), (1, 2)), density=0.3, slopes=[0.0])
    settings = settings_of(sampler="random", sparsity=0.9)
    with pytest.raises(UserError, match=r"^block \(0, 1\) of a child has no links; lower sparsity or parts") as error:
        child_of(parent, kept(parent, settings, 0, draw), settings, None)
    assert "\n" not in str(error.value)


def test_a_block_without_links_has_none_to_lose():
    parent = network_of(sizes=(6, 5, 2), pairs=((0, 1), (1, 2), (0, 2)), density=0.9, slopes=[0.0])
    parent = parent.subnetwork(marked(parent, {b.pair: np.full(len(b), b.pair != (0, 2)) for b in parent.blocks}))
    settings = settings_of(sampler="random", sparsity=0.2)
    child = child_of(parent, kept(parent, settings, 0, draw), settings, None)
    assert [len(block) for block in child.blocks if block.pair == (0, 2)] == [0]
    assert len(child.graph) < len(parent.graph)


@pytest.mark.parametrize("parts", range(2, 8))
def test_blocks_with_fewer_links_than_parts_are_shared_all_the_same(parts):
    weights = {(0, 1): np.array([[1.0, 0], [0, 2], [3, 0]]), (1, 2): np.ones((2, 2))}
    parent = SparseMLP.from_dense(weights, [np.zeros(2), np.zeros(2)], [0.0])
    settings = settings_of(parts=parts, members=parts)
    marks = all_kept(parent, settings)
    assert (np.sum([each[0, 1] for each in marks], axis=0) == 1).all()
    assert {each[0, 1].sum() for each in marks} <= {0, 1, 2}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"members": 7}, "7 members with parts 2: .* make members a multiple of that"),
        ({"members": 6, "parts": 4}, "6 members with parts 4: .* groups of 4"),
        ({"structure": "neurons"}, "structure neurons needs sampler random"),
        ({"sampler": "magnitude", "structure": "rows"}, "structure rows needs sampler random or partition"),
        ({"prune_epochs": 2}, "prune_epochs needs structure links and sampler random or magnitude"),
        ({"sampler": "random", "prune_epochs": 11}, "prune_epochs 11 is more than child_epochs 10"),
        ({"sampler": "random", "prune_epochs": 2, "sparsity": 0.0}, "sparsity 0 .* prune_epochs"),
    ],
)
def test_settings_that_make_no_children_are_one_line(changes, message):
    with pytest.raises(UserError, match=message) as error:
        create("sparse_subnetworks", settings_of(**changes))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"members": 7}, "7 members with parts 2"),
        ({"annealing_epochs": 11}, "annealing_epochs 11 is more than child_epochs 10"),
        ({"prune_epochs": 2, "sampler": "random"}, "prune_epochs 2 with strategy stochastic_subnetworks"),
        ({"sampler": "random", "sparsity": 0.0}, "sparsity 0 leaves nothing to anneal"),
        ({"sampler": "magnitude", "sparsity": 0.5, "inherit": False}, "sampler magnitude looks at the values"),
    ],
)
def test_settings_that_nothing_can_be_annealed_with_are_one_line(changes, message):
    with pytest.raises(UserError, match=message) as error:
        create("stochastic_subnetworks", settings_of(**changes))
    assert "\n" not in str(error.value)
