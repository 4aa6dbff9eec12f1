"""The analytic operation count against a slow network that counts each multiply-add as it does it."""

import math

import numpy as np
import pytest

from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import SparseMLP
from truly_sparse.ensembles.trainer import Data, Trainer
from truly_sparse.measure.flops import operations

TRAINING = {
    "hidden_layer_sizes": [9, 8, 7],
    "members": 2,
    "epochs": 6,
    "exploration_epochs": 2,
    "batch_size": 8,
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.002,
    "decay_times_learning_rate": False,
    "clip_norm": 0.0,
    "activation_storage": "float32",
    "warmup_epochs": 0,
    "dropout": 0.0,
    "prune_fraction": 0.3,
    "restart_prune_fraction": 0.8,
    "evolution_every": 1,
    "refinement": "none",
    "init": "he",
    "activation": "all_relu",
    "negative_slope": 0.5,
    "escape_input_block": True,
    "selection": "best_validation",
    "epsilon": 1.5,
}


class Counting:
    """A network in plain Python, one link and one sample at a time; `count` holds the multiply-adds done."""

    def __init__(self, network, count):
        self.count = count
        hidden = network.slopes if isinstance(network, DenseMLP) else network.slopes[1:-1]
        self.slopes = [float(slope) for slope in hidden]
        state = network.copy_state()
        self.biases, self.bias_velocity = state["biases"].tolist(), state["bias_velocity"].tolist()
        self.links = self._dense(network, state) if isinstance(network, DenseMLP) else self._sparse(network)
        starts = np.concatenate(([0], np.cumsum(network.sizes[1:]))).tolist()
        self.spans = list(zip(starts[:-1], starts[1:], strict=True))

    @staticmethod
    def _sparse(network):
        """Return, per block, [source, target, value, velocity] of every link."""
        found = []
        for block in network.blocks:
            sources, targets = np.divmod(block.links(), block.n_out)
            columns = (sources, targets, block.values, block.velocity)
            found.append([list(link) for link in zip(*(column.tolist() for column in columns), strict=True)])
        return found

    @staticmethod
    def _dense(network, state):
        found, start = [], 0
        for n_in, n_out in zip(network.sizes, network.sizes[1:], strict=False):
            stop = start + n_in * n_out
            values, velocity = (state[name][start:stop].tolist() for name in ("values", "velocity"))
            places = [(i, j) for j in range(n_out) for i in range(n_in)]  # stored [output][input]
            found.append([[*place, w, v] for place, w, v in zip(places, values, velocity, strict=True)])
            start = stop
        return found

    def forward(self, sample, kind):
        """Return the activations of all layers, probabilities last, and the slopes that applied."""
        activations, slopes = [list(map(float, sample))], []
        for layer, (links, (start, stop)) in enumerate(zip(self.links, self.spans, strict=True)):
            z = self.biases[start:stop]
            for source, target, value, _ in links:
                z[target] += value * activations[-1][source]
                self.count[kind] += 1
            if layer == len(self.links) - 1:
                exponentials = [math.exp(one - max(z)) for one in z]
                activations.append([one / sum(exponentials) for one in exponentials])
            else:
                slopes.append([1.0 if one > 0 else self.slopes[layer] for one in z])
                activations.append([one * slope for one, slope in zip(z, slopes[-1], strict=True)])
        return activations, slopes

    def train(self, x, y, order, batch, optimiser):
        for first in range(0, len(order) - batch + 1, batch):
            gradients = [[0.0] * len(links) for links in self.links]
            bias_gradients = [0.0] * len(self.biases)
            for row in order[first : first + batch]:
                activations, slopes = self.forward(x[row], "forward")
                delta = [p - (j == y[row]) for j, p in enumerate(activations[-1])]
                for layer in range(len(self.links) - 1, -1, -1):
                    start, _ = self.spans[layer]
                    for j, one in enumerate(delta):
                        bias_gradients[start + j] += one
                    for k, (source, target, _, _) in enumerate(self.links[layer]):
                        gradients[layer][k] += activations[layer][source] * delta[target]
                        self.count["gradient"] += 1
                    if layer == 0:
                        continue  # nobody asks for the error of the features
                    before = [0.0] * len(activations[layer])
                    for source, target, value, _ in self.links[layer]:
                        before[source] += value * delta[target]
                        self.count["backward"] += 1
                    delta = [one * slope for one, slope in zip(before, slopes[layer - 1], strict=True)]
            for links, own in zip(self.links, gradients, strict=True):
                for link, gradient in zip(links, own, strict=True):
                    link[3] = optimiser.momentum * link[3] - optimiser.rate * gradient / batch
                    link[2] += link[3] - optimiser.decay * link[2]
            for k, gradient in enumerate(bias_gradients):
                velocity = optimiser.momentum * self.bias_velocity[k] - optimiser.rate * gradient / batch
                self.bias_velocity[k] = velocity
                self.biases[k] += velocity - optimiser.decay * self.biases[k]


