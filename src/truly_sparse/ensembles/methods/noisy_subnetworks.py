"""Copies of a network with noise on a part of their weights, chosen by validation rows and not trained (Whitaker 4)."""

from collections.abc import Iterator
from typing import ClassVar

from truly_sparse.ensembles.family import Family
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.stage import Stage

#: Networks that share the numbers of one noise.
SHARING = {"quad": 4, "mirrored": 2, "independent": 1}


class Members(Family):
    """Of `population` noisy networks the `members` are kept that predict the validation rows best."""

    chooses: ClassVar[bool] = True

    def children(self, first: int = 0) -> Iterator[Stage]:
        """Return the stage that draws them; see `Family.children`."""
        from truly_sparse.ensembles import children

        del first  # they are chosen among each other
        yield Stage([], "parent", harvest=children.noisy(self.settings), number=1)

    @classmethod
    def problem(cls, name: str, settings: TrainingConfig) -> str | None:
        """Return why settings cannot be trained; see `Method.problem`."""
        del name
        if settings.population < settings.members:
            return f"population {settings.population} is less than members {settings.members}; raise it"
        if settings.population % SHARING[settings.noise]:
            return f"population {settings.population} with noise {settings.noise}: make it a multiple of " + str(
                SHARING[settings.noise]
            )
        if settings.noise == "quad" and (settings.sparsity != 0.5 or settings.search_sparsity):
            return "noise quad balances at sparsity 0.5 alone; use noise mirrored"
        return None
