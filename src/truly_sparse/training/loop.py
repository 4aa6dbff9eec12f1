"""The one training loop: it leads a network through stages of epochs and collects members on the way."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from truly_sparse.engine import store
from truly_sparse.engine.gate import Gate
from truly_sparse.engine.linked import EpochResult, Linked
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD, Adam, Optimiser, PerStep, of_gradients
from truly_sparse.engine.rows import Samples
from truly_sparse.engine.streams import Streams
from truly_sparse.errors import UserError
from truly_sparse.training import evolution
from truly_sparse.training.config import TrainingConfig, densities
from truly_sparse.training.sampling import Sampler, rows_of_bag
from truly_sparse.training.schedule import Epoch
from truly_sparse.training.stage import Annealing, Earlier, Stage
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
    threads : int
        Threads that may share the steps of a `SparseMLP`; every bit is the same.

    Attributes
    ----------
    plan : list of Epoch
        The epochs of all stages.
    network : SparseMLP, SparseCNN or DenseMLP
        As it is now.
    members : list of Member
        Collected ones; complete when `finished`.
    best : Member or None
        The state that would be collected if the stage ended now.
    parent : Member or None
        That of the first stage, where another stage starts from it.
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
        threads: int = 1,
    ) -> None:
        self.problem, self.settings, self.stages, self.remedy = problem, settings, list(stages), remedy
        self.threads = threads
        self.plan = _numbered(self.stages)
        self.progress = Progress()
        self.members: list[Member] = []
        self.best: Member | None = None
        self.parent: Member | None = None
        self._annealing: Annealing | None = None
        self._bag: npt.NDArray[np.bool_] | None = None
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

    def adopt(self, parent: Member, history: list[dict[str, Any]]) -> None:
        """Take a first stage that was trained elsewhere for the same settings, before anything is trained.

        Parameters
        ----------
        parent : Member
            What it ended with.
        history : list of dict
            Of its epochs.
        """
        self.progress.history = list(history)
        self.progress.epoch = len(self.stages[0].epochs)
        self.network, self.best = store.build(parent.arrays), parent
        self._end_stage(0)

    def resume(self) -> None:
        """Find again what the stage that is being trained holds besides its network; called after a restore."""
        if not self.finished:
            number = self.plan[self.progress.epoch].member
            stage = self.stages[number]
            if stage.anneal is not None and self.parent is not None:
                begun = store.build(self.parent.arrays)
                self._prepare(number, begun if stage.derive is None else stage.derive(begun, self._drawn))
            else:
                self._prepare(number, self.network)

    def untuned(self) -> Iterator[store.Network]:
        """Yield the networks with which the stages that train a child of the parent began.

        Of links that are annealed away, these are without them; links that fall by and by are all there.
        """
        for stage in self.stages:
            if stage.start == "parent" and stage.derive is not None and self.parent is not None:
                begun = stage.derive(store.build(self.parent.arrays), self._drawn)
                yield begun if stage.anneal is None else stage.anneal(begun, self._drawn).final(begun)

    def _begin(self, number: int) -> None:
        """Start a stage: its network, then what changes in it."""
        stage = self.stages[number]
        if stage.start == "fresh":
            self._draw_streams(self._number(number))
            self.network = self._fresh(self.streams.start)
        elif stage.start == "parent" and self.parent is not None:
            self._draw_streams(self._number(number))
            self.progress.step = 0  # so that a child is the same whichever were trained before it
            self.network = store.build(self.parent.arrays)
        if stage.derive is not None:
            self.network = stage.derive(self.network, self._drawn)
        if stage.change is not None:
            for done in stage.change(self.network, self.streams, self.earlier):
                self.progress.fallbacks += done.fallbacks
                self.progress.draws += [done.draws] if done.draws else []
        if stage.harvest is not None:
            made = stage.harvest(self.network, self.problem, self._drawn)
            epoch = self.parent.epoch if self.parent is not None else self.progress.epoch
            self.members += [Member(epoch, score, arrays) for score, arrays in made]
            if number + 1 < len(self.stages):
                self._begin(number + 1)
        else:
            self._prepare(number, self.network)

    def _prepare(self, number: int, begun: store.Network) -> None:
        """Set what a stage holds besides its network, which all follows from that as it begins and from its streams."""
        stage = self.stages[number]
        self._annealing = stage.anneal(begun, self._drawn) if stage.anneal is not None else None
        self._bag = None
        if stage.bag < 1:
            rows = self.problem.x.shape[0]
            chosen = self._drawn(self._number(number)).bag.permutation(rows)[: rows_of_bag(rows, stage.bag)]
            self._bag = np.zeros(rows, bool)
            self._bag[chosen] = True

    def _number(self, place: int) -> int:
        number = self.stages[place].number
        return place if number is None else number

    def _drawn(self, number: int) -> Streams:
        """Return the streams of a stage as they begin."""
        return Streams(self._seed, self._past + number)

    def _draw_streams(self, number: int) -> None:
        """Give a network random streams of its own, that no earlier fit has used either."""
        self.streams = self._drawn(number)
        self.progress.key = int(self.streams.dropout.integers(2**64, dtype=np.uint64))

    def _rates(self, epoch: Epoch, steps: int) -> tuple[PerStep, PerStep]:
        """Return the learning rate and the momentum of an epoch, or of each of its steps."""
        if epoch.curve is None:
            return epoch.learning_rate, self.settings.momentum
        rates, momenta = epoch.curve.rates(steps, self.settings.momentum)
        return np.array(rates), np.array(momenta)

    def _optimiser(self, epoch: Epoch, steps: int) -> Optimiser:
        settings = self.settings
        rate, momentum = self._rates(epoch, steps)
        decay = settings.weight_decay * (rate if settings.decay_times_learning_rate else 1.0)
        if settings.optimiser == "adam":
            return Adam(rate, l1=settings.l1, decay=decay, clip=settings.clip_norm)
        sgd = SGD(rate, momentum, decay, settings.clip_norm, settings.nesterov, settings.coupled_decay)
        return of_gradients(sgd, self._rate_before(epoch, steps), steps) if settings.torch_momentum else sgd

    def _rate_before(self, epoch: Epoch, steps: int) -> float:
        """Return the rate by which the velocity was multiplied that an epoch begins with."""
        previous = self._epoch_before(epoch)
        rate, _ = self._rates(epoch if previous is None else previous, steps)
        return float(np.broadcast_to(rate, (steps,))[0 if previous is None else -1])

    def _epoch_before(self, epoch: Epoch) -> Epoch | None:
        """Return the epoch that left the velocity which another begins with; None where there is none."""
        stage = self.stages[epoch.member]
        previous = self.plan[self.progress.history[-1]["epoch"] - 1] if self.progress.history else None
        if previous is None or previous.member == epoch.member or stage.start == "previous":
            return previous
        if stage.start == "parent" and stage.derive is None and self.parent is not None:
            return self.plan[self.parent.epoch - 1]
        return None

    def _order(self) -> npt.NDArray[np.int64]:
        order = self.problem.sampler.order(self.streams.order)
        return order if self._bag is None else order[self._bag[order]]

    def _train(self, epoch: Epoch, trained: Callback | None) -> None:
        started, settings, progress = perf_counter(), self.settings, self.progress
        more: dict[str, Gate | int | None] = {}
        if self.threads > 1 and isinstance(self.network, SparseMLP):
            more["threads"] = self.threads
        if self._annealing is not None:
            first = next(other.number for other in self.plan if other.member == epoch.member)
            self.network, more["gate"] = self._annealing.before(self.network, epoch.number - first)
        order = self._order()
        labels = self.problem.targets.draw(self.streams.order)
        steps = len(order) // settings.batch_size
        result = self.network.train_epoch(
            self.problem.x,
            labels,
            order,
            settings.batch_size,
            self._optimiser(epoch, steps),
            settings.dropout,
            progress.key,
            progress.step,
            **more,
        )
        progress.step += steps
        if not np.isfinite(result.loss) or not self.network.is_finite():
            what = "a value of the network" if np.isfinite(result.loss) else "the loss"
            progress.failure = (
                f"{what} became infinite or not a number in epoch {epoch.number + 1} "
                f"(learning_rate {epoch.learning_rate:g}, {_links_wanted(settings)}); {self.remedy}"
            )
            return
        shown = self.network if self._annealing is None else self._annealing.final(self.network)
        score, other = self._validate(epoch, shown), None if shown is self.network else shown
        if trained is not None:
            trained(epoch)
        if epoch.evolve and isinstance(self.network, Linked):
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
                "connections": result.links,
                "input_connections": result.input_links,
                "samples": result.samples,
                "seconds": perf_counter() - started,
                **_work(result, other),
            }
        )
        progress.epoch = last.number + 1
        if not self.finished and _phase(self.plan[progress.epoch]) != _phase(epoch):
            progress.stale = 0

    def _validate(self, epoch: Epoch, shown: store.Network) -> float | None:
        """Score the validation rows with the network that is shown, and keep it if it is the best of its stage."""
        score = None
        if self.problem.x_validation.shape[0]:
            score = self.problem.targets.score(shown.predict_as_trained(self.problem.x_validation))
        better = self.best is None or score is None or self.best.score is None or score > self.best.score
        self.progress.stale = 0 if better else self.progress.stale + 1
        if epoch.ends_member if self.settings.selection == "last" else better:
            self.best = Member(epoch.number + 1, score, store.snapshot(shown))
        return score

    def _last_of_phase(self, epoch: Epoch) -> Epoch:
        """Return the last epoch of the phase that an epoch is in: exploration, or all of a member's refinement."""
        return [other for other in self.plan if _phase(other) == _phase(epoch)][-1]

    def _end_stage(self, number: int) -> None:
        """Collect the stage's member and, if others follow, begin the next one."""
        assert self.best is not None
        if self.stages[number].collects:
            self.members.append(self.best)
        if number == 0 and any(stage.start == "parent" for stage in self.stages):
            self.parent = self.best
        self.best = None
        if number + 1 < len(self.stages):
            self._begin(number + 1)