def watched(monkeypatch, kind):
    """Let every epoch and every prediction of `kind` also be done, counted and compared by a `Counting` network."""
    count = dict.fromkeys(("forward", "backward", "gradient", "validation"), 0)
    train, predict = kind.train_epoch, kind.predict_as_trained

    def train_epoch(network, x, y, order, batch, optimiser, dropout, key, first_step):
        slow = Counting(network, count)
        result = train(network, x, y, order, batch, optimiser, dropout, key, first_step)
        slow.train(x, y, order, batch, optimiser)
        values = [value for links in slow.links for _, _, value, _ in links]
        state = network.copy_state()
        np.testing.assert_allclose(state["values"], values, atol=2e-4)
        np.testing.assert_allclose(state["biases"], slow.biases, atol=2e-4)
        return result

    def predict_proba(network, x):
        slow = Counting(network, count)
        found = predict(network, x)
        np.testing.assert_allclose(found, [slow.forward(row, "validation")[0][-1] for row in x], atol=1e-4)
        return found

    monkeypatch.setattr(kind, "train_epoch", train_epoch)
    monkeypatch.setattr(kind, "predict_as_trained", predict_proba)
    return count


@pytest.mark.parametrize(
    ("model", "strategy", "members"),
    [("sparse", "none", 1), ("sparse", "edst_rg", 2), ("sparse", "fd_tse", 2), ("dense", "none", 1)],
)
def test_the_analytic_count_is_that_of_the_multiply_adds_done(monkeypatch, model, strategy, members):
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 41)
    x = (rng.normal(size=(3, 6))[y] + 0.5 * rng.normal(size=(41, 6))).astype(np.float32)
    data = Data(x[:30], y[:30], x[30:], y[30:], 3)  # 30 rows: three batches of 8, six rows dropped
    exploration = 6 if members == 1 else 2
    training = TRAINING | {"members": members, "exploration_epochs": exploration}
    counted = watched(monkeypatch, SparseMLP if model == "sparse" else DenseMLP)
    trainer = Trainer(data, training, model, strategy, seed=1)
    topologies = set()
    trainer.run(lambda _: topologies.add(trainer.network.copy_state().get("targets", np.zeros(0)).tobytes()))
    analytic = operations(trainer.progress.history, len(data.y_validation))
    assert len(trainer.progress.history) == 6
    assert len(topologies) == (1 if model == "dense" else 5)  # evolved after every epoch but the last
    assert counted["forward"] > 0
    assert {name: analytic[name] for name in counted} == counted
    assert analytic["total_training"] == counted["forward"] + counted["backward"] + counted["gradient"]


@pytest.mark.parametrize(
    ("strategy", "changes"),
    [
        ("stochastic_subnetworks", {}),
        ("stochastic_subnetworks", {"annealing": "random"}),
        ("sparse_subnetworks", {"sampler": "random", "prune_epochs": 2}),
    ],
)
def test_validation_counts_the_links_that_predict(monkeypatch, strategy, changes):
    """Links of a child that may yet fall train in some steps; its validation rows go through those that stay."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 41)
    x = (rng.normal(size=(3, 6))[y] + 0.5 * rng.normal(size=(41, 6))).astype(np.float32)
    data = Data(x[:30], y[:30], x[30:], y[30:], 3)
    own = {"exploration_epochs": 6, "evolution_every": 0, "selection": "last", "epsilon": 4.0, "child_epochs": 3}
    count, predict = {"validation": 0}, SparseMLP.predict_as_trained

    def counted(network, rows):
        slow = Counting(network, count)
        for row in rows:
            slow.forward(row, "validation")
        return predict(network, rows)

    monkeypatch.setattr(SparseMLP, "predict_as_trained", counted)
    trainer = Trainer(data, TRAINING | own | {"annealing_epochs": 2} | changes, "sparse", strategy, seed=1)
    trainer.run()
    assert len(trainer.progress.history) == 12
    assert operations(trainer.progress.history, len(data.y_validation))["validation"] == count["validation"] > 0
