"""Compiled loops of training and prediction on samples of which only what is not 0 is kept (`rows.NonZeros`).

Inputs have no rows: the links that lead from them are walked for the non-zeros of a batch alone, and what they add to
the sums of neurons is handed to `forward.forward`, which goes on with the other links (`Graph.beyond_inputs`). On the
way back these come first; then the errors of all neurons are known.

All bits are those of `kernels` on the same samples with their zeros. A product with 0 changes no sum (but the sign of
a 0, which changes nothing else), so that what is left of a stated order is that order without these products:

* The sum of a neuron: its bias, then the non-zeros of the sample in ascending order of their features.
* The gradient of a link: chains of samples of the same lane in even and in odd vectors, which are then added in pairs
  as in `kernels`; a chain without a sample is left out.

A step moves the links of its batch's features alone. The others would have moved with a gradient of zero, by velocity
and decay; they do, from the first step they missed, before they are used again, and all of them at the end of an epoch.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from numba.extending import overload

from truly_sparse.engine.compiled import COMPILED, INLINED, INNER
from truly_sparse.engine.forward import forward
from truly_sparse.engine.kernels import backward, errors_of_output, move_all, sum_biases, summed
from truly_sparse.engine.memory import aligned
from truly_sparse.engine.optimisers import coast, move, rests, shortened, step_of
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.rows import NonZeros, own_row, softmax_rows
from truly_sparse.engine.vector import fused, load, prefetch

#: Links that coast at a time, and the steps they do so before it is seen whether they rest.
TOGETHER, STEPS = 32, 256
#: Chains of a gradient: lanes of even vectors, then those of odd ones.
CHAINS = 2 * LANES
#: How many features ahead links are asked for.
AHEAD = 16


class Room(NamedTuple):
    """Memory for the non-zeros of a batch, and for what inputs give to neurons and get from them.

    `words` are feature * 2**32 + number of each non-zero, sorted with the help of `spare` and `counts`, `digits` bits
    at a time. Feature ``features[j]`` has `values` in `samples`, those from ``starts[j]`` up to ``starts[j + 1]``;
    `read` and `bits` are the values, and their bits, as they come, `of` their samples. `sums` are [sample][neuron],
    `given` are [neuron][sample], in order of the neurons that are no inputs. `parts` has `fan_out` numbers for each
    chain of a gradient and for its total; `gradient` has those of a step, where all have to be held.
    """

    words: npt.NDArray[np.int64]
    spare: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    digits: int
    passes: int
    read: npt.NDArray[np.float32]
    bits: npt.NDArray[np.uint32]
    of: npt.NDArray[np.int32]
    features: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    samples: npt.NDArray[np.int32]
    sums: npt.NDArray[np.float32]
    given: npt.NDArray[np.float32]
    parts: npt.NDArray[np.float32]
    fan_out: int
    gradient: npt.NDArray[np.float32]


def room(width: int, non_zeros: int, fan_out: int, links: int, neurons: int, count: int) -> Room:
    """Return room for batches of `count` samples of `width` features, with at most so many non-zeros.

    `fan_out` is the most links of a feature, `links` those whose gradients are held at a time, `neurons` those that are
    no inputs.
    """
    bits = max(int(width - 1).bit_length(), 1)
    passes = 2 if bits <= 22 else 4  # an even number, so that words end where they began
    digits = -(-bits // passes)
    read = np.empty(non_zeros, np.float32)
    fan_out = -(-max(fan_out, 1) // LANES) * LANES
    return Room(
        words=np.empty(non_zeros, np.int64),
        spare=np.empty(non_zeros, np.int64),
        counts=np.zeros(1 << digits, np.int64),
        digits=digits,
        passes=passes,
        read=read,
        bits=read.view(np.uint32),
        of=np.empty(non_zeros, np.int32),
        features=np.empty(non_zeros, np.int32),
        starts=np.zeros(non_zeros + 1, np.int64),
        values=np.empty(non_zeros, np.float32),
        samples=np.empty(non_zeros, np.int32),
        sums=aligned(count * neurons),
        given=aligned((neurons, count)),
        parts=aligned((CHAINS + 1) * fan_out),
        fan_out=fan_out,
        gradient=aligned(links + LANES),
    )


@njit(cache=True, **COMPILED)
def most_of_a_batch(x, order, batch, pointers):
    """Return the most non-zeros of a batch, and the most links that lead from the features of one."""
    most, links = 0, 0
    for step in range(order.shape[0] // batch):
        here, its_links = 0, 0
        for row in order[step * batch : (step + 1) * batch]:
            here += x.ends[row] - x.begins[row]
            for k in range(x.begins[row], x.ends[row]):
                its_links += pointers[x.features[k] + 1] - pointers[x.features[k]]
        most, links = max(most, here), max(links, its_links)
    return most, links


def keep(bits, rows, count):
    """Round the first `count` numbers, of which these are the bits, as `rows` keep numbers; compiled code only."""
    raise NotImplementedError


@overload(keep, jit_options=INLINED)
def _keep(bits, rows, count):
    del bits, count
    if rows.dtype.bitwidth == 16:

        def keep_halves(bits, rows, count):  # noqa: ARG001
            for k in range(count):
                word = bits[k]
                bits[k] = (word + np.uint32(0x7FFF) + (word >> np.uint32(16) & np.uint32(1))) & np.uint32(0xFFFF0000)

        return keep_halves
    return lambda bits, rows, count: None  # noqa: ARG005


@njit(**INNER)
def sort_digit(words, into, count, shift, counts):
    """Sort the first `count` words by one of their digits."""
    size = counts.shape[0]
    for d in range(size):
        counts[d] = 0
    for k in range(count):
        counts[(words[k] >> shift) & (size - 1)] += 1
    before = 0
    for d in range(size):
        counts[d], before = before, before + counts[d]
    for k in range(count):
        digit = (words[k] >> shift) & (size - 1)
        into[counts[digit]] = words[k]
        counts[digit] += 1


@njit(**INNER)
def collect(x, order, start, batch, pointers, rows, room):
    """Put the non-zeros of samples order[start:start+batch] in order of their features; return how many these are.

    Features without links are left out.
    """
    count = 0
    for b in range(batch):
        row = order[start + b]
        for k in range(x.begins[row], x.ends[row]):
            feature = np.int64(x.features[k])
            if pointers[feature] != pointers[feature + 1]:
                room.words[count] = feature << 32 | count
                room.read[count], room.of[count] = x.values[k], b
                count += 1
    keep(room.bits, rows, count)
    for turn in range(0, room.passes, 2):
        sort_digit(room.words, room.spare, count, 32 + turn * room.digits, room.counts)
        sort_digit(room.spare, room.words, count, 32 + (turn + 1) * room.digits, room.counts)
    found, before = 0, np.int64(-1)
    for place in range(count):
        feature, number = room.words[place] >> 32, room.words[place] & 0xFFFFFFFF
        if feature != before:
            room.features[found], room.starts[found] = feature, place
            before = feature
            found += 1
        room.values[place], room.samples[place] = room.read[number], room.of[number]
    room.starts[found] = count
    return found


@njit(**INLINED)
def make_up(rates, links, start, stop, first, last):
    """Move links [start, stop) through the steps from `first` up to `last`, whose gradients are zero."""
    values, velocity, second = links.values, links.velocity, links.second
    for k in range(start, stop, TOGETHER):
        count = min(TOGETHER, stop - k)
        for step in range(first, last, STEPS):
            if rests(rates, step, velocity, second, k, count):
                break
            coast(rates, step, min(step + STEPS, last), values, velocity, second, k, count)


@njit(**INNER)
def make_up_all(rates, links, inputs, seen, last):
    """Move the links of all inputs through the steps they missed."""
    feature = 0
    while feature < inputs:
        first = feature
        while feature < inputs and seen[feature] == seen[first]:
            feature += 1
        if seen[first] < last:
            make_up(rates, links, links.pointers[first], links.pointers[feature], seen[first], last)


@njit(**INLINED)
def pass_on(links, feature, value, sums, at):
    """Add what a feature of a sample passes on to the sums of neurons, of which number n has ``sums[at + n]``."""
    for k in range(np.uint64(links.pointers[feature]), np.uint64(links.pointers[feature + 1])):
        place = at + np.int64(links.targets[k])
        sums[place] = fused(links.values[k], value, sums[place])


@njit(**INLINED)
def begin(sums, biases, count):
    """Let the sums of `count` samples be the neurons' biases."""
    neurons = biases.shape[0]
    for b in range(count):
        for o in range(neurons):
            sums[b * neurons + o] = biases[o]


