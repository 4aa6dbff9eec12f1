"""EDST_RG: regrow at random (journal section 4.1.4)."""

import numpy as np

from truly_sparse.engine.graph import Block
from truly_sparse.engine.linked import regrow_at_random
from truly_sparse.engine.topology import Links
from truly_sparse.ensembles.strategies import Regrowth, Strategy


class Escape(Strategy):
    """Every free place is as good as any other, the places just pruned included."""

    def regrow(self, block: Block, fraction: float, bound: float, rng: np.random.Generator, earlier: Links) -> Regrowth:
        """Prune and regrow at random; see `Strategy.regrow`."""
        del earlier
        regrow_at_random(block, fraction, bound, rng)
        return Regrowth()
