"""Compiled loops over batches: forward, loss, backward and update of a truly sparse network.

Memory layout, fixed for the whole engine: one row per neuron, [neuron][batch], float32 or bfloat16 (see `vector`), in
one flat array, in order of the neurons' numbers. A row holds the neuron's activation until the way back has used it for
the last time, then its error; the logits lie in an array of their own. Links lie once, in order of their source, with a
second order by target (`graph`), whatever layers they lead from and to.

The order of sums, which is the same on every processor and so part of what a result is:

* Forward: the bias, then the links of the neuron in ascending order of their sources, one fused multiply-add each.
* The error of a neuron: from zero, its links in ascending order of their targets, one fused multiply-add each.
* The gradient of a link: the batch, rounded up to vectors of 16 samples, is cut into tiles (`workspace.tile`); within a
  tile even and odd vectors are summed in a chain each, lane by lane; even + odd; then `vector.total`. Tiles are
  added in order.
* The gradient of a bias: within a tile the vectors in order, then `vector.total`; tiles in order.
* The bias of a neuron with one for each of its blocks: these in order of the blocks.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from truly_sparse.engine.activations import slope_errors
from truly_sparse.engine.compiled import COMPILED, INLINED, INNER
from truly_sparse.engine.forward import AHEAD, forward
from truly_sparse.engine.gate import returned, taking_part
from truly_sparse.engine.libm import log
from truly_sparse.engine.optimisers import at_step, move, put, shortened
from truly_sparse.engine.ramped_kernels import gather_batch
from truly_sparse.engine.registers import LANES, PART, PARTS
from truly_sparse.engine.rows import own_row, pack, softmax_rows
from truly_sparse.engine.team import leads, meet, share, stretch, tell
from truly_sparse.engine.workspace import GROUP

from truly_sparse.engine.vector import (  # isort: skip
    add, add_squares, hold, keep_products, load, load_row, pass_back, prefetch, splat, store, store_row,
    totals_of_eight,
)  # fmt: skip

#: What a probability counts as in the loss, at least.
TINY = np.float32(1e-38)


class Layers(NamedTuple):
    """Number of the first neuron of each layer and of all neurons (int64), and slope of each layer (float32).

    `first` is the first layer that is no input: 1, or 0 where the inputs have no rows (`sparse_kernels`).
    """

    starts: npt.NDArray[np.int64]
    slopes: npt.NDArray[np.float32]
    first: int


class Biases(NamedTuple):
    """Biases as they are trained, their moments, and the neuron of each, counted from the first that is no input.

    `sums` and `gradient` have one number for each of these neurons, `own_gradient` one for each bias.
    """

    values: npt.NDArray[np.float32]
    velocity: npt.NDArray[np.float32]
    second: npt.NDArray[np.float32]
    neurons: npt.NDArray[np.int32]
    sums: npt.NDArray[np.float32]
    gradient: npt.NDArray[np.float32]
    own_gradient: npt.NDArray[np.float32]


class Dropout(NamedTuple):
    """Key of the stream (uint64), hash below which a value is dropped (uint32), and factor of the others (float32)."""

    key: np.uint64
    threshold: np.uint32
    scale: np.float32


@njit(**INLINED)
def log_probability(p):
    """Return the logarithm of a probability, float32, for the loss. Compiled code only."""
    return log(TINY) if p < TINY else log(p)


@njit(**INNER)
def sum_biases(biases):
    """Sum the biases of each neuron, in order."""
    for o in range(biases.sums.shape[0]):
        biases.sums[o] = np.float32(0)
    for b in range(biases.values.shape[0]):
        o = biases.neurons[b]
        biases.sums[o] = biases.sums[o] + biases.values[b]


@njit(cache=True, **COMPILED)
def square_sum(gradient, lanes):
    """Return the sum of squares, in float64: chains in 16 `lanes` over every 16th element, then as `vector.total`."""
    for lane in range(LANES):
        lanes[lane] = 0.0
    whole = gradient.shape[0] // LANES * LANES
    add_squares(lanes, gradient, whole)
    for k in range(whole, gradient.shape[0]):
        lanes[k - whole] += np.float64(gradient[k]) * np.float64(gradient[k])
    return summed(lanes)


@njit(**INNER)
def summed(lanes):
    """Return the sum of `lanes`, which are overwritten."""
    count = LANES
    while count > 1:
        count //= 2
        for lane in range(count):
            lanes[lane] += lanes[lane + count]
    return lanes[0]


@njit(**INLINED)
def resolve(parts, first, count, tiles, links, gradient, rates, in_place):
    """Sum the products of `count` links from `first` on to gradients; move the links, or keep the gradients.

    Products of link ``first + j`` in tile t lie at ``parts[8 (t GROUP + j):]``.
    """
    zero = splat(np.float32(0), 8)
    for j in range(0, count, 8):
        slope = add(zero, totals_of_eight(parts, 8 * j))
        for tile in range(1, tiles):
            slope = add(add(zero, totals_of_eight(parts, 8 * (tile * GROUP + j))), slope)
        if in_place:
            move(rates, slope, links.values, links.velocity, links.second, first + j, count - j)
        else:
            put(slope, gradient, first + j, count - j, 8)


@njit(**INLINED)
def walk(wanted, width, tile, rows, activations, own, batch, targets, values, start, stop, kept, far, last, sums,
         parts):  # fmt: skip
    """Walk links [start, stop) of one neuron, whose activation is the row at ``activations[own:]``: add its error to
    the sums, unless `wanted` is an empty tuple, and its products with the errors at the other ends to the parts, from
    link number `kept` of the group on.
    """
    for left in range(0, batch, LANES * len(width)):
        apart = 8 * GROUP
        there = left // (LANES * len(tile)) * apart
        for part in range(PARTS):
            mine = hold(activations, own + left, part, width)
            error = load_row(sums, left, part, PART, wanted)
            at = there + 8 * kept
            for k in range(np.uint64(start), np.uint64(stop)):
                if far and part == 0:
                    later = k + AHEAD if k + AHEAD < last else last
                    prefetch(rows, targets[later] * batch + left, width)
                row = targets[k] * batch + left
                error, products = pass_back(error, splat(values[k], PART), activations, mine, rows, row, part, width,
                                            tile)  # fmt: skip
                keep_products(products, parts, at, apart, part)
                at += 8
            store_row(error, sums, left, part)


@njit(**INNER)
def backward(links, layers, gradient, bias_gradient, space, batch, widths, dropout, rates, in_place, far, team):
    """Propagate the error rows of the output back through every link.

    For each link with error row d at its target: the error of its source gains value * d, and the gradient of the link
    is <activation, d>. Layers go from the last to the first, so that the error of every target is complete. With
    `in_place`, links are moved soon after their old value was used; without, the gradients of all links are left in
    `gradient`. Those of the hidden neurons' biases are left in `bias_gradient` in any case. Each thread of a `team`
    takes its share of a layer.
    """
    tiles, zero = batch // (LANES * len(widths.tile)), splat(np.float32(0), LANES)
    inputs, width = layers.starts[layers.first], widths.backward
    last = np.uint64(links.targets.shape[0] - 1)
    for layer in range(layers.slopes.shape[0] - 2, -1, -1):
        first, end = share(team, links.pointers, layers.starts[layer], layers.starts[layer + 1])
        resolved = links.pointers[first]
        for neuron in range(first, end):
            k, stop = links.pointers[neuron], links.pointers[neuron + 1]
            if layer < layers.first and k == stop:
                continue
            row = neuron * batch
            own = own_row(space.rows, row, space.own, batch)
            if layer >= layers.first:
                for left in range(0, batch, LANES):
                    store(zero, space.sums, left)
            while k < stop:
                until = stop if stop < resolved + GROUP else resolved + GROUP
                if layer >= layers.first:
                    walk(width, width, widths.tile, space.rows, space.own, own, batch, links.targets, links.values, k,
                         until, k - resolved, far, last, space.sums, space.parts)  # fmt: skip
                else:
                    walk((), width, widths.tile, space.rows, space.own, own, batch, links.targets, links.values, k,
                         until, k - resolved, far, last, space.sums, space.parts)  # fmt: skip
                k = until
                if k - resolved == GROUP:
                    resolve(space.parts, resolved, np.int64(GROUP), tiles, links, gradient, rates, in_place)
                    resolved = k
            if layer >= layers.first:
                slope_errors(space.sums, space.derivatives, row, batch, widths.tile, layers.slopes[layer],
                             dropout.scale, dropout.threshold > 0, space.positive, space.kept, bias_gradient,
                             neuron - inputs)  # fmt: skip
                pack(space.sums, 0, space.rows, row, batch)
        left = links.pointers[end] - resolved
        resolve(space.parts, resolved, left, tiles, links, gradient, rates, in_place)
        meet(team)


@njit(**INNER)
def errors_of_output(logits, y, order, start, batch, count, classes, rows, first, bias_gradient):
    """Turn logits [class][batch] into errors, and the rows from `first` on into them; return summed cross-entropy and
    number of correct samples.

    The padding from `batch` to `count` gets zero error; `bias_gradient` gets the sum of each row.
    """
    softmax_rows(logits, classes, count)
    loss, correct = 0.0, 0
    for b in range(batch):
        label = y[order[start + b]]
        own = logits[label * count + b]
        loss -= log_probability(own)
        best = 0
        for c in range(1, classes):
            if logits[c * count + b] > logits[best * count + b]:
                best = c
        correct += best == label
    for c in range(classes):
        whole = np.float32(0)
        for b in range(batch):
            error = (logits[c * count + b] - np.float32(y[order[start + b]] == c)) / np.float32(batch)
            whole += error
            logits[c * count + b] = error
        bias_gradient[c] = whole
        for b in range(batch, count):
            logits[c * count + b] = np.float32(0)
        pack(logits, c * count, rows, first + c * count, count)
    return loss, correct


@njit(**INNER)
def move_all(rates, values, velocity, second, gradient):
    """Move parameters against their gradients."""
    count = values.shape[0]
    for k in range(0, count, 8):
        move(rates, load(gradient, k, 8), values, velocity, second, k, count - k)


@njit(cache=True, nogil=True, **COMPILED)
def train_epoch(x, y, order, batch, count, room, links, layers, biases, gradient, space, widths, dropout, first_step,
                rates, powers, clip, far, active, runs, team, loss):  # fmt: skip
    """Train on every full batch of `order`; return `loss` plus its cross-entropy, and the number of correct samples.

    `count` >= `batch` is the batch rounded up to whole vectors; the padding has zero error. `room` is what
    `ramped_kernels.room_for` returns. With `clip` > 0 the gradient of all parameters is shortened to that norm
    where it is longer. `active` is an empty tuple, or lets some links take part in each step (`gate`); `runs` are as
    `forward` takes them. Stops early, returning the non-finite loss, as soon as a batch's loss is not finite. Each
    thread of a `team` (an empty tuple where there is one) is given a `space`, of which all have the rows of neurons in
    common, and `powers` of its own; only the first one returns the number of correct samples.
    """
    correct = 0
    inputs, output = layers.starts[1], layers.starts[layers.slopes.shape[0] - 1]
    classes, of_output = layers.starts[layers.slopes.shape[0]] - output, biases.gradient[output - inputs :]
    for step in range(order.shape[0] // batch):
        own, own_count = taking_part(links, active, first_step + step, inputs)
        gather_batch(x, room, order, step * batch, batch, count, inputs, own.pointers, space.rows, space.lines, team)
        if leads(team):
            sum_biases(biases)
        meet(team)
        forward(own, layers, biases.sums, space, count, widths.forward, dropout, first_step + step, far, runs,
                team)  # fmt: skip
        batch_loss, hits = 0.0, 0
        if leads(team):
            batch_loss, hits = errors_of_output(space.logits, y, order, step * batch, batch, count, classes, space.rows,
                                                output * count, of_output)  # fmt: skip
        batch_loss = tell(team, batch_loss)
        loss, correct = loss + batch_loss, correct + hits
        if not math.isfinite(batch_loss):
            return batch_loss, correct
        now = at_step(rates, step, powers)
        backward(own, layers, gradient, biases.gradient, space, count, widths, dropout, now, clip == 0, far, team)
        for b in range(biases.values.shape[0]):
            biases.own_gradient[b] = biases.gradient[biases.neurons[b]]
        if clip > 0:
            of_links = gradient[:own_count]
            norm = math.sqrt(square_sum(of_links, space.lanes) + square_sum(biases.own_gradient, space.lanes))
            if norm > clip:
                now = shortened(now, np.float32(clip / norm))
            first, end = stretch(team, own_count)
            move_all(now, own.values[first:end], own.velocity[first:], own.second[first:], of_links[first:])
        returned(links, active, own_count, now)
        if leads(team):
            move_all(now, biases.values, biases.velocity, biases.second, biases.own_gradient)
    return loss, correct


@njit(cache=True, **COMPILED)
def predict(x, count, room, links, layers, biases, space, width, dropout, first_step, far, order, probabilities):
    """Write softmax probabilities [sample][class] for x [sample][feature], `count` samples at a time."""
    classes = probabilities.shape[1]
    sum_biases(biases)
    rows = order.shape[0]
    for start in range(0, rows, count):
        samples = count if start + count <= rows else rows - start
        gather_batch(x, room, order, start, samples, count, layers.starts[1], links.pointers, space.rows, space.lines,
                     ())  # fmt: skip
        forward(links, layers, biases.sums, space, count, width, dropout, first_step, far, (), ())
        softmax_rows(space.logits, classes, count)
        for b in range(samples):
            for c in range(classes):
                probabilities[start + b, c] = space.logits[c * count + b]
