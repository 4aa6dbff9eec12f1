"""FD-TSE: regrow disjointly from all earlier members, at the escape and in every later SET step (journal 3.2.1)."""

from typing import ClassVar

from truly_sparse.ensembles.strategies import rd_tse


class Escape(rd_tse.Escape):
    """As RD-TSE, and the member stays disjoint while it trains."""

    stays_disjoint: ClassVar[bool] = True
