"""Sums over a run of sources at a time are those over all of them, to the bit, and right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.engine import forward, team
from truly_sparse.engine import network as network_module
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.topology import erdos_renyi

from .random_networks import FEW, Kind, Pools, Trial

KINDS = Kind(), Kind(count=16), Kind(mish=True, optimiser="adam", count=112), Kind(samples="bytes", threads=2)


@pytest.fixture
def _small_layers_have_runs(monkeypatch):
    monkeypatch.setattr(forward, "DENSE", 0)
    monkeypatch.setattr(forward, "FEWEST_RUNS", 1)
    monkeypatch.setattr(forward, "FEWEST_NEURONS", 1)
    monkeypatch.setattr(team, "WORTH", 1)
    monkeypatch.setattr(team.Crew, "trained", lambda *_: None)


@pytest.fixture
def walked(monkeypatch):
    """Return a list of what `runs_of` returns."""
    noted = []

    def runs_of(*arguments):
        noted.append(forward.runs_of(*arguments))
        return noted[-1]

    monkeypatch.setattr(network_module, "runs_of", runs_of)
    return noted


@pytest.mark.usefixtures("_small_layers_have_runs")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.samples}-{kind.count}")
def test_networks_with_runs_are_right(kind, walked, monkeypatch):
    """Networks of every density, with shortcuts, dropout and clipping, are held against the slow ones."""
    monkeypatch.setattr(forward, "RUN_BYTES", 4 * kind.count * 3)
    pools = Pools(kind, np.random.default_rng(0))
    for number in range(40):
        assert Trial(kind, pools, np.random.default_rng([2, number])).check().share <= 1, number
    counts = [own.needed.max() for own in walked if own]
    assert len(counts) > 20
    assert max(counts) > 2


@pytest.mark.usefixtures("_small_layers_have_runs")
@given(number=st.integers(0, 2**32), sources=st.integers(1, 12))
def test_a_run_of_any_size_gives_the_same_bits(number, sources):
    kind = FEW[0]
    pools = Pools(kind, np.random.default_rng(0))
    states = []
    with pytest.MonkeyPatch.context() as patches:
        for size in (sources, 0):
            patches.setattr(forward, "RUN_BYTES", 4 * kind.count * size)
            trial = Trial(kind, pools, np.random.default_rng([3, number]))
            result = trial.train(np.arange(trial.batch), trial.first)
            states.append([np.array(result, float), *trial.network.copy_state().values()])
    for one, other in zip(*states, strict=True):
        np.testing.assert_array_equal(one.view(np.uint8), other.view(np.uint8))


def dense_enough(density, storage="float32"):
    """Return a network of which the second layer leads to the third with so many of its links, and samples."""
    rng, sizes = np.random.default_rng(0), (20, 300, 250, 20, 4)
    links = {(0, 1): np.arange(6000), (1, 2): np.flatnonzero(rng.random(75_000) < density),
             (2, 3): np.arange(5000), (3, 4): np.arange(80), (0, 2): erdos_renyi(20, 250, 2, rng)}  # fmt: skip
    network = SparseMLP.start(sizes, links, [0.1, -0.1, 0.2], rng, storage=storage)
    return network, rng.normal(size=(256, 20)).astype(np.float32), rng.integers(0, 4, 256)


@pytest.mark.parametrize("threads", [1, 2])
def test_layers_that_are_dense_enough_have_runs_and_the_same_bits(threads, walked, monkeypatch):
    monkeypatch.setattr(team, "WORTH", 1)
    states = []
    for runs in (4, 1000):
        monkeypatch.setattr(forward, "FEWEST_RUNS", runs)
        network, x, y = dense_enough(0.5)
        for epoch in range(2):
            network.train_epoch(x, y, np.arange(256), 128, SGD(0.1), 0.2, 7, 2 * epoch, None, threads)
        states.append(network.copy_state())
    assert [bool(own) for own in walked] == [True, True, False, False]
    assert walked[0].needed.tolist() == [0, 0, 5, 4, 0]
    for name, values in states[0].items():
        np.testing.assert_array_equal(values.view(np.uint8), states[1][name].view(np.uint8))


def test_runs_hold_each_link_once_in_their_order():
    network, *_ = dense_enough(0.5)
    links, starts = network.graph.arrays, np.array([0, 20, 320, 570, 590, 594])
    runs = forward.runs_of(links, starts, 128)
    assert runs.size == 64
    expected = []
    sources = np.repeat(np.arange(590), np.diff(links.pointers))
    for layer in (2, 3):
        into = (links.targets >= starts[layer]) & (links.targets < starts[layer + 1])
        own = np.flatnonzero(into)
        number = (sources[own] - sources[own].min()) // 64
        expected += own[np.lexsort([sources[own], links.targets[own], number])].tolist()
        counts = np.zeros((number.max() + 1, starts[layer + 1] - starts[layer]), int)
        np.add.at(counts, (number, links.targets[own] - starts[layer]), 1)
        ends = runs.ends[runs.at[layer] : runs.at[layer] + counts.size + 1]
        np.testing.assert_array_equal(np.diff(ends), counts.reshape(-1))
    np.testing.assert_array_equal(runs.position, expected)
    np.testing.assert_array_equal(runs.sources, sources[expected])


@pytest.mark.parametrize(("density", "storage"), [(0.05, "float32"), (0.5, "bfloat16")])
def test_sparse_layers_and_small_rows_have_no_runs(density, storage, walked):
    network, x, y = dense_enough(density, storage)
    network.train_epoch(x, y, np.arange(256), 128, SGD(0.1), 0.0, 7, 0)
    assert not any(own.needed[2] for own in walked if own)
