"""A few of the random networks that `oracle.py` draws by the million, and that a constant which is off is noticed."""

import numpy as np
import pytest

from truly_sparse.engine.optimisers import SGD

from .convolution import random_networks as maps
from .random_networks import FEW, Pools, Trial
from .reference import Reference
from .rounding import TINY, probabilities_of


def shares(kind, make=Trial, count=25):
    """Return the worst errors of some networks, as shares of their bounds."""
    pools = Pools(kind, np.random.default_rng(0))
    return [make(kind, pools, np.random.default_rng([1, number])).check().share for number in range(count)]


class Off(Trial):
    """A network whose kernels are given a constant that is off by 1 in 100,000."""

    def __init__(self, kind, pools, rng):
        super().__init__(kind, pools, rng)
        self.was = self.optimiser, self.rate, self.network.slopes.copy()

    def train(self, rows, number):
        self.spoil()
        result = super().train(rows, number)
        self.optimiser, self.rate, self.network.slopes = self.was
        return result


class Rate(Off):
    def spoil(self):
        self.optimiser = self.optimiser._replace(rate=self.optimiser.rate * 1.00001)


class Memory(Off):
    def spoil(self):
        name = "momentum" if isinstance(self.optimiser, SGD) else "beta1"
        self.optimiser = self.optimiser._replace(**{name: getattr(self.optimiser, name) * 1.00001})


class Slopes(Off):
    def spoil(self):
        self.network.slopes = self.network.slopes * np.float32(1.00001)


class Dropped(Off):
    def spoil(self):
        self.rate *= 1.00001


@pytest.mark.parametrize("kind", FEW, ids=str)
def test_a_few_networks_are_as_near_to_the_slow_one_as_rounding_allows(kind):
    found = shares(kind)
    assert max(found) <= 1
    assert np.median(found) > 0.05  # what is allowed is no more than some times what happens


@pytest.mark.parametrize(
    ("kind", "off"),
    [
        *((FEW[0], off) for off in (Rate, Memory, Slopes, Dropped)),
        *((own, off) for own in FEW[1:] for off in (Rate, Memory)),
    ],
)
def test_a_constant_that_is_a_little_off_is_noticed(kind, off):
    assert max(shares(kind, off)) > 1.5


def test_of_networks_that_diverged_a_probability_is_off_by_one_at_most():
    pools = Pools(FEW[0], np.random.default_rng(0))
    for number in range(25):
        trial = Trial(FEW[0], pools, np.random.default_rng([1, number]))
        trial.network.graph.values[:] *= np.float32(1e8)
        found, bound = probabilities_of(Reference.of_sparse(trial.network), trial.x)
        assert np.all((bound >= TINY) & (bound <= 1 + TINY))
        assert np.all(np.abs(trial.network.predict_proba(trial.x) - found) <= bound)


def test_a_few_networks_of_maps_are_near_the_slow_one():
    for number in range(12):
        assert maps.check(maps.Kind(), np.random.default_rng([1, number])).share <= 1
