"""RD-TSE: regrow disjointly from all earlier members at the escape only (journal section 3.2.1, algorithm 1)."""

import numpy as np

from truly_sparse.engine.graph import Block
from truly_sparse.engine.linked import regrow_at_random
from truly_sparse.engine.topology import Links
from truly_sparse.ensembles.strategies import Regrowth, Strategy


class Escape(Strategy):
    """New links avoid every link an earlier member ended with; later SET steps are free."""

    def regrow(self, block: Block, fraction: float, bound: float, rng: np.random.Generator, earlier: Links) -> Regrowth:
        """Prune and regrow away from `earlier`; see `Strategy.regrow`."""
        return Regrowth(fallbacks=regrow_at_random(block, fraction, bound, rng, blocked=earlier))