@njit(**INLINED)
def ask_for(links, room, j, found):
    """Ask for the links of feature number j of the batch."""
    feature = np.int64(room.features[min(j, found - 1)])
    start = links.pointers[feature]
    stop = min(links.pointers[feature + 1], start + 4 * LANES)
    for k in range(start, stop + LANES - 1, LANES):
        prefetch(links.values, k, ())
        prefetch(links.velocity, k, ())
        prefetch(links.targets, k, ())


@njit(**INNER)
def show(links, biases, rates, step, seen, found, inputs, room):
    """Make up for steps that the links of the batch's features missed, and let them add to the sums."""
    neurons = biases.shape[0]
    for j in range(found):
        ask_for(links, room, j + AHEAD, found)
        feature = np.int64(room.features[j])
        if seen[feature] < step:
            start, stop = links.pointers[feature], links.pointers[feature + 1]
            make_up(rates, links, start, stop, np.int64(seen[feature]), step)
        for place in range(room.starts[j], room.starts[j + 1]):
            pass_on(links, feature, room.values[place], room.sums, room.samples[place] * neurons - inputs)


@njit(**INNER)
def turn(sums, count, given):
    """Turn sums [sample][neuron] into `given`, [neuron][sample]."""
    neurons = given.shape[0]
    for first in range(0, neurons, LANES):
        for b in range(count):
            for o in range(first, min(first + LANES, neurons)):
                given[o, b] = sums[b * neurons + o]


