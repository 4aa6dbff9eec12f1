"""Compiled loops over batches: forward, loss, backward and update of a truly sparse network.

Memory layout, fixed for the whole engine: activations and errors are [feature][batch], one row per neuron, float32 or
bfloat16 (see `simd`); all layers below the output lie in one flat array, the logits in another. The links of all blocks
lie in flat arrays too; `plan` says where each block's part starts. A link's value and velocity are stored once, in
order of the input neuron; `position` leads from the order by output neuron to them.

`plan` has one row per connection, in order of its target: see the column numbers below.
"""

import numpy as np
from numba import njit, types
from numba.extending import overload

from truly_sparse.engine.dropout import layer_key
from truly_sparse.engine.simd import backward_row, forward_row

N_IN, N_OUT, LINKS, IN_POINTERS, OUT_POINTERS, SOURCE, TARGET, BIASES = range(8)
PLAN_COLUMNS = 8


@njit(cache=True, boundscheck=False)
def index_by_output(n_in, n_out, in_pointers, targets, out_pointers, sources, position):
    """Build a block's order by output neuron from its order by input neuron (counting sort, O(links))."""
    out_pointers[:] = 0
    for k in range(targets.shape[0]):
        out_pointers[targets[k] + 1] += 1
    for o in range(n_out):
        out_pointers[o + 1] += out_pointers[o]
    for i in range(n_in):
        for k in range(in_pointers[i], in_pointers[i + 1]):
            place = out_pointers[targets[k]]
            sources[place] = i
            position[place] = k
            out_pointers[targets[k]] = place + 1
    for o in range(n_out, 0, -1):
        out_pointers[o] = out_pointers[o - 1]
    out_pointers[0] = 0


@njit(cache=True, boundscheck=False)
def replant(n_out, old_pointers, old_targets, old_values, old_velocity, keep, grown, grown_values,
            in_pointers, targets, values, velocity):  # fmt: skip
    """Merge the kept old links with the grown ones (sorted, velocity zero) into a block's arrays, O(links)."""
    place = g = 0
    for i in range(old_pointers.shape[0] - 1):
        in_pointers[i] = place
        k, stop = old_pointers[i], old_pointers[i + 1]
        row = i * n_out
        while True:
            new = g < grown.shape[0] and grown[g] < row + n_out
            limit = grown[g] - row if new else n_out
            # Every old link is written, and the next one over it unless it is kept: which are cannot be predicted.
            while k < stop and place < targets.shape[0] and old_targets[k] < limit:
                targets[place] = old_targets[k]
                values[place] = old_values[k]
                velocity[place] = old_velocity[k]
                place += keep[k]
                k += 1
            if not new:
                break
            targets[place] = limit
            values[place] = grown_values[g]
            velocity[place] = 0.0
            place += 1
            g += 1
    in_pointers[old_pointers.shape[0] - 1] = place


@njit(cache=True, boundscheck=False)
def kept_links(in_pointers, targets, keep, n_out, count):
    """Return the sorted links (``source * n_out + target``) that are kept, `count` of them."""
    links = np.empty(count + 1, np.int64)  # the last one takes what is written after the last kept link
    place = 0
    for i in range(in_pointers.shape[0] - 1):
        for k in range(in_pointers[i], in_pointers[i + 1]):
            links[place] = i * n_out + targets[k]
            place += keep[k]
    return links[:count]


@njit(cache=True, boundscheck=False)
def free_places(occupied, ranks):
    """Return the places of the free ranks: rank r is place r plus the number of occupied ones before it, O(links)."""
    places = np.empty_like(ranks)
    before = 0
    for j in range(ranks.shape[0]):
        while before < occupied.shape[0] and occupied[before] - before <= ranks[j]:
            before += 1
        places[j] = ranks[j] + before
    return places


@njit(cache=True, boundscheck=False)
def split_by_sign(values, magnitudes):
    """Write the magnitudes of positive values from the left, of negative ones from the right; return how many each."""
    positive = negative = 0
    last = values.shape[0] - 1
    for k in range(values.shape[0]):
        # Written to both ends, counted at one: signs cannot be predicted, so that branches would cost more.
        magnitudes[positive] = magnitudes[last - negative] = abs(values[k])
        positive += values[k] > 0
        negative += values[k] < 0
    return positive, negative


@njit(cache=True, boundscheck=False)
def mark_survivors(values, limits, ties):
    """Mark the values that are not zero, not below the limit of their sign (+, -), nor among its first `ties` at it."""
    keep = np.empty(values.shape[0], np.bool_)
    left = ties.copy()
    above, below = limits
    for k in range(values.shape[0]):
        limit = below if values[k] < 0 else above
        magnitude = abs(values[k])
        keep[k] = (magnitude != 0) & ~(magnitude < limit)
        if magnitude == limit:
            sign = int(values[k] < 0)
            keep[k] &= left[sign] <= 0
            left[sign] -= 1
    return keep


