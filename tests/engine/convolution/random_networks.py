"""Small random convolutional networks, each held against the slow float64 one, with what rounding can do to it.

How far rounding leads is not followed through normalisation and pools, but tried: in some copies of the slow network
every map is shaken, each number up or down by a few times what its storage may be off by, and of its channel's size, in
which sums are rounded; and so is a channel as a whole, for numbers that lie close together are rounded alike. So are
the moments of a batch: kernels sum squares of distances from the running mean, which is 0 in a first batch, so that a
variance is off by roundings of the squared mean, too. Every copy has another that is shaken the other way, so that a
number near a border, where a slope or a maximum changes, is beyond it in one of both. Kernels may be `ROOM` times as
far from the slow network as the furthest copy, of few at first and of many where that is not enough; what moments and
the way back round, normalisation magnifies, too. Gradients are compared along one direction in which all parameters
move, each up or down by chance.
"""

from itertools import product
from typing import NamedTuple
from unittest.mock import patch

import numpy as np

from truly_sparse.engine import topology
from truly_sparse.engine.convolution import layers
from truly_sparse.engine.convolution.layers import Convolution, MaxPool, Plan
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.rows import Bytes, taken
from truly_sparse.errors import UserError

from ..rounding import UNIT, Worst
from .reference import SlowNetwork

#: Pairs of copies, at first and at last, and how many roundings each number is shaken by, twice.
PAIRS, TIMES, ROOM = (4, 100), 4, 3
#: What a number that is stored, or a sum of products, is off by, relative to the numbers around it.
OFF = {"float32": 2 * UNIT, "bfloat16": 2.0**-9}
STEP = 1e-7
#: Bytes of a cache, which say how many rows of a map are taken at a time: one, where so few are let, a few, or all.
CACHES = 1, 10_000, 1 << 20
PURE = SGD(1.0, 0.0, 0.0)


class Kind(NamedTuple):
    """What kernels are compiled for."""

    storage: str = "float32"
    samples: str = "numbers"


def kind_of(rng):
    """Draw a kind."""
    return Kind(str(rng.choice(["float32", "bfloat16"])), str(rng.choice(["numbers", "bytes"])))


def plan_of(kind, rng):
    """Draw pictures and layers that fit each other; in bfloat16 without maxima, as there equal numbers are many."""
    maxima = kind.storage == "float32"
    while True:
        picture = tuple(int(n) for n in (rng.integers(1, 3), rng.integers(2, 9), rng.integers(2, 9)))
        layers = []
        for number in range(int(rng.integers(1, 4))):
            if number and maxima and rng.random() < 0.15:
                layers.append(MaxPool(len(layers)))
            many = len(layers) > 1 and rng.random() < 0.3
            kernel = int(rng.integers(1, 4))
            layers.append(
                Convolution(
                    tuple(sorted({len(layers), int(rng.integers(1, len(layers) + 1))})) if many else (len(layers),),
                    int(rng.integers(1, 5)),
                    kernel,
                    int(rng.integers(0, kernel)),
                    norm=bool(layers) and bool(rng.random() < 0.5),
                    activation=str(rng.choice(["none", "relu", "mish"])) if layers else "none",
                    pool=str(rng.choice(["none", "average", "max"][: 2 + maxima])) if layers and not many else "none",
                    bias_per_map=bool(many and rng.random() < 0.5),
                )
            )
        pool = str(rng.choice(["global", "flatten", "flatten_max"][: 2 + maxima]))
        layers.append(
            Convolution((len(layers),), int(rng.integers(2, 5)), 1, 0, bool(rng.random() < 0.5 and pool == "global"),
                        str(rng.choice(["relu", "mish"])), pool)
        )  # fmt: skip
        try:
            return picture, layers, Plan(picture, layers)
        except UserError:
            continue


def network_of(kind, rng):
    """Draw a network."""
    picture, layers, plan = plan_of(kind, rng)
    density = rng.choice([0.2, 0.6, 1.0])
    links = {(i, j): topology.bernoulli(plan.sizes[i] * plan.sizes[j], density, rng) for i, j in plan.pairs}
    network = SparseCNN.start(picture, layers, links, rng, storage=kind.storage)
    network.norms[:] += rng.normal(size=len(network.norms)).astype(np.float32) * 0.3
    return network


class Shaking:
    """Shakes maps in the same way each time it is made of the same seed, or the other way."""

    def __init__(self, seed, off):
        self.rng, self.off = np.random.default_rng(seed), off

    def __call__(self, maps):
        own, size = self.rng.integers(0, 2, (2, *maps.shape)) * 2.0 - 1
        whole = self.rng.integers(0, 2, maps.shape[1])[:, None, None] * 2.0 - 1
        around = np.sqrt((maps**2).mean((0, 2, 3), keepdims=True))
        return maps * (1 + self.off * own) + self.off * around * (size + whole)

    def settle(self, mean, variance):
        """Shake the moments of channels in a first batch."""
        up, apart = self.rng.integers(0, 2, (2, len(mean))) * 2.0 - 1
        off = np.sign(self.off) * TIMES * UNIT
        return mean * (1 + off * up), np.maximum(variance + off * apart * (variance + 2 * mean**2), 0)