@njit(**INNER)
def turn_errors(rows, own, count, neurons, errors):
    """Turn the rows of errors into float32 `errors`, [sample][neuron]."""
    for o in range(neurons):
        start = own_row(rows, o * count, own, count)
        for b in range(count):
            errors[b * neurons + o] = own[start + b]


@njit(**INLINED)
def fold(room, touched, links):
    """Add the chains of a tile, those whose bits are set, to the first of them in the order of `kernels`."""
    parts, apart = room.parts, room.fan_out
    half = CHAINS // 2
    while half:
        for chain in range(half):
            if touched >> (chain + half) & 1:
                mine, other = chain * apart, (chain + half) * apart
                if touched >> chain & 1:
                    for k in range(links):
                        parts[mine + k] += parts[other + k]
                else:
                    for k in range(links):
                        parts[mine + k] = parts[other + k]
                    touched |= 1 << chain
        half //= 2


@njit(**INLINED)
def slope_of(links, start, count, j, inputs, neurons, tile, room):
    """Write the gradients of the `count` links from `start` on, which lead from feature number j, to the total."""
    parts, apart, errors, targets = room.parts, room.fan_out, room.sums, links.targets
    total = CHAINS * apart
    place, end, span = room.starts[j], room.starts[j + 1], LANES * tile
    if end - place == 1:
        x, at = room.values[place], room.samples[place] * neurons - inputs
        for k in range(count):
            parts[total + k] = np.float32(0) + x * errors[at + targets[start + k]]
        return
    for k in range(count):
        parts[total + k] = np.float32(0)
    while place < end:
        number, touched, several = room.samples[place] // span, 0, -place
        while place < end and room.samples[place] // span == number:
            sample, x = np.int64(room.samples[place]), room.values[place]
            chain = (sample // LANES % tile % 2) * LANES + sample % LANES
            mine, at = chain * apart, sample * neurons - inputs
            if touched >> chain & 1:
                for k in range(count):
                    parts[mine + k] = fused(x, errors[at + targets[start + k]], parts[mine + k])
            else:
                for k in range(count):
                    parts[mine + k] = x * errors[at + targets[start + k]]
                touched |= 1 << chain
            place += 1
        several += place
        if several > 1:
            fold(room, touched, count)
            mine = 0
        for k in range(count):
            parts[total + k] += parts[mine + k]


@njit(**INLINED)
def move_some(rates, links, start, count, gradient, at):
    """Move `count` links from `start` on against their gradients, ``gradient[at:]``."""
    for k in range(0, count, 8):
        slope = load(gradient, at + k, 8)
        move(rates, slope, links.values, links.velocity, links.second, start + k, count - k)


@njit(**INNER)
def learn(links, rates, step, seen, found, inputs, neurons, tile, in_place, room):
    """Move the links of the batch's features by their gradients, or keep the gradients; return how many these are."""
    total, kept = CHAINS * room.fan_out, 0
    for j in range(found):
        ask_for(links, room, j + AHEAD, found)
        feature = np.int64(room.features[j])
        start, count = links.pointers[feature], links.pointers[feature + 1] - links.pointers[feature]
        slope_of(links, start, count, j, inputs, neurons, tile, room)
        if in_place:
            move_some(rates, links, start, count, room.parts, total)
        else:
            for k in range(count):
                room.gradient[kept + k] = room.parts[total + k]
        kept += count
        seen[feature] = step + 1
    return kept


@njit(**INNER)
def move_kept(links, rates, found, room):
    """Move the links of the batch's features by the gradients that were kept."""
    kept = 0
    for j in range(found):
        feature = np.int64(room.features[j])
        start, count = links.pointers[feature], links.pointers[feature + 1] - links.pointers[feature]
        move_some(rates, links, start, count, room.gradient, kept)
        kept += count


@njit(**INNER)
def add_squares(gradient, first, lanes):
    """Add the squares of the elements numbered from `first` on to their `lanes`, as `kernels.square_sum` does."""
    for k in range(gradient.shape[0]):
        lanes[(first + k) % LANES] += np.float64(gradient[k]) * np.float64(gradient[k])


@njit(cache=True, **COMPILED)
def square_sum(links, found, gradient, biases, room, lanes):
    """Return the sum of squares of all gradients, in float64, as `kernels` sums them: of links, then of biases."""
    kept = 0
    lanes[:] = 0.0
    for j in range(found):
        feature = np.int64(room.features[j])
        start, count = links.pointers[feature], links.pointers[feature + 1] - links.pointers[feature]
        add_squares(room.gradient[kept : kept + count], start, lanes)
        kept += count
    add_squares(gradient, links.targets.shape[0] - gradient.shape[0], lanes)
    of_links = summed(lanes)
    lanes[:] = 0.0
    add_squares(biases, 0, lanes)
    return of_links + summed(lanes)


@njit(cache=True, **COMPILED)
def train_epoch(x, y, order, batch, count, links, beyond, layers, biases, gradient, space, widths, dropout, first_step,
                rates, clip, far, room, seen):  # fmt: skip
    """Do what `kernels.train_epoch` does; `beyond` are the links that `Graph.beyond_inputs` returns, `layers` without
    the inputs, and `gradient` has a number for each of `beyond` where gradients are clipped. `rates` are those that
    `optimisers.in_advance` returns, and `seen` is 0 for each input.
    """
    loss, correct, inputs, neurons = 0.0, 0, x.width, biases.sums.shape[0]
    output, steps = layers.starts[layers.slopes.shape[0] - 1], order.shape[0] // batch
    classes, of_output = neurons - output, biases.gradient[output:]
    for step in range(steps):
        found = collect(x, order, step * batch, batch, links.pointers, space.rows, room)
        sum_biases(biases)
        begin(room.sums, biases.sums, count)
        show(links, biases.sums, rates, step, seen, found, inputs, room)
        turn(room.sums, count, room.given)
        forward(beyond, layers, room.given, space, count, widths.forward, dropout, first_step + step, far, (), ())
        batch_loss, hits = errors_of_output(space.logits, y, order, step * batch, batch, count, classes, space.rows,
                                            output * count, of_output)  # fmt: skip
        loss, correct = loss + batch_loss, correct + hits
        if not math.isfinite(batch_loss):
            return batch_loss, correct
        now = step_of(rates, step)
        backward(beyond, layers, gradient, biases.gradient, space, count, widths, dropout, now, clip == 0, far, ())
        turn_errors(space.rows, space.own, count, neurons, room.sums)
        learn(links, now, step, seen, found, inputs, neurons, len(widths.tile), clip == 0, room)
        for b in range(biases.values.shape[0]):
            biases.own_gradient[b] = biases.gradient[biases.neurons[b]]
        if clip > 0:
            norm = math.sqrt(square_sum(links, found, gradient, biases.own_gradient, room, space.lanes))
            if norm > clip:
                now = shortened(now, np.float32(clip / norm))
            move_kept(links, now, found, room)
            move_all(now, beyond.values, beyond.velocity, beyond.second, gradient)
        move_all(now, biases.values, biases.velocity, biases.second, biases.own_gradient)
    make_up_all(rates, links, inputs, seen, steps)
    return loss, correct


@njit(cache=True, **COMPILED)
def predict(x, count, links, beyond, layers, biases, space, width, dropout, far, room, probabilities):
    """Do what `kernels.predict` does, for all samples in order; links as in `train_epoch`."""
    samples, classes = probabilities.shape
    inputs, neurons = x.width, biases.sums.shape[0]
    sum_biases(biases)
    for start in range(0, samples, count):
        some = min(count, samples - start)
        begin(room.sums, biases.sums, count)
        for b in range(some):
            first, last = x.begins[start + b], x.ends[start + b]
            for left in range(first, last, room.read.shape[0]):
                pieces = min(room.read.shape[0], last - left)
                for k in range(pieces):
                    room.read[k] = x.values[left + k]
                keep(room.bits, space.rows, pieces)
                for k in range(pieces):
                    pass_on(links, np.int64(x.features[left + k]), room.read[k], room.sums, b * neurons - inputs)
        turn(room.sums, count, room.given)
        forward(beyond, layers, room.given, space, count, width, dropout, 0, far, (), ())
        softmax_rows(space.logits, classes, count)
        for b in range(some):
            for c in range(classes):
                probabilities[start + b, c] = space.logits[c * count + b]


def samples_of(x: NonZeros, features: int) -> NonZeros:
    """Return samples as the loops take them, which check no bounds.

    Raises
    ------
    ValueError
    """
    if x.width != features:
        raise ValueError(f"{features} features expected, found samples of {x.width}")
    values, places = np.ascontiguousarray(x.values, np.float32), np.ascontiguousarray(x.features, np.int32)
    begins, ends = (np.ascontiguousarray(part, np.int64) for part in (x.begins, x.ends))
    if len(values) != len(places) or begins.shape != ends.shape or (begins > ends).any():
        raise ValueError("values, features, begins and ends of samples do not fit each other")
    if len(begins) and not 0 <= begins.min() <= ends.max() <= len(values):
        raise ValueError("samples begin or end where there are no values")
    if len(places) and not 0 <= places.min() <= places.max() < features:
        raise ValueError(f"samples have values in features beyond their {features}")
    return NonZeros(values, places, begins, ends, features)
