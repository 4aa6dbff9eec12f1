"""Prediction by several networks that take the same inputs, as by each alone, to the last bit, in less time."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from truly_sparse.engine import prediction_kernels as kernels
from truly_sparse.engine.memory import aligned, second_level_cache
from truly_sparse.engine.network import Floats, SparseMLP
from truly_sparse.engine.prediction_kernels import ROWS, STRIP, WIDTH, Columns, Shape, Space, Strips, scratch_for
from truly_sparse.engine.ramped import Ramped
from truly_sparse.engine.registers import LANES, LINE
from truly_sparse.engine.rows import taken

#: Rows from which on it is worth to put the links in order first.
MANY = 512
#: Rows up to which each goes by itself through links that are in order.
FEW_IN_ORDER = 12
#: Links of a run, at least, with which strips are quicker than rows of all sources.
LONG = 8


class Joined(NamedTuple):
    """Several networks as one: layer by layer the neurons of the first, then of the second, ...; inputs are shared.

    Links are ordered by target and then by source: those to neuron n, counted from the first that is no input, are the
    ones from ``fan_in[n]`` up to ``fan_in[n + 1]``.
    """

    shape: Shape
    fan_in: npt.NDArray[np.int64]
    sources: npt.NDArray[np.int32]
    values: Floats
    mish: bool
    networks: int


def joined(networks: Sequence[SparseMLP]) -> Joined:
    """Return networks of the same layers and activations as one."""
    sizes, many = networks[0].sizes, len(networks)
    starts = np.concatenate(([0], np.cumsum([sizes[0], *(many * size for size in sizes[1:])]))).astype(np.int64)
    fans, sources, values, biases = [], [], [], []
    placed = []
    for number, network in enumerate(networks):
        own = network.graph.starts
        shifts = starts[:-1] + number * np.array([0, *sizes[1:]]) - own[:-1]
        placed.append((np.arange(own[-1]) + np.repeat(shifts, sizes)).astype(np.int32))
    for layer in range(1, len(sizes)):
        for network, place in zip(networks, placed, strict=True):
            links, first = network.graph.arrays, network.graph.starts[layer] - sizes[0]
            fan_in = links.fan_in[first : first + sizes[layer] + 1]
            part = slice(fan_in[0], fan_in[-1])
            fans.append(np.diff(fan_in))
            sources.append(place[links.sources[part]])
            values.append(links.values[links.position[part]])
            biases.append(network.summed_biases()[first : first + sizes[layer]])
    fan_in = np.concatenate(([0], np.cumsum(np.concatenate(fans)))).astype(np.int64)
    shape = Shape(starts, networks[0].slopes, np.concatenate(biases))
    return Joined(shape, fan_in, np.concatenate(sources), np.concatenate(values), networks[0].mish, many)


def strips_of(network: Joined) -> Strips:
    """Return the links of a network in the order for many rows."""
    starts, fans = network.shape.starts, np.diff(network.fan_in)
    first = np.concatenate([*(np.arange(i, j, STRIP) for i, j in pairwise(starts[:-1])), starts[-2:-1]])
    every = np.arange(len(first))
    strip_of = np.repeat(every[:-1].astype(np.int32), np.diff(first))
    offset_of = (np.arange(len(strip_of)) - first[strip_of]).astype(np.uint8)
    strip = strip_of[network.sources]
    begins = np.diff(strip, prepend=-1) != 0  # whether a run begins with a link
    begins[network.fan_in[:-1][fans > 0]] = True
    links = np.flatnonzero(begins)
    targets, lengths = np.repeat(np.arange(len(fans), dtype=np.int32), fans)[links], np.diff(links, append=len(strip))
    kinds = 2 * strip[links] + (np.diff(targets, prepend=-1) == 0)
    order = np.lexsort((lengths, kinds))
    kinds, lengths = kinds[order], lengths[order]
    ends = np.cumsum(lengths)
    place = np.arange(len(strip)) + np.repeat(links[order] - ends + lengths, lengths)
    return Strips(
        sources=first,
        runs=np.searchsorted(kinds, 2 * every),
        going_on=np.searchsorted(kinds, 2 * every + 1),
        targets=targets[order],
        links=np.append(0, ends),
        offsets=offset_of[network.sources[place]],
        values=network.values[place],
        alone=np.flatnonzero(fans == 0),
    )


def columns_of(network: Joined) -> Columns:
    """Return the links of a network in the order for one row: neurons of about as many links side by side."""
    starts, fans = network.shape.starts, np.diff(network.fan_in)
    inputs, nothing = starts[1], starts[-1]
    layers, targets, steps = [], [], [0]
    first, lane = np.zeros(len(fans), np.int64), np.zeros(len(fans), np.int64)
    for layer, (begin, end) in enumerate(pairwise(starts[1:] - inputs), 1):
        ordered = begin + np.argsort(fans[begin:end], kind="stable")
        for group in np.split(ordered, range(LANES, len(ordered), LANES)):
            first[group], lane[group] = steps[-1], np.arange(len(group))
            steps.append(steps[-1] + int(fans[group].max()))
            layers.append(layer)
            targets.append(np.append(group + inputs, np.full(LANES - len(group), nothing + 1)))
    rank = np.arange(network.fan_in[-1]) - np.repeat(network.fan_in[:-1], fans)
    place = (np.repeat(first, fans) + rank) * LANES + np.repeat(lane, fans)
    kind: npt.DTypeLike = np.uint16 if nothing <= np.iinfo(np.uint16).max else np.int32
    sources, values = np.full(steps[-1] * LANES, nothing, kind), aligned(steps[-1] * LANES)
    sources[place], values[place] = network.sources, network.values
    return Columns(np.array(layers), np.array(targets, np.int32), np.array(steps), sources, values)


def alike(networks: Sequence[SparseMLP]) -> bool:
    """Return whether networks have the same layers and activations, so that they can be joined."""
    first = networks[0]
    return all(
        other.sizes == first.sizes and other.mish == first.mish and np.array_equal(other.slopes, first.slopes)
        for other in networks[1:]
    )


class MadeOf:
    """What some networks were when something was made of them."""

    def __init__(self, networks: Sequence[SparseMLP]) -> None:
        self._networks = [
            (one.graph, one.graph.replaced, one.graph.values.copy(), one.biases.copy()) for one in networks
        ]

    def is_of(self, networks: Sequence[SparseMLP]) -> bool:
        """Return whether networks are these, and unchanged."""
        return len(networks) == len(self._networks) and all(
            one.graph is graph
            and graph.replaced == replaced
            and np.array_equal(graph.values, values)
            and np.array_equal(one.biases, biases)
            for one, (graph, replaced, values, biases) in zip(networks, self._networks, strict=True)
        )


class Outputs:
    """The softmax probabilities of several networks, for calls of some rows each.

    Parameters
    ----------
    networks : sequence of SparseMLP
        With the same inputs and classes.
    rows : int
        How many there will be in all: for many, the links are put in order first.

    Attributes
    ----------
    threads : bool
        Whether several threads may call it at once, and do not wait for each other.
    ramps : bool
        Whether rows are best given as ramps, where they can be.
    """

    def __init__(self, networks: Sequence[SparseMLP], rows: int) -> None:
        self._networks = networks
        self._shape = len(networks), networks[0].sizes[-1]
        self._parts: list[tuple[slice, Shape, Strips]] = []
        self.threads = rows >= MANY and alike(networks) and all(_runs_are_long(network) for network in networks)
        self.ramps = self.threads
        self._made_of = MadeOf(networks if self.threads else ())
        if self.threads:
            # The sums of as many networks as leave half of the second-level cache to their links.
            each = max(1, second_level_cache() // (2 * 4 * ROWS * max(networks[0].sizes[1:])))
            for first in range(0, len(networks), each):
                whole = joined(networks[first : first + each])
                self._parts.append((slice(first, first + each), whole.shape, strips_of(whole)))

    def is_of(self, networks: Sequence[SparseMLP]) -> bool:
        """Return whether this has the links of networks in order, as they are now."""
        return self.threads and self._made_of.is_of(networks)

    def __call__(self, x: Floats | Ramped) -> Floats:
        """Return the probabilities of x, float32 or ramps, shape (rows, inputs): float32, (networks, rows, classes)."""
        x = x.checked() if isinstance(x, Ramped) else np.ascontiguousarray(x, np.float32)
        found = np.empty((self._shape[0], x.shape[0], self._shape[1]), np.float32)
        if self.threads:
            for part, shape, strips in self._parts:
                _predict_many(shape, self._networks[0].mish, strips, x, found[part])
            return found
        dense = taken(x, slice(None))
        for network, own in zip(self._networks, found, strict=True):
            own[:] = network.predict_proba(dense)
        return found


def _runs_are_long(network: SparseMLP) -> bool:
    """Return whether a strip has so many links to a neuron that to fetch and store its sums costs little."""
    runs = sum(block.n_out * -(-block.n_in // STRIP) for block in network.blocks)
    return len(network.graph) >= LONG * runs


def _predict_many(shape: Shape, mish: bool, strips: Strips, x: Floats | Ramped, probabilities: Floats) -> None:
    numbers = x.numbers.shape[1] if isinstance(x, Ramped) else 0
    space = Space(
        sums=aligned(len(shape.biases) * ROWS),
        rows=aligned(STRIP * ROWS),
        numbers=aligned(numbers * ROWS),
        lines=aligned(LINE * ROWS, np.uint8),
        scratch=scratch_for(ROWS, mish),
    )
    kernels.predict_many(x, strips, shape, space, WIDTH, probabilities)


class Ordered:
    """Networks of the same layers and activations as they are now, with their links in order for single rows.

    Calls are as those of `Outputs`; several threads may call it at once.
    """

    threads, ramps = True, False

    def __init__(self, networks: Sequence[SparseMLP]) -> None:
        network = joined(networks)
        self.columns, self.shape, self.mish = columns_of(network), network.shape, network.mish
        self.inputs, self.outputs = networks[0].sizes[0], (len(networks), networks[0].sizes[-1])
        self._made_of = MadeOf(networks)

    def is_of(self, networks: Sequence[SparseMLP]) -> bool:
        """Return whether networks are those that this was made of, and unchanged."""
        return self._made_of.is_of(networks)

    def __call__(self, x: Floats) -> Floats:
        """Return the probabilities of x, float32, shape (rows, inputs): float32, shape (networks, rows, classes)."""
        found, one = np.empty((self.outputs[0], len(x), self.outputs[1]), np.float32), OneRow(self)
        for number, row in enumerate(x):
            one.inputs[:] = row
            found[:, number] = one()
        return found


class OneRow:
    """Memory for one row at a time; not for several threads at once.

    Attributes
    ----------
    inputs : ndarray of float32, shape (inputs,)
        Where the row is written before a call.
    """

    def __init__(self, networks: Ordered) -> None:
        self._networks, self._scratch = networks, scratch_for(LANES, networks.mish)
        self._neurons, self._last = aligned(int(networks.shape.starts[-1]) + 2), aligned(LANES)
        self._probabilities = np.empty(networks.outputs, np.float32)
        self.inputs = self._neurons[: networks.inputs]

    def __call__(self) -> Floats:
        """Return the softmax probabilities of the row in `inputs`, float32, shape (networks, classes), in one array."""
        networks = self._networks
        kernels.predict_one(
            networks.columns, networks.shape, self._neurons, self._last, self._scratch, self._probabilities
        )
        return self._probabilities
