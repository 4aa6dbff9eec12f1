"""The one training loop: it leads a network through stages of epochs and collects members on the way."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np

from truly_sparse.engine import store
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD, Adam, Optimiser
from truly_sparse.engine.rows import Samples
from truly_sparse.engine.streams import Streams
from truly_sparse.errors import UserError
from truly_sparse.training import evolution
from truly_sparse.training.config import TrainingConfig, densities
from truly_sparse.training.sampling import Sampler
from truly_sparse.training.schedule import Epoch
from truly_sparse.training.stage import Earlier, Stage
from truly_sparse.training.start import Fresh
from truly_sparse.training.targets import Targets

Callback = Callable[[Epoch], None]


@dataclass(frozen=True)
class Problem:
    """What is learnt: rows [sample][feature] of both parts, their order, and what they are trained towards."""

    x: Samples
    x_validation: Samples
    sampler: Sampler
    targets: Targets


@dataclass
class Member:
    """A collected network: its arrays (`engine.store.snapshot`), the epoch it is from, and its validation score."""

    epoch: int
    score: float | None
    arrays: store.Arrays


@dataclass
class Progress:
    """All that changes while a run trains, besides the networks and the random streams.

    Attributes
    ----------
    failure : str or None
        What happened and what to do, where the run diverged.
    stale : int
        Epochs since the validation score was last better.
    """

    epoch: int = 0
    step: int = 0
    key: int = 0
    failure: str | None = None
    stale: int = 0
    fallbacks: int = 0
    draws: list[int] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class End:
    """Where a run ended, for the next to go on from: its network, and the links of all members before."""

    network: store.Arrays
    earlier: Earlier
    epochs: int


class Loop:
    """Train a network through stages and collect the members of an ensemble.

    Parameters
    ----------
    problem : Problem
    settings : TrainingConfig
    stages : iterable of Stage
        What a method of ensembles asks for.
    fresh : callable
        Draws a new network; see `start.fresh`.
    seed : int
    before : End, optional
        A run whose network the first stage starts from, unless that wants a fresh one.
    remedy : str
        What to do where the loss is no longer finite.

    Attributes
    ----------
    plan : list of Epoch
        The epochs of all stages.
    network : SparseMLP or DenseMLP
        As it is now.
    members : list of Member
        Collected ones; complete when `finished`.
    best : Member or None
        The state that would be collected if the stage ended now.
    parent : dict of ndarray or None
        The network that the first stage ended with, where a stage starts from it.
    earlier : dict of ndarray
        Links that earlier members ended with, by number of the block.
    progress : Progress
    """

    def __init__(
        self,
        problem: Problem,
        settings: TrainingConfig,
        stages: Iterable[Stage],
        fresh: Fresh,
        seed: int,
        before: End | None = None,
        remedy: str = "lower learning_rate, set clip_norm to 1, or scale the features",
    ) -> None:
        self.problem, self.settings, self.stages, self.remedy = problem, settings, list(stages), remedy
        self.plan = _numbered(self.stages)
        self.progress = Progress()
        self.members: list[Member] = []
        self.best: Member | None = None
        self.parent: store.Arrays | None = None
        self.earlier: Earlier = {}
        self._fresh, self._seed, self._past = fresh, seed, before.epochs if before is not None else 0
        self.network: store.Network
        if self.stages[0].start != "fresh":
            if before is None:
                raise ValueError("the first stage wants a network to start from, and there is none")
            self.network, self.earlier = store.build(before.network), dict(before.earlier)
            self._draw_streams(0)
        self._begin(0)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train, because all stages are done or the run diverged."""
        return self.progress.epoch == len(self.plan) or self.progress.failure is not None

    def run(self, after_epoch: Callback | None = None, trained: Callback | None = None) -> None:
        """Train to the end.

        Parameters
        ----------
        after_epoch : callable, optional
            Called after everything that belongs to an epoch; the state can then be saved.
        trained : callable, optional
            Called with the network as the epoch's training left it, before any link is regrown.
        """
        while not self.finished:
            epoch = self.plan[self.progress.epoch]
            self._train(epoch, trained)
            if after_epoch is not None:
                after_epoch(epoch)

    def end(self) -> End:
        """Return where the run ended."""
        return End(store.snapshot(self.network), self.earlier, self._past + len(self.progress.history))

    def _begin(self, number: int) -> None:
        """Start a stage: its network, then what changes in it."""
        stage = self.stages[number]
        if stage.start == "fresh":
            self._draw_streams(number)
            self.network = self._fresh(self.streams.start)
        elif stage.start == "parent" and self.parent is not None:
            self.network = store.build(self.parent)
        if stage.change is not None:
            for done in stage.change(self.network, self.streams, self.earlier):
                self.progress.fallbacks += done.fallbacks
                self.progress.draws += [done.draws] if done.draws else []

    def _draw_streams(self, number: int) -> None:
        """Give a network random streams of its own, that no earlier fit has used either."""
        self.streams = Streams(self._seed, self._past + number)
        self.progress.key = int(self.streams.dropout.integers(2**64, dtype=np.uint64))

    def _optimiser(self, epoch: Epoch) -> Optimiser:
        settings = self.settings
        decay = settings.weight_decay * (epoch.learning_rate if settings.decay_times_learning_rate else 1.0)
        if settings.optimiser == "adam":
            return Adam(epoch.learning_rate, l1=settings.l1, decay=decay, clip=settings.clip_norm)
        return SGD(epoch.learning_rate, settings.momentum, decay, settings.clip_norm)

    def _train(self, epoch: Epoch, trained: Callback | None) -> None:
        started, settings, progress = perf_counter(), self.settings, self.progress
        links, input_links = sum(self.network.link_counts), self.network.input_links
        order = self.problem.sampler.order(self.streams.order)
        labels = self.problem.targets.draw(self.streams.order)
        result = self.network.train_epoch(
            self.problem.x,
            labels,
            order,
            settings.batch_size,
            self._optimiser(epoch),
            settings.dropout,
            progress.key,
            progress.step,
        )
        progress.step += len(order) // settings.batch_size
        if not np.isfinite(result.loss):
            progress.failure = (
                f"the loss became infinite or not a number in epoch {epoch.number + 1} "
                f"(learning_rate {epoch.learning_rate:g}, {_links_wanted(settings)}); {self.remedy}"
            )
            return
        score = self._validate(epoch)
        if trained is not None:
            trained(epoch)
        if epoch.evolve and isinstance(self.network, SparseMLP):
            avoided = self.earlier if self.stages[epoch.member].disjoint else None
            progress.fallbacks += evolution.step(self.network, settings, epoch.prune_fraction, self.streams, avoided)
        last = self._last_of_phase(epoch) if settings.patience and progress.stale >= settings.patience else epoch
        if last.ends_member:
            self._end_stage(epoch.member)
        progress.history.append(
            {
                "epoch": epoch.number + 1,
                "member": epoch.member,
                "phase": epoch.phase,
                "learning_rate": epoch.learning_rate,
                "prune_fraction": epoch.prune_fraction if epoch.evolve else 0.0,
                "loss": result.loss,
                "train_accuracy": result.accuracy,
                f"validation_{self.problem.targets.metric}": score,
                "connections": links,
                "input_connections": input_links,
                "samples": result.samples,
                "seconds": perf_counter() - started,
            }
        )
        progress.epoch = last.number + 1
        if not self.finished and _phase(self.plan[progress.epoch]) != _phase(epoch):
            progress.stale = 0

    def _validate(self, epoch: Epoch) -> float | None:
        """Score the validation rows, and keep the network if it is the best of its stage (or the last)."""
        score = None
        if self.problem.x_validation.shape[0]:
            score = self.problem.targets.score(self.network.predict_as_trained(self.problem.x_validation))
        better = self.best is None or score is None or self.best.score is None or score > self.best.score
        self.progress.stale = 0 if better else self.progress.stale + 1
        if epoch.ends_member if self.settings.selection == "last" else better:
            self.best = Member(epoch.number + 1, score, store.snapshot(self.network))
        return score

    def _last_of_phase(self, epoch: Epoch) -> Epoch:
        """Return the last epoch of the phase that an epoch is in: exploration, or all of a member's refinement."""
        return [other for other in self.plan if _phase(other) == _phase(epoch)][-1]

    def _end_stage(self, number: int) -> None:
        """Collect the stage's member and, if others follow, begin the next one."""
        assert self.best is not None
        if self.stages[number].collects:
            self.members.append(self.best)
        self.best = None
        if number == 0 and any(stage.start == "parent" for stage in self.stages):
            self.parent = store.snapshot(self.network)
        if number + 1 < len(self.stages):
            self._begin(number + 1)


def _numbered(stages: list[Stage]) -> list[Epoch]:
    """Return the epochs of all stages, numbered through."""
    if not stages or not all(stage.epochs for stage in stages):
        raise UserError("a stage of the ensemble has no epochs; raise epochs or exploration_epochs")
    plan: list[Epoch] = []
    for member, stage in enumerate(stages):
        last = len(plan) + len(stage.epochs) - 1
        for epoch in stage.epochs:
            number = len(plan)
            plan.append(replace(epoch, number=number, member=member, ends_member=number == last))
    return plan


def _links_wanted(settings: TrainingConfig) -> str:
    """Return in words what says how many links there are."""
    given = [f"{name} {getattr(settings, name)}" for name in densities(settings)]
    return given[0] if given else "epsilon none"


def _phase(epoch: Epoch) -> tuple[int, str]:
    """Return member and phase of an epoch; both halves of a refinement are one phase."""
    return epoch.member, epoch.phase.rstrip("_12")
