"""Methods as a user's own module has them."""

from truly_sparse.ensembles.methods.independent import Members
from truly_sparse.ensembles.strategies.rd_tse import Escape


class Alone(Members):
    """Independent networks."""


class Elsewhere(Escape):
    """Regrowth at random."""


NO_METHOD = 3
