"""Children are tuned as the slow networks are, for 20 steps, whatever becomes of their links on the way."""

from math import cos, exp, pi

import numpy as np
import pytest

from truly_sparse.engine import store
from truly_sparse.engine.streams import Streams
from truly_sparse.ensembles.subnetworks import kept, marked
from truly_sparse.ensembles.trainer import Data, Trainer

from .subnetwork_reference import SlowChild, active_links, one_cycle

SEED, STEPS, EPOCHS, BATCH, PEAK, DECAY = 3, 4, 5, 16, 0.05, 0.005
TRAINING = {
    "hidden_layer_sizes": [11, 9], "epsilon": 4.0, "members": 2, "epochs": 3, "exploration_epochs": 3,
    "batch_size": BATCH, "learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "coupled_decay": True,
    "weight_decay": DECAY, "dropout": 0.0, "evolution_every": 0, "refinement": "none", "selection": "last",
    "activation": "all_relu", "negative_slope": 0.3, "activation_storage": "float32", "child_epochs": EPOCHS,
    "child_learning_rate": PEAK, "annealing_epochs": 3,
}  # fmt: skip
FORMS = pytest.mark.parametrize("torch", [False, True], ids=["velocity", "sum of gradients"])
MODELS = pytest.mark.parametrize("model", ["sparse", "dense"])


def data_of():
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(STEPS * BATCH, 7)).astype(np.float32), rng.integers(0, 4, STEPS * BATCH)
    return Data(x, y, x[:20], y[:20], 4)


class Followed:
    """A run, and the slow network of one of its children."""

    def __init__(self, method, model, torch, child=1, **changes):
        densities = {"epsilon": None} if model == "dense" else {}
        self.data, self.torch = data_of(), torch
        training = TRAINING | {"torch_momentum": torch} | densities | changes
        self.trainer = trainer = Trainer(self.data, training, model, method, SEED)
        self.after, own = [], []
        trainer.run(
            trained=lambda epoch: (
                self.after.append(store.build(store.snapshot(trainer.network)))
                if epoch.member == child + 1
                else own.append(epoch)
            )
        )
        assert trainer.progress.failure is None
        assert len(self.after) == EPOCHS
        self.begun = trainer.stages[child + 1].derive(store.build(trainer.parent.arrays), trainer._drawn)
        self.parent = store.build(trainer.parent.arrays)
        self.streams = Streams(SEED, child + 1)
        self.slow = SlowChild(self.begun, DECAY, torch)
        self.child, self.settings = child, trainer.settings

    def rates(self):
        if self.settings.child_learning_rate_schedule == "constant":
            return [PEAK] * EPOCHS * STEPS, [0.9] * EPOCHS * STEPS
        return one_cycle(PEAK, EPOCHS * STEPS)

    def check(self, epoch, active=None, freeze=False):
        """Train the slow network for an epoch and hold the quick one against it; `active` is asked at each step."""
        rates, momenta = self.rates()
        order = self.streams.order.permutation(STEPS * BATCH)
        for own in range(STEPS):
            step, rows = epoch * STEPS + own, order[own * BATCH : (own + 1) * BATCH]
            marks = None if active is None else active(step)
            self.slow.step(self.data.x[rows], self.data.y[rows], rates[step], momenta[step], marks, freeze)
        assert self.slow.far(self.after[epoch], rates[step]) < 1e-4

    def target(self):
        """Return which links of its parent the child ends with, as matrices and in order of all links."""
        marks = marked(self.begun, kept(self.begun, self.settings, self.child, self.trainer._drawn))
        return self.slow.of_links(self.begun, marks), marks


@FORMS
@MODELS
@pytest.mark.parametrize("schedule", ["one_cycle", "constant"])
@pytest.mark.parametrize(
    "changes", [{}, {"sampler": "random", "structure": "neurons", "sparsity": 0.4}], ids=["links", "neurons"]
)
def test_a_child_is_tuned_as_the_slow_one(model, torch, schedule, changes):
    own = Followed("sparse_subnetworks", model, torch, child_learning_rate_schedule=schedule, **changes)
    before = own.begun.graph.values.copy()
    for epoch in range(EPOCHS):
        own.check(epoch)
    assert np.abs(own.after[-1].graph.values - before).max() > 0.05


