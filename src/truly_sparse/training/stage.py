"""A stage of training: what becomes one member, from where its network comes to what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from truly_sparse.training.schedule import Epoch

if TYPE_CHECKING:
    from truly_sparse.engine.gate import Gate
    from truly_sparse.engine.streams import Streams
    from truly_sparse.engine.topology import Links
    from truly_sparse.training.loop import Problem

#: Links that earlier members ended with, by number of the block.
Earlier = dict[int, "Links"]
#: A new network; the one that the stage before ended with; the member of the first stage.
Start = Literal["fresh", "previous", "parent"]
#: Gives the streams of a stage, by its number.
Draw = Callable[[int], "Streams"]


class Regrowth(NamedTuple):
    """What an escape did: new links on blocked places for want of others, and candidates drawn (0 if none were)."""

    fallbacks: int = 0
    draws: int = 0


#: Changes the topology or the values of a network (the first argument) in place, and says what it did; it may draw from
#: the streams, and add the links that a member ended with to those of earlier ones.
Change = Callable[[Any, "Streams", Earlier], Iterable[Regrowth]]
#: Makes another network of the one that a stage starts with, which stays as it is.
Derive = Callable[[Any, Draw], Any]
#: Score (None where there is none) and arrays of members.
Made = Iterable[tuple[float | None, dict[str, Any]]]
#: Makes members of a network without training.
Harvest = Callable[[Any, "Problem", Draw], Made]


class Annealing(Protocol):
    """What happens to the links of a network before each epoch of a stage."""

    def before(self, network: Any, epoch: int) -> tuple[Any, Gate | None]:
        """Return the network of an epoch, counted from 0, and which of its links take part in each step."""

    def final(self, network: Any) -> Any:
        """Return the network of those links, as it is now, that it will end with; its validation score counts."""


@dataclass(frozen=True)
class Stage:
    """What a method of ensembles asks of the training loop for one member.

    Parameters
    ----------
    epochs : sequence of Epoch
        In their order; the loop numbers them through all stages. A stage that harvests has none.
    start : {"fresh", "previous", "parent"}
        Which network it begins with.
    derive : callable, optional
        Makes a child of that network, with which the stage then begins.
    change : callable, optional
        What happens to it before the first epoch.
    anneal : callable, optional
        Returns, for that network and the streams of stages, what happens before each epoch.
    harvest : callable, optional
        Makes members of it, in place of epochs.
    disjoint : bool, default False
        Whether SET steps avoid the links that earlier members ended with.
    collects : bool, default True
        Whether a state of this stage becomes a member.
    bag : float, default 1
        Part of the rows that it trains on, drawn once.
    number : int, optional
        Of the streams that it draws from, unless it goes on from the previous stage; by default its place.
    """

    epochs: Sequence[Epoch]
    start: Start = "fresh"
    change: Change | None = None
    disjoint: bool = False
    collects: bool = True
    derive: Derive | None = None
    anneal: Derive | None = None
    harvest: Harvest | None = None
    bag: float = 1.0
    number: int | None = None


def of_one_parent(stages: Sequence[Stage]) -> bool:
    """Return whether all stages but the first, and there are some, start from the member of that one."""
    return len(stages) > 1 and all(stage.start == "parent" for stage in stages[1:])