def _numbered(stages: list[Stage]) -> list[Epoch]:
    """Return the epochs of all stages, numbered through."""
    if not stages or not all(stage.epochs or stage.harvest for stage in stages):
        raise UserError("a stage of the ensemble has no epochs; raise epochs or exploration_epochs")
    plan: list[Epoch] = []
    for member, stage in enumerate(stages):
        last = len(plan) + len(stage.epochs) - 1
        for epoch in stage.epochs:
            number = len(plan)
            plan.append(replace(epoch, number=number, member=member, ends_member=number == last))
    return plan


def _work(result: EpochResult, other: store.Network | None) -> dict[str, float]:
    """Return what a sample takes where a link counts more than once, and a row of validation where others predict."""
    work: dict[str, float] = {}
    if result.multiply_adds is not None:
        work |= dict(zip(("multiply_adds", "input_multiply_adds"), result.multiply_adds, strict=True))
    if isinstance(other, Linked):
        work["validated_multiply_adds"] = other.multiply_adds
    return work


def _links_wanted(settings: TrainingConfig) -> str:
    """Return in words what says how many links there are."""
    given = [f"{name} {getattr(settings, name)}" for name in densities(settings)]
    return given[0] if given else "epsilon none"


def _phase(epoch: Epoch) -> tuple[int, str]:
    """Return member and phase of an epoch; both halves of a refinement are one phase."""
    return epoch.member, epoch.phase.rstrip("_12")
