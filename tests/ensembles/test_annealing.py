"""How a child comes to its links: probabilities, and how many are left when."""

from math import cos, exp, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.engine.gate import ALWAYS
from truly_sparse.engine.streams import Streams
from truly_sparse.ensembles import children
from truly_sparse.ensembles.annealing import Iterative, Stochastic, height
from truly_sparse.training.config import TrainingConfig

from ..engine.test_graph import SHORTCUTS, SIZES, network_of


def settings_of(**changes):
    return TrainingConfig(**{"members": 2, "epsilon": 3.0, "annealing_epochs": 4, "child_epochs": 10} | changes)


def targets_of(network, share=0.4, seed=0):
    return np.random.default_rng(seed).random(len(network.graph)) < share


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("cosine", [1.0, (1 + cos(pi / 4)) / 2, 0.5, (1 - cos(pi / 4)) / 2, 0.0, 0.0]),
        ("linear", [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]),
        ("exponential", [1.0, exp(-1.25), exp(-2.5), exp(-3.75), 0.0, 0.0]),
    ],
)
def test_the_temperature_falls_from_one_to_nothing(shape, expected):
    assert [height(shape, epoch / 4) for epoch in (0, 1, 2, 3, 4, 7)] == pytest.approx(expected)
    network = network_of()
    target = targets_of(network)
    annealing = Stochastic(target, settings_of(temperature=0.6, annealing_shape=shape), Streams(0, 1))
    for epoch, part in enumerate(expected[:5]):
        found = annealing.probabilities(epoch)
        assert (found[target] == 1).all()
        assert np.allclose(found[~target], 0.6 * part)


def test_exactly_the_target_is_left_after_annealing():
    network = network_of()
    network.graph.velocity[:] = np.arange(len(network.graph))
    target = targets_of(network)
    annealing = Stochastic(target, settings_of(), Streams(0, 1))
    for epoch in range(4):
        same, gate = annealing.before(network, epoch)
        assert same is network
        assert ((gate.thresholds == ALWAYS) == target).all()
        assert gate.key == annealing.key
        assert gate.coast
        shown = annealing.final(network)
        assert np.array_equal(shown.graph.keys(), network.graph.keys()[target])
    left, gate = annealing.before(network, 4)
    assert gate is None
    assert np.array_equal(left.graph.keys(), network.graph.keys()[target])
    assert np.array_equal(left.graph.velocity, network.graph.velocity[target])
    # Nothing more happens to it, whether it was trained on or read from a file.
    assert annealing.before(left, 5) == (left, None)
    assert annealing.final(left) is left


@given(st.floats(0.05, 0.95), st.integers(0, 50), st.integers(1, 20))
def test_random_annealing_goes_from_drawn_numbers_to_never_and_always(share, seed, epochs):
    network = network_of(sizes=(30, 25, 20, 4), pairs=((0, 1), (1, 2), (2, 3)), density=0.9, slopes=[0.0, 0.0])
    target = targets_of(network, share, seed)
    annealing = Stochastic(target, settings_of(annealing="random", annealing_epochs=epochs), Streams(seed, 1))
    first, fallen = annealing.probabilities(0), 1 - target.mean()
    assert ((first >= 0) & (first <= 1)).all()
    # The links of the child are those with the highest numbers, which are uniform.
    assert first[target].min() >= first[~target].max() - 1e-6
    assert (first[target] >= fallen - 1e-6).all()
    assert (first[~target] <= fallen + 1e-6).all()
    assert abs(first.mean() - 0.5) < 4 * (1 / 12 / len(first)) ** 0.5
    assert np.histogram(first, 4, (0, 1))[0] / len(first) == pytest.approx(
        [0.25] * 4, abs=4 * (0.19 / len(first)) ** 0.5
    )
    half = annealing.probabilities(epochs / 2)
    assert np.allclose(half, (first + target) / 2)
    assert np.array_equal(annealing.probabilities(epochs), target.astype(float))


