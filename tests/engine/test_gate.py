"""Links that are active in some steps: decisions against a slow hash, and what the steps do with them."""

import platform
import subprocess
import sys

import numpy as np
import pytest
from llvmlite import binding

from truly_sparse.engine.gate import ALWAYS, Gate, choose, room, thresholds_of
from truly_sparse.engine.optimisers import SGD, Adam
from truly_sparse.golden.processors import LESSER, environment

from ..ensembles.subnetwork_reference import active_links
from .reference import Reference, assert_finite_differences
from .test_graph import network_of, problem

KEY = 0xFEDCBA9876543210
AT_HAND = binding.get_host_cpu_features() if platform.machine() == "x86_64" else {}
#: Moves every active link, and only with its own value: what is active shows.
SHOWING = SGD(0.0, momentum=0.0, decay=0.5)


def gate_of(probabilities, coast=False, key=KEY):
    return Gate(thresholds_of(probabilities), key, coast)


def shown(network, gate, step, batch=64):
    """Return which links took part in a step of training."""
    before = network.graph.values.copy()
    x, y = problem(batch, network.sizes[0], network.sizes[-1])
    result = network.train_epoch(x, y, np.arange(batch), batch, SHOWING, 0.0, 0, step, gate)
    marks = network.graph.values != before
    assert result.links == marks.sum()
    inputs = network.graph.arrays.pointers[network.sizes[0]]
    assert result.input_links == marks[:inputs].sum()
    network.graph.values[:] = before
    return marks


def random_probabilities(network, seed=0):
    drawn = np.random.default_rng(seed).random(len(network.graph))
    return np.where(drawn < 0.1, 0.0, np.where(drawn > 0.9, 1.0, drawn))


def test_thresholds_are_shares_of_all_hashes_and_the_ends_are_never_and_always():
    found = thresholds_of([0.0, 0.25, 0.5, 1 - 1e-12, 1.0])
    assert found.dtype == np.uint32
    assert found.tolist() == [0, 2**30, 2**31, 2**32 - 2, 2**32 - 1]
    assert found[-1] == ALWAYS
    for wrong in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="a probability lies from 0 to 1"):
            thresholds_of([0.5, wrong])


@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
@pytest.mark.parametrize("batch", [64, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 16, 50, 100, 128, 256))])
def test_decisions_are_those_of_the_slow_hash_whatever_the_storage_and_the_batch(storage, batch):
    network = network_of(storage=storage)
    probabilities = random_probabilities(network)
    for step in (0, 1, 12345):
        expected = active_links(network, probabilities, KEY, step)
        assert 0.3 < expected.mean() < 0.7
        assert np.array_equal(shown(network, gate_of(probabilities), step, batch), expected)


def test_both_orders_of_links_hold_the_same_links_with_the_same_values():
    network = network_of()
    links, inputs = network.graph.arrays, network.sizes[0]
    links.velocity[:] = np.arange(len(links.velocity))
    probabilities = random_probabilities(network)
    active = room(links, gate_of(probabilities))
    for step in range(5):
        count = choose(links, active, step, inputs)
        kept = np.flatnonzero(active_links(network, probabilities, KEY, step))
        here = active.links
        assert np.array_equal(active.origin[:count], kept)
        assert np.array_equal(here.values[:count], links.values[kept])
        assert np.array_equal(here.velocity[:count], links.velocity[kept])
        assert here.pointers[-1] == count == here.fan_in[-1]
        by_source = [
            (source, target)
            for source in range(len(here.pointers) - 1)
            for target in here.targets[here.pointers[source] : here.pointers[source + 1]]
        ]
        keys = network.graph.keys()[kept]
        assert by_source == [tuple(pair) for pair in np.transpose(np.divmod(keys, sum(network.sizes)))]
        for neuron in range(len(here.fan_in) - 1):
            for k in range(here.fan_in[neuron], here.fan_in[neuron + 1]):
                assert by_source[here.position[k]] == (here.sources[k], neuron + inputs)
            assert (np.diff(here.sources[here.fan_in[neuron] : here.fan_in[neuron + 1]]) > 0).all()


