"""Compiled loops over batches: forward, loss, backward and update of a truly sparse network.

Memory layout, fixed for the whole engine: one row per neuron, [neuron][batch], float32 or bfloat16 (see `vector`), in
one flat array `rows`. A row holds the neuron's activation until the way back has used it for the last time, then its
error; the logits lie in an array of their own. The links of all blocks lie in flat arrays too; `plan` says where each
block's part starts. A link's value and velocity are stored once, in order of the input neuron; `position` leads from
the order by output neuron to them.

The order of sums, which is the same on every processor and so part of what a result is:

* Forward: the bias, then the links of the neuron in ascending order of their sources, one fused multiply-add each.
* The error of a neuron: from zero, its links in ascending order of their targets, one fused multiply-add each.
* The gradient of a link: the batch, rounded up to vectors of 16 samples, is cut into tiles (`tile`); within a tile
  even and odd vectors are summed in a chain each, lane by lane; even + odd; then `vector.total`. Tiles are
  added in order.
* The gradient of a bias: within a tile the vectors in order, then `vector.total`; tiles in order.

`plan` has one row per connection, in order of its target: see the column numbers below.
"""

import math

import numpy as np
from numba import njit

from truly_sparse.engine.compiled import COMPILED, INLINED, INNER
from truly_sparse.engine.dropout import layer_key
from truly_sparse.engine.libm import log
from truly_sparse.engine.registers import LANES, PART, PARTS
from truly_sparse.engine.rows import gather_batch, pack, softmax_rows, unpack

from truly_sparse.engine.vector import (  # isort: skip
    above_zero, add, add_product, at_least, fill, hashed, hold, keep_products, load, load_mask,
    load_row, multiply, pass_back, prefetch, select, splat, store, store_mask, store_row, subtract, total,
    totals_of_eight,
)  # fmt: skip

N_IN, N_OUT, LINKS, IN_POINTERS, OUT_POINTERS, SOURCE, TARGET, BIASES = range(8)
PLAN_COLUMNS = 8
#: Links whose products wait, in the first-level cache, to be summed and used for an update eight at a time.
GROUP = 64
#: How many links ahead the row at the other end is asked for, where rows lie beyond the second-level cache.
AHEAD = np.uint64(6)
#: What a probability counts as in the loss, at least.
TINY = np.float32(1e-38)


