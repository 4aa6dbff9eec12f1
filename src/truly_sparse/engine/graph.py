"""The links of a sparse network: a graph over numbered neurons, and its blocks, which topology steps work on.

Neurons are numbered layer by layer, inputs first; a neuron's number is its row in the flat array of activations. Links
lie once, in order of their source and then of their target, with a second order by target. A *block* is all there may
be from one layer to a later one: bookkeeping, from which links are drawn and pruned, and no storage of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from truly_sparse.engine import link_loops
from truly_sparse.engine.memory import padded
from truly_sparse.engine.topology import Links, Values
from truly_sparse.errors import UserError

Pair = tuple[int, int]
#: Places in the order by target are 32-bit numbers.
MOST_LINKS = 2**31 - 1
#: The arrays that training changes; the others follow from them.
STATE = ("pointers", "targets", "values", "velocity", "second")


def starts_of(sizes: Sequence[int]) -> npt.NDArray[np.int64]:
    """Return the number of the first neuron of each layer, and of all neurons."""
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)


def check_blocks(sizes: Sequence[int], pairs: Iterable[Pair]) -> None:
    """Refuse layers and blocks that there cannot be.

    Raises
    ------
    UserError
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise UserError(f"layers of {tuple(sizes)} neurons: at least two layers of at least one neuron are needed")
    for pair in (pairs := list(pairs)):
        if not 0 <= pair[0] < pair[1] < len(sizes):
            raise UserError(f"block {pair}: it must lead from one of {len(sizes)} layers to a later one")
    if not pairs:
        raise UserError("a network has one block at least")


class Arrays(NamedTuple):
    """What the kernels take.

    `pointers` (int64, one per neuron that can be a source, and one) tells where its links lie in `targets` (int32),
    `values`, `velocity` and `second` (float32; `second` is empty unless an optimiser keeps second moments). `fan_in`
    does so, from the first neuron that is no input, for `sources` and `position` (int32): the order by target, whose
    link k is link ``position[k]`` of the order by source.
    """

    pointers: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int32]
    values: Values
    velocity: Values
    second: Values
    fan_in: npt.NDArray[np.int64]
    sources: npt.NDArray[np.int32]
    position: npt.NDArray[np.int32]


