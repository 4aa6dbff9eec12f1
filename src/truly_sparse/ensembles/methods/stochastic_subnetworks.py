"""Children whose surplus links are annealed away while they are tuned (Whitaker chapter 6)."""

from truly_sparse.ensembles.methods import sparse_subnetworks
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.stage import Derive


class Members(sparse_subnetworks.Members):
    """Links that are to fall are active in ever fewer steps, first."""

    def _anneal(self, child: int) -> Derive:
        from truly_sparse.ensembles import children

        return children.stochastic(self.settings, child)

    @classmethod
    def passes(cls, settings: TrainingConfig) -> float:
        """Return the epochs of the parent, and of the children by links, active half of the time while they anneal."""
        annealed = settings.annealing_epochs * (1 - cls._share(settings)) / 2
        return super().passes(settings) + settings.members * annealed

    @classmethod
    def problem(cls, name: str, settings: TrainingConfig) -> str | None:
        """Return why settings cannot be trained; see `Method.problem`."""
        if settings.prune_epochs:
            return f"prune_epochs {settings.prune_epochs} with strategy {name}, which anneals; leave it out"
        if settings.annealing_epochs > settings.child_epochs:
            return (
                f"annealing_epochs {settings.annealing_epochs} is more than child_epochs {settings.child_epochs}: "
                "links would be left over; lower it"
            )
        if settings.sampler == "magnitude" and not settings.inherit:
            return "sampler magnitude looks at the values that a child begins with; it needs inherit true here"
        if settings.sampler != "partition" and not settings.sparsity:
            return "sparsity 0 leaves nothing to anneal; raise it"
        return super().problem(name, settings)