@njit(**INLINED)
def activate(values, count, slope, counter, key, threshold, scale, positive, kept, words):
    """Apply slope and dropout to the `count` sums of a neuron, in place; the masks go to ``words`` of both arrays.

    z becomes z (z > 0) or slope * z; it is dropped where the hash is below `threshold`, scaled by `scale` elsewhere.
    """
    zero, slopes, scales = splat(np.float32(0), LANES), splat(slope, LANES), splat(scale, LANES)
    limit = splat(threshold, LANES)
    for left in range(0, count, LANES):
        z = load(values, left, LANES)
        is_positive = above_zero(z)
        store_mask(is_positive, positive, words + left // LANES)
        h = select(is_positive, z, multiply(z, slopes))
        if threshold > 0:
            is_kept = at_least(hashed(np.uint32(counter + left), key), limit)
            store_mask(is_kept, kept, words + left // LANES)
            h = select(is_kept, multiply(h, scales), zero)
        store(h, values, left)


@njit(**INNER)
def forward(plan, offsets, out_pointers, sources, position, values, biases, slopes, rows, logits, positive, kept, batch,
            width, sums, key, step, threshold, scale, far):  # fmt: skip
    """Propagate the batch lying in the input rows to the logits; `threshold` 0 and `scale` 1 mean no dropout.

    ``z = bias + sum_k values[position[k]] * rows[sources[k]]`` over the links k of each neuron, ``len(width)`` vectors
    at a time.
    """
    for c in range(plan.shape[0]):
        n_out, links, outs = plan[c, N_OUT], plan[c, LINKS], plan[c, OUT_POINTERS]
        source, target, bias = plan[c, SOURCE], plan[c, TARGET], plan[c, BIASES]
        layer = layer_key(key, step, target)
        last = np.uint64(out_pointers[outs + n_out] - 1)
        block_sources, block_position, block_values = sources[links:], position[links:], values[links:]
        for o in range(n_out):
            start, stop = np.uint64(out_pointers[outs + o]), np.uint64(out_pointers[outs + o + 1])
            for left in range(0, batch, LANES * len(width)):
                z = fill(splat(biases[bias + o], LANES), width)
                first = offsets[source] + left
                for k in range(start, stop):
                    if far:
                        later = k + AHEAD if k + AHEAD < last else last
                        prefetch(rows, first + block_sources[later] * batch, width)
                        later = later + AHEAD if later + AHEAD < last else last
                        prefetch(values, links + block_position[later], ())
                    z = add_product(
                        z,
                        splat(block_values[np.uint64(block_position[k])], LANES),
                        rows,
                        first + block_sources[k] * batch,
                    )
                store_row(z, sums, left, 0)
            if target < offsets.shape[0] - 1:
                row = offsets[target] + o * batch
                counter = np.uint32(o * batch)
                activate(sums, batch, slopes[target], counter, layer, threshold, scale, positive, kept, row // LANES)
                pack(sums, 0, rows, row, batch)
            else:
                pack(sums, 0, logits, o * batch, batch)


@njit(cache=True, **COMPILED)
def update(parameters, velocity, gradient, eta, momentum, decay):
    """Make one momentum step: v <- momentum v - eta g; w <- w + v - decay w."""
    for k in range(parameters.shape[0]):
        velocity[k] = momentum * velocity[k] - eta * gradient[k]
        parameters[k] = parameters[k] + velocity[k] - decay * parameters[k]


@njit(cache=True, **COMPILED)
def square_sum(gradient, lanes):
    """Return the sum of squares, in float64: chains in 16 `lanes` over every 16th element, then as `vector.total`."""
    for lane in range(LANES):
        lanes[lane] = 0.0
    for k in range(gradient.shape[0]):
        lanes[k % LANES] += np.float64(gradient[k]) * np.float64(gradient[k])
    count = LANES
    while count > 1:
        count //= 2
        for lane in range(count):
            lanes[lane] += lanes[lane + count]
    return lanes[0]


@njit(**INLINED)
def settle(parts, first, count, tiles, values, velocity, gradient, eta, momentum, decay, in_place):
    """Sum the products of `count` links from `first` on to gradients; update the links, or keep the gradients.

    Products of link ``first + j`` in tile t lie at ``parts[8 (t GROUP + j):]``. The update is that of `update`.
    """
    zero = splat(np.float32(0), 8)
    etas, momenta, decays = splat(eta, 8), splat(momentum, 8), splat(decay, 8)
    for j in range(0, count // 8 * 8, 8):
        k = first + j
        slope = add(zero, totals_of_eight(parts, 8 * j))
        for tile in range(1, tiles):
            slope = add(add(zero, totals_of_eight(parts, 8 * (tile * GROUP + j))), slope)
        if in_place:
            value = load(values, k, 8)
            speed = subtract(multiply(momenta, load(velocity, k, 8)), multiply(etas, slope))
            store(speed, velocity, k)
            store(subtract(add(value, speed), multiply(decays, value)), values, k)
        else:
            store(slope, gradient, k)
    for j in range(count // 8 * 8, count):
        k = first + j
        slope = np.float32(0)
        for tile in range(tiles):
            slope = np.float32(0) + total(load(parts, 8 * (tile * GROUP + j), 8)) + slope
        if in_place:
            velocity[k] = momentum * velocity[k] - eta * slope
            values[k] = values[k] + velocity[k] - decay * values[k]
        else:
            gradient[k] = slope


@njit(**INLINED)
def slope_errors(sums, count, tile, slope, scale, dropping, positive, kept, words, bias_gradient, bias):
    """Turn what a neuron's links pass back into its error, in place; the sum over the samples goes to its bias."""
    one, zero = splat(np.float32(1), LANES), splat(np.float32(0), LANES)
    slopes, scales = splat(slope, LANES), splat(scale, LANES)
    for first in range(0, count, LANES * len(tile)):
        whole = zero
        for left in range(first, first + LANES * len(tile), LANES):
            word = words + left // LANES
            factor = select(load_mask(positive, word), one, slopes)
            error = multiply(multiply(load(sums, left, LANES), factor), scales)
            if dropping:
                error = select(load_mask(kept, word), error, zero)
            store(error, sums, left)
            whole = error if left == first else add(whole, error)
        before = np.float32(0) if first == 0 else bias_gradient[bias]
        bias_gradient[bias] = before + total(whole)


@njit(**INLINED)
def walk(wanted, width, tile, rows, first, stride, targets, values, start, stop, own, sums, parts, kept, far, last):
    """Walk links [start, stop) of one neuron: add its error to `sums`, unless `wanted` is an empty tuple, and its
    products with the errors at the other ends to `parts`, from link number `kept` of the group on.
    """
    for left in range(0, stride, LANES * len(width)):
        apart = 8 * GROUP
        there = left // (LANES * len(tile)) * apart
        for part in range(PARTS):
            mine = hold(own, left, part, width)
            error = load_row(sums, left, part, PART, wanted)
            at = there + 8 * kept
            for k in range(np.uint64(start), np.uint64(stop)):
                if far and part == 0:
                    later = k + AHEAD if k + AHEAD < last else last
                    prefetch(rows, first + targets[later] * stride + left, width)
                row = first + targets[k] * stride + left
                error, products = pass_back(error, splat(values[k], PART), own, mine, rows, row, part, width, tile)
                keep_products(products, parts, at, apart, part)
                at += 8
            store_row(error, sums, left, part)


@njit(**INNER)
def backward(plan, offsets, in_pointers, targets, values, velocity, gradient, bias_gradient, slopes,
             rows, positive, kept, batch, width, tile, own, sums, parts, dropping, scale, eta, momentum, decay,
             in_place, far):  # fmt: skip
    """Propagate the error rows of the output back through every block.

    For each link with error row d at its target: the error of its source gains value * d, and the gradient of the link
    is <activation, d>. With `in_place`, links are updated soon after their old value was used; without, the gradients
    of all links are left in `gradient`. Those of the hidden biases are left in `bias_gradient` in any case.
    """
    tiles, zero = batch // (LANES * len(tile)), splat(np.float32(0), LANES)
    for c in range(plan.shape[0] - 1, -1, -1):
        n_in, links, ins = plan[c, N_IN], plan[c, LINKS], plan[c, IN_POINTERS]
        source, target = plan[c, SOURCE], plan[c, TARGET]
        bias = (offsets[source] - offsets[1]) // batch
        block_targets, block_values, block_velocity = targets[links:], values[links:], velocity[links:]
        block_gradient = gradient[links:] if gradient.shape[0] else gradient
        settled, last = np.int64(0), np.uint64(in_pointers[ins + n_in] - 1)
        for i in range(n_in):
            k, stop = in_pointers[ins + i], in_pointers[ins + i + 1]
            row = offsets[source] + i * batch
            unpack(rows, row, own, batch)
            for left in range(0, batch, LANES):
                store(zero, sums, left)
            while k < stop:
                end = stop if stop < settled + GROUP else settled + GROUP
                if source > 0:
                    walk(width, width, tile, rows, offsets[target], batch, block_targets, block_values, k, end, own,
                         sums, parts, k - settled, far, last)  # fmt: skip
                else:
                    walk((), width, tile, rows, offsets[target], batch, block_targets, block_values, k, end, own,
                         sums, parts, k - settled, far, last)  # fmt: skip
                k = end
                if k - settled == GROUP:
                    settle(parts, settled, np.int64(GROUP), tiles, block_values, block_velocity, block_gradient,
                           eta, momentum, decay, in_place)  # fmt: skip
                    settled = k
            if source > 0:
                slope_errors(sums, batch, tile, slopes[source], scale, dropping, positive, kept, row // LANES,
                             bias_gradient, bias + i)  # fmt: skip
                pack(sums, 0, rows, row, batch)
        settle(parts, settled, in_pointers[ins + n_in] - settled, tiles, block_values, block_velocity, block_gradient,
               eta, momentum, decay, in_place)  # fmt: skip


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
        loss -= log(TINY) if own < TINY else log(own)
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


@njit(cache=True, **COMPILED)
def train_epoch(x, y, order, batch, count, plan, offsets, in_pointers, targets, out_pointers, sources, position,
                values, velocity, gradient, biases, bias_velocity, bias_gradient, slopes, rows, logits, positive, kept,
                own, sums, parts, lanes, forward_width, width, tile, key, first_step, threshold, scale, eta, momentum,
                decay, clip, far):  # fmt: skip
    """Train on every full batch of `order`; return the summed cross-entropy and the number of correct samples.

    `count` >= `batch` is the batch rounded up to whole vectors; the padding has zero error. With `clip` > 0 the
    gradient of all parameters is shortened to that norm where it is longer. Stops early, returning the non-finite loss,
    as soon as a batch's loss is not finite.
    """
    loss, correct = 0.0, 0
    output = offsets[offsets.shape[0] - 1]
    classes, last_biases = plan[plan.shape[0] - 1, N_OUT], bias_gradient[plan[plan.shape[0] - 1, BIASES] :]
    for step in range(order.shape[0] // batch):
        gather_batch(x, order, step * batch, batch, count, rows, parts)
        forward(plan, offsets, out_pointers, sources, position, values, biases, slopes, rows, logits, positive, kept,
                count, forward_width, sums, key, first_step + step, threshold, scale, far)  # fmt: skip
        batch_loss, hits = errors_of_output(logits, y, order, step * batch, batch, count, classes, rows, output,
                                            last_biases)  # fmt: skip
        loss, correct = loss + batch_loss, correct + hits
        if not math.isfinite(batch_loss):
            return batch_loss, correct
        backward(plan, offsets, in_pointers, targets, values, velocity, gradient, bias_gradient, slopes,
                 rows, positive, kept, count, width, tile, own, sums, parts, threshold > 0, scale, eta, momentum, decay,
                 clip == 0, far)  # fmt: skip
        rate = eta
        if clip > 0:
            norm = math.sqrt(square_sum(gradient, lanes) + square_sum(bias_gradient, lanes))
            if norm > clip:
                rate = eta * np.float32(clip / norm)
            update(values, velocity, gradient, rate, momentum, decay)
        update(biases, bias_velocity, bias_gradient, rate, momentum, decay)
    return loss, correct


@njit(cache=True, **COMPILED)
def predict(x, count, plan, offsets, out_pointers, sources, position, values, biases, slopes, rows, logits, positive,
            kept, sums, block, width, far, order, probabilities):  # fmt: skip
    """Write softmax probabilities [sample][class] for x [sample][feature], `count` samples at a time."""
    classes = probabilities.shape[1]
    none, first = np.uint64(0), np.int64(0)
    for start in range(0, x.shape[0], count):
        samples = count if start + count <= x.shape[0] else x.shape[0] - start
        gather_batch(x, order, start, samples, count, rows, block)
        forward(plan, offsets, out_pointers, sources, position, values, biases, slopes, rows, logits, positive, kept,
                count, width, sums, none, first, np.uint32(0), np.float32(1.0), far)  # fmt: skip
        softmax_rows(logits, classes, count)
        for b in range(samples):
            for c in range(classes):
                probabilities[start + b, c] = logits[c * count + b]
