"""Ensembles of a parent and its children, which know nothing of each other."""

from collections.abc import Iterator
from typing import ClassVar

from truly_sparse.ensembles.method import Method
from truly_sparse.training.stage import Stage


class Family(Method):
    """A parent is trained for the epochs of a run, then children come of it; `members` counts the children."""

    dense: ClassVar[bool] = True
    family: ClassVar[bool] = True

    def stages(self, begun: bool = False) -> Iterator[Stage]:
        """Train the parent, or train it further, then its children; see `Method.stages`."""
        yield Stage(self.whole(), "previous" if begun else "fresh", collects=self.settings.include_parent)
        yield from self.children()

    def children(self, first: int = 0) -> Iterator[Stage]:
        """Return the stages that make children of the parent, from number `first` on."""
        raise NotImplementedError
