"""Compiled loops of the way forward: the sums of neurons, over all of their sources or a run of sources at a time.

The sum of a neuron is its bias, then its links in ascending order of their sources, one fused multiply-add each. Where
a layer has many of the links it could have, and rows of its sources are more than the first-level cache holds, its
links are walked in runs: all that lead from the first few sources, then from the next. A sum waits between runs for its
next links, so that the order is the same, and each row comes from the second-level cache once for all neurons and not
once for each.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.extending import overload

from truly_sparse.engine.activations import activate
from truly_sparse.engine.compiled import COMPILED, INLINED, INNER
from truly_sparse.engine.dropout import layer_key
from truly_sparse.engine.graph import Arrays
from truly_sparse.engine.memory import aligned
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.rows import pack
from truly_sparse.engine.team import meet, share
from truly_sparse.engine.vector import add_product, fill, load_row, prefetch, splat, store_row

#: How many links ahead the row at the other end is asked for, where rows lie far away (`workspace.NEAR`).
AHEAD = np.uint64(6)
#: Bytes of the rows of a run: about what the first-level cache has; a little more, or less, costs little.
RUN_BYTES = 32 * 1024
#: Share of the places that links take from which on runs are quicker: fewer of them have sums wait too often.
DENSE = 0.15
#: Runs of a layer from which on its rows are more than that cache holds, and neurons from which on it matters.
FEWEST_RUNS, FEWEST_NEURONS = 4, 16


class Runs(NamedTuple):
    """The links of layers that are walked in runs of sources, in that order: layer, run, neuron, source.

    Layer number l has ``needed[l]`` runs (none where it is not walked so), of ``size`` sources each from source
    ``low[l]`` on. The links of the neuron that is number n of the layer end, in run r, before
    ``ends[at[l] + r * neurons + n + 1]``, and begin where those before it end. Link k leads from ``sources[k]`` and is
    number ``position[k]`` of the order by source. ``sums`` has room for a layer's.
    """

    size: int
    low: npt.NDArray[np.int64]
    needed: npt.NDArray[np.int64]
    at: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    sources: npt.NDArray[np.int32]
    position: npt.NDArray[np.int32]
    sums: npt.NDArray[np.float32]


def runs_of(links: Arrays, starts: npt.NDArray[np.int64], count: int) -> Runs | tuple[()]:
    """Return the runs of a network with float32 rows of `count` samples, or an empty tuple where no layer needs any.

    `starts` are the numbers of the first neuron of each layer, and of all neurons.
    """
    layers, size = len(starts) - 1, RUN_BYTES // (4 * count)
    low, runs, at = (np.zeros(layers, np.int64) for _ in range(3))
    links_in, ends, widest = 0, 1, 0
    for layer in range(1, layers):
        neurons = starts[layer + 1] - starts[layer]
        first, last = (int(links.fan_in[starts[which] - starts[1]]) for which in (layer, layer + 1))
        if not size or first == last or neurons < FEWEST_NEURONS:
            continue
        own = links.sources[first:last]
        low[layer] = own.min()
        reach = int(own.max() + 1 - low[layer])
        needed = -(-reach // size)
        if needed < FEWEST_RUNS or last - first < DENSE * reach * neurons:
            continue
        runs[layer], at[layer] = needed, ends - 1
        links_in, ends, widest = links_in + last - first, ends + needed * neurons, max(widest, neurons)
    if not links_in:
        return ()
    found = Runs(
        size=size,
        low=low,
        needed=runs,
        at=at,
        ends=np.zeros(ends, np.int64),
        sources=np.empty(links_in, np.int32),
        position=np.empty(links_in, np.int32),
        sums=aligned(widest * count),
    )
    _sort(links.fan_in, links.sources, links.position, starts, found, links.fan_in.copy())
    return found


@njit(cache=True, **COMPILED)
def _sort(fan_in, sources, position, starts, runs, next_link):
    """Write the links in the order of the runs; `next_link` is a copy of `fan_in`."""
    place = 0
    for layer in range(1, starts.shape[0] - 1):
        end = runs.at[layer]
        for run in range(runs.needed[layer]):
            until = runs.low[layer] + (run + 1) * runs.size
            for o in range(starts[layer] - starts[1], starts[layer + 1] - starts[1]):
                k = next_link[o]
                while k < fan_in[o + 1] and sources[k] < until:
                    runs.sources[place], runs.position[place] = sources[k], position[k]
                    place += 1
                    k += 1
                next_link[o] = k
                end += 1
                runs.ends[end] = place


def begun(bias, neuron, batch, left, width):
    """Return the vectors that the sums of a neuron begin with; compiled code only.

    `bias` has a number for each neuron, or [neuron][batch] what the inputs have added to it.
    """
    raise NotImplementedError


@overload(begun, jit_options=INLINED)
def _begun(bias, neuron, batch, left, width):
    del neuron, batch, left, width
    if bias.ndim == 1:
        return lambda bias, neuron, batch, left, width: fill(splat(bias[neuron], LANES), width)  # noqa: ARG005
    return lambda bias, neuron, batch, left, width: load_row(bias, neuron * batch + left, 0, LANES, width)


@njit(**INNER)
def settle(layers, layer, neuron, sums, space, batch, dropout, key):
    """Turn the sums of a neuron into its row of activations, or of logits."""
    begin, row = layers.starts[layer], neuron * batch
    if layer < layers.slopes.shape[0] - 1:
        counter = np.uint32((neuron - begin) * batch)
        activate(sums, space.derivatives, row, batch, layers.slopes[layer], counter, key, dropout.threshold,
                 dropout.scale, space.positive, space.kept)  # fmt: skip
        pack(sums, 0, space.rows, row, batch)
    else:
        pack(sums, 0, space.logits, (neuron - begin) * batch, batch)


def in_runs(runs, links, layers, layer, first, end, bias, space, batch, width, dropout, key):
    """Compute neurons [first, end) of a layer in runs of sources and return True, or return False where it has none.

    Compiled code only.
    """
    raise NotImplementedError


@overload(in_runs, jit_options=INLINED)
def _in_runs(runs, links, layers, layer, first, end, bias, space, batch, width, dropout, key):
    del links, layers, layer, first, end, bias, space, batch, width, dropout, key
    if not isinstance(runs, types.NamedTuple):
        return lambda runs, links, layers, layer, first, end, bias, space, batch, width, dropout, key: False  # noqa: ARG005

    def some(runs, links, layers, layer, first, end, bias, space, batch, width, dropout, key):
        if not runs.needed[layer]:
            return False
        walk_runs(runs, links, layers, layer, first, end, bias, space, batch, width, dropout, key)
        return True

    return some


@njit(**INNER)
def walk_runs(runs, links, layers, layer, first, end, bias, space, batch, width, dropout, key):
    """Do what `in_runs` says, for a layer that has runs.

    The values of a run's links lie in a row, so that those of the next one can be asked for, some for each neuron.
    """
    rows, values, inputs, begin = space.rows, links.values, layers.starts[layers.first], layers.starts[layer]
    neurons, count = layers.starts[layer + 1] - begin, runs.needed[layer]
    for run in range(count):
        source = runs.low[layer] + (run + 1) * runs.size
        later = links.pointers[min(source, begin)]
        last = links.pointers[min(source + runs.size, begin)]
        each = (last - later) // (end - first) + 1
        place = np.uint64(runs.at[layer] + run * neurons + first - begin)
        for neuron in range(first, end):
            for k in range(later, min(later + each, last), LANES):
                prefetch(values, k, ())
            later += each
            start, stop = np.uint64(runs.ends[place]), np.uint64(runs.ends[place + np.uint64(1)])
            place += np.uint64(1)
            at = (neuron - begin) * batch
            for left in range(0, batch, LANES * len(width)):
                if run:
                    z = load_row(runs.sums, at + left, 0, LANES, width)
                else:
                    z = begun(bias, neuron - inputs, batch, left, width)
                for k in range(start, stop):
                    weight = splat(values[np.uint64(runs.position[k])], LANES)
                    z = add_product(z, weight, rows, runs.sources[k] * batch + left)
                store_row(z, runs.sums, at + left, 0)
            if run == count - 1:
                settle(layers, layer, neuron, runs.sums[at : at + batch], space, batch, dropout, key)


@njit(**INNER)
def forward(links, layers, bias, space, batch, width, dropout, step, far, runs, team):
    """Propagate the batch lying in the input rows to the logits; a threshold 0 and a scale 1 mean no dropout.

    ``z = bias + sum_k values[position[k]] * rows[sources[k]]`` over the links k of each neuron, ``len(width)`` vectors
    at a time; `bias` as `begun` takes it. Each thread of a `team` takes its share of a layer. `runs` as `runs_of`
    returns them.
    """
    rows, sums, values, sources, position = space.rows, space.sums, links.values, links.sources, links.position
    inputs, output = layers.starts[layers.first], layers.slopes.shape[0] - 1
    last = np.uint64(sources.shape[0] - 1)
    for layer in range(layers.first, output + 1):
        key, begin = layer_key(dropout.key, step, layer + 1 - layers.first), layers.starts[layer]
        first, end = share(team, links.fan_in, begin - inputs, layers.starts[layer + 1] - inputs)
        first, end = inputs + first, inputs + end
        if not in_runs(runs, links, layers, layer, first, end, bias, space, batch, width, dropout, key):
            for neuron in range(first, end):
                start, stop = np.uint64(links.fan_in[neuron - inputs]), np.uint64(links.fan_in[neuron - inputs + 1])
                for left in range(0, batch, LANES * len(width)):
                    z = begun(bias, neuron - inputs, batch, left, width)
                    for k in range(start, stop):
                        if far:
                            later = k + AHEAD if k + AHEAD < last else last
                            prefetch(rows, sources[later] * batch + left, width)
                            later = later + AHEAD if later + AHEAD < last else last
                            prefetch(values, np.int64(position[later]), ())
                        weight = splat(values[np.uint64(position[k])], LANES)
                        z = add_product(z, weight, rows, sources[k] * batch + left)
                    store_row(z, sums, left, 0)
                settle(layers, layer, neuron, sums, space, batch, dropout, key)
        meet(team)
