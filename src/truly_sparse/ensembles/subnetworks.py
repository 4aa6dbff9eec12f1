"""Children of a trained network: which of its links each one has, and the network these make (Whitaker section 3.2).

A child is a smaller network, not a mask. Of a sparse parent it has some of the links; a dense parent's weights count as
links, and its child is sparse.
"""

from collections.abc import Mapping
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from truly_sparse.engine import store, topology
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.graph import Graph, Pair
from truly_sparse.engine.linked import Floats, Linked
from truly_sparse.engine.network import SparseMLP
from truly_sparse.errors import UserError
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.stage import Draw

Marks = npt.NDArray[np.bool_]


class Part(NamedTuple):
    """The links of a parent's block in order of source and target: values, and where they lead to."""

    values: Floats
    sources: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]


def parts_of(parent: store.Network) -> dict[Pair, Part]:
    """Return the blocks of a network; of a dense one, every weight is a link."""
    if isinstance(parent, Linked):
        blocks = {block.pair: (block, np.divmod(block.links(), block.n_out)) for block in parent.blocks}
        return {pair: Part(block.values, *ends) for pair, (block, ends) in blocks.items()}
    found = {}
    for layer, weights in enumerate(parent.weights):
        n_out, n_in = weights.shape
        sources, targets = np.repeat(np.arange(n_in), n_out), np.tile(np.arange(n_out), n_in)
        found[layer, layer + 1] = Part(weights.T.ravel(), sources, targets)
    return found


def fallen(count: int, sparsity: float) -> int:
    """Return how many of `count` links, rows or neurons fall."""
    return round(sparsity * count)


def kept(parent: store.Network, settings: TrainingConfig, child: int, draw: Draw) -> dict[Pair, Marks]:
    """Return which links of its parent a child keeps, by block, in order of source and target.

    Parameters
    ----------
    parent : SparseMLP, SparseCNN or DenseMLP
    settings : TrainingConfig
        `sampler`, `parts`, `sparsity`, `structure`, `prune_output_block`.
    child : int
        Its number, from 0. Of `sampler` partition, children 0 to parts - 1 share the links of the parent, and so on.
    draw : callable
        Gives the streams of a stage; the first child of a partition has stage ``first + 1``.
    """
    blocks, last = parts_of(parent), len(parent.sizes) - 1
    if settings.structure == "neurons":
        return _without_neurons(parent, blocks, settings, draw(child + 1).prune)
    own = child % settings.parts if settings.sampler == "partition" else 0
    rng = draw(child - own + 1).prune
    marks = {}
    for pair, part in blocks.items():
        if pair[1] == last and not settings.prune_output_block:
            marks[pair] = every(part)
        elif settings.structure == "rows":
            marks[pair] = _chosen(parent.sizes[pair[1]], settings, own, rng)[part.targets]
        elif settings.sampler == "magnitude":
            marks[pair] = ranked(np.abs(part.values)) >= fallen(len(part.values), settings.sparsity)
        else:
            marks[pair] = _chosen(len(part.values), settings, own, rng)
    return marks


def fallible(parent: store.Network, settings: TrainingConfig) -> dict[Pair, Marks]:
    """Return which links of its parent a child could lose: those to the outputs only where settings say so."""
    last, output = len(parent.sizes) - 1, settings.prune_output_block or settings.structure == "neurons"
    return {pair: np.full(len(part.values), pair[1] < last or output) for pair, part in parts_of(parent).items()}


def every(part: Part) -> Marks:
    """Mark all links of a block."""
    return np.ones(len(part.values), bool)


def ranked(numbers: npt.NDArray) -> npt.NDArray[np.int64]:
    """Return the rank of each number, from 0 for the smallest; of equals the first comes first."""
    ranks = np.empty(len(numbers), np.int64)
    ranks[np.argsort(numbers, kind="stable")] = np.arange(len(numbers))
    return ranks


def _chosen(count: int, settings: TrainingConfig, own: int, rng: np.random.Generator) -> Marks:
    """Mark what a child keeps of so many: its part of a partition, or what does not fall."""
    marks, order = np.zeros(count, bool), rng.permutation(count)
    if settings.sampler == "partition":
        marks[np.array_split(order, settings.parts)[own]] = True
    else:
        marks[order[fallen(count, settings.sparsity) :]] = True
    return marks