def probabilities(slow, x, moments=None):
    logits = slow.forward(x, moments)
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def within(slow, kind, measured, pairs):
    """Return what `measured` finds in the slow network, and how far off that is in shaken copies, at most."""
    slow.store = SlowNetwork.store
    wanted, off = measured(), 0.0
    for seed, way in product(range(pairs), (TIMES, -TIMES)):

        def fresh(seed=seed, way=way):
            slow.store = Shaking(seed, way * OFF[kind.storage])
            slow.settle = slow.store.settle

        off = np.maximum(off, np.abs(measured(fresh) - wanted))
    slow.store, slow.settle = SlowNetwork.store, SlowNetwork.settle
    return wanted, off


def check(kind, rng):
    """Draw a network, train it for one pure step and predict; return the worst error."""
    cache = int(rng.choice(CACHES))
    least = layers.LEAST_ROWS if cache > 1 else 1
    with patch.object(layers, "second_level_cache", lambda: cache), patch.object(layers, "LEAST_ROWS", least):
        return _checked(kind, rng)


def _checked(kind, rng):
    network, worst = network_of(kind, rng), Worst()
    batch, features = int(rng.integers(1, 41)), int(np.prod(network.plan.picture))
    if kind.samples == "bytes":
        scale, shift = rng.normal(size=(2, features)).astype(np.float32) / np.float32([[80], [1]])
        x = Bytes(rng.integers(0, 256, (batch, features)).astype(np.uint8), scale, shift)
    else:
        x = rng.normal(size=(batch, features)).astype(np.float32)
    y, dense = rng.integers(0, network.sizes[-1], batch), taken(x, slice(None)).astype(np.float64)
    slow = SlowNetwork(network)
    before = [own.astype(np.float64) for own in (network.graph.values, network.biases, network.norms)]
    result = network.train_epoch(x, y, np.arange(batch), batch, PURE)
    moves = [old - new for old, new in zip(before, (network.graph.values, network.biases, network.norms), strict=True)]
    ways = [rng.choice([-1.0, 1.0], len(own)) for own in before]

    def loss(fresh=lambda: None):
        fresh()
        return slow.loss(dense, y)

    def away(step, fresh=lambda: None):
        """Return the loss a step away."""
        nudge(slow, network, [step * way for way in ways])
        found = loss(fresh)
        nudge(slow, network, [-step * way for way in ways])
        return found

    def slope(fresh=lambda: None):
        return (away(STEP, fresh) - away(-STEP, fresh)) / (2 * STEP)

    def see(what, found, slow, measured, bound):
        """Compare with what is measured; a number beyond the bound by few copies is held against many."""
        for pairs in PAIRS:
            wanted, off = within(slow, kind, measured, pairs)
            if np.all(np.abs(found - wanted) <= bound(wanted, off)):
                break
        worst.see(what, found, wanted, bound(wanted, off))

    grown = magnified(network)
    see("loss of maps", result.loss, slow, loss, lambda wanted, off: ROOM * off + 8 * UNIT * grown * (1 + wanted))
    kink = abs(away(STEP) - 2 * loss() + away(-STEP)) / (2 * STEP)  # what a border within the step makes of the slope
    size = sum(np.abs(own).sum() + np.abs(move).sum() for own, move in zip(before, moves, strict=True))
    found = sum(move @ way for move, way in zip(moves, ways, strict=True))

    def near(wanted, off):
        return kink + (ROOM * off + UNIT * size + 1e-7 * (1 + abs(wanted))) * grown

    see("gradients of maps", found, slow, slope, near)
    after, state = SlowNetwork(network), network.copy_state()
    moments = [state[key].astype(float) for key in ("running_means", "running_variances")]

    def shown(fresh=lambda: None):
        fresh()
        return probabilities(after, dense, moments)

    shares = network.predict_proba(x)
    see("predict_proba of maps", shares, after, shown, lambda _, off: ROOM * off.max() + 8 * UNIT)
    return worst


def magnified(network):
    """Return by how much normalisation magnified rounding in the only batch so far: sizes over deviations, at most."""
    plan, state = network.plan, network.copy_state()
    normed = np.repeat(plan.normed, [shape.channels for shape in plan.shapes])
    mean = state["running_means"][normed] / 0.1
    variance = np.maximum(state["running_variances"][normed] - 0.9, 0) / 0.1
    return np.sqrt((mean**2 + variance + 1e-5) / (variance + 1e-5)).max(initial=1)


def nudge(slow, network, by):
    """Move links, biases and norms of the slow network."""
    links, biases, norms = by
    for block, kernel in zip(network.blocks, slow.kernels, strict=True):
        dense = np.zeros(block.places)
        dense[block.links()] = links[block.where]
        side = kernel.shape[2]
        kernel += dense.reshape(side, -1, side, block.n_out).transpose(3, 1, 0, 2)
    slow.biases += biases
    slow.norms += norms
