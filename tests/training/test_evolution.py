"""The step that settings ask for: each rule's own, and what all keep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truly_sparse.engine import topology
from truly_sparse.engine.streams import Streams
from truly_sparse.training import evolution
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.start import fresh

SMALL = {"hidden_layer_sizes": (20, 16, 12), "init": "torch"}


def network_of(seed=0, **changes):
    config = TrainingConfig.of(SMALL | {"epsilon": 3.0} | changes)
    network = fresh("sparse", 10, 4, config)(np.random.default_rng(seed))
    network.graph.arrays.velocity[:] = 1.0
    return network, config


def state(network):
    """Return {(block, place): value} and the same of velocities."""
    blocks = [(block.pair, block.links(), block.values, block.velocity) for block in network.blocks]
    keys = [(pair, int(link)) for pair, links, _, _ in blocks for link in links]
    return (
        dict(zip(keys, np.concatenate([values for *_, values, _ in blocks]), strict=True)),
        dict(zip(keys, np.concatenate([velocity for *_, velocity in blocks]), strict=True)),
    )


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 1000),
    st.floats(0, 1),
    st.sampled_from(["per_sign", "between", "global"]),
    st.sampled_from([{}, {"shortcut_ratio": 0.4}, {"epsilon": None, "compression": 3.0, "shortcut_ratio": 0.5}]),
)
def test_links_keep_their_number_and_survivors_their_state(seed, fraction, pruning, start):
    network, config = network_of(seed, pruning=pruning, **start)
    before, _ = state(network)
    counts = network.link_counts
    assert evolution.step(network, config, fraction, Streams(seed)) == 0
    after, velocity = state(network)
    assert len(after) == len(before)
    stayed = {key for key in after if after[key] == before.get(key)}
    assert {velocity[key] for key in stayed} <= {1.0}
    assert {velocity[key] for key in after if key not in stayed} <= {0.0}
    if pruning != "global":
        assert network.link_counts == counts
        for number, block in enumerate(network.blocks):
            if block.target == len(network.sizes) - 1:
                assert {key for key in before if key[0] == block.pair} <= stayed, number


def test_between_at_one_replaces_every_link_but_those_to_the_output():
    network, config = network_of(pruning="between")
    before, _ = state(network)
    evolution.step(network, config, 1.0, Streams(1))
    after, velocity = state(network)
    output = (len(network.sizes) - 2, len(network.sizes) - 1)
    for key in after:
        assert velocity[key] == (1.0 if key[0] == output else 0.0)
        assert key[0] == output or after[key] != before.get(key)


def test_what_between_keeps_are_the_links_beyond_its_limits():
    network, config = network_of(pruning="between")
    wanted = [block.values[topology.between(block.values, 0.3)] for block in network.blocks[:-1]]
    evolution.step(network, config, 0.3, Streams(1))
    for block, kept in zip(network.blocks[:-1], wanted, strict=True):
        assert np.array_equal(block.values[block.velocity == 1.0], kept)


@pytest.mark.parametrize("pruning", ["per_sign", "between"])
def test_links_to_be_avoided_are(pruning):
    network, config = network_of(pruning=pruning)
    blocked = {1: network.blocks[1].links()}
    evolution.step(network, config, 0.5, Streams(1), blocked)
    grown = network.blocks[1].links()[network.blocks[1].velocity == 0.0]
    assert len(grown) > 10
    assert not set(grown) & set(blocked[1])
