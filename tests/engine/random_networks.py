"""Small random networks, each held against the slow float64 one within the bounds of `rounding`, by its number.

`STRETCH` numbers in a row share what kernels are compiled for: a `Kind`, which is drawn for all of them. All else is
drawn anew for each: layers, blocks, density, weights, activations, optimiser, dropout, clipping, samples. A process
looks at some numbers and prints what it found as a line of JSON: `python -m tests.engine.random_networks --help`.
"""

import argparse
import json
import time
from itertools import combinations
from typing import NamedTuple

import numpy as np

from truly_sparse.engine import forward, team
from truly_sparse.engine.dropout import layer_key, mix, threshold
from truly_sparse.engine.gate import Gate, thresholds_of
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD, Adam, of_gradients
from truly_sparse.engine.rows import Bytes, taken
from truly_sparse.engine.workspace import SHARE
from truly_sparse.measure import host

from ..ensembles.subnetwork_reference import active_links
from .convolution import random_networks as maps
from .reference import Reference, to_bfloat16
from .rounding import UNIT, Worst, bounds_of, exceeds, moved, probabilities_of
from .test_ramped import ramps
from .test_sparse_kernels import non_zeros

#: Numbers in a row that share a kind, and how many of these stretches come to one of convolutional networks.
STRETCH, EVERY = 5000, 20
ROWS = 400
NAMES = "parameters", "first moments", "second moments"


class Kind(NamedTuple):
    """What kernels are compiled for."""

    storage: str = "float32"
    mish: bool = False
    samples: str = "numbers"
    optimiser: str = "sgd"
    gate: bool = False
    threads: int = 1
    #: Samples of a batch, rounded up to whole vectors, or to pairs of them.
    count: int = 64


#: Kinds for a few networks only, that other tests compile kernels for as well.
FEW = Kind(), Kind(mish=True, optimiser="adam"), Kind(storage="bfloat16")


