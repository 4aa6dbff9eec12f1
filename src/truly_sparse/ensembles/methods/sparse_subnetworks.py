"""Children with some of their parent's links, each tuned alone (Whitaker chapter 5, prune and tune ensembles)."""

from collections.abc import Iterator

from truly_sparse.ensembles.family import Family
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.schedule import tuning
from truly_sparse.training.stage import Derive, Stage


class Members(Family):
    """Links fall at once, or before each of the first `prune_epochs`."""

    def children(self, first: int = 0) -> Iterator[Stage]:
        """Return a stage for each child; see `Family.children`."""
        from truly_sparse.ensembles import children  # which takes long, and configurations are checked without it

        own = self.settings
        for child in range(first, own.members):
            anneal = self._anneal(child)
            yield Stage(
                tuning(own.child_epochs, own.child_learning_rate, own.child_learning_rate_schedule),
                "parent",
                derive=children.pruned(own, child, whole=anneal is not None),
                anneal=anneal,
                bag=own.bag_fraction,
                number=child + 1,
            )

    def _anneal(self, child: int) -> Derive | None:
        """Return what happens to a child's links while it is tuned."""
        from truly_sparse.ensembles import children

        return children.iterative(self.settings, child) if self.settings.prune_epochs else None

    @staticmethod
    def _share(settings: TrainingConfig) -> float:
        """Return the part of its parent's links that a child has."""
        return 1 / settings.parts if settings.sampler == "partition" else 1 - settings.sparsity

    @classmethod
    def passes(cls, settings: TrainingConfig) -> float:
        """Return the epochs of the parent, and of the children by their links; see `Method.passes`."""
        kept = cls._share(settings)
        first = settings.prune_epochs
        each = first * (1 + kept) / 2 + (settings.child_epochs - first) * kept
        return super().passes(settings) + settings.members * each

    @classmethod
    def problem(cls, name: str, settings: TrainingConfig) -> str | None:
        """Return why settings cannot be trained; see `Method.problem`."""
        del name
        if settings.sampler == "partition":
            if settings.members % settings.parts:
                return (
                    f"{settings.members} members with parts {settings.parts}: children share their parent's links in "
                    f"groups of {settings.parts}; make members a multiple of that"
                )
            if settings.structure == "neurons":
                return "structure neurons needs sampler random: halves of the neurons do not share the links"
        if settings.sampler == "magnitude" and settings.structure != "links":
            return f"structure {settings.structure} needs sampler random or partition; magnitude is one of links"
        if settings.prune_epochs and (settings.structure != "links" or settings.sampler == "partition"):
            return "prune_epochs needs structure links and sampler random or magnitude"
        if settings.prune_epochs > settings.child_epochs:
            return f"prune_epochs {settings.prune_epochs} is more than child_epochs {settings.child_epochs}; lower it"
        if settings.prune_epochs and not settings.sparsity:
            return f"sparsity 0 leaves nothing to fall in prune_epochs {settings.prune_epochs}; raise it"
        if settings.prune_epochs and settings.selection != "last":
            return (
                f"prune_epochs {settings.prune_epochs} with selection {settings.selection} could keep a child before "
                "its links have fallen; set selection to last"
            )
        return None
