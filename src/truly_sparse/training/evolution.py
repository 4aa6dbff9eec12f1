"""The step of topology evolution that settings ask for."""

from truly_sparse.engine import shortcuts, topology
from truly_sparse.engine.linked import Linked
from truly_sparse.engine.streams import Streams
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.stage import Earlier


def step(
    network: Linked, settings: TrainingConfig, fraction: float, streams: Streams, avoided: Earlier | None = None
) -> int:
    """Remove a fraction of the links by the rule `pruning`, and grow as many at random.

    Parameters
    ----------
    network : SparseMLP or SparseCNN
        Changed in place.
    settings : TrainingConfig
    fraction : float
        zeta; xi of SPaSET.
    streams : Streams
    avoided : dict of ndarray, optional
        Links by number of the block that are not to be grown while other places are free; a step over the whole network
        has none.

    Returns
    -------
    int
        How many of those were grown all the same.
    """
    if settings.pruning == "global":
        shortcuts.evolve(network, fraction, streams.evolution, settings.keep_shortcut_ratio)
        return 0
    survivors = topology.between if settings.pruning == "between" else topology.survivors
    return network.evolve(fraction, streams, avoided, survivors)
