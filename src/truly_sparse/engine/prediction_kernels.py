"""Compiled prediction of many rows, or of one, to the bits of `kernels.predict`.

The sum of a neuron is what `forward.forward` defines: its bias, then its links in ascending order of their sources, one
fused multiply-add each. What differs is when each of these is done:

* Many rows go 80 at a time through a strip of the sources, about a first-level cache of them; every neuron adds what
  the strip passes on to it before the next strip comes. Inputs are turned from [row][input] to vectors on the way, or
  written as vectors at once where they are ramps.
* One row goes source by source through the links as they lie in a graph: each source adds to the sums of its targets.
* Where links were put in order before, one row goes through 16 neurons of a layer at once, whose links lie side by
  side.

For the first and the last, the networks of an ensemble are one (`prediction.joined`).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from numba.extending import overload

from truly_sparse.engine.activations import activate
from truly_sparse.engine.bisection import first_from
from truly_sparse.engine.compiled import COMPILED, INLINED
from truly_sparse.engine.memory import aligned
from truly_sparse.engine.ramped import Ramped
from truly_sparse.engine.ramped_kernels import write_ramp
from truly_sparse.engine.registers import LANES, LINE
from truly_sparse.engine.rows import softmax_rows
from truly_sparse.engine.vector import (
    add_product,
    copy_line,
    copy_numbers,
    fill,
    fused,
    gather,
    load,
    load_lines,
    load_row,
    multiply_add,
    prefetch,
    splat,
    store,
    store_row,
    transpose,
)

#: Tuple as long as the vectors of rows that are taken at a time, and how many rows these are.
WIDTH = (0, 0, 0, 0, 0)
ROWS = LANES * len(WIDTH)
#: Sources of a strip, a multiple of 16 up to 256.
STRIP = 128
#: How many vectors ahead the links of one row are asked for, and how many runs ahead the sums of many.
AHEAD, RUNS_AHEAD = 32, 2
_ONE = (0,)


class Strips(NamedTuple):
    """Links by strip of their sources, in it by target, and of a target by source.

    Strip s has the sources from ``sources[s]`` up to ``sources[s + 1]``, all of one layer. Its links are the runs from
    ``runs[s]`` up to ``runs[s + 1]``; run r leads to neuron ``targets[r]``, counted from the first that is no input,
    and is the links from ``links[r]`` up to ``links[r + 1]``, whose source is number `offsets` of the strip. Those up
    to ``going_on[s]`` are the first of their neurons and begin from the biases. Either kind goes from short to long,
    so that the processor foresees where a run ends. Neurons without links are `alone`.
    """

    sources: npt.NDArray[np.int64]
    runs: npt.NDArray[np.int64]
    going_on: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int32]
    links: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.uint8]
    values: npt.NDArray[np.float32]
    alone: npt.NDArray[np.int64]


class Columns(NamedTuple):
    """Links of 16 neurons side by side, step by step.

    Group g are the neurons ``targets[g]`` of layer ``layers[g]``; its steps are those from ``steps[g]`` up to
    ``steps[g + 1]``, and step s adds the sources ``sources[16 s:]`` times ``values[16 s:]``. Where a neuron has no more
    links, the source is one beyond all neurons, which is 0; where there are fewer than 16, the target is another one.
    """

    layers: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int32]
    steps: npt.NDArray[np.int64]
    sources: npt.NDArray[np.uint16] | npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]


class Shape(NamedTuple):
    """First neuron of each layer and of none (int64), slope of each layer, bias of each neuron that is no input."""

    starts: npt.NDArray[np.int64]
    slopes: npt.NDArray[np.float32]
    biases: npt.NDArray[np.float32]


class Scratch(NamedTuple):
    """What activations need: `derivatives` of as many as there are at a time (empty tuple for ReLU), a bit for each."""

    derivatives: npt.NDArray[np.float32] | tuple[()]
    positive: npt.NDArray[np.uint16]


def scratch_for(count: int, mish: bool) -> Scratch:
    """Return what the activations of so many numbers at a time, a multiple of 16, need."""
    return Scratch(aligned(count) if mish else (), np.zeros(count // LANES, np.uint16))


class Space(NamedTuple):
    """What `predict_many` writes to.

    `sums` has a row for each neuron that is no input, `rows` one for each source of a strip, and `numbers` one for each
    of the numbers of ramps; `lines` has a line of the cache, in bytes, for each row of the table.
    """

    sums: npt.NDArray[np.float32]
    rows: npt.NDArray[np.float32]
    numbers: npt.NDArray[np.float32]
    lines: npt.NDArray[np.uint8]
    scratch: Scratch


@njit(**INLINED)
def _bend(sums, count, slope, scratch):
    """Turn sums into activations, in place."""
    positive = scratch.positive
    activate(
        sums, scratch.derivatives, 0, count, slope,
        np.uint32(0), np.uint64(0), np.uint32(0), np.float32(1), positive, positive,
    )  # fmt: skip


@njit(**INLINED)
def _pass_on(strips, strip, biases, rows, first, sums, width):
    """Add what the sources of a strip, whose rows begin at ``rows[first:]``, pass on to the sums of their targets."""
    count, end = LANES * len(width), strips.runs[strip + 1]
    for run in range(strips.runs[strip], end):
        later = min(run + RUNS_AHEAD, end - 1)
        prefetch(sums, np.int64(strips.targets[later]) * count, width)
        target = np.int64(strips.targets[run])
        at = target * count
        z = fill(splat(biases[target], LANES), width)
        if run >= strips.going_on[strip]:
            z = load_row(sums, at, 0, LANES, width)
        for k in range(np.uint64(strips.links[run]), np.uint64(strips.links[run + 1])):
            row = first + np.int64(strips.offsets[k]) * count
            z = add_product(z, splat(strips.values[k], LANES), rows, row)
        store_row(z, sums, at, 0)


@njit(**INLINED)
def _turn(x, start, count, inputs, first, last, lines, rows, width):
    """Write the inputs from `first` up to `last` of some rows of x [row][input] to `rows`, [input][row]."""
    for left in range(first, last, LANES):
        some = min(LANES, last - left)
        for b in range(count):
            here = (start + b) * inputs + left
            if here + LANES <= x.size:
                copy_line(x, here, lines, LINE * b)
            else:
                copy_numbers(x, here, lines, LINE * b, some)
        for vector in range(len(width)):
            transpose(lines, LINE * LANES * vector, x)
        for f in range(some):
            row = load_lines(lines, LINE * f, LINE * LANES, width, _ONE)
            store_row(row, rows, (left - first + f) * LANES * len(width), 0)


def _begin(x, start, count, space, width):
    """Turn what some rows need as a whole before their inputs are written; compiled code only."""
    raise NotImplementedError


@overload(_begin, jit_options=INLINED)
def _begin_of(x, start, count, space, width):
    del start, count, space, width
    if getattr(x, "instance_class", None) is Ramped:

        def turn_numbers(x, start, count, space, width):
            wide = x.numbers.shape[1]
            _turn(x.numbers, start, count, wide, 0, wide, space.lines, space.numbers, width)

        return turn_numbers
    return lambda x, start, count, space, width: None  # noqa: ARG005


def _write(x, start, count, inputs, first, last, space, width):
    """Write the inputs from `first` up to `last` of some rows to `space.rows`, [input][row]; compiled code only."""
    raise NotImplementedError


@overload(_write, jit_options=INLINED)
def _write_of(x, start, count, inputs, first, last, space, width):
    del start, count, inputs, first, last, space, width
    if getattr(x, "instance_class", None) is Ramped:

        def write_ramps(x, start, count, inputs, first, last, space, width):  # noqa: ARG001
            batch, column = LANES * len(width), first_from(x.first, 0, x.first.shape[0], first + 1) - 1
            for feature in range(first, last):
                while feature >= x.first[column + 1]:
                    column += 1
                write_ramp(x, column, feature, space.numbers, batch, space.rows, (feature - first) * batch)

        return write_ramps

    def turn(x, start, count, inputs, first, last, space, width):
        _turn(x, start, count, inputs, first, last, space.lines, space.rows, width)

    return turn


@njit(cache=True, nogil=True, **COMPILED)
def predict_many(x, strips, shape, space, width, probabilities):
    """Write softmax probabilities [network][row][class] for x [row][input], 16 ``len(width)`` rows at a time."""
    inputs, output = shape.starts[1], shape.slopes.shape[0] - 1
    networks, total, classes = probabilities.shape
    count, sums = LANES * len(width), space.sums
    for start in range(0, total, count):
        some = min(count, total - start)
        _begin(x, start, some, space, width)
        for neuron in strips.alone:
            for b in range(count):
                sums[neuron * count + b] = shape.biases[neuron]
        layer = 0
        for strip in range(strips.runs.shape[0] - 1):
            first = strips.sources[strip]
            while first >= shape.starts[layer + 1]:
                layer += 1
                for neuron in range(shape.starts[layer], shape.starts[layer + 1]):
                    _bend(sums[(neuron - inputs) * count :], count, shape.slopes[layer], space.scratch)
            if layer == 0:
                if strips.runs[strip] < strips.runs[strip + 1]:
                    end = strips.sources[strip + 1]
                    _write(x, start, some, inputs, first, end, space, width)
                    _pass_on(strips, strip, shape.biases, space.rows, 0, sums, width)
            else:
                _pass_on(strips, strip, shape.biases, sums, (first - inputs) * count, sums, width)
        for network in range(networks):
            logits = sums[(shape.starts[output] + network * classes - inputs) * count :]
            softmax_rows(logits, classes, count)
            for b in range(some):
                for c in range(classes):
                    probabilities[network, start + b, c] = logits[c * count + b]


@njit(**INLINED)
def _scatter(links, source, inputs, activation, sums):
    """Add what a source passes on to the sums of its targets."""
    for k in range(np.uint64(links.pointers[source]), np.uint64(links.pointers[source + 1])):
        target = np.int64(links.targets[k]) - inputs
        sums[target] = fused(links.values[k], activation, sums[target])


@njit(cache=True, nogil=True, **COMPILED)
def predict_unordered(x, links, shape, sums, last, scratch, probabilities):
    """Write softmax probabilities [class] of one row x [input] of a network with its `graph.Arrays`.

    `sums` has a number for each neuron that is no input; `last` has 16, which `scratch` is for.
    """
    inputs, output = shape.starts[1], shape.slopes.shape[0] - 1
    for neuron in range(sums.shape[0]):
        sums[neuron] = shape.biases[neuron]
    for source in range(inputs):
        _scatter(links, source, inputs, x[source], sums)
    for layer in range(1, output):
        begin, end = shape.starts[layer], shape.starts[layer + 1]
        for first in range(begin, end, LANES):
            some, at = min(LANES, end - first), first - inputs
            for k in range(some):
                last[k] = sums[at + k]
            _bend(last, LANES, shape.slopes[layer], scratch)
            for k in range(some):
                sums[at + k] = last[k]
        for source in range(begin, end):
            _scatter(links, source, inputs, sums[source - inputs], sums)
    logits = sums[shape.starts[output] - inputs :]
    softmax_rows(logits, probabilities.shape[0], 1)
    for c in range(probabilities.shape[0]):
        probabilities[c] = logits[c]


@njit(cache=True, nogil=True, **COMPILED)
def predict_one(columns, shape, neurons, last, scratch, probabilities):
    """Write softmax probabilities [network][class] of the row that lies in the inputs of `neurons`.

    `neurons` has a number for each neuron, and two more, of which the first is 0; `last` has 16, which `scratch` is
    for.
    """
    inputs, output = shape.starts[1], shape.slopes.shape[0] - 1
    networks, classes = probabilities.shape
    nobody = shape.starts[output + 1] + 1
    for group in range(columns.layers.shape[0]):
        for lane in range(LANES):
            neuron = columns.targets[group, lane]
            last[lane] = np.float32(0) if neuron == nobody else shape.biases[neuron - inputs]
        z = load(last, 0, LANES)
        for step in range(columns.steps[group], columns.steps[group + 1]):
            prefetch(columns.values, LANES * (step + AHEAD), ())
            prefetch(columns.sources, LANES * (step + AHEAD), ())
            z = multiply_add(
                load(columns.values, LANES * step, LANES), gather(neurons, columns.sources, LANES * step), z
            )
        store(z, last, 0)
        layer = columns.layers[group]
        if layer < output:
            _bend(last, LANES, shape.slopes[layer], scratch)
        for lane in range(LANES):
            neurons[columns.targets[group, lane]] = last[lane]
    for network in range(networks):
        logits = neurons[shape.starts[output] + network * classes :]
        softmax_rows(logits, classes, 1)
        for c in range(classes):
            probabilities[network, c] = logits[c]