@pytest.mark.parametrize("changes", [{}, {"sampler": "random", "sparsity": 0.8}])
@pytest.mark.parametrize("output", [False, True])
def test_links_to_the_outputs_are_always_active_unless_they_can_fall(changes, output):
    network = network_of(sizes=(30, 25, 20, 15), pairs=((0, 1), (1, 2), (2, 3)), density=0.9, slopes=[0.0, 0.0])
    for annealing in ("random", "temperature"):
        settings = settings_of(annealing=annealing, prune_output_block=output, **changes)
        made = children.stochastic(settings, 0)(network, lambda number: Streams(0, number))
        found, last = made.probabilities(0), network.blocks[-1].where
        assert (found[last] == 1).all() == (not output)
        if annealing == "random":
            drawn = found if output else np.delete(found, np.r_[last])
            assert abs(drawn.mean() - 0.5) < 4 * (1 / 12 / len(drawn)) ** 0.5
            assert np.array_equal(made.probabilities(4) == 1, made.target)


def test_every_child_has_decisions_of_its_own():
    target = targets_of(network_of())
    keys = {Stochastic(target, settings_of(), Streams(0, child)).key for child in range(1, 20)}
    assert len(keys) == 19


def fallen_by(network, settings, seed=0):
    """Return the links (global keys) after each step of pruning."""
    annealing, found = Iterative(network, settings, Streams(seed, 1).prune), []
    for epoch in range(settings.prune_epochs + 2):
        network, gate = annealing.before(network, epoch)
        assert gate is None
        found.append(network)
    return found


@given(
    st.floats(0.0, 0.99), st.integers(1, 8), st.sampled_from(["random", "magnitude"]), st.booleans(), st.integers(0, 99)
)
def test_links_fall_in_equal_parts_and_never_come_back(sparsity, epochs, sampler, output, seed):
    network = network_of(sizes=SIZES, pairs=SHORTCUTS, density=0.5, seed=seed)
    settings = settings_of(sparsity=sparsity, prune_epochs=epochs, sampler=sampler, prune_output_block=output)
    steps = fallen_by(network, settings, seed)
    before = set(network.graph.keys().tolist())
    for number, left in enumerate(steps, 1):
        share = min(number, epochs) / epochs * sparsity
        for own, block in zip(left.blocks, network.blocks, strict=True):
            falls = block.target < len(SIZES) - 1 or output
            assert len(own) == len(block) - (round(share * len(block)) if falls else 0)
        now = set(left.graph.keys().tolist())
        assert now <= before
        before = now
    assert np.array_equal(steps[-1].graph.keys(), steps[epochs - 1].graph.keys())
    for own, block in zip(steps[-1].blocks, network.blocks, strict=True):
        if block.target < len(SIZES) - 1:
            assert len(own) == len(block) - round(sparsity * len(block))


def test_the_smallest_fall_as_they_are_then():
    network = network_of(density=0.8)
    settings = settings_of(sparsity=0.6, prune_epochs=2, sampler="magnitude")
    annealing = Iterative(network, settings, Streams(0, 1).prune)
    once, _ = annealing.before(network, 0)
    once.graph.values[:] = once.graph.values[::-1].copy()  # as if they had been trained
    twice, _ = annealing.before(once, 1)
    for block, own in zip(once.blocks, twice.blocks, strict=True):
        gone = np.isin(block.links(), own.links(), invert=True)
        if block.target < len(SIZES) - 1:
            assert gone.any()
            assert np.abs(block.values[gone]).max() <= np.abs(own.values).min()


def test_children_lose_different_links():
    network = network_of(density=0.8)
    settings = settings_of(sparsity=0.5, prune_epochs=2, sampler="random")
    one, other = (fallen_by(network, settings, seed)[-1].graph.keys() for seed in (0, 1))
    assert not np.array_equal(one, other)
