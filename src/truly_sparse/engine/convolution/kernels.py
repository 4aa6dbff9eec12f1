"""Compiled loops over batches of a truly sparse convolutional network: forward, loss, backward and update.

Layers are walked as the tables say (`layers.Tables`), without any Python in between. The order of sums is the same on
every processor, and so part of what a result is:

* A sum at a position: the bias, then the links of its channel in ascending order of their taps, map after map, one
  fused multiply-add each; taps are numbered by row, channel and column of the kernel.
* The error of what is taken at a position: from zero, its links in order of mirrored row, channel they lead to, and
  mirrored column, one fused multiply-add each.
* The gradient of a link: in each of 16 lanes one chain over samples 16 apart and, within, over rows and columns; then
  `vector.total`.
* Sums over all positions (biases, normalisation): a chain along each row, then these in order of rows and samples; then
  the lanes, in order, in float64 (biases: `vector.total`).
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from numba.extending import overload

from truly_sparse.engine.compiled import COMPILED, INLINED, INNER
from truly_sparse.engine.convolution.bands import part_of, zeros
from truly_sparse.engine.convolution.steps import (
    lead_back,
    lead_joined_back,
    make,
    make_joined,
    map_of,
    pool,
    pool_back,
    source_of,
    step_of,
)
from truly_sparse.engine.convolution.walks import PIECES
from truly_sparse.engine.kernels import errors_of_output, move_all, square_sum
from truly_sparse.engine.optimisers import AdamRates, at_step, shortened
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.rows import gather_batch, softmax_rows
from truly_sparse.engine.vector import load, store_pair, total

#: What is added to a variance, and the share of a batch in the running mean and variance.
TINY, SHARE = 1e-5, 0.1


class Links(NamedTuple):
    """Links in three orders: as the graph has them, by the channel they lead to, and by the channel they come from.

    `pointers` and `back_pointers` say where the pieces of each channel's links begin (`walks`); `reach` and
    `back_reach` how far from a position each reaches in a band; `position` and `back_position` where each lies in the
    graph, whose `values` are copied, for each step, into `forth` and `back`. `products` are [link][16], by the channel
    they lead to.
    """

    pointers: npt.NDArray[np.int64]
    reach: npt.NDArray[np.int32]
    position: npt.NDArray[np.int32]
    back_pointers: npt.NDArray[np.int64]
    back_reach: npt.NDArray[np.int32]
    back_position: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]
    velocity: npt.NDArray[np.float32]
    second: npt.NDArray[np.float32]
    gradient: npt.NDArray[np.float32]
    forth: npt.NDArray[np.float32]
    back: npt.NDArray[np.float32]
    products: npt.NDArray[np.float32]


class Parameters(NamedTuple):
    """Parameters that are no links, their moments and their gradient; float32."""

    values: npt.NDArray[np.float32]
    velocity: npt.NDArray[np.float32]
    second: npt.NDArray[np.float32]
    gradient: npt.NDArray[np.float32]


class Norm(NamedTuple):
    """Normalisation. For each channel of all maps: mean and 1 / deviation of the batch, running mean and variance, and
    three `slopes` of the way back. For each channel that a layer takes normalised: `scales` and `shifts`, which map z
    to scale * z + shift. `sums` has room for two vectors for each of the larger number of both.
    """

    means: npt.NDArray[np.float32]
    spreads: npt.NDArray[np.float32]
    running_means: npt.NDArray[np.float32]
    running_variances: npt.NDArray[np.float32]
    slopes: npt.NDArray[np.float32]
    scales: npt.NDArray[np.float32]
    shifts: npt.NDArray[np.float32]
    sums: npt.NDArray[np.float32]


class Space(NamedTuple):
    """Room for a batch: all maps, their errors, and where maxima stand in their windows; bands of what is taken, of
    errors, and of errors passed back; the sums of biases; lines of the cache for samples; what `square_sum` needs.
    """

    maps: npt.NDArray[np.float32] | npt.NDArray[np.uint16]
    errors: npt.NDArray[np.float32] | npt.NDArray[np.uint16]
    firsts: npt.NDArray[np.uint8]
    taken: npt.NDArray[np.float32]
    wrong: npt.NDArray[np.float32]
    passed: npt.NDArray[np.float32]
    sums: npt.NDArray[np.float32]
    zeros: npt.NDArray[np.float32]
    lines: npt.NDArray[np.uint8]
    lanes: npt.NDArray[np.float64]


@njit(**INNER)
def copy_values(links):
    """Bring the values of links into both orders by channel."""
    for k in range(links.position.shape[0]):
        links.forth[k] = links.values[links.position[k]]
        links.back[k] = links.values[links.back_position[k]]


@njit(**INNER)
def pack_plane(own, tile, c, plane, at, maps):
    """Write a channel of one part of a map, which lies at ``plane[at:]``, [row][column][16], into the map."""
    for y in range(own.rows):
        for x in range(0, own.columns, 2):
            here = at + (y * own.columns + x) * LANES
            even, odd = load(plane, here, LANES), zeros()
            if x + 1 < own.columns:
                odd = load(plane, here + LANES, LANES)
            store_pair(even, odd, maps, part_of(own, tile, c) + y * own.row + x * LANES)


@njit(**INLINED)
def last_of(tables):
    """Return the row of the map that the last layer makes."""
    return map_of(tables.maps, step_of(tables.steps, tables.steps.shape[0] - 1).target)


@njit(**INLINED)
def lanes_of(sums, at):
    """Return the sum of a vector, in float64, in order of its lanes."""
    whole = 0.0
    for lane in range(LANES):
        whole += np.float64(sums[at + lane])
    return whole


@njit(**INNER)
def positions_of(own, samples):
    """Return how many positions of all samples a channel of a map has."""
    return samples if own.flat else samples * own.rows * own.columns


@njit(**INNER)
def settle_moments(own, samples, norm):
    """Turn the sums of a map's channels into means and deviations, which the running ones follow."""
    count = np.float64(positions_of(own, samples))
    for c in range(own.channels):
        k = own.channel + c
        apart = lanes_of(norm.sums, 2 * c * LANES) / count
        variance = max(lanes_of(norm.sums, (2 * c + 1) * LANES) / count - apart * apart, 0.0)
        mean = np.float64(norm.running_means[k]) + apart
        norm.means[k] = np.float32(mean)
        norm.spreads[k] = np.float32(1 / math.sqrt(variance + TINY))
        norm.running_means[k] = np.float32(norm.running_means[k] + SHARE * (mean - norm.running_means[k]))
        whole = variance * count / (count - 1) if count > 1 else variance
        norm.running_variances[k] = np.float32(norm.running_variances[k] + SHARE * (whole - norm.running_variances[k]))
        for lane in range(2 * LANES):
            norm.sums[2 * c * LANES + lane] = np.float32(0)


