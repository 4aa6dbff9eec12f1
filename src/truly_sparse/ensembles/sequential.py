"""Members that follow one another in one run, each from the last one by an escape (journal section 3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truly_sparse.ensembles.method import Method
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.schedule import schedule, windows
from truly_sparse.training.stage import Stage

if TYPE_CHECKING:
    from truly_sparse.ensembles.strategies import Strategy


class Sequential(Method):
    """A network explores; then each member begins where the last one ended, most links pruned and others grown.

    Parameters
    ----------
    settings : TrainingConfig
    strategy : Strategy
        How links are regrown.
    """

    def __init__(self, settings: TrainingConfig, strategy: Strategy) -> None:
        super().__init__(settings)
        self.strategy = strategy

    def stages(self, begun: bool = False) -> Iterator[Stage]:
        """Train them in windows of one schedule; see `Method.stages`."""
        disjoint = self.strategy.stays_disjoint
        for number, window in enumerate(windows(schedule(self.settings))):
            if number or begun:
                yield Stage(window, "previous", self.strategy.escape, disjoint)
            else:
                yield Stage(window, disjoint=disjoint)
