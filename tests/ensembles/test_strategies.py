"""What every escape must keep, and what each one promises."""

import pkgutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truly_sparse.engine import topology
from truly_sparse.engine.graph import Block
from truly_sparse.ensembles import strategies
from truly_sparse.ensembles.distance import DISTANCES
from truly_sparse.errors import UserError

NAMES = sorted(module.name for module in pkgutil.iter_modules(strategies.__path__))
SETTINGS = {"distance_factor": 1.0, "distance": "row_wise", "distance_samples": 30, "distance_max_draws": 1000}


def trained_block(seed: int, n_in: int = 25, n_out: int = 20, epsilon: float = 2.0) -> Block:
    rng = np.random.default_rng(seed)
    links = topology.erdos_renyi(n_in, n_out, epsilon, rng)
    values, velocity = rng.normal(size=(2, len(links))).astype(np.float32)
    block = Block.by_itself(n_in, n_out, links, values)
    block.velocity[:] = velocity
    return block


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(0.1, 0.95))
@pytest.mark.parametrize("name", NAMES)
def test_escape_keeps_the_number_of_links_and_the_survivors(name, seed, q):
    block = trained_block(seed)
    before, values, velocity = block.links(), block.values.copy(), block.velocity.copy()
    keep = topology.survivors(values, q)
    strategies.create(name, SETTINGS).regrow(block, q, 0.3, np.random.default_rng(seed), before)
    after = block.links()
    assert len(after) == len(before)
    assert (np.diff(after) > 0).all()
    survived = np.isin(after, before[keep])
    assert survived.sum() == keep.sum()
    assert np.array_equal(block.values[survived], values[keep])
    assert np.array_equal(block.velocity[survived], velocity[keep])
    assert not block.velocity[~survived].any()
    assert (np.abs(block.values[~survived]) <= 0.3).all()


@pytest.mark.parametrize("name", ["rd_tse", "fd_tse"])
@pytest.mark.parametrize("seed", range(5))
def test_disjoint_escape_avoids_all_earlier_links_while_places_last(name, seed):
    block = trained_block(seed)
    earlier = topology.union(block.links(), trained_block(seed + 100).links())
    kept = block.links()[topology.survivors(block.values, 0.8)]
    report = strategies.create(name, SETTINGS).regrow(block, 0.8, 0.3, np.random.default_rng(seed), earlier)
    new = np.setdiff1d(block.links(), kept)
    assert report.fallbacks == 0
    assert not np.isin(new, earlier).any()


@pytest.mark.parametrize("name", ["rd_tse", "fd_tse"])
def test_disjoint_escape_fills_up_and_counts_when_places_run_out(name):
    block = trained_block(1)
    kept = block.links()[topology.survivors(block.values, 0.8)]
    free = np.setdiff1d(np.arange(block.places), block.links())
    earlier = np.setdiff1d(np.arange(block.places), free[:10])
    report = strategies.create(name, SETTINGS).regrow(block, 0.8, 0.3, np.random.default_rng(0), earlier)
    new = np.setdiff1d(block.links(), kept)
    assert np.isin(free[:10], new).all()
    assert report.fallbacks == len(new) - 10
    assert np.isin(new, earlier).sum() == report.fallbacks


@pytest.mark.parametrize("kind", sorted(DISTANCES))
@pytest.mark.parametrize("factor", [0.0, 1.5])
def test_distance_escape_is_at_least_as_far_as_it_promises(kind, factor):
    block = trained_block(3)
    keep = topology.survivors(block.values, 0.8)
    distance = DISTANCES[kind](block, keep)
    kept = block.links()[keep]
    # The same draws again, the slow way: mean and deviation of the sample decide which candidate is the first.
    rng, count = np.random.default_rng(9), int((~keep).sum())

    def draw():
        return topology.grow(kept, count, block.places, rng), topology.start_values(count, 0.3, rng)

    sample = [distance(*draw()) for _ in range(30)]
    wanted = np.mean(sample) + factor * np.std(sample)
    draws = 30
    while True:
        draws += 1
        links, values = draw()
        if distance(links, values) >= wanted:
            break
    settings_ = {**SETTINGS, "distance_factor": factor, "distance": kind}
    report = strategies.create("dist_tse", settings_).regrow(block, 0.8, 0.3, np.random.default_rng(9), links)
    assert report.draws == draws
    assert np.array_equal(np.setdiff1d(block.links(), kept), links)


def test_distance_escape_gives_up_in_one_line():
    settings_ = {**SETTINGS, "distance_factor": 1000.0, "distance_max_draws": 5}
    with pytest.raises(UserError, match=r"lower training\.distance_factor"):
        strategies.create("dist_tse", settings_).regrow(
            trained_block(0), 0.8, 0.3, np.random.default_rng(0), np.empty(0, np.int64)
        )


@pytest.mark.parametrize("name", ["no_such", "../evil", "os", ""])
def test_unknown_strategies_are_refused(name):
    with pytest.raises(UserError, match="no escape strategy"):
        strategies.create(name, SETTINGS)
