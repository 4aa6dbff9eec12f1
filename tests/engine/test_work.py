"""Work and memory follow the links: counted, never timed."""

import tracemalloc

import numpy as np
import pytest

from truly_sparse.engine import topology
from truly_sparse.engine.graph import Block
from truly_sparse.engine.linked import regrow_at_random
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.streams import Streams
from truly_sparse.ensembles import strategies


def peak(action):
    """Return the largest traced memory while `action` runs, above what was held before; compiled and imported first."""
    action()
    tracemalloc.start()
    action()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def block_of(n, epsilon=10.0):
    rng = np.random.default_rng(0)
    links = topology.erdos_renyi(n, n, epsilon, rng)
    return Block.by_itself(n, n, links, topology.start_values(len(links), 0.1, rng))


def test_an_epoch_allocates_nothing_that_grows_with_its_steps():
    network = SparseMLP.erdos_renyi([20, 300, 300, 3], 10, [0.0, 0.0], Streams(0).start)
    rng = np.random.default_rng(0)
    x, y = rng.random((6400, 20), dtype=np.float32), rng.integers(0, 3, 6400)

    def epoch(rows):
        order = np.arange(rows)
        return lambda: network.train_epoch(x, y, order, 64, SGD(0.01, clip=1.0), 0.2, 0, 0)

    epoch(64)()
    assert peak(epoch(6400)) < peak(epoch(64)) + 2000 < 20_000


@pytest.mark.parametrize("name", ["edst_rg", "rd_tse", "fd_tse", "dist_tse"])
@pytest.mark.parametrize("distance", ["row_wise", "all_pairs"])
def test_the_memory_of_an_escape_doubles_with_the_links(name, distance):
    settings = {"distance_factor": 0.0, "distance": distance, "distance_samples": 5, "distance_max_draws": 100}
    sizes = {}
    for n in (2000, 4000):
        block = block_of(n)
        earlier = block.links()
        sizes[n] = peak(
            lambda block=block, earlier=earlier: strategies.create(name, settings).regrow(
                block, 0.8, 0.1, np.random.default_rng(0), earlier
            )
        )
        assert sizes[n] < 150 * len(block)
    assert sizes[4000] < 2.3 * sizes[2000]


def test_the_memory_of_a_set_step_does_not_depend_on_the_places():
    narrow, wide = block_of(1000, 16), block_of(8000, 2)
    assert abs(len(narrow) / len(wide) - 1) < 0.05
    found = [peak(lambda b=b: regrow_at_random(b, 0.2, 0.1, np.random.default_rng(0))) for b in (narrow, wide)]
    assert found[1] < 1.2 * found[0] + 16 * 8000


def test_drawing_takes_as_many_random_numbers_as_links():
    """Rejection would need ever more draws as a block fills up; the rank method needs about one a link."""

    class Counting:
        def __init__(self):
            self.rng, self.drawn = np.random.default_rng(0), 0

        def integers(self, low, high, size):
            self.drawn += size
            return self.rng.integers(low, high, size=size)

        def permutation(self, count):
            self.drawn += count
            return self.rng.permutation(count)

    for places, share in ((10_000, 0.01), (10_000, 0.9), (10_000, 0.99), (10**12, 1e-9)):
        rng = Counting()
        occupied = (
            np.sort(np.random.default_rng(1).choice(places, int(places * share), replace=False))
            if (places < 10**6)
            else np.arange(1000) * 10**8
        )
        count = min(500, places - len(occupied))
        topology.grow(occupied.astype(np.int64), count, places, rng)
        assert rng.drawn <= 2.1 * count
