"""Dist-TSE: regrow until the block is far enough from the one before (journal section 3.2.2, algorithm 2).

The links that survive pruning are the same in every candidate, so a draw costs only its new links.
"""

import numpy as np
import numpy.typing as npt

from truly_sparse.engine import topology
from truly_sparse.engine.graph import Block
from truly_sparse.engine.topology import Links
from truly_sparse.ensembles.distance import DISTANCES
from truly_sparse.ensembles.strategies import Regrowth, Strategy
from truly_sparse.errors import UserError


class Escape(Strategy):
    """Accept the first candidate at least mu + lambda sigma away, estimated from `distance_samples` candidates."""

    def regrow(self, block: Block, fraction: float, bound: float, rng: np.random.Generator, earlier: Links) -> Regrowth:
        """Prune, then draw regrowths until one is distant enough; see `Strategy.regrow`.

        Raises
        ------
        UserError
            If no candidate is distant enough within `distance_max_draws`.
        """
        del earlier
        keep = topology.survivors(block.values, fraction)
        distance = DISTANCES[self.settings.distance](block, keep)
        kept, count = block.links()[keep], int(len(block) - keep.sum())

        def draw() -> tuple[Links, npt.NDArray[np.float32]]:
            return topology.grow(kept, count, block.places, rng), topology.start_values(count, bound, rng)

        samples = self.settings.distance_samples
        sampled = np.array([distance(*draw()) for _ in range(samples)])
        wanted = sampled.mean() + self.settings.distance_factor * sampled.std()
        for extra in range(1, self.settings.distance_max_draws + 1):
            links, values = draw()
            if distance(links, values) >= wanted:
                block.replant(keep, links, values)
                return Regrowth(draws=samples + extra)
        raise UserError(
            f"no regrowth at distance mu + {self.settings.distance_factor} sigma in "
            f"{self.settings.distance_max_draws} draws; lower training.distance_factor or "
            f"raise training.distance_max_draws"
        )
