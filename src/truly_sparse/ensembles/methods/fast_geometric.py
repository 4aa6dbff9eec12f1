"""States of one network on two ways of cycles that part late in its training (Garipov et al. 2018)."""

from collections.abc import Iterator
from typing import ClassVar

from truly_sparse.ensembles.method import Method
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.rates import Triangle
from truly_sparse.training.schedule import Epoch
from truly_sparse.training.stage import Stage, Start

#: Parts of the epochs after which the two ways begin: 120 and 156 of 200.
PARTINGS = 0.6, 0.78
#: Epochs of a cycle; its highest and lowest rate as parts of the learning rate, 0.05 and 0.01 of 0.1.
PERIOD, HIGH, LOW = 4, 0.5, 0.1


class Members(Method):
    """A network is trained to 0.78 of its epochs; half of the members come of it, half of its state at 0.6.

    A member is taken where the rate of a cycle is lowest. On each way the first has 2 epochs, the others 4: with 200
    epochs and 12 members these are the 200 epochs.
    """

    dense: ClassVar[bool] = True
    of_one: ClassVar[bool] = True

    def stages(self, begun: bool = False) -> Iterator[Stage]:
        """Train the network, then both ways; see `Method.stages`."""
        first, last = (round(part * self.settings.epochs) for part in PARTINGS)
        plan = self.whole()
        ways: tuple[Start, Start] = ("previous", "parent")
        yield Stage(plan[:first], "previous" if begun else "fresh", collects=False)
        yield Stage(plan[first:last], "previous", collects=False)
        for way, start in enumerate(ways):
            for place in range(self.settings.members // 2):
                yield Stage(self._cycle(place), "previous" if place else start, number=way)

    def _cycle(self, place: int) -> list[Epoch]:
        """Return the epochs that lead to a member of a way."""
        rate, half = self.settings.learning_rate, PERIOD // 2
        begin = half + PERIOD * (place - 1) if place else 0
        return [
            Epoch(e, 0, "cycle", HIGH * rate, 0.0, False, False, Triangle(HIGH * rate, LOW * rate, e, PERIOD))
            for e in range(begin, half + PERIOD * place)
        ]

    @classmethod
    def problem(cls, name: str, settings: TrainingConfig) -> str | None:
        """Return why settings cannot be trained; see `Method.problem`."""
        first, last = (round(part * settings.epochs) for part in PARTINGS)
        if settings.members % 2 or not 0 < first < last:
            return (
                f"{settings.members} members with epochs {settings.epochs}: strategy {name} needs an even number of "
                "members, and at least 4 epochs"
            )
        return None
