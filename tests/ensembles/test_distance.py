"""Distances against dense NumPy and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances

from truly_sparse.engine import topology
from truly_sparse.engine.graph import Block
from truly_sparse.ensembles.distance import DISTANCES


def example(seed: int, n_in: int, n_out: int, epsilon: float):
    """A block, the marks of its survivors, and one regrowth as links and values."""
    rng = np.random.default_rng(seed)
    links = topology.erdos_renyi(n_in, n_out, epsilon, rng)
    block = Block.by_itself(n_in, n_out, links, rng.normal(size=len(links)).astype(np.float32))
    keep = topology.survivors(block.values, 0.8)
    count = int((~keep).sum())
    grown = topology.grow(links[keep], count, block.places, rng)
    return block, keep, grown, rng.normal(size=count).astype(np.float32)


def dense(block: Block, links, values):
    matrix = np.zeros(block.places)
    matrix[links] = values
    return matrix.reshape(block.n_in, block.n_out)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(2, 30), st.integers(2, 30), st.floats(0.5, 5))
@pytest.mark.parametrize("kind", sorted(DISTANCES))
def test_distance_equals_the_dense_one(kind, seed, n_in, n_out, epsilon):
    block, keep, grown, values = example(seed, n_in, n_out, epsilon)
    before = dense(block, block.links(), block.values)
    after = dense(block, block.links()[keep], block.values[keep]) + dense(block, grown, values)
    expected = {
        "row_wise": np.linalg.norm(after - before, axis=1).sum(),
        "all_pairs": pairwise_distances(before, after).sum(),
    }[kind]
    assert DISTANCES[kind](block, keep)(grown, values) == pytest.approx(expected, rel=1e-6, abs=1e-4)
