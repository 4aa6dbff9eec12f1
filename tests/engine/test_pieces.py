"""Samples that are made piece by piece train and predict as those in memory do, to the last bit."""

import numpy as np
import pytest

from truly_sparse.engine.optimisers import SGD, Adam
from truly_sparse.engine.pieces import Pieces
from truly_sparse.engine.rows import taken

from .test_gate import gate_of, random_probabilities
from .test_graph import network_of, problem


class Torn(Pieces):
    """Samples in memory that come in pieces, in one array that is written over and over."""

    def __init__(self, x, units):
        self.x, self.units, self.shape = x, units, x.shape

    def __getitem__(self, rows):
        return Torn(self.x[rows], self.units)

    def made(self, order, unit):
        size = self.units * unit
        room = np.empty((size, self.shape[1]), np.float32)
        for start in range(0, len(order), size):
            some = order[start : start + size]
            room[: len(some)] = self.x[some]
            yield room[: len(some)]
            room[:] = np.nan


@pytest.mark.parametrize("optimiser", [SGD(0.1, clip=1.0), SGD(np.linspace(0.2, 0.01, 9)), Adam(0.01, l1=1e-4)])
@pytest.mark.parametrize("units", [1, 2, 4, 50])
@pytest.mark.parametrize("how", ["plain", "gated", "two threads"])
def test_an_epoch_in_pieces_is_an_epoch(optimiser, units, how):
    networks = [network_of() for _ in range(2)]
    x, y = problem(300, networks[0].sizes[0], networks[0].sizes[-1])
    order = np.random.default_rng(0).permutation(300)
    gated, threads = {"gate": gate_of(random_probabilities(networks[0]))}, {"threads": 2}
    more = {"plain": {}, "gated": gated, "two threads": threads}[how]
    found = [
        network.train_epoch(samples, y, order, 32, optimiser, 0.3, 7, 5, **more)
        for network, samples in zip(networks, (x, Torn(x, units)), strict=True)
    ]
    assert found[0] == found[1]  # the loss, too
    one, other = (network.copy_state() for network in networks)
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)
    assert networks[0].predict_proba(x).tobytes() == networks[1].predict_proba(Torn(x, units)).tobytes()
    assert networks[0].predict_proba(Torn(x[:0], units)).shape == (0, networks[0].sizes[-1])


def test_an_epoch_in_pieces_stops_where_the_loss_is_no_number():
    network = network_of()
    x, y = problem(300, network.sizes[0], network.sizes[-1])
    x[40] = np.inf
    result = network.train_epoch(Torn(x, 1), y, np.arange(300), 32, SGD(0.1), 0.0, 0, 0)
    assert not np.isfinite(result.loss)


def test_samples_in_pieces_are_never_all_there():
    with pytest.raises(TypeError, match="piece by piece"):
        taken(Torn(np.zeros((4, 2), np.float32), 1), slice(None))