class Graph:
    """Links between layers; see `of_blocks` for the way to make one.

    Parameters
    ----------
    sizes : sequence of int
        Neurons of every layer, input and output included.
    pairs : iterable of (int, int)
        Source layer and later target layer of each block. A block without links can grow some.
    pointers, targets : ndarray
        As in `Arrays`; not checked.

    Attributes
    ----------
    sizes : tuple of int
    starts : ndarray of int64, shape (layers + 1,)
        Number of the first neuron of each layer, and of all neurons.
    blocks : list of Block
        In order of their source and then of their target layer.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        pairs: Iterable[Pair],
        pointers: npt.NDArray[np.int64],
        targets: npt.NDArray[np.int32],
    ) -> None:
        self.sizes = tuple(sizes)
        self.starts = starts_of(sizes)
        self.blocks = [Block(self, source, target) for source, target in sorted(pairs)]
        count = len(targets)
        if count > MOST_LINKS:
            raise UserError(f"a network has at most {MOST_LINKS:,} links, not {count:,}")
        self._arrays = Arrays(
            pointers=pointers,
            targets=targets,
            values=padded(count),
            velocity=padded(count),
            second=padded(0),
            fan_in=np.zeros(self.starts[-1] - self.sizes[0] + 1, np.int64),
            sources=np.zeros(count, np.int32),
            position=np.zeros(count, np.int32),
        )
        self._stale = True
        #: How often links were replaced: whoever keeps something that follows from them can see whether it still does.
        self.replaced = 0
        self._beyond: tuple[int, tuple[npt.NDArray, ...]] | None = None

    @classmethod
    def of_blocks(cls, sizes: Sequence[int], links: Mapping[Pair, Links]) -> "Graph":
        """Return the graph of the blocks' links, with values zero.

        Parameters
        ----------
        sizes : sequence of int
        links : mapping of (int, int) to ndarray of int64
            (source layer, later target layer) -> links, ``source * n_out + target``, sorted and distinct, with neurons
            counted from the first of their layer.

        Raises
        ------
        UserError
            For layers, blocks or links that there cannot be.
        """
        check_blocks(sizes, links)
        starts, parts = starts_of(sizes), dict[int, list[Links]]()
        for (source, target), own in sorted(links.items()):
            if len(own) and not (own[0] >= 0 and own[-1] < sizes[source] * sizes[target] and (np.diff(own) > 0).all()):
                raise UserError(f"block {(source, target)}: its links are not sorted, not distinct or not in the block")
            rows, columns = np.divmod(own, sizes[target])
            parts.setdefault(source, []).append((rows + starts[source]) * starts[-1] + columns + starts[target])
        keys = [np.sort(np.concatenate(own)) if len(own) > 1 else own[0] for own in parts.values()]
        sources, targets = np.divmod(np.concatenate(keys), starts[-1])
        pointers = np.searchsorted(sources, np.arange(starts[-2] + 1)).astype(np.int64)
        return cls(sizes, links, pointers, targets.astype(np.int32))

    def without(self, prune: npt.NDArray[np.bool_]) -> "Graph":
        """Return the graph of the links that are not marked, with their values and velocities."""
        own, keep = self._arrays, ~prune
        before = np.concatenate(([0], np.cumsum(keep)))
        pairs = [block.pair for block in self.blocks]
        graph = Graph(self.sizes, pairs, before[own.pointers].astype(np.int64), own.targets[keep])
        graph.values[:], graph.velocity[:] = own.values[keep], own.velocity[keep]
        if len(own.second):
            graph.keep_second_moments()
            graph._arrays.second[:] = own.second[keep]
        return graph

    def __len__(self) -> int:
        return len(self._arrays.targets)

    @property
    def arrays(self) -> Arrays:
        """The arrays as the kernels take them, both orders up to date."""
        if self._stale:
            own = self._arrays
            link_loops.index_by_target(self.sizes[0], own.pointers, own.targets, own.fan_in, own.sources, own.position)
            self._stale = False
        return self._arrays

    def beyond_inputs(self) -> Arrays:
        """Return the links that lead from no input, neurons counted from the first that is no input.

        Values and moments are views; both orders are up to date.
        """
        own, inputs = self._arrays, self.sizes[0]
        part = slice(own.pointers[inputs], None)
        if self._beyond is None or self._beyond[0] != self.replaced:
            pointers, targets = own.pointers[inputs:] - own.pointers[inputs], own.targets[part] - np.int32(inputs)
            fan_in = np.zeros(self.starts[-1] - inputs + 1, np.int64)
            sources, position = np.zeros(len(targets), np.int32), np.zeros(len(targets), np.int32)
            link_loops.index_by_target(0, pointers, targets, fan_in, sources, position)
            self._beyond = self.replaced, (pointers, targets, fan_in, sources, position)
        pointers, targets, fan_in, sources, position = self._beyond[1]
        values, velocity = own.values[part], own.velocity[part]
        second = own.second[part] if len(own.second) else own.second
        return Arrays(pointers, targets, values, velocity, second, fan_in, sources, position)

    @property
    def values(self) -> Values:
        """Values of all links, in order of source and target."""
        return self._arrays.values

    @property
    def velocity(self) -> Values:
        """Velocities (first moments) of all links."""
        return self._arrays.velocity

    def keep_second_moments(self) -> None:
        """Make room for second moments, zero for links that had none."""
        if len(self._arrays.second) != len(self):
            self._arrays = self._arrays._replace(second=padded(len(self)))

    def keys(self) -> Links:
        """Return all links as ``source * neurons + target`` by their global numbers, sorted."""
        sources = np.repeat(np.arange(len(self._arrays.pointers) - 1), np.diff(self._arrays.pointers))
        return sources * self.starts[-1] + self._arrays.targets

    def load(self, state: Mapping[str, npt.NDArray]) -> None:
        """Take over links, values and moments of a graph with as many links; of state[name], as in `Arrays`."""
        if len(state["second"]):
            self.keep_second_moments()
        for name in STATE:
            getattr(self._arrays, name)[:] = state[name]
        self._changed()

    def replant(self, keep: npt.NDArray[np.bool_], grown: Links, values: Values) -> None:
        """Keep the marked links with their values and moments; add as many as fall away, with moments zero.

        Parameters
        ----------
        keep : ndarray of bool, shape (links,)
        grown : ndarray of int64
            ``source * neurons + target`` by global numbers, sorted, none of them kept. Blocks may change size.
        values : ndarray of float32
        """
        self._replant(0, len(self._arrays.pointers) - 1, keep, grown, values)

    def _replant(self, first: int, last: int, keep: npt.NDArray[np.bool_], grown: Links, values: Values) -> None:
        """Do so for the links of the sources from `first` to `last`; `grown` counts sources from `first` on."""
        own = self._arrays
        pointers = own.pointers[first : last + 1]
        part = slice(pointers[0], pointers[-1])
        pruned = len(keep) - np.count_nonzero(keep)
        if len(grown) != pruned:
            raise ValueError(f"{len(grown)} links cannot replace the {pruned} pruned ones")
        second = own.second[part] if len(own.second) else own.second
        flat = own.targets[part], own.values[part], own.velocity[part], second
        old = [array.copy() for array in (pointers, *flat)]
        link_loops.replant(int(self.starts[-1]), *old, keep, grown, values, pointers, *flat)
        self._changed()

    def _changed(self) -> None:
        self._stale = True
        self.replaced += 1


class Block:
    """All that may lead from one layer to a later one.

    Attributes
    ----------
    source, target : int
        Its layers.
    n_in, n_out : int
        Neurons of these.
    first, first_target : int
        Numbers of their first neurons.
    """

    def __init__(self, graph: Graph, source: int, target: int) -> None:
        self.graph, self.source, self.target = graph, source, target
        self.n_in, self.n_out = graph.sizes[source], graph.sizes[target]
        self.first, self.first_target = int(graph.starts[source]), int(graph.starts[target])

    @classmethod
    def by_itself(cls, n_in: int, n_out: int, links: Links, values: Values) -> "Block":
        """Return the only block of a graph of two layers."""
        (block,) = Graph.of_blocks((n_in, n_out), {(0, 1): links}).blocks
        block.values[:] = values
        return block

    @property
    def pair(self) -> Pair:
        """Source and target layer."""
        return self.source, self.target

    @property
    def places(self) -> int:
        """Number of links the block could have, n_in * n_out."""
        return self.n_in * self.n_out

    @property
    def alone(self) -> bool:
        """Whether no other block leads from the same layer, so that its links lie together."""
        return sum(block.source == self.source for block in self.graph.blocks) == 1

    @property
    def _pointers(self) -> npt.NDArray[np.int64]:
        return self.graph._arrays.pointers[self.first : self.first + self.n_in + 1]

    @property
    def _part(self) -> slice:
        return slice(self._pointers[0], self._pointers[-1])

    @property
    def where(self) -> slice | npt.NDArray[np.int64]:
        """Places of the block's links among all."""
        return self._part if self.alone else self._scattered()

    def _scattered(self) -> npt.NDArray[np.int64]:
        targets = self.graph._arrays.targets[self._part] - self.first_target
        return self._pointers[0] + np.flatnonzero((targets >= 0) & (targets < self.n_out))

    def __len__(self) -> int:
        where = self.where
        return where.stop - where.start if isinstance(where, slice) else len(where)

    @property
    def values(self) -> Values:
        """Values of the links, float32; a view where the block is `alone`."""
        return self.graph.values[self.where]

    @property
    def velocity(self) -> Values:
        """Velocities of the links, float32."""
        return self.graph.velocity[self.where]

    @property
    def targets(self) -> npt.NDArray[np.int32]:
        """Target of each link, counted from the first of its layer, ascending within a source."""
        return self.graph._arrays.targets[self.where] - np.int32(self.first_target)

    @property
    def pointers(self) -> npt.NDArray[np.int64]:
        """Where the links of each source begin among the block's, shape (n_in + 1,)."""
        if self.alone:
            return self._pointers - self._pointers[0]
        return np.searchsorted(self._scattered(), self._pointers)

    def fan_in(self) -> npt.NDArray[np.int64]:
        """Return the number of the block's links that lead to each target, shape (n_out,)."""
        return np.bincount(self.targets, minlength=self.n_out)

    def links(self) -> Links:
        """Return the sorted links, ``source * n_out + target``, int64, shape (links,)."""
        return self.kept(np.ones(len(self), bool), len(self))

    def kept(self, keep: npt.NDArray[np.bool_], count: int) -> Links:
        """Return the sorted links that are marked, `count` of them."""
        links = np.empty(count + 1, np.int64)  # the last one takes what is written after the last kept link
        targets = self.graph._arrays.targets[self._part]
        link_loops.kept_links(self._pointers, targets, keep, self.first_target, self.n_out, links)
        return links[:count]

    def global_keys(self, links: Links) -> Links:
        """Return links as ``source * neurons + target``, sources counted from the block's first, targets globally."""
        rows, columns = np.divmod(links, self.n_out)
        return rows * self.graph.starts[-1] + columns + self.first_target

    def replant(self, keep: npt.NDArray[np.bool_], grown: Links, values: Values) -> None:
        """Keep the marked links with their values and moments; add `grown` (sorted) with moments zero, as many."""
        if not self.alone:
            part = self._part
            whole = np.ones(part.stop - part.start, bool)
            whole[self._scattered() - part.start] = keep
            keep = whole
        self.graph._replant(self.first, self.first + self.n_in, keep, self.global_keys(grown), values)
