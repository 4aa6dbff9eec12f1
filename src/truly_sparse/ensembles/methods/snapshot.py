"""States of one network at the ends of cycles of its learning rate (Huang et al. 2017)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from truly_sparse.ensembles.method import Method
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.rates import CosineCycle
from truly_sparse.training.stage import Stage


class Members(Method):
    """The epochs of a run are shared by `members` cycles, in each of which the rate falls along half a cosine."""

    dense: ClassVar[bool] = True
    of_one: ClassVar[bool] = True

    def stages(self, begun: bool = False) -> Iterator[Stage]:
        """Train the cycles one after the other; see `Method.stages`."""
        own = self.settings
        each = own.epochs // own.members
        plan = self.whole()
        for cycle in range(own.members):
            epochs = plan[cycle * each : (cycle + 1) * each]
            curves = [
                replace(epoch, curve=CosineCycle(own.learning_rate, place, each)) for place, epoch in enumerate(epochs)
            ]
            yield Stage(curves, "previous" if cycle or begun else "fresh")

    @classmethod
    def problem(cls, name: str, settings: TrainingConfig) -> str | None:
        """Return why settings cannot be trained; see `Method.problem`."""
        del name
        if settings.epochs % settings.members:
            return f"{settings.members} members with epochs {settings.epochs}: cycles must be equal; change either"
        return None
