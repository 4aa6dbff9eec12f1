"""When what happens: the phases of a training run, epoch by epoch (journal section 3.2.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from math import cos, pi
from typing import TYPE_CHECKING, NamedTuple

from truly_sparse.errors import UserError
from truly_sparse.training.rates import FACTORS, Curve, OneCycle

if TYPE_CHECKING:
    from truly_sparse.training.config import TrainingConfig


class Refinement(NamedTuple):
    """Factors on learning rate and prune fraction in the second half of a refinement, and on e in both halves."""

    learning_rate: float
    prune_fraction: float
    every_first: int
    every_second: int


REFINEMENTS = {
    "none": Refinement(1.0, 1.0, 1, 1),
    "eta": Refinement(0.5, 1.0, 1, 1),  # EDST as in the thesis, and as the authors' code runs EDST_RG
    "eta_zeta": Refinement(0.5, 0.5, 1, 1),  # EDST as in the journal's ablation
    "comprehensive": Refinement(0.5, 0.5, 2, 4),
}
#: Where a cosine ends, as a part of its first rate.
COSINE_FLOOR = 0.01


@dataclass(frozen=True)
class Epoch:
    """Settings of one epoch.

    `evolve`: make a SET step after it; `ends_member`: the member's window ends with it; `curve`: the rate of each step,
    in place of `learning_rate`, which is then its highest.
    """

    number: int
    member: int
    phase: str
    learning_rate: float
    prune_fraction: float
    evolve: bool
    ends_member: bool
    curve: Curve | None = None


def schedule(settings: TrainingConfig) -> list[Epoch]:
    """Lay out all epochs of a run whose members share it.

    A SET step follows every e-th epoch, counted from the start of the run, except where a member ends: there the escape
    takes its place, and after the last epoch there is nothing left to train.

    Raises
    ------
    UserError
        Where the members cannot have windows of the same length.
    """
    epochs, members, exploration = settings.epochs, settings.members, settings.exploration_epochs
    each, rest = divmod(epochs - exploration, members)
    if exploration < 0 or rest or each < 0 or (members > 1 and each < 2):
        raise UserError(
            f"{epochs} epochs cannot give {members} members the same refinement after {exploration} epochs of "
            f"exploration; change training.epochs, training.exploration_epochs or training.members"
        )
    factors = REFINEMENTS[settings.refinement]
    plan = []
    for number in range(epochs):
        left = number - exploration
        member = max(0, left) // each if each else 0
        every, phase = settings.evolution_every, "exploration"
        rate, fraction = settings.learning_rate, settings.prune_fraction
        if left >= 0:
            if left % each < each // 2:
                phase, every = "refinement_1", every * factors.every_first
            else:
                phase, every = "refinement_2", every * factors.every_second
                rate, fraction = rate * factors.learning_rate, fraction * factors.prune_fraction
        rate *= min(1.0, (number + 1) / (settings.warmup_epochs + 1))
        ends = number + 1 == epochs or (left >= 0 and (left + 1) % each == 0)
        evolve = every > 0 and (number + 1) % every == 0 and not ends
        plan.append(Epoch(number, member, phase, rate, fraction, evolve, ends))
    if settings.learning_rate_schedule == "cosine":
        return [epoch for window in windows(plan) for epoch in _cosine(window, settings.learning_rate)]
    if settings.learning_rate_schedule == "one_cycle":
        return [replace(epoch, curve=OneCycle(settings.learning_rate, epoch.number, epochs)) for epoch in plan]
    if settings.learning_rate_schedule in FACTORS:
        factor = FACTORS[settings.learning_rate_schedule]
        return [replace(epoch, learning_rate=epoch.learning_rate * factor(epoch.number / epochs)) for epoch in plan]
    return plan


def tuning(epochs: int, rate: float, kind: str) -> list[Epoch]:
    """Lay out the epochs in which a child of a trained network is tuned.

    Parameters
    ----------
    epochs : int
    rate : float
        The highest, or that of all.
    kind : {"one_cycle", "constant"}
    """
    curves: list[Curve | None] = [OneCycle(rate, e, epochs) if kind == "one_cycle" else None for e in range(epochs)]
    return [Epoch(e, 0, "tuning", rate, 0.0, False, e + 1 == epochs, curve) for e, curve in enumerate(curves)]


def windows(plan: Iterable[Epoch]) -> list[list[Epoch]]:
    """Return the epochs of every member."""
    return [list(window) for _, window in groupby(plan, key=lambda epoch: epoch.member)]


def _cosine(window: list[Epoch], first: float) -> list[Epoch]:
    """Let the rate of a window fall from `first` to nearly 0, along half a cosine."""
    parts = (COSINE_FLOOR + (1 - COSINE_FLOOR) * (1 + cos(pi * i / len(window))) / 2 for i in range(len(window)))
    return [replace(epoch, learning_rate=first * part) for epoch, part in zip(window, parts, strict=True)]
