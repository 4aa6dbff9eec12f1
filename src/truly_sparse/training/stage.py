"""A stage of training: what becomes one member, from where its network comes to what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from truly_sparse.training.schedule import Epoch

if TYPE_CHECKING:
    from truly_sparse.engine.streams import Streams
    from truly_sparse.engine.topology import Links

#: Links that earlier members ended with, by number of the block.
Earlier = dict[int, "Links"]
#: A new network; the one that the stage before ended with; the one that the first stage ended with.
Start = Literal["fresh", "previous", "parent"]


class Regrowth(NamedTuple):
    """What an escape did: new links on blocked places for want of others, and candidates drawn (0 if none were)."""

    fallbacks: int = 0
    draws: int = 0


#: Changes the topology or the values of a network (the first argument) in place, and says what it did; it may draw from
#: the streams, and add the links that a member ended with to those of earlier ones.
Change = Callable[[Any, "Streams", Earlier], Iterable[Regrowth]]


@dataclass(frozen=True)
class Stage:
    """What a method of ensembles asks of the training loop for one member.

    Parameters
    ----------
    epochs : sequence of Epoch
        In their order; the loop numbers them through all stages.
    start : {"fresh", "previous", "parent"}
        Which network it begins with.
    change : callable, optional
        What happens to that network before the first epoch.
    disjoint : bool, default False
        Whether SET steps avoid the links that earlier members ended with.
    collects : bool, default True
        Whether a state of this stage becomes a member.
    """

    epochs: Sequence[Epoch]
    start: Start = "fresh"
    change: Change | None = None
    disjoint: bool = False
    collects: bool = True