def kind_of(rng):
    """Draw a kind."""
    storage = str(rng.choice(["float32", "bfloat16"]))
    samples = str(rng.choice(["numbers", "bytes", "non_zeros", "ramps"], p=[0.4, 0.25, 0.2, 0.15]))
    unit = 16 * SHARE[storage]
    gate = bool(rng.random() < 0.25) and samples != "non_zeros"
    return Kind(
        storage=storage,
        mish=bool(rng.random() < 0.5),
        samples=samples,
        optimiser=str(rng.choice(["sgd", "adam"])),
        gate=gate,
        threads=2 if rng.random() < 0.15 and not gate and samples != "non_zeros" else 1,
        count=unit * int(rng.choice(np.arange(1, 160 // unit + 1))),
    )


class Pools:
    """Samples that the networks of a stretch choose from: what is slow to write out, once."""

    def __init__(self, kind, rng):
        self.kind = kind
        self.ramps = [ramps(ROWS, rng.integers(0, 5, 5) + (np.arange(5) == 0), rng)[0] for _ in range(6)] if (
            kind.samples == "ramps") else []  # fmt: skip

    def draw(self, rng, rows):
        """Return so many samples."""
        kind = self.kind.samples
        if kind == "ramps":
            own = self.ramps[rng.integers(len(self.ramps))]
            return own.some(rng.integers(ROWS, size=rows))
        features = int(rng.integers(1, 18))
        if kind == "bytes":
            scale, shift = rng.normal(size=(2, features)).astype(np.float32) / np.float32([[80], [1]])
            return Bytes(rng.integers(0, 256, (rows, features)).astype(np.uint8), scale, shift)
        x = (rng.normal(size=(rows, features)) * 10.0 ** rng.uniform(-1, 0.5)).astype(np.float32)
        if kind == "non_zeros":
            return non_zeros(x * (rng.random((rows, features)) < rng.choice([0.1, 0.4, 1.0])), rng)
        return x


def single(value):
    """Return a number as float32 holds it: settings are rounded before either network sees them."""
    return float(np.float32(value))


def optimiser_of(kind, rng):
    """Draw an optimiser with all its settings."""
    clip = single(10 ** rng.uniform(-3, 0.5)) if rng.random() < 0.4 else 0.0
    decay = single(10 ** rng.uniform(-4, -1)) if rng.random() < 0.6 else 0.0
    if kind == "adam":
        beta1, beta2 = rng.choice([0.0, 0.8, 0.9]), rng.choice([0.9, 0.99, 0.999])
        epsilon, l1 = single(10.0 ** rng.uniform(-8, -2)), single(rng.choice([0, 1e-4, 1e-2]))
        return Adam(single(10 ** rng.uniform(-4, -1)), float(beta1), float(beta2), epsilon, l1, decay, clip)
    momentum = single(rng.choice([0.0, rng.uniform(0.1, 0.99)]))
    own = SGD(single(10 ** rng.uniform(-3, 0)), momentum, decay, clip, *(rng.random(2) < 0.5).tolist())
    if momentum and rng.random() < 0.2:
        torch = of_gradients(own, own.rate * rng.uniform(0.5, 2), 1)
        return torch._replace(momentum=single(torch.momentum[0]), lookahead=single(torch.lookahead))
    return own


def network_of(kind, features, rng):
    """Draw a network: layers, blocks, links, values, biases and moments."""
    sizes = [features, *rng.integers(1, 13, rng.choice([0, 1, 2, 3], p=[0.1, 0.35, 0.35, 0.2])), rng.integers(2, 6)]
    sizes = [int(n) for n in sizes]
    pairs = [(i, j) for i, j in combinations(range(len(sizes)), 2) if rng.random() < (0.95 if j == i + 1 else 0.3)]
    pairs = pairs or [(0, len(sizes) - 1)]
    density = rng.choice([0.0, 0.1, 0.3, 0.6, 1.0], p=[0.03, 0.2, 0.37, 0.25, 0.15])
    links = {(i, j): np.flatnonzero(rng.random(sizes[i] * sizes[j]) < density) for i, j in pairs}
    slopes = "mish" if kind.mish else [single(v) for v in rng.uniform(-1, 1, len(sizes) - 2) * (rng.random() < 0.8)]
    per_block = bool(rng.random() < 0.3)
    network = SparseMLP.start(sizes, links, slopes, rng, storage=kind.storage, bias_per_block=per_block)
    network.graph.values[:] *= np.float32(10.0 ** rng.uniform(-0.7, 0.4))
    network.biases[:] = rng.normal(size=len(network.biases)) * 0.3
    if kind.optimiser == "adam":
        network._keep_second_moments()
    if rng.random() < 0.5:  # in the middle of training
        network.graph.velocity[:] = rng.normal(size=len(network.graph)) * 0.01
        network.bias_velocity[:] = rng.normal(size=len(network.biases)) * 0.01
        network.graph.arrays.second[:] = rng.random(len(network.graph.arrays.second)) * 1e-4
        network._bias_second[:] = rng.random(len(network._bias_second)) * 1e-4
    return network


def masks_of(network, batch, count, rate, key, step):
    """Return what dropout multiplies hidden layers by, in a batch rounded up to `count`, from the hash of `dropout`."""
    found, limit, scale = [], threshold(rate), np.float64(np.float32(1 / (1 - rate)))
    for layer in range(1, len(network.sizes) - 1):
        own = int(layer_key(np.uint64(key), step, layer))
        counter = np.arange(network.sizes[layer] * count, dtype=np.uint32).reshape(-1, count)[:, :batch]
        kept = mix.py_func(counter, np.uint32(own & 0xFFFFFFFF), np.uint32(own >> 32)) >= limit
        found.append(kept.T * scale)
    return found


class Trial:
    """One network, its samples and settings, and the reference beside it."""

    def __init__(self, kind, pools, rng):
        self.kind, self.rng = kind, rng
        unit = 16 * SHARE[kind.storage]
        self.batch = int(rng.integers(kind.count - unit + 1, kind.count + 1))
        self.steps = int(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1]))
        self.x = pools.draw(rng, self.batch + int(rng.integers(0, 8)))
        self.network = network_of(kind, self.x.shape[1], rng)
        self.y = rng.integers(0, self.network.sizes[-1], self.x.shape[0])
        self.optimiser = optimiser_of(kind.optimiser, rng)
        self.rate = float(rng.uniform(0.05, 0.9)) if rng.random() < 0.5 else 0.0
        self.key, self.first = int(rng.integers(2**63)), int(rng.integers(10**6))
        self.done = int(rng.choice([0, 1, 50]))
        if kind.optimiser == "adam":
            self.network._powers[:] = self.optimiser.beta1**self.done, self.optimiser.beta2**self.done
        chances = np.round(rng.random(len(self.network.graph)) * 1.4 - 0.2, 2).clip(0, 1)
        self.chances = chances if kind.gate else np.ones(len(chances))
        coast = bool(rng.random() < 0.5)
        self.gate = Gate(thresholds_of(chances), int(rng.integers(2**63)), coast) if kind.gate else None
        self.store = Reference.store if kind.storage == "float32" else to_bfloat16
        self.places = [(block.where, block.links()) for block in self.network.blocks]
        self.worst = Worst()

    def check(self):
        """Train and predict; return the worst error, as far as float32 holds the sums."""
        for step in range(self.steps):
            if not self.step(self.first + step):
                return self.worst
            self.done += 1
        x = taken(self.x, slice(None))
        reference = Reference.of_sparse(self.network)
        if exceeds(reference, reference.forward(x)[0]):
            return self.worst
        self.worst.see("predict_proba", self.network.predict_proba(self.x), *probabilities_of(reference, x))
        if self.kind.storage == "bfloat16":
            reference.store = self.store
            found = self.network.predict_as_trained(self.x)
            self.worst.see("predict_as_trained", found, *probabilities_of(reference, x))
        return self.worst

    def train(self, rows, number):
        """Let the kernels take a step on some rows."""
        return self.network.train_epoch(
            self.x, self.y, rows, self.batch, self.optimiser, self.rate, self.key, number, self.gate, self.kind.threads
        )

    def flat(self, by_matrix, by_bias):
        """Return numbers for every link, in order of the graph, and then for every bias."""
        links = np.zeros(len(self.network.graph))
        for (where, own), matrix in zip(self.places, by_matrix, strict=True):
            links[where] = matrix.reshape(-1)[own]
        return np.concatenate([links, np.concatenate(by_bias)[self.network._bias_neurons]])

    def step(self, number):
        """Take a step, and compare loss, parameters and moments; return whether float32 holds all sums."""
        network, kind = self.network, self.kind
        rows = self.rng.permutation(self.x.shape[0])[: self.batch]
        x, y = taken(self.x, rows).astype(np.float64), self.y[rows]
        on = np.ones(len(network.graph), bool)
        if self.gate is not None:
            on = active_links(network, self.chances, self.gate.key, number)
        reference = Reference.of_sparse(network)
        reference.store = self.store
        for (where, links), matrix in zip(self.places, reference.matrices, strict=True):
            matrix.reshape(-1)[links[~on[where]]] = 0
        masks = masks_of(network, self.batch, kind.count, self.rate, self.key, number) if self.rate else None
        before = state(network)
        result = self.train(rows, number)
        outputs, factors = reference.forward(x, masks)
        if exceeds(reference, outputs):
            return False
        errors, by_bias = reference.errors(outputs, factors, y)
        by_matrix = [outputs[source].T @ errors[target] for source, target in reference.pairs]
        bounds = bounds_of(reference, outputs, factors, errors, y, masks, kind.count)
        loss = -np.log(np.maximum(outputs[-1][np.arange(len(y)), y], 1e-300)).mean()
        self.worst.see("loss", result.loss, loss, bounds.loss)
        assert result.links == on.sum()
        g, bound = self.flat(by_matrix, by_bias), self.flat(bounds.by_matrix, bounds.by_bias)
        active = np.concatenate([on, np.ones(len(network.biases), bool)])
        g[~active] = bound[~active] = 0
        after = moved(self.optimiser, *before, g, bound, self.done)
        # SGD has no second moments.
        for what, found, (wanted, near), old in zip(NAMES, state(network), after, before, strict=False):
            rests = ~active & (self.gate is not None and not self.gate.coast)
            if rests.any():
                own = self.optimiser
                kept = 1.0
                if what == NAMES[1] and isinstance(own, SGD) and own.lookahead is not None:
                    kept = own.momentum / own.lookahead
                wanted = np.where(rests, old * kept, wanted)
                near = np.where(rests, 3 * UNIT * np.abs(wanted) * (kept != 1), near)
            self.worst.see(what, found, wanted, near)
        return True


def state(network):
    """Return copies of parameters, first and second moments of links and then of biases, in float64."""
    links = network.graph.arrays
    pairs = (
        (links.values, network.biases),
        (links.velocity, network.bias_velocity),
        (links.second, network._bias_second),
    )
    return [np.concatenate(own).astype(np.float64) for own in pairs]


class Stretch:
    """Numbers in a row, of one kind."""

    def __init__(self, seed, number):
        self.seed, self.number = seed, number
        rng = np.random.default_rng([seed, number, 0])
        self.of_maps = number % EVERY == EVERY - 1
        self.kind = maps.kind_of(rng) if self.of_maps else kind_of(rng)
        self.pools = None if self.of_maps else Pools(self.kind, rng)

    def check(self, number):
        """Draw the network of a number, train it and predict; return the worst error."""
        rng = np.random.default_rng([self.seed, number, 1])
        return maps.check(self.kind, rng) if self.of_maps else Trial(self.kind, self.pools, rng).check()


def look(trial, numbers):
    """Look at networks of one kind, made by `trial` of each number; return what was found."""
    began, worst, failures = time.perf_counter(), (0.0, "nothing", None), []
    for number in numbers:
        own = trial(number)
        if own.share > worst[0]:
            worst = own.share, own.what, number
        if own.share > 1:
            failures.append({"number": number, "what": own.what, "share": float(f"{own.share:.4g}")})
    return {
        "networks": len(numbers),
        "worst": round(worst[0], 4),
        "what": worst[1],
        "number": worst[2],
        "failures": failures,
        "seconds": round(time.perf_counter() - began, 1),
    }


def look_at_few(count, seed=0):
    """Yield what is found in so many networks of each of a few kinds."""
    for kind in FEW:
        pools = Pools(kind, np.random.default_rng(seed))
        found = look(lambda n: Trial(kind, pools, np.random.default_rng([seed, n])).check(), range(count))  # noqa: B023
        yield {"kind": kind._asdict(), **found}


def look_at_stretches(seed, first, end):
    """Yield what is found in each stretch of networks by their numbers."""
    while first < end:
        stretch = Stretch(seed, first // STRETCH)
        numbers = range(first, min((stretch.number + 1) * STRETCH, end))
        machine = {"instructions": host.instructions(), "processor": host.processor()}
        yield {"seed": seed, "first": first, **look(stretch.check, numbers), "kind": stretch.kind._asdict(), **machine}
        first = numbers.stop


def main():
    """Look at some networks."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--count", type=int, default=1)
    options.add_argument("--few", type=int, help="so many of each of a few kinds instead")
    asked = options.parse_args()
    team.WORTH = 1  # small steps are shared, too
    team.Crew.trained = lambda *_: None
    forward.DENSE, forward.FEWEST_RUNS, forward.FEWEST_NEURONS, forward.RUN_BYTES = 0, 2, 1, 1024  # some have runs
    every = look_at_stretches(asked.seed, asked.first, asked.first + asked.count)
    for found in every if asked.few is None else look_at_few(asked.few, asked.seed):
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