def put(rows, start, sample, value):
    """Write one sample's value into the row that begins at `start`; compiled code only."""
    raise NotImplementedError


@overload(put, inline="always")
def _put(rows, start, sample, value):
    del start, sample, value
    if rows.dtype == types.uint16:

        def put_half(rows, start, sample, value):
            bits = np.float32(value).view(np.uint32)
            odd = (bits >> np.uint32(16)) & np.uint32(1)
            upper = (bits + np.uint32(0x7FFF) + odd) >> np.uint32(16)
            rows[start + sample // 32 * 32 + sample % 16 * 2 + sample // 16 % 2] = np.uint16(upper)

        return put_half

    def put_single(rows, start, sample, value):
        rows[start + sample] = value

    return put_single


@njit(cache=True, boundscheck=False)
def gather_batch(x, order, start, count, batch, rows):
    """Copy samples order[start:start+count] of x [sample][feature] into `rows` [feature][batch], padded with zeros."""
    for b in range(count):
        sample = order[start + b]
        for f in range(x.shape[1]):
            put(rows, f * batch, b, x[sample, f])
    for b in range(count, batch):
        for f in range(x.shape[1]):
            put(rows, f * batch, b, np.float32(0.0))


@njit(cache=True, boundscheck=False)
def softmax_rows(rows, classes, batch):
    """Replace logits [class][batch] by softmax probabilities, in place."""
    for b in range(batch):
        top = rows[b]
        for c in range(1, classes):
            top = max(top, rows[c * batch + b])
        total = np.float32(0.0)
        for c in range(classes):
            e = np.exp(rows[c * batch + b] - top)
            rows[c * batch + b] = e
            total += e
        for c in range(classes):
            rows[c * batch + b] /= total


@njit(cache=True, boundscheck=False)
def forward(plan, offsets, out_pointers, sources, position, values, biases, slopes, activations, logits,
            positive, kept, batch, tile, key, step, threshold, scale):  # fmt: skip
    """Propagate the batch lying in the input rows to the logits; `threshold` 0 and `scale` 1 mean no dropout."""
    width = 16 * len(tile)
    for c in range(plan.shape[0]):
        n_out, links, outs = plan[c, N_OUT], plan[c, LINKS], plan[c, OUT_POINTERS]
        source, target, bias = plan[c, SOURCE], plan[c, TARGET], plan[c, BIASES]
        hidden = target < offsets.shape[0] - 1
        layer = layer_key(key, step, target)
        block_sources, block_position = sources[links:], position[links:]
        block_values = values[links:]
        for o in range(n_out):
            start, stop = out_pointers[outs + o], out_pointers[outs + o + 1]
            row = offsets[target] + o * batch if hidden else 0
            for left in range(0, batch, width):
                forward_row(
                    tile, activations, offsets[source] + left, batch, block_sources, block_position, block_values,
                    start, stop, biases[bias + o], row + left, logits, o * batch + left, hidden, slopes[target],
                    np.uint32(o * batch + left), layer, threshold, scale, positive, kept,
                )  # fmt: skip


@njit(cache=True, boundscheck=False)
def update(parameters, velocity, gradient, eta, momentum, decay):
    """Make one momentum step: v <- momentum v - eta g; w <- w + v - decay w."""
    for k in range(parameters.shape[0]):
        velocity[k] = momentum * velocity[k] - eta * gradient[k]
        parameters[k] = parameters[k] + velocity[k] - decay * parameters[k]


@njit(cache=True, boundscheck=False, fastmath={"reassoc", "contract"})
def square_sum(gradient):
    """Return the sum of squares."""
    total = 0.0
    for k in range(gradient.shape[0]):
        total += np.float64(gradient[k]) * np.float64(gradient[k])
    return total


@njit(cache=True, boundscheck=False)
def backward(plan, offsets, in_pointers, targets, values, velocity, gradient, bias_gradient, slopes, activations, delta,
             positive, kept, batch, tile, scale, eta, momentum, decay, in_place):  # fmt: skip
    """Propagate the error rows of the output back through every block.

    With `in_place`, each link is updated in the sweep that finds its gradient; without, the gradients of all links are
    left in `gradient`. Those of the hidden biases are left in `bias_gradient` in any case.
    """
    width = 16 * len(tile)
    for c in range(plan.shape[0] - 1, -1, -1):
        n_in, links, ins = plan[c, N_IN], plan[c, LINKS], plan[c, IN_POINTERS]
        source, target = plan[c, SOURCE], plan[c, TARGET]
        bias = (offsets[source] - offsets[1]) // batch
        block_targets, block_values, block_velocity = targets[links:], values[links:], velocity[links:]
        block_gradient = gradient[links:] if gradient.shape[0] else gradient
        for i in range(n_in):
            start, stop = in_pointers[ins + i], in_pointers[ins + i + 1]
            row = offsets[source] + i * batch
            for left in range(0, batch, width):
                backward_row(
                    tile, delta, offsets[target] + left, batch, activations, row + left, block_targets, block_values,
                    block_velocity, block_gradient, start, stop, left == 0, in_place and left + width >= batch, eta,
                    momentum, decay, source > 0, slopes[source], scale, positive, kept, bias_gradient, bias + i,
                )  # fmt: skip


@njit(cache=True, boundscheck=False)
def errors_of_output(logits, y, order, start, batch, rows, classes, delta, bias_gradient):
    """Turn logits [class][batch] into error rows in `delta`; return summed cross-entropy and number of correct samples.

    The padding from `batch` to `rows` gets zero error; `bias_gradient` gets the sum of each row.
    """
    softmax_rows(logits, classes, rows)
    bias_gradient[:] = 0.0
    loss, correct = 0.0, 0
    for b in range(batch):
        label = y[order[start + b]]
        own = logits[label * rows + b]
        loss -= np.log(max(own, np.float32(1e-38))) if own == own else np.nan
        best = 0
        for c in range(1, classes):
            if logits[c * rows + b] > logits[best * rows + b]:
                best = c
        correct += best == label
        for c in range(classes):
            error = (logits[c * rows + b] - np.float32(c == label)) / np.float32(batch)
            bias_gradient[c] += error
            put(delta, c * rows, b, error)
    for c in range(classes):
        for b in range(batch, rows):
            put(delta, c * rows, b, np.float32(0.0))
    return loss, correct


@njit(cache=True, boundscheck=False)
def train_epoch(x, y, order, batch, rows, plan, offsets, in_pointers, targets, out_pointers, sources, position, values,
                velocity, gradient, biases, bias_velocity, bias_gradient, slopes, activations, logits, delta, positive,
                kept, forward_tile, backward_tile, key, first_step, threshold, scale, eta, momentum, decay,
                clip):  # fmt: skip
    """Train on every full batch of `order`; return the summed cross-entropy and the number of correct samples.

    `rows` >= `batch` is the batch rounded up to whole vectors; the padding has zero error. With `clip` > 0 the gradient
    of all parameters is shortened to that norm where it is longer. Stops early, returning the non-finite loss, as soon
    as a batch's loss is not finite.
    """
    loss, correct = 0.0, 0
    output = delta[offsets[offsets.shape[0] - 1] :]
    classes, last_biases = plan[plan.shape[0] - 1, N_OUT], bias_gradient[plan[plan.shape[0] - 1, BIASES] :]
    for step in range(order.shape[0] // batch):
        gather_batch(x, order, step * batch, batch, rows, activations)
        forward(plan, offsets, out_pointers, sources, position, values, biases, slopes, activations, logits,
                positive, kept, rows, forward_tile, key, first_step + step, threshold, scale)  # fmt: skip
        batch_loss, hits = errors_of_output(logits, y, order, step * batch, batch, rows, classes, output, last_biases)
        loss, correct = loss + batch_loss, correct + hits
        if not np.isfinite(batch_loss):
            return batch_loss, correct
        backward(plan, offsets, in_pointers, targets, values, velocity, gradient, bias_gradient, slopes, activations,
                 delta, positive, kept, rows, backward_tile, scale, eta, momentum, decay, clip == 0)  # fmt: skip
        rate = eta
        if clip > 0:
            norm = np.sqrt(square_sum(gradient) + square_sum(bias_gradient))
            rate = eta * np.float32(min(1.0, clip / max(norm, 1e-30)))
            update(values, velocity, gradient, rate, momentum, decay)
        update(biases, bias_velocity, bias_gradient, rate, momentum, decay)
    return loss, correct


@njit(cache=True, boundscheck=False)
def predict(x, rows, plan, offsets, out_pointers, sources, position, values, biases, slopes, activations, logits,
            positive, kept, tile, probabilities):  # fmt: skip
    """Write softmax probabilities [sample][class] for x [sample][feature], `rows` samples at a time."""
    classes = probabilities.shape[1]
    order = np.arange(x.shape[0])
    for start in range(0, x.shape[0], rows):
        count = min(rows, x.shape[0] - start)
        gather_batch(x, order, start, count, rows, activations)
        forward(plan, offsets, out_pointers, sources, position, values, biases, slopes, activations, logits,
                positive, kept, rows, tile, 0, 0, np.uint32(0), np.float32(1.0))  # fmt: skip
        softmax_rows(logits, classes, rows)
        for b in range(count):
            for c in range(classes):
                probabilities[start + b, c] = logits[c * rows + b]