def _without_neurons(
    parent: store.Network, blocks: Mapping[Pair, Part], settings: TrainingConfig, rng: np.random.Generator
) -> dict[Pair, Marks]:
    """Mark the links between the neurons that stay; inputs and outputs do."""
    stays = [np.ones(size, bool) for size in parent.sizes]
    for layer in stays[1:-1]:
        layer[rng.permutation(len(layer))[: fallen(len(layer), settings.sparsity)]] = False
    return {
        (source, target): stays[source][part.sources] & stays[target][part.targets]
        for (source, target), part in blocks.items()
    }


def child_of(
    parent: store.Network, marks: Mapping[Pair, Marks], settings: TrainingConfig, fresh: np.random.Generator | None
) -> Linked:
    """Return the network of some links of a parent, with its values and biases, and at rest.

    Parameters
    ----------
    parent : SparseMLP, SparseCNN or DenseMLP
        It stays as it is.
    marks : mapping
        See `kept`.
    settings : TrainingConfig
        `init`; of a dense parent's child, `activation_storage`.
    fresh : Generator, optional
        Draws start values in place of the parent's, and has the biases start at zero.

    Raises
    ------
    UserError
        Where no link is left in a block that had some.
    """
    empty = [pair for pair, own in marks.items() if len(own) and not own.any()]
    if empty:
        raise UserError(f"block {empty[0]} of a child has no links; lower sparsity or parts, or raise epsilon")
    child: Linked
    if isinstance(parent, Linked):
        child = parent.subnetwork(marked(parent, marks))
    else:
        child = _of_dense(parent, marks, settings)
    child.rest()
    if fresh is not None:
        if isinstance(parent, Linked) and settings.init.endswith("_links"):
            child.bounds = _wider(parent, child)
        for block in child.blocks:
            child.graph.values[block.where] = topology.start_values(len(block), child.bounds[block.pair], fresh)
        child.forget_biases()
    return child


def _wider(parent: Linked, child: Linked) -> dict[Pair, float]:
    """Return the bounds of start values by the fan-in that a child has, of those by its parent's."""
    before = {block.pair: len(block) for block in parent.blocks}
    return {
        block.pair: parent.bounds[block.pair] * sqrt(before[block.pair] / len(block) if len(block) else 1)
        for block in child.blocks
    }


def marked(network: Linked, marks: Mapping[Pair, Marks]) -> Marks:
    """Return marks of all links, in order of ``graph.values``."""
    found = np.zeros(len(network.graph), bool)
    for block in network.blocks:
        found[block.where] = marks[block.pair]
    return found


def _of_dense(parent: DenseMLP, marks: Mapping[Pair, Marks], settings: TrainingConfig) -> SparseMLP:
    sizes = parent.sizes
    links = {pair: np.flatnonzero(own) for pair, own in marks.items()}
    bounds = {
        pair: topology.start_bound(n_in, n_out, settings.init, len(links[pair]) / (n_in * n_out))
        for pair, (n_in, n_out) in zip(links, pairwise(sizes), strict=True)
    }
    child = SparseMLP(Graph.of_blocks(sizes, links), parent.slopes, bounds, settings.activation_storage)
    for block, weights in zip(child.blocks, parent.weights, strict=True):
        sources, targets = np.divmod(links[block.pair], block.n_out)
        child.graph.values[block.where] = weights[targets, sources]
    child.biases[:] = np.concatenate(parent.biases)
    return child


def idle_neurons(network: SparseMLP) -> int:
    """Return how many hidden neurons have lost all links that lead to them, or all that lead from them."""
    arrays, inputs = network.graph.arrays, network.sizes[0]
    hidden = slice(inputs, int(network.graph.starts[-2]))
    leading_from = np.diff(arrays.pointers)[hidden]
    leading_to = np.diff(arrays.fan_in)[: len(leading_from)]
    return int(np.count_nonzero((leading_from == 0) | (leading_to == 0)))
