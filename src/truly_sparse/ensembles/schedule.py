"""When what happens: the phases of a training run, epoch by epoch (journal section 3.2.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from truly_sparse.errors import UserError


class Refinement(NamedTuple):
    """Factors on eta and zeta in the second half of a refinement, and on e in both halves."""

    eta: float
    zeta: float
    every_first: int
    every_second: int


REFINEMENTS = {
    "none": Refinement(1.0, 1.0, 1, 1),
    "eta": Refinement(0.5, 1.0, 1, 1),  # EDST as in the thesis, and as the authors' code runs EDST_RG
    "eta_zeta": Refinement(0.5, 0.5, 1, 1),  # EDST as in the journal's ablation
    "comprehensive": Refinement(0.5, 0.5, 2, 4),
}


@dataclass(frozen=True)
class Epoch:
    """Settings of one epoch. `evolve`: make a SET step after it; `ends_member`: the member's window ends with it."""

    number: int
    member: int
    phase: str
    eta: float
    zeta: float
    evolve: bool
    ends_member: bool


def schedule(training: Mapping[str, Any], independent: bool = False) -> list[Epoch]:
    """Lay out all epochs of a run.

    Parameters
    ----------
    training : mapping
        The keys `epochs`, `exploration_epochs`, `members`, `eta`, `zeta`, `evolution_every`, `refinement`,
        `warmup_epochs`.
    independent : bool, default False
        Members are trained from scratch one after the other, `epochs` each, instead of sharing one run.

    Returns
    -------
    list of Epoch
        A SET step follows every e-th epoch, counted from the start of the run, except where a member ends: there
        the escape takes its place, and after the last epoch there is nothing left to train.
    """
    epochs, members = training["epochs"], training["members"]
    if independent:
        alone = schedule({**training, "members": 1})
        return [
            Epoch(i * epochs + e.number, i, e.phase, e.eta, e.zeta, e.evolve, e.ends_member)
            for i in range(members)
            for e in alone
        ]
    exploration = training["exploration_epochs"]
    each, rest = divmod(epochs - exploration, members)
    if exploration < 0 or rest or each < 0 or (members > 1 and each < 2):
        raise UserError(
            f"{epochs} epochs cannot give {members} members the same refinement after {exploration} epochs of "
            f"exploration; change training.epochs, training.exploration_epochs or training.members"
        )
    warmup = training["warmup_epochs"]
    factors = REFINEMENTS[training["refinement"]]
    plan = []
    for number in range(epochs):
        left = number - exploration
        member = max(0, left) // each if each else 0
        every, eta, zeta, phase = training["evolution_every"], training["eta"], training["zeta"], "exploration"
        if left >= 0:
            if left % each < each // 2:
                phase, every = "refinement_1", every * factors.every_first
            else:
                phase, every = "refinement_2", every * factors.every_second
                eta, zeta = eta * factors.eta, zeta * factors.zeta
        eta *= min(1.0, (number + 1) / (warmup + 1))
        ends = number + 1 == epochs or (left >= 0 and (left + 1) % each == 0)
        evolve = every > 0 and (number + 1) % every == 0 and not ends
        plan.append(Epoch(number, member, phase, eta, zeta, evolve, ends))
    return plan