def test_what_becomes_of_a_link_does_not_hang_on_which_others_there_are():
    network = network_of()
    probabilities = random_probabilities(network)
    rng = np.random.default_rng(1)
    for step in range(4):
        keep = rng.random(len(network.graph)) < 0.6
        fewer = network.subnetwork(keep)
        whole = shown(network, gate_of(probabilities), step)
        assert np.array_equal(shown(fewer, gate_of(probabilities[keep]), step), whole[keep])


DECISIONS = """
import hashlib
import numpy as np
from truly_sparse.engine.gate import Gate, choose, room, thresholds_of
from truly_sparse.engine.network import SparseMLP

network = SparseMLP.erdos_renyi([70, 60, 50, 5], 8, [0.0, 0.0], np.random.default_rng(0))
links = network.graph.arrays
found = hashlib.sha256()
for share in (0.01, 0.3, 0.5, 0.999):
    active = room(links, Gate(thresholds_of(np.full(len(links.targets), share)), 987654321987654321, True))
    for step in range(20):
        count = choose(links, active, step, 70)
        found.update(active.origin[:count].astype("<i4").tobytes())
print(found.hexdigest())
"""


@pytest.mark.skipif(not AT_HAND.get("fma"), reason="needs an x86-64 processor with FMA")
@pytest.mark.parametrize("instructions", LESSER)
def test_decisions_are_the_same_on_a_lesser_processor(instructions):
    command = [sys.executable, "-c", DECISIONS]
    here, lesser = (
        subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
        for env in (None, environment(instructions))
    )
    assert lesser == here
    assert len(here) == 65


def decisions(probability, steps, seed=0):
    """Return decisions [step][link] of a network with some thousand links, in order of source and target."""
    network = network_of(sizes=(60, 50, 40, 5), pairs=((0, 1), (1, 2), (2, 3)), density=0.4, slopes=[0.0, 0.0])
    links = network.graph.arrays
    active = room(links, gate_of(np.full(len(links.targets), probability), key=seed))
    found = np.zeros((steps, len(links.targets)), bool)
    for step in range(steps):
        found[step, active.origin[: choose(links, active, step, 60)]] = True
    return found, network


@pytest.mark.parametrize("probability", [0.02, 0.1, 0.5, 0.75, 0.98])
def test_the_share_that_is_active_is_the_probability(probability):
    found, _ = decisions(probability, 50)
    sd = (probability * (1 - probability) / found.size) ** 0.5
    assert abs(found.mean() - probability) < 4 * sd
    # Each link by itself, and each step by itself, too: their spreads are those of independent draws.
    for axis in (0, 1):
        own = found.mean(axis=axis)
        expected = probability * (1 - probability) / found.shape[axis]
        assert own.var() == pytest.approx(expected, abs=4 * expected * (2 / len(own)) ** 0.5 * 1.5)


