"""How different the topologies of two networks are, whatever the order of their neurons (NNSTD, Liu et al. 2020)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from truly_sparse.errors import UserError

Distances = npt.NDArray[np.float64]


def topology_of(arrays: Mapping[str, npt.NDArray[Any]]) -> list[sparse.csr_array]:
    """Return the topology of a stored sparse network, one 0/1 matrix [input][output] per block.

    Parameters
    ----------
    arrays : mapping
        As `engine.store.snapshot` returns or as a member's file holds them.

    Raises
    ------
    UserError
        For a dense network.
    """
    if not bool(arrays["sparse"]):
        raise UserError("a dense network has no topology to compare; give members of a sparse run")
    pointers, targets, starts = arrays["pointers"], arrays["targets"], np.concatenate(([0], np.cumsum(arrays["sizes"])))
    whole = sparse.csr_array(
        (np.ones(len(targets), np.int32), targets, pointers), shape=(len(pointers) - 1, starts[-1])
    )
    layers = [slice(start, stop) for start, stop in zip(starts, starts[1:], strict=False)]
    return [sparse.csr_array(whole[layers[source], layers[target]]) for source, target in arrays["blocks"]]


def shared_part(first: sparse.csr_array, second: sparse.csr_array) -> float:
    """Return the part of the links of one block that another one of its size has at the same places."""
    part: float = first.multiply(second).sum() / first.nnz
    return part


def topology_distances(first: Sequence[sparse.csr_array], second: Sequence[sparse.csr_array]) -> Distances:
    """Return the distance of two networks' topologies, layer by layer.

    Two neurons are |A xor B| / |A or B| apart, A and B being the sets of their incoming links (0 where both are
    empty). The neurons of a layer are matched one to one at least total cost, and the layer's distance is the mean
    cost of its matches: 0 for the same topology, 1 where no matched neurons share a link. The match decides which
    neurons count as the same where the next layer's incoming links are compared. Where several matches cost the
    same, the solver's choice decides, so that a later layer's distance of neurons hard to tell apart is an upper bound.

    Parameters
    ----------
    first, second : sequences of csr_array, shape (n_in, n_out)
        The blocks from input to output; see `topology_of`.

    Returns
    -------
    ndarray of float64, shape (blocks,)
        The journal's figure 4 shows the second one.

    Raises
    ------
    UserError
        Where the layers of the two are not of the same size.

    Notes
    -----
    The blocks stay sparse, but the costs of all pairs of neurons, n_out x n_out, are needed for the assignment:
    8 MB for 1000 neurons (and twice that while they are computed), 800 MB for 10,000; the assignment takes up to
    n_out cubed.
    """
    shapes = [[block.shape for block in network] for network in (first, second)]
    if shapes[0] != shapes[1]:
        raise UserError(f"blocks {shapes[0]} and {shapes[1]} cannot be compared; give networks of the same layers")
    return np.fromiter(_layers(first, second), np.float64, len(first))


def heatmap(
    rows: Sequence[Sequence[sparse.csr_array]], columns: Sequence[Sequence[sparse.csr_array]], layer: int
) -> Distances:
    """Return the distance at one layer of every network in `rows` to every one in `columns` (journal figure 4).

    Blocks after `layer` are not compared.
    """
    several = [[topology_distances(one[: layer + 1], other[: layer + 1])[layer] for other in columns] for one in rows]
    return np.array(several, np.float64)


def _layers(first: Sequence[sparse.csr_array], second: Sequence[sparse.csr_array]) -> Iterator[float]:
    order = slice(None)
    for one, other in zip(first, second, strict=True):
        costs = _costs(one, other[order])
        mine, order = linear_sum_assignment(costs)
        yield float(costs[mine, order].mean())


def _costs(first: sparse.csr_array, second: sparse.csr_array) -> Distances:
    """Return |A xor B| / |A or B| of every output neuron's incoming links in `first` and in `second`."""
    shared = np.asarray((first.T @ second).todense(), np.float64)
    union = first.sum(axis=0)[:, None] + second.sum(axis=0)[None, :] - shared
    return np.divide(union - shared, union, out=np.zeros_like(union), where=union > 0)
