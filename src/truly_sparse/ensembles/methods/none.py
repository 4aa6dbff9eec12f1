"""A single network."""

from collections.abc import Iterator
from typing import ClassVar

from truly_sparse.ensembles.method import Method
from truly_sparse.training.schedule import schedule
from truly_sparse.training.stage import Stage


class Members(Method):
    """One network, whose run is one window."""

    single: ClassVar[bool] = True
    dense: ClassVar[bool] = True

    def stages(self, begun: bool = False) -> Iterator[Stage]:
        """Train it, or train it further; see `Method.stages`."""
        yield Stage(schedule(self.settings), "previous" if begun else "fresh")