def correlation(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_decisions_are_independent_over_steps_blocks_neighbours_and_keys(probability):
    found, network = decisions(probability, 60)
    first, second = (found[:, block.where] for block in network.blocks[:2])
    fewest = min(first.shape[1], second.shape[1])
    others = {
        "next step": (found[:-1], found[1:]),
        "seventh step": (found[:-7], found[7:]),
        "next link": (found[:, :-1], found[:, 1:]),
        "other block": (first[:, :fewest], second[:, :fewest]),
        "next link, next step": (found[:-1, :-1], found[1:, 1:]),
        "other key": (found, decisions(probability, 60, seed=1)[0]),
    }
    for name, (one, other) in others.items():
        assert abs(correlation(one, other)) < 4 / one.size**0.5, name


OPTIMISERS = {
    "sgd": SGD(0.05, decay=0.01),
    "nesterov, coupled": SGD(0.05, nesterov=True, coupled=True, decay=0.01),
    "clipped": SGD(0.05, clip=0.1),
    "clipped, coupled": SGD(0.05, clip=0.1, coupled=True, decay=0.01),
    "adam": Adam(0.01),
    "adam, clipped, l1": Adam(0.01, clip=0.1, l1=0.001),
}


def state_of(network):
    return {name: array.tobytes() for name, array in network.copy_state().items()}


@pytest.mark.parametrize("optimiser", OPTIMISERS.values(), ids=OPTIMISERS)
@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
def test_a_gate_that_is_always_open_changes_no_bit(optimiser, storage):
    x, y = problem(50 * 8, 7, 4)
    for batch in (50, 64):
        plain, gated = network_of(storage=storage), network_of(storage=storage)
        gate = gate_of(np.ones(len(gated.graph)))
        for epoch in range(2):
            one, other = (
                network.train_epoch(x, y, np.arange(len(x)), batch, optimiser, 0.2, 5, 8 * epoch, *more)
                for network, more in ((plain, ()), (gated, (gate,)))
            )
            assert one == other
        assert state_of(plain) == state_of(gated)


@pytest.mark.parametrize("optimiser", OPTIMISERS.values(), ids=OPTIMISERS)
@pytest.mark.parametrize("coast", [False, True])
def test_links_that_are_never_active_might_as_well_not_be_there(optimiser, coast):
    x, y = problem(64 * 10, 7, 4)
    network = network_of()
    network.biases[:] = 0.1
    keep = np.random.default_rng(3).random(len(network.graph)) < 0.5
    child = network.subnetwork(keep)
    gate = gate_of(keep.astype(float), coast)
    one = network.train_epoch(x, y, np.arange(len(x)), 64, optimiser, 0.2, 5, 0, gate)
    other = child.train_epoch(x, y, np.arange(len(x)), 64, optimiser, 0.2, 5, 0)
    assert one == other
    after = network.subnetwork(keep)
    assert state_of(after) == state_of(child)


@pytest.mark.parametrize("coast", [False, True])
def test_gradients_are_those_of_the_active_links_alone(coast):
    """Held against the slow network with the decisions fixed, which is held against differences of its loss."""
    x, y = problem(64, 7, 4)
    network = network_of()
    probabilities = random_probabilities(network)
    for step in range(3):
        marks = active_links(network, probabilities, KEY, step)
        before, biases = network.graph.values.copy(), network.biases.copy()
        reference = Reference.of_sparse(network)
        for block, matrix in zip(network.blocks, reference.matrices, strict=True):
            matrix.reshape(-1)[block.links()] *= marks[block.where]
        expected, by_bias = reference.gradients(x, y)
        pure = SGD(1.0, momentum=0.0, decay=0.0)
        result = network.train_epoch(x, y, np.arange(64), 64, pure, 0.0, 0, step, gate_of(probabilities, coast))
        moved = before - network.graph.values
        assert result.loss == pytest.approx(reference.loss(x, y), rel=1e-5)
        assert (moved[~marks] == 0).all()
        for block, gradient in zip(network.blocks, expected, strict=True):
            own = gradient.reshape(-1)[block.links()] * marks[block.where]
            assert np.allclose(moved[block.where], own, rtol=1e-4, atol=1e-6)
        assert np.allclose(biases - network.biases, np.concatenate(by_bias), rtol=1e-4, atol=1e-6)
        network.graph.values[:], network.biases[:] = before, biases
    masks = [np.ones((64, n)) for n in network.sizes[1:-1]]
    assert_finite_differences(reference, x, y, masks, np.random.default_rng(0), 6)


MU, DECAY, RATE = 0.9, 0.01, 0.05


@pytest.mark.parametrize(
    ("optimiser", "after"),
    [
        # Value and velocity after a step without a gradient, by those before it.
        (SGD(RATE, MU, 0.0), lambda w, v: (w + MU * v, MU * v)),
        (SGD(RATE, MU, DECAY), lambda w, v: (w + MU * v - DECAY * w, MU * v)),
        (SGD(RATE, MU, 0.0, nesterov=True), lambda w, v: (w + MU * MU * v, MU * v)),
        (
            SGD(RATE, MU, DECAY, coupled=True),
            lambda w, v: (w + MU * v - RATE * DECAY * w, MU * v - RATE * DECAY * w),
        ),
        (
            SGD(RATE, MU, DECAY, nesterov=True, coupled=True),
            lambda w, v: (w + MU * (MU * v - RATE * DECAY * w) - RATE * DECAY * w, MU * v - RATE * DECAY * w),
        ),
    ],
    ids=["plain", "decay", "Nesterov", "coupled decay", "both"],
)
def test_inactive_links_coast_as_by_a_gradient_of_zero(optimiser, after):
    network = network_of()
    rng = np.random.default_rng(4)
    network.graph.velocity[:] = rng.normal(size=len(network.graph)) * 0.1
    still = rng.random(len(network.graph)) < 0.4
    value, speed = (array[still].astype(float) for array in (network.graph.values, network.graph.velocity))
    x, y = problem(128, 7, 4)
    network.train_epoch(x, y, np.arange(128), 64, optimiser, 0.0, 0, 0, gate_of(1.0 - still, coast=True))
    for _ in range(2):
        value, speed = after(value, speed)
    assert np.allclose(network.graph.values[still], value, rtol=1e-5, atol=1e-7)
    assert np.allclose(network.graph.velocity[still], speed, rtol=1e-5, atol=1e-7)


def test_velocity_of_links_that_coast_falls_by_momentum_alone():
    """The closed form: w + v (mu + mu^2) and mu^2 v after two steps."""
    network = network_of()
    network.graph.velocity[:] = 0.25
    before = network.graph.values.astype(float)
    x, y = problem(128, 7, 4)
    gate = gate_of(np.zeros(len(network.graph)), coast=True)
    network.train_epoch(x, y, np.arange(128), 64, SGD(0.1, 0.5, 0.0), 0.0, 0, 0, gate)
    assert np.allclose(network.graph.values, before + 0.25 * (0.5 + 0.25), atol=1e-6)
    assert (network.graph.velocity == 0.0625).all()


@pytest.mark.parametrize("optimiser", OPTIMISERS.values(), ids=OPTIMISERS)
def test_frozen_links_do_not_move_and_come_back_with_what_they_had(optimiser):
    network = network_of()
    if isinstance(optimiser, SGD):
        network.graph.velocity[:] = 0.01
    probabilities = np.full(len(network.graph), 0.5)
    x, y = problem(64, 7, 4)
    for step in range(6):
        before, speed = network.graph.values.copy(), network.graph.velocity.copy()
        marks = active_links(network, probabilities, KEY, step)
        reference = Reference.of_sparse(network)
        for block, matrix in zip(network.blocks, reference.matrices, strict=True):
            matrix.reshape(-1)[block.links()] *= marks[block.where]
        result = network.train_epoch(x, y, np.arange(64), 64, optimiser, 0.0, 0, step, gate_of(probabilities))
        assert np.array_equal(network.graph.values[~marks], before[~marks])
        assert np.array_equal(network.graph.velocity[~marks], speed[~marks])
        assert (network.graph.values[marks] != before[marks]).mean() > 0.5  # others lead from a neuron that is silent
        assert result.loss == pytest.approx(reference.loss(x, y), rel=1e-5)


def test_a_gate_of_other_links_is_refused():
    network = network_of()
    x, y = problem(64, 7, 4)
    for thresholds in (np.zeros(3, np.uint32), np.zeros(len(network.graph))):
        with pytest.raises(ValueError, match="a gate needs a threshold, uint32, for each of"):
            network.train_epoch(x, y, np.arange(64), 64, SGD(0.1), 0.0, 0, 0, Gate(thresholds, 0, True))


def test_counted_links_are_the_mean_over_the_steps_of_an_epoch():
    network = network_of()
    probabilities = random_probabilities(network)
    x, y = problem(64 * 9, 7, 4)
    marks = [active_links(network, probabilities, KEY, 100 + step) for step in range(9)]
    inputs = network.input_links
    result = network.train_epoch(x, y, np.arange(len(x)), 64, SGD(0.01), 0.0, 0, 100, gate_of(probabilities))
    assert result.links * 9 == pytest.approx(np.sum(marks), abs=1e-9)
    assert result.input_links * 9 == pytest.approx(np.sum([own[:inputs] for own in marks]), abs=1e-9)
