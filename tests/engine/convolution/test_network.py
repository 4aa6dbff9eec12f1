"""What no convolutional network is made of, what none takes, and what makes no difference to one."""

import numpy as np
import pytest

from truly_sparse.engine.convolution import architectures, layers
from truly_sparse.engine.convolution.layers import Plan, tables
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.convolution.start import start
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.ramped import Ramped
from truly_sparse.engine.rows import Bytes, NonZeros
from truly_sparse.errors import UserError

PLAN = Plan((1, 16, 16), architectures.spas(3, channels=(3, 4)))
FEATURES = 256


def network():
    return start(PLAN, (200, 100), np.random.default_rng(0))


def test_a_graph_or_bounds_of_other_layers_are_refused():
    made, other = network(), Plan((1, 16, 16), architectures.plain(3, channels=(3, 4)))
    with pytest.raises(UserError, match="the graph is not that of the layers"):
        SparseCNN(other, made.graph, made.bounds)
    with pytest.raises(UserError, match="one number is needed for each block"):
        SparseCNN(PLAN, made.graph, {})


def test_kernels_that_reach_further_than_32_bits_are_refused():
    plan = Plan((30, 8, 10**7), architectures.plain(3, channels=(3, 4)))
    with pytest.raises(UserError, match=r"its kernels span more than 2 \*\* 31 numbers"):
        tables(plan, 16)


@pytest.mark.parametrize(
    ("rows", "error", "said"),
    [
        (NonZeros(*[np.zeros(0)] * 4, FEATURES), UserError, "sparse rows are for perceptrons"),
        (np.zeros((2, 9), np.float32), ValueError, "256 features expected"),
        (
            Ramped(np.zeros((2, 2)), np.array([0, FEATURES]), *[np.zeros(FEATURES)] * 2),
            ValueError,
            "ramps are for networks whose links are single ones",
        ),
        (Bytes(np.zeros((2, FEATURES), np.uint8), np.ones(3), np.zeros(3)), ValueError, "for each of 256 features"),
    ],
)
def test_rows_of_other_kinds_are_refused(rows, error, said):
    with pytest.raises(error, match=said):
        network().predict_proba(rows)


def test_fewer_pictures_than_a_batch_are_refused():
    x, y = np.zeros((40, FEATURES), np.float32), np.zeros(40, np.int64)
    with pytest.raises(UserError, match="a batch of 20 samples cannot be made of 19"):
        network().train_epoch(x, y, np.arange(19), 20, SGD(0.05))


def test_how_many_rows_of_a_map_the_cache_holds_changes_no_bit(monkeypatch):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, FEATURES)).astype(np.float32), rng.integers(0, 3, 40)
    bands, joined, found = [], [], []
    for cache, least in ((1, 1), (1, layers.LEAST_ROWS), (70_000, 1), (1 << 20, 1)):
        monkeypatch.setattr(layers, "second_level_cache", lambda cache=cache: cache)
        monkeypatch.setattr(layers, "LEAST_ROWS", least)
        bands.append(int(tables(PLAN, 32)[0].steps[2][layers.Step._fields.index("band")]))
        joined.append(layers.joins(PLAN, 1))
        made = network()
        result = made.train_epoch(x, y, np.arange(40), 20, SGD(0.05))
        found.append((result.loss, made.predict_proba(x).tobytes(), made.graph.values.tobytes()))
    assert 1 == bands[0] < bands[1] == 4
    assert 1 < bands[2] < bands[3] == 8
    assert joined == [0, 0, 0, 3]
    assert found[0] == found[1] == found[2] == found[3]
