"""The orders in which convolutions walk their links, worked out from those of the graph."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.convolution import kernels
from truly_sparse.engine.convolution.layers import Reach
from truly_sparse.engine.convolution.walks import PIECES
from truly_sparse.engine.graph import Arrays
from truly_sparse.engine.memory import aligned, padded
from truly_sparse.engine.registers import LANES

Positions = npt.NDArray[np.int32]


class Orders(NamedTuple):
    """See `kernels.Links`; `rank` is the place, in order of the channel they come from, of each link of the graph."""

    pointers: npt.NDArray[np.int64]
    reach: Positions
    back_pointers: npt.NDArray[np.int64]
    back_reach: Positions
    back_position: Positions
    rank: npt.NDArray[np.int64]


class Room(NamedTuple):
    """Numbers of a step, for so many links: gradients, values in both orders, and products of 16 samples."""

    gradient: npt.NDArray[np.float32]
    forth: npt.NDArray[np.float32]
    back: npt.NDArray[np.float32]
    products: npt.NDArray[np.float32]


def room(count: int) -> Room:
    """Return room for the numbers of a step."""
    return Room(padded(count), padded(count), padded(count), aligned(count * LANES))


def orders_of(own: Arrays, reach: Reach, inputs: int) -> Orders:
    """Return the orders of a graph's links.

    Parameters
    ----------
    own : Arrays
    reach : Reach
    inputs : int
        Neurons of the graph's first layer.
    """
    taken, back = _ends(own, reach, len(own.targets), inputs)
    order = np.lexsort((back, taken))
    rank = np.empty(len(order), np.int64)
    rank[own.position[order]] = np.arange(len(order))
    return _ordered(own, reach, taken, back, order, rank)


def orders_of_some(own: Arrays, count: int, origin: Positions, every: Orders, reach: Reach, inputs: int) -> Orders:
    """Return the orders of some of the links, in time that follows their number.

    Parameters
    ----------
    own : Arrays
        With room for more links than there are.
    count : int
        How many there are.
    origin : ndarray of int32
        Which of all links each one is.
    every : Orders
        Of all links.
    """
    taken, back = _ends(own, reach, count, inputs)
    slots = np.full(len(every.rank), -1, np.int64)
    slots[every.rank[origin[own.position[:count]]]] = np.arange(count)
    return _ordered(own, reach, taken, back, slots[slots >= 0], every.rank)


def links_of(own: Arrays, count: int, orders: Orders, work: Room) -> kernels.Links:
    """Return links as the kernels take them."""
    moments = len(own.second) and count
    return kernels.Links(orders.pointers, orders.reach, own.position[:count], orders.back_pointers, orders.back_reach,
                         orders.back_position, own.values[:count], own.velocity[:count], own.second[:moments],
                         work.gradient[:count], work.forth[:count], work.back[:count],
                         work.products[: count * LANES])  # fmt: skip


def _ends(own: Arrays, reach: Reach, count: int, inputs: int) -> tuple[Positions, Positions]:
    """Return which channel each link comes from and how far it reaches back, in order of the channel it leads to."""
    sources = own.sources[:count]
    targets = np.repeat(np.arange(inputs, inputs + len(own.fan_in) - 1), np.diff(own.fan_in))
    return reach.taken[sources], reach.back_tap[sources] + reach.back_channel[targets]


def _ordered(
    own: Arrays,
    reach: Reach,
    taken: Positions,
    back: Positions,
    order: npt.NDArray[np.int64],
    rank: npt.NDArray[np.int64],
) -> Orders:
    sources, channels = own.sources[: len(order)], len(own.fan_in) - 1
    pointers = _pointers(np.repeat(np.arange(channels), np.diff(own.fan_in)), reach.piece[sources], channels)
    pieces = back.astype(np.int64) * PIECES // reach.back_most[sources]
    back_pointers = _pointers(taken[order], pieces[order], int(reach.taken.max()) + 1)
    return Orders(pointers, reach.forth[sources], back_pointers, back[order], own.position[order], rank)


def _pointers(channels: npt.NDArray, pieces: npt.NDArray, count: int) -> npt.NDArray[np.int64]:
    """Return where each piece of each of `count` channels begins among links that lie in this order, with the end."""
    return np.searchsorted(channels * np.int64(PIECES) + pieces, np.arange(PIECES * count + 1)).astype(np.int64)
