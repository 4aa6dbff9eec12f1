"""Links that take part in some steps of training only: which do is a hash of link, step and key (Whitaker chapter 6).

A link is active in a step where the hash falls below its threshold. For every step the active links are written, in
order, into arrays of their own, on which the kernels work as on any others; then their values return to where they came
from. Work and memory grow with the links that can still be active; nothing is multiplied by zero.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.extending import overload

from truly_sparse.engine.compiled import COMPILED, INLINED, INNER
from truly_sparse.engine.dropout import layer_key, mix
from truly_sparse.engine.graph import Arrays
from truly_sparse.engine.link_loops import index_by_target
from truly_sparse.engine.memory import padded
from truly_sparse.engine.optimisers import at_step, move, rest
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.vector import chosen, lowest, splat

#: Links that are chosen at a time.
TOGETHER = 64
#: Threshold of a link that is active in every step.
ALWAYS = np.uint32(2**32 - 1)


class Gate(NamedTuple):
    """Which links of a network take part in the steps of an epoch.

    Parameters
    ----------
    thresholds : ndarray of uint32, shape (links,)
        In order of ``graph.values``; see `thresholds_of`.
    key : int
        Of 64 bits.
    coast : bool
        Whether links that are not active go on as with a gradient of zero, by velocity and decay; else they rest.
    """

    thresholds: npt.NDArray[np.uint32]
    key: int
    coast: bool


class Active(NamedTuple):
    """`Gate` in compiled code: thresholds and numbers of links (uint32, filled up to a multiple of 64), and room.

    There is room for the links of a step, and for where each of them came from.

    `counted` sums, over steps, active links and those of them that lead from inputs.
    """

    thresholds: npt.NDArray[np.uint32]
    numbers: npt.NDArray[np.uint32]
    key: np.uint64
    coast: bool
    links: Arrays
    origin: npt.NDArray[np.int32]
    counted: npt.NDArray[np.int64]


def thresholds_of(probabilities: npt.ArrayLike) -> npt.NDArray[np.uint32]:
    """Return the thresholds of links that are active with some probabilities; 0 is never, 1 is always.

    Raises
    ------
    ValueError
        For what is no probability.
    """
    wanted = np.asarray(probabilities, np.float64)
    if not ((wanted >= 0) & (wanted <= 1)).all():
        raise ValueError("a probability lies from 0 to 1")
    return np.where(wanted == 1, ALWAYS, np.minimum(np.rint(wanted * 2.0**32), 2.0**32 - 2)).astype(np.uint32)


def room(links: Arrays, gate: Gate) -> Active:
    """Return a gate as the kernels take it, for a network's links.

    Raises
    ------
    ValueError
        Where it has no threshold for each link.
    """
    count = len(links.targets)
    if gate.thresholds.dtype != np.uint32 or gate.thresholds.shape != (count,):
        raise ValueError(f"a gate needs a threshold, uint32, for each of {count} links")
    limits, numbers = (np.zeros(-(-count // TOGETHER) * TOGETHER, np.uint32) for _ in range(2))
    limits[:count] = gate.thresholds
    number(links.pointers, links.targets, numbers)
    here = Arrays(
        pointers=np.zeros_like(links.pointers),
        targets=np.zeros(count, np.int32),
        values=padded(count),
        velocity=padded(count),
        second=padded(len(links.second)),
        fan_in=np.zeros_like(links.fan_in),
        sources=np.zeros(count, np.int32),
        position=np.zeros(count, np.int32),
    )
    origin, counted = np.zeros(count, np.int32), np.zeros(2, np.int64)
    return Active(limits, numbers, np.uint64(gate.key), gate.coast, here, origin, counted)


@njit(cache=True, **COMPILED)
def number(pointers, targets, numbers):
    """Number links by their ends alone, so that what becomes of one does not hang on which others there are."""
    for source in range(pointers.shape[0] - 1):
        low = mix(np.uint32(source), np.uint32(0), np.uint32(0))
        for k in range(pointers[source], pointers[source + 1]):
            numbers[k] = mix(np.uint32(targets[k]), low, np.uint32(0))


@njit(cache=True, **COMPILED)
def choose(links, active, step, inputs):
    """Write the links that are active in a step, in order, into the room for them; return how many there are."""
    here, key, place = active.links, layer_key(active.key, step, 1), 0
    two = links.second.shape[0] > 0
    for first in range(0, active.numbers.shape[0], TOGETHER):
        # How many are active is not foreseen, and that costs: so it is asked for as many as a word has bits.
        bits = np.int64(0)
        for some in range(0, TOGETHER, LANES):
            bits |= chosen(active.numbers, active.thresholds, first + some, key) << some
        while bits:
            k = first + lowest(bits)
            bits &= bits - 1
            active.origin[place] = k
            here.targets[place] = links.targets[k]
            here.values[place] = links.values[k]
            here.velocity[place] = links.velocity[k]
            if two:
                here.second[place] = links.second[k]
            place += 1
    before = 0
    for source in range(links.pointers.shape[0]):
        while before < place and active.origin[before] < links.pointers[source]:
            before += 1
        here.pointers[source] = before
    active.counted[0] += place
    active.counted[1] += here.pointers[inputs]
    index_by_target(inputs, here.pointers, here.targets[:place], here.fan_in, here.sources, here.position)
    return place


@njit(**INNER)
def put_back(links, active, count, rates):
    """Let links that were not active coast or rest, and write the `count` active ones back to where they came from."""
    here, zero = active.links, splat(np.float32(0), 8)
    if active.coast:
        for k in range(0, links.targets.shape[0], 8):
            move(rates, zero, links.values, links.velocity, links.second, k, links.targets.shape[0] - k)
    else:
        rest(rates, links.velocity)
    two = links.second.shape[0] > 0
    for j in range(count):
        k = active.origin[j]
        links.values[k] = here.values[j]
        links.velocity[k] = here.velocity[j]
        if two:
            links.second[k] = here.second[j]


@njit(cache=True, **COMPILED)
def end_step(links, active, count, rates, powers):
    """Do what `put_back` does, for a step of an epoch of its own; `powers` are those before it."""
    put_back(links, active, count, at_step(rates, 0, powers))


def taking_part(links, active, step, inputs):
    """Return the links of a step and how many there are: all where `active` is an empty tuple. Compiled code only."""
    raise NotImplementedError


@overload(taking_part, jit_options=INLINED)
def _taking_part(links, active, step, inputs):
    del links, step, inputs
    if isinstance(active, types.NamedTuple):

        def some(links, active, step, inputs):
            return active.links, choose(links, active, step, inputs)

        return some

    def all_of_them(links, active, step, inputs):
        return links, links.targets.shape[0]

    return all_of_them


def returned(links, active, count, rates):
    """End a step: see `put_back`; nothing where `active` is an empty tuple. Compiled code only."""
    raise NotImplementedError


@overload(returned, jit_options=INLINED)
def _returned(links, active, count, rates):
    del links, count, rates
    if isinstance(active, types.NamedTuple):

        def some_returned(links, active, count, rates):
            put_back(links, active, count, rates)

        return some_returned

    def nothing(links, active, count, rates):
        pass

    return nothing
