"""Members that are trained from scratch, one after the other."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from truly_sparse.ensembles.method import Method
from truly_sparse.training.schedule import schedule
from truly_sparse.training.stage import Stage


class Members(Method):
    """Every member has a whole run, with random streams of its own."""

    alone: ClassVar[bool] = True
    dense: ClassVar[bool] = True

    def stages(self, begun: bool = False) -> Iterator[Stage]:
        """Train them, whether others were trained before or not; see `Method.stages`."""
        del begun
        alone = schedule(replace(self.settings, members=1))
        for _ in range(self.settings.members):
            yield Stage(alone, bag=self.settings.bag_fraction)
