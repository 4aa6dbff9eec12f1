"""Training of one run: the phases of the schedule, the members it collects, and a state that can be resumed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from truly_sparse.engine import store, topology
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import Floats, SparseMLP, all_relu_slopes, regrow_at_random
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.streams import Streams
from truly_sparse.ensembles import strategies
from truly_sparse.ensembles.schedule import Epoch, schedule
from truly_sparse.errors import UserError

Labels = npt.NDArray[np.int64]
DIVERGED = (
    "the loss became infinite or not a number in epoch {epoch} (eta {eta:g}, epsilon {epsilon}); lower training.eta, "
    "lower epsilon, or scale the data"
)


@dataclass(frozen=True)
class Data:
    """What training may see: x float32 [sample][feature], y int64 class numbers below `classes`."""

    x: Floats
    y: Labels
    x_validation: Floats
    y_validation: Labels
    classes: int


@dataclass
class Member:
    """A collected network: its arrays (`engine.store.snapshot`), the epoch it is from, and its validation accuracy."""

    epoch: int
    accuracy: float | None
    arrays: store.Arrays


@dataclass
class Progress:
    """All that changes while a run trains, besides the network and the random streams."""

    epoch: int = 0
    step: int = 0
    key: int = 0
    advice: str | None = None
    fallbacks: int = 0
    draws: list[int] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)


class Trainer:
    """Train one network through the schedule and collect the members of the ensemble on the way.

    Parameters
    ----------
    data : Data
    training : mapping
        Training settings; see the configuration's schema.
    model : {"sparse", "dense"}
    strategy : str
        Name of an escape strategy, "none" for a single network, or "independent" for members from scratch.
    seed : int

    Attributes
    ----------
    members : list of Member
        Ended members; complete when `finished`.
    progress : Progress
    """

    def __init__(self, data: Data, training: Mapping[str, Any], model: str, strategy: str, seed: int) -> None:
        self.data, self.training, self.model, self.seed = data, training, model, seed
        self.independent = strategy == "independent"
        self.plan = schedule(training, self.independent)
        self._check(strategy)
        single = strategy in ("none", "independent")
        self.strategy = None if single else strategies.create(strategy, training)
        self.progress = Progress()
        self.members: list[Member] = []
        self.best: Member | None = None
        self.earlier: dict[int, topology.Links] = {}
        self._start_network(0)

    def _check(self, strategy: str) -> None:
        rows, batch = len(self.data.y), self.training["batch_size"]
        if batch > rows:
            raise UserError(f"training.batch_size {batch} exceeds the {rows} training rows; lower it")
        if self.training["selection"] == "best_validation" and not len(self.data.y_validation):
            raise UserError("selection best_validation needs validation rows; raise data validation_fraction")
        if strategy == "none" and self.training["members"] != 1:
            raise UserError("a method without escape strategy trains one member; set training.members to 1")
        if self.model == "dense" and strategy not in ("none", "independent"):
            raise UserError(f"strategy {strategy!r} regrows links, which a dense model does not have")

    def _start_network(self, member: int) -> None:
        settings = self.training
        self.streams = Streams(self.seed, member)
        self.progress.key = int(self.streams.dropout.integers(2**64, dtype=np.uint64))
        sizes = [self.data.x.shape[1], *settings["hidden"], self.data.classes]
        layers = len(settings["hidden"])
        relu = settings["activation"] == "relu"
        slopes = [0.0] * layers if relu else all_relu_slopes(layers, settings["alpha"])
        self.network: store.Network
        if self.model == "dense":
            self.network = DenseMLP(sizes, slopes, self.streams.start, settings["start_values"])
        else:
            self.network = SparseMLP.erdos_renyi(
                sizes,
                settings["epsilon"],
                slopes,
                self.streams.start,
                settings["start_values"],
                settings["activation_storage"],
            )

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train, because the schedule is done or the run diverged."""
        return self.progress.epoch == len(self.plan) or self.progress.advice is not None

    def run(self, after_epoch: Callable[[Epoch], None] | None = None) -> None:
        """Train to the end, calling `after_epoch` after every epoch (the state can then be saved)."""
        while not self.finished:
            epoch = self.plan[self.progress.epoch]
            self._train(epoch)
            if after_epoch is not None:
                after_epoch(epoch)

    def _train(self, epoch: Epoch) -> None:
        started, settings, data, progress = perf_counter(), self.training, self.data, self.progress
        decay = settings["weight_decay"] * (epoch.eta if settings["decay_times_eta"] else 1.0)
        order = self.streams.order.permutation(len(data.y))
        links, input_links = self.network.link_counts, self.network.input_links
        result = self.network.train_epoch(
            data.x,
            data.y,
            order,
            settings["batch_size"],
            SGD(epoch.eta, settings["momentum"], decay, settings["clip_norm"]),
            settings["dropout"],
            progress.key,
            progress.step,
        )
        progress.step += len(order) // settings["batch_size"]
        if not np.isfinite(result.loss):
            progress.advice = DIVERGED.format(
                epoch=epoch.number + 1, eta=epoch.eta, epsilon=settings.get("epsilon") or "none"
            )
            return
        accuracy = self._validate(epoch)
        if epoch.evolve and isinstance(self.network, SparseMLP):
            progress.fallbacks += self.network.evolve(epoch.zeta, self.streams, self._blocked())
        if epoch.ends_member:
            self._end_member(epoch)
        progress.history.append(
            {
                "epoch": epoch.number + 1,
                "member": epoch.member,
                "phase": epoch.phase,
                "eta": epoch.eta,
                "zeta": epoch.zeta if epoch.evolve else 0.0,
                "loss": result.loss,
                "train_accuracy": result.accuracy,
                "validation_accuracy": accuracy,
                "connections": sum(links),
                "input_connections": input_links,
                "samples": result.samples,
                "seconds": perf_counter() - started,
            }
        )
        progress.epoch += 1

    def _validate(self, epoch: Epoch) -> float | None:
        """Measure validation accuracy and keep the network if it is the best of its window (or the last)."""
        predicted = self.network.predict_as_trained(self.data.x_validation).argmax(axis=1)
        rows = len(self.data.y_validation)
        accuracy = float((predicted == self.data.y_validation).mean()) if rows else None
        if self.training["selection"] == "last":
            wanted = epoch.ends_member
        else:
            wanted = self.best is None or (accuracy or 0.0) > (self.best.accuracy or 0.0)
        if wanted:
            self.best = Member(epoch.number + 1, accuracy, store.snapshot(self.network))
        return accuracy

    def _blocked(self) -> dict[int, topology.Links] | None:
        return self.earlier if self.strategy is not None and self.strategy.stays_disjoint else None

    def _end_member(self, epoch: Epoch) -> None:
        """Collect the window's member and, if others follow, escape to the next one from the current state."""
        assert self.best is not None
        self.members.append(self.best)
        self.best = None
        if epoch.number + 1 == len(self.plan):
            return
        if self.independent:
            self._start_network(len(self.members))
        elif self.strategy is not None and isinstance(self.network, SparseMLP):
            self._escape(self.network, self.strategy)

    def _escape(self, network: SparseMLP, strategy: strategies.Strategy) -> None:
        """Leave the basin: prune the fraction q everywhere but in the output block and regrow (algorithms 1 and 2)."""
        q, streams = self.training["q"], self.streams
        for block in network.blocks[:-1]:
            bound = network.bounds[block.pair]
            if block.source == 0:
                if self.training["escape_input_block"]:
                    regrow_at_random(block, q, bound, streams.regrowth)
                continue
            ended = block.links()
            earlier = self.earlier.get(block.source)
            self.earlier[block.source] = ended if earlier is None else topology.union(earlier, ended)
            report = strategy.regrow(block, q, bound, streams.regrowth, self.earlier[block.source])
            self.progress.fallbacks += report.fallbacks
            if report.draws:
                self.progress.draws.append(report.draws)


def predict_members(members: list[Member], x: Floats) -> Floats:
    """Return softmax probabilities of every member, float32, shape (members, samples, classes)."""
    return np.stack([store.build(member.arrays).predict_proba(x) for member in members])