@njit(**INNER)
def set_scales(tables, step, norm, gammas, running):
    """Work out how a layer normalises what it takes, by the moments of the batch or by the running ones."""
    for s in range(step.first, step.last):
        source = source_of(tables.sources, s)
        if source.norm < 0:
            continue
        own = map_of(tables.maps, source.map)
        for c in range(own.channels):
            k, n = own.channel + c, source.norm + c
            mean, spread = norm.means[k], norm.spreads[k]
            if running:
                mean = norm.running_means[k]
                spread = np.float32(1 / math.sqrt(np.float64(norm.running_variances[k]) + TINY))
            norm.scales[n] = gammas[n] * spread
            norm.shifts[n] = gammas[gammas.shape[0] // 2 + n] - mean * norm.scales[n]


@njit(**INNER)
def forward(tables, links, bias, gammas, norm, space, samples, running):
    """Make all maps of a batch that lies in map 0; `bias` has one number for each channel of all maps."""
    for s in range(tables.steps.shape[0]):
        step = step_of(tables.steps, s)
        made = map_of(tables.maps, step.target)
        if not step.links:
            if not step.pooled:
                pool(tables, step, samples, norm, space, running)
        elif step.window:
            make_joined(tables, step, links, bias, norm, space, samples, running)
        else:
            set_scales(tables, step, norm, gammas, running)
            make(tables, step, links, bias, norm, space, samples, running)
        if made.normed and not running:
            settle_moments(made, samples, norm)


@njit(**INNER)
def settle_slopes(tables, m, own, samples, norm, gammas, gradient):
    """Sum up what normalised errors leave to scales and shifts, and how they go on to the map's own errors."""
    count = np.float64(positions_of(own, samples))
    half = gammas.shape[0] // 2
    for c in range(own.channels):
        k = own.channel + c
        mean, along = 0.0, 0.0
        spread = np.float64(norm.spreads[k])
        for s in range(tables.sources.shape[0]):
            source = source_of(tables.sources, s)
            if source.map == m and source.norm >= 0:
                n = source.norm + c
                whole = lanes_of(norm.sums, 2 * n * LANES)
                product = lanes_of(norm.sums, (2 * n + 1) * LANES) * spread
                gradient[n], gradient[half + n] = np.float32(product), np.float32(whole)
                mean += np.float64(gammas[n]) * whole / count
                along += np.float64(gammas[n]) * product / count
                for lane in range(2 * LANES):
                    norm.sums[2 * n * LANES + lane] = np.float32(0)
        norm.slopes[3 * k] = np.float32(spread)
        norm.slopes[3 * k + 1] = np.float32(-spread * spread * along)
        norm.slopes[3 * k + 2] = np.float32(-spread * mean + spread * spread * along * np.float64(norm.means[k]))


@njit(**INNER)
def backward(tables, links, bias_sums, gammas, gamma_gradient, norm, space, samples):
    """Lead the errors of the last map back through all layers; leave the gradients of all parameters."""
    for s in range(tables.steps.shape[0] - 1, -1, -1):
        step = step_of(tables.steps, s)
        made = map_of(tables.maps, step.target)
        if made.normed:
            settle_slopes(tables, step.target, made, samples, norm, gammas, gamma_gradient)
        if not step.links:
            if not step.pooled:
                pool_back(tables, step, samples, norm, space)
            continue
        for k in range(made.channels * LANES):
            space.sums[k] = np.float32(0)
        begin, end = links.pointers[PIECES * step.neuron], links.pointers[PIECES * (step.neuron + made.channels)]
        if not made.flat:
            for k in range(begin * LANES, end * LANES):
                links.products[k] = np.float32(0)
        if step.window:
            lead_joined_back(tables, step, links, norm, space, samples)
        else:
            lead_back(tables, step, links, gammas, norm, space, samples)
        for c in range(made.channels):
            bias_sums[made.channel + c] = total(load(space.sums, c * LANES, LANES))
        if not made.flat:
            for k in range(begin, end):
                links.gradient[links.position[k]] = total(load(links.products, k * LANES, LANES))


@njit(**INLINED)
def sum_biases(biases, channels, bias):
    """Sum the biases of each channel of all maps, in order."""
    for c in range(bias.shape[0]):
        bias[c] = np.float32(0)
    for b in range(channels.shape[0]):
        bias[channels[b]] = bias[channels[b]] + biases[b]


def free(rates):
    """Return rates without the pull of `l1`. Compiled code only."""
    raise NotImplementedError


@overload(free, jit_options=INLINED)
def _free(rates):
    if rates.instance_class is AdamRates:
        return lambda rates: AdamRates(rates.rate, rates.beta1, rates.beta2, rates.epsilon, np.float32(0), rates.decay,
                                       rates.spread, rates.share)  # fmt: skip
    return lambda rates: rates


@njit(**INNER)
def gather(x, order, start, count, own, used, space):
    """Bring samples, [channel][row][column] each, into map 0."""
    for tile in range(own.tiles):
        some = min(max(count - tile * LANES, 0), LANES)
        gather_batch(x, order, start + tile * LANES, some, LANES, used.shape[0] - 1, used, space.taken, space.lines)
        for c in range(own.channels):
            pack_plane(own, tile, c, space.taken, c * own.rows * own.columns * LANES, space.maps)


@njit(cache=True, **COMPILED)
def train_epoch(x, y, order, batch, count, tables, used, links, biases, channels, bias, bias_sums, gammas, norm, space,
                rates, powers, clip):  # fmt: skip
    """Train on every full batch of `order`; return the summed cross-entropy and the number of correct samples.

    Stops early, returning that loss, as soon as a batch's loss is not finite. See `engine.kernels.train_epoch`.
    """
    loss, correct = 0.0, 0
    picture, last = map_of(tables.maps, 0), last_of(tables)
    for step in range(order.shape[0] // batch):
        gather(x, order, step * batch, batch, picture, used, space)
        sum_biases(biases.values, channels, bias)
        copy_values(links)
        forward(tables, links, bias, gammas.values, norm, space, batch, False)
        batch_loss, hits = errors_of_output(space.passed, y, order, step * batch, batch, count, last.channels,
                                            space.wrong, 0, bias_sums[last.channel :])  # fmt: skip
        for c in range(last.channels):
            pack_plane(last, 0, c, space.wrong, c * count, space.errors)
        loss, correct = loss + batch_loss, correct + hits
        if not math.isfinite(batch_loss):
            return batch_loss, correct
        now = at_step(rates, step, powers)
        backward(tables, links, bias_sums, gammas.values, gammas.gradient, norm, space, batch)
        for b in range(channels.shape[0]):
            biases.gradient[b] = bias_sums[channels[b]]
        if clip > 0:
            norm_of_all = math.sqrt(square_sum(links.gradient, space.lanes) + square_sum(biases.gradient, space.lanes)
                                    + square_sum(gammas.gradient, space.lanes))  # fmt: skip
            if norm_of_all > clip:
                now = shortened(now, np.float32(clip / norm_of_all))
        move_all(now, links.values, links.velocity, links.second, links.gradient)
        move_all(now, biases.values, biases.velocity, biases.second, biases.gradient)
        move_all(free(now), gammas.values, gammas.velocity, gammas.second, gammas.gradient)
    return loss, correct


@njit(cache=True, **COMPILED)
def predict(x, count, tables, used, links, biases, channels, bias, gammas, norm, space, order, probabilities):
    """Write softmax probabilities [sample][class] for x [sample][feature], `count` samples at a time."""
    picture, last = map_of(tables.maps, 0), last_of(tables)
    sum_biases(biases, channels, bias)
    copy_values(links)
    rows = order.shape[0]
    for start in range(0, rows, count):
        samples = min(count, rows - start)
        gather(x, order, start, samples, picture, used, space)
        forward(tables, links, bias, gammas, norm, space, samples, True)
        softmax_rows(space.passed, last.channels, count)
        for b in range(samples):
            for c in range(last.channels):
                probabilities[start + b, c] = space.passed[c * count + b]