@FORMS
@MODELS
@pytest.mark.parametrize("sampler", ["random", "magnitude"])
def test_links_that_fall_by_and_by_do_as_in_the_slow_one(model, torch, sampler):
    own = Followed("sparse_subnetworks", model, torch, sampler=sampler, sparsity=0.7, prune_epochs=3)
    counts = [int(links.sum()) for links in own.slow.links]
    ranks = [own.streams.prune.permutation(count) for count in counts[:-1]]
    last = [links.copy() for links in own.slow.links]
    for epoch in range(EPOCHS):
        keep = []
        for block, (links, weights) in enumerate(zip(own.slow.links, own.slow.weights, strict=True)):
            fall = round(min(epoch + 1, 3) * 0.7 * counts[block] / 3)
            mask = links.copy()
            if block < 2 and sampler == "magnitude":
                there = np.flatnonzero(links)
                smallest = there[np.argsort(np.abs(weights.reshape(-1)[there]), kind="stable")]
                mask.reshape(-1)[smallest[: len(there) - (counts[block] - fall)]] = False
            elif block < 2:
                mask[last[block]] &= ranks[block] < counts[block] - fall
            keep.append(mask)
        own.slow.remove(keep)
        own.check(epoch)
        left = [count - round(min(epoch + 1, 3) * 0.7 * count / 3) for count in counts[:-1]]
        assert own.after[epoch].link_counts == [*left, counts[-1]]


SHAPES = {
    "cosine": lambda part: (1 + cos(pi * part)) / 2,
    "linear": lambda part: 1 - part,
    "exponential": lambda part: exp(-5 * part),
}


WAYS = [
    *((model, torch, inactive, "cosine") for model in ("sparse", "dense") for torch in (False, True)
      for inactive in ("coast", "freeze")),
    *(("sparse", False, inactive, shape) for shape in ("linear", "exponential") for inactive in ("coast", "freeze")),
]  # fmt: skip


@pytest.mark.parametrize(("model", "torch", "inactive", "shape"), WAYS)
def test_links_that_are_annealed_away_do_as_in_the_slow_one(model, torch, inactive, shape):
    own = Followed("stochastic_subnetworks", model, torch, inactive=inactive, annealing_shape=shape)
    key = int(own.streams.gate.integers(2**64, dtype=np.uint64))
    matrices, target = own.target()
    assert 0 < target.sum() < len(target)
    for epoch in range(EPOCHS):
        if epoch == 3:
            own.slow.remove(matrices)
        p = np.where(target, 1.0, 0.5 * SHAPES[shape](epoch / 3))
        own.check(
            epoch,
            (lambda step, p=p: own.slow.of_links(own.begun, active_links(own.begun, p, key, step)))
            if epoch < 3
            else None,
            inactive == "freeze",
        )
        assert len(own.after[epoch].graph) == (len(target) if epoch < 3 else target.sum())


@FORMS
def test_random_annealing_does_as_in_the_slow_one(torch):
    own = Followed("stochastic_subnetworks", "sparse", torch, annealing="random", sampler="random", sparsity=0.6)
    matrices, target = own.target()
    key = int(own.streams.gate.integers(2**64, dtype=np.uint64))
    first = own.trainer.stages[2].anneal(own.begun, own.trainer._drawn).probabilities(0)
    for epoch in range(EPOCHS):
        if epoch == 3:
            own.slow.remove(matrices)
        p = first + (target - first) * epoch / 3
        own.check(
            epoch,
            (lambda step, p=p: own.slow.of_links(own.begun, active_links(own.begun, p, key, step)))
            if epoch < 3
            else None,
        )


@MODELS
def test_a_child_that_nothing_is_left_to_anneal_of_is_a_pruned_one(model):
    """At a temperature of nearly 0 its surplus links are never active: bit for bit the child pruned at once."""
    for changes in ({}, {"sampler": "random", "sparsity": 0.3}, {"sampler": "magnitude"}):
        annealed = Followed("stochastic_subnetworks", model, False, temperature=1e-12, **changes)
        pruned = Followed("sparse_subnetworks", model, False, **changes)
        for one, other in zip(annealed.trainer.members, pruned.trainer.members, strict=True):
            for name, array in one.arrays.items():
                assert array.tobytes() == other.arrays[name].tobytes(), name
        losses = [[row["loss"] for row in own.trainer.progress.history] for own in (annealed, pruned)]
        assert losses[0] == losses[1]
        links = [[row["connections"] for row in own.trainer.progress.history] for own in (annealed, pruned)]
        assert links[0] == links[1]
