"""One network with several sets of its hidden neurons dropped when it predicts (Gal and Ghahramani 2016)."""

from collections.abc import Iterator
from typing import ClassVar

from truly_sparse.ensembles.method import Method
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.stage import Stage


class Members(Method):
    """A member is the trained network without a set of neurons, drawn at rate `dropout`, and the others scaled."""

    dense: ClassVar[bool] = True
    of_one: ClassVar[bool] = True

    def stages(self, begun: bool = False) -> Iterator[Stage]:
        """Train the network, then draw; see `Method.stages`."""
        from truly_sparse.ensembles import children

        yield Stage(self.whole(), "previous" if begun else "fresh", collects=False)
        yield Stage([], "parent", harvest=children.dropped(self.settings), number=1)

    @classmethod
    def problem(cls, name: str, settings: TrainingConfig) -> str | None:
        """Return why settings cannot be trained; see `Method.problem`."""
        if not settings.dropout:
            return f"dropout 0 with strategy {name}: all members would be the same; raise it"
        return None
