"""What a method of ensembles is: the stages that it asks of the training loop, and on what it can run."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.schedule import Epoch, schedule
from truly_sparse.training.stage import Stage


class Method(ABC):
    """How the members of an ensemble come to be.

    Parameters
    ----------
    settings : TrainingConfig
        Those of the run.
    """

    #: Whether there is one member and never more.
    single: ClassVar[bool] = False
    #: Whether every member trains for all the `epochs` of the settings; else the members share them.
    alone: ClassVar[bool] = False
    #: Whether the members, but for one, come of that one, which is trained first.
    family: ClassVar[bool] = False
    #: Whether all members are states or copies of one network, or come of its states.
    of_one: ClassVar[bool] = False
    #: Whether members are chosen by validation rows, whatever `selection` says.
    chooses: ClassVar[bool] = False
    #: Whether networks without links of their own, dense ones, can be trained so.
    dense: ClassVar[bool] = False

    def __init__(self, settings: TrainingConfig) -> None:
        self.settings = settings

    @abstractmethod
    def stages(self, begun: bool = False) -> Iterable[Stage]:
        """Return what is trained, one stage after the other.

        Parameters
        ----------
        begun : bool, default False
            Whether there is a network to go on from, of an earlier run: a first stage that starts with the previous
            network gets that one.
        """

    def whole(self) -> list[Epoch]:
        """Return the epochs of one network that is trained for all of them."""
        return schedule(replace(self.settings, members=1, exploration_epochs=self.settings.epochs))

    @classmethod
    def passes(cls, settings: TrainingConfig) -> float:
        """Return how many epochs of a whole network a run takes, children counted by the links they have, at most."""
        return float(settings.epochs * (settings.members if cls.alone else 1))

    @classmethod
    def problem(cls, name: str, settings: TrainingConfig) -> str | None:
        """Return why settings cannot be trained by this method, which they call `name`; None where they can."""
        members, epochs, exploration = settings.members, settings.epochs, settings.exploration_epochs
        if cls.single and members != 1:
            return f"members {members} with strategy {name}, which trains one network; set training.members to 1"
        if exploration > epochs:
            return f"exploration_epochs {exploration} is more than epochs {epochs}; lower it or raise epochs"
        if cls.alone:
            return None
        refinement = epochs - exploration
        count = f"epochs {epochs} - exploration_epochs {exploration} = {refinement}"
        if members > 1 and refinement < 2 * members:
            return f"more members than epochs allow: {members} members need at least {2 * members} epochs, but {count}"
        if refinement % members:
            return f"{members} members cannot share the epochs equally: {count} is not a multiple of {members}"
        return None
