"""A training run for the estimators: the trainer of the ensembles, with weights, early stopping and cosine rates."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import cos, pi
from time import perf_counter
from typing import Any

import numpy as np

from truly_sparse.engine import store, topology
from truly_sparse.engine.network import Floats, SparseMLP
from truly_sparse.engine.optimisers import SGD
from truly_sparse.ensembles.schedule import Epoch
from truly_sparse.ensembles.strategies import Strategy
from truly_sparse.ensembles.trainer import Data, Member, Trainer
from truly_sparse.estimators.rows import Draws, Indices, Weights
from truly_sparse.estimators.targets import Targets

#: Where a cosine ends, as a part of its first rate.
COSINE_FLOOR = 0.01


@dataclass(frozen=True)
class Material:
    """What training works on: encoded rows of both parts, their numbers within the targets, and all weights."""

    x: Floats
    x_validation: Floats
    rows: Indices
    rows_validation: Indices
    weights: Weights
    targets: Targets


@dataclass
class End:
    """Where a run ended, for the next to go on from: its network, and the links of all members before."""

    network: store.Arrays
    earlier: dict[int, topology.Links]
    epochs: int = 0


class Training(Trainer):
    """Train through the schedule as `Trainer` does.

    Beyond it: rows come as often as their weights say, targets may be drawn anew in every epoch, the rate may follow a
    cosine, and with `patience` a phase ends early when its validation score stops rising.

    Parameters
    ----------
    material : Material
    settings : mapping
        Those of a `presets` table, completed by `schedule` keys.
    method : str or type
        Name of an escape strategy, "none", "independent", or a class derived from `Strategy`.
    seed : int
    patience : int
        Epochs without a better validation score that end a phase; 0 never does.
    before : End, optional
        Go on from there: with more members, or with more epochs of a single network.
    """

    def __init__(
        self,
        material: Material,
        settings: Mapping[str, Any],
        method: str | type[Strategy],
        seed: int,
        patience: int = 0,
        before: End | None = None,
    ) -> None:
        self.material, self.patience, self._stale = material, patience, 0
        self._past = before.epochs if before is not None else 0
        classes = material.targets.classes
        data = Data(material.x, material.rows, material.x_validation, material.rows_validation, classes)
        super().__init__(data, settings, "sparse", method if isinstance(method, str) else "edst_rg", seed)
        if not isinstance(method, str):
            self.strategy = method(settings)
        if settings["learning_rate"] == "cosine":
            self.plan = _cosine(self.plan, settings["eta"])
        self.draws = Draws(material.weights[material.rows])
        self.batch = batch_size(settings["batch_size"], self.draws.size)
        if settings.get("evolve_after"):
            self.plan[-1] = replace(self.plan[-1], evolve=True)
        if before is not None and not self.independent:
            self._go_on(before)

    def _start_network(self, member: int) -> None:
        # Random streams that no earlier fit has used.
        super()._start_network(self._past + member)

    def _check(self, strategy: str) -> None:
        """Check nothing: the estimators have, and a batch is cut to the rows there are."""

    def _go_on(self, before: End) -> None:
        self.network, self.earlier = store.build(before.network), dict(before.earlier)
        if self.strategy is not None and isinstance(self.network, SparseMLP):
            self._escape(self.network, self.strategy)

    def end(self) -> End:
        """Return where the run ended."""
        return End(store.snapshot(self.network), self.earlier, self._past + len(self.progress.history))

    def _train(self, epoch: Epoch) -> None:
        started, settings, progress = perf_counter(), self.training, self.progress
        decay = settings["weight_decay"] * (epoch.eta if settings["decay_times_eta"] else 1.0)
        order = self.draws.order(self.streams.order)
        labels = self.material.targets.draw(self.material.rows, self.streams.order)
        result = self.network.train_epoch(
            self.data.x,
            labels,
            order,
            self.batch,
            SGD(epoch.eta, settings["momentum"], decay, settings["clip_norm"]),
            settings["dropout"],
            progress.key,
            progress.step,
        )
        progress.step += len(order) // self.batch
        if not np.isfinite(result.loss):
            progress.advice = (
                f"the loss became infinite or not a number in epoch {epoch.number + 1} with eta {epoch.eta:g}; "
                "lower eta, set clip_norm to 1, or scale the features"
            )
            return
        score = self._validate(epoch)
        if epoch.evolve and isinstance(self.network, SparseMLP):
            progress.fallbacks += self.network.evolve(epoch.zeta, self.streams, self._blocked())
        progress.history.append(
            {
                "epoch": epoch.number + 1,
                "member": epoch.member,
                "phase": epoch.phase,
                "eta": epoch.eta,
                "loss": result.loss,
                "validation_score": score,
                "connections": sum(self.network.link_counts),
                "samples": result.samples,
                "seconds": perf_counter() - started,
            }
        )
        self._leave(epoch)

    def _leave(self, epoch: Epoch) -> None:
        """Go to the next epoch, or past the rest of this phase where it brings nothing any more."""
        last = epoch
        if self.patience and self._stale >= self.patience:
            last = [other for other in self.plan if _phase(other) == _phase(epoch)][-1]
        if last.ends_member:
            self._end_member(last)
        self.progress.epoch = last.number + 1
        if not self.finished and _phase(self.plan[self.progress.epoch]) != _phase(epoch):
            self._stale = 0

    def _validate(self, epoch: Epoch) -> float | None:
        """Score the validation rows, and keep the network if it is the best of its window (or the last)."""
        rows, score = self.material.rows_validation, None
        if len(rows):
            probabilities = self.network.predict_as_trained(self.data.x_validation)
            score = self.material.targets.score(rows, probabilities, self.material.weights[rows])
        better = self.best is None or score is None or self.best.accuracy is None or score > self.best.accuracy
        self._stale = 0 if better else self._stale + 1
        if epoch.ends_member if self.training["selection"] == "last" else better:
            self.best = Member(epoch.number + 1, score, store.snapshot(self.network))
        return score


def _phase(epoch: Epoch) -> tuple[int, bool]:
    return epoch.member, epoch.phase == "exploration"


def _cosine(plan: list[Epoch], eta: float) -> list[Epoch]:
    """Let the rate fall from `eta` to nearly 0 in each member's window, along half a cosine."""
    ends = [epoch.number for epoch in plan if epoch.ends_member]
    starts = [0, *(end + 1 for end in ends[:-1])]
    rates = [
        eta * (COSINE_FLOOR + (1 - COSINE_FLOOR) * (1 + cos(pi * (number - start) / (end + 1 - start))) / 2)
        for start, end in zip(starts, ends, strict=True)
        for number in range(start, end + 1)
    ]
    return [replace(epoch, eta=rate) for epoch, rate in zip(plan, rates, strict=True)]


def batch_size(wanted: int | str, rows: int) -> int:
    """Return the rows of a batch; "auto" is 32 to 128, about 20 batches in an epoch of few rows."""
    if wanted == "auto":
        wanted = 32 if rows < 1280 else 64 if rows < 2560 else 128
    return min(int(wanted), rows)
