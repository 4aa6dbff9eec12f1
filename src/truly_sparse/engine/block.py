"""One sparse weight block: the links from one layer to a later one, their values and their velocities."""

import numpy as np
import numpy.typing as npt

from truly_sparse.engine import link_loops
from truly_sparse.engine.topology import Links, Values


class Block:
    """Links between two layers, stored once by input neuron, with a second order by output neuron.

    The arrays are views into the flat arrays of the network that owns the block; the number of links is fixed.

    Attributes
    ----------
    source, target : int
        Layers the block leads from and to.
    in_pointers : ndarray of int64, shape (n_in + 1,)
        Links of input neuron i lie at ``in_pointers[i]:in_pointers[i + 1]``.
    targets : ndarray of int32, shape (links,)
        Output neuron of each link, ascending within an input neuron.
    values, velocity : ndarray of float32, shape (links,)
    out_pointers, sources, position : ndarrays
        The order by output neuron: input neuron and place in `values` of each link.
    """

    def __init__(self, n_in: int, n_out: int, source: int, target: int, count: int) -> None:
        self.n_in, self.n_out, self.source, self.target = n_in, n_out, source, target
        self.in_pointers = np.zeros(n_in + 1, np.int64)
        self.targets = np.zeros(count, np.int32)
        self.values = np.zeros(count, np.float32)
        self.velocity = np.zeros(count, np.float32)
        self.out_pointers = np.zeros(n_out + 1, np.int64)
        self.sources = np.zeros(count, np.int32)
        self.position = np.zeros(count, np.int32)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def places(self) -> int:
        """Number of links the block could have, n_in * n_out."""
        return self.n_in * self.n_out

    def links(self) -> Links:
        """Return the sorted links, ``source * n_out + target``, int64, shape (links,)."""
        sources = np.repeat(np.arange(self.n_in, dtype=np.int64), np.diff(self.in_pointers))
        return sources * self.n_out + self.targets

    def assign(self, links: Links, values: Values, velocity: Values) -> None:
        """Replace topology, values and velocities in place; `links` sorted, as many as before."""
        if len(links) != len(self):
            raise ValueError(f"a block of {len(self)} links cannot take {len(links)}")
        sources, targets = np.divmod(links, self.n_out)
        self.in_pointers[:] = np.searchsorted(sources, np.arange(self.n_in + 1))
        self.targets[:] = targets
        self.values[:] = values
        self.velocity[:] = velocity
        self.index()

    def index(self) -> None:
        """Rebuild the order by output neuron from the order by input neuron."""
        link_loops.index_by_output(
            self.n_in, self.n_out, self.in_pointers, self.targets, self.out_pointers, self.sources, self.position
        )

    def replant(self, keep: npt.NDArray[np.bool_], grown: Links, values: Values) -> None:
        """Keep the marked links with their values and velocities; add `grown` (sorted) with velocity zero."""
        if len(grown) != len(self) - np.count_nonzero(keep):
            raise ValueError(f"{len(grown)} links cannot replace the {len(self) - np.count_nonzero(keep)} pruned ones")
        old = self.in_pointers.copy(), self.targets.copy(), self.values.copy(), self.velocity.copy()
        link_loops.replant(
            self.n_out, *old, keep, grown, values, self.in_pointers, self.targets, self.values, self.velocity
        )
        self.index()
