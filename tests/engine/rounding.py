"""How far float32 arithmetic may lead the kernels away from the slow float64 network: a bound on every number.

Every operation of float32 is off by at most `UNIT` of its result, so that a sum of n products is by (n + 1) `UNIT` of
the sum of their magnitudes, and what went in wrong comes out multiplied by the magnitudes of weights. Bounds are
carried through a network, layer by layer and back, in that way; a value that is stored in bfloat16 may lie a step of
that beside the reference's only where its bound reaches across the border between two steps, else it is the same.
No number here was fitted: what is beyond its bound is a fault of a kernel, or of this file.
"""

from typing import NamedTuple

import numpy as np

from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.workspace import tile

from .reference import SlowAdam, SlowSGD

#: Half a step of float32 relative to a number.
UNIT = 2.0**-24
#: The largest float32, nearly: where a sum's magnitudes are more, it may be no number.
LARGEST = 3e38
#: What is lost where results are smaller than any float32 but zero, many times over.
TINY = 1e-36
#: Roundings in Mish and in both parts of its derivative, see `activations.mish`; `exponential` counts for two.
MISH, SHARE, RISE = 16, 16, 24
#: The largest slopes of Mish and of its derivative.
STEEPEST, SHARPEST = 1.09, 0.65


class Worst:
    """The largest error seen, as a share of its bound, and where."""

    def __init__(self):
        self.share, self.what = 0.0, "nothing"

    def see(self, what, found, wanted, bound):
        """Compare numbers."""
        off = np.abs(np.asarray(found, np.float64) - wanted)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = np.where(off == 0, 0.0, off / bound)
        worst = float(np.max(shares, initial=0.0))
        if not worst <= self.share:  # what is not a number is worst
            self.share, self.what = worst if np.isfinite(worst) else 1e300, what


class Bounds(NamedTuple):
    """Bounds on probabilities, the mean loss, and gradients by matrices and by biases."""

    probabilities: np.ndarray
    loss: float
    by_matrix: list
    by_bias: list


def stored(store, values, bounds):
    """Return bounds on values after they were stored: rounding keeps their order."""
    own = store(values)
    return np.maximum(store(values + bounds) - own, own - store(values - bounds))


def _bent(reference, z, bound, layer):
    """Return bounds on the activation of sums and on its derivative."""
    h, slope = reference.bend(z, layer)
    if reference.slopes == "mish":
        share = np.tanh(np.logaddexp(0, z))
        off = np.minimum(SHARPEST * bound, 2) + UNIT * (SHARE * share + RISE * np.abs(slope - share))
        return STEEPEST * bound + MISH * UNIT * np.abs(h), off
    factor = reference.slopes[layer - 1]
    return max(1.0, abs(factor)) * bound + UNIT * np.abs(h), abs(1 - factor) * (np.abs(z) <= bound)


def _size(reference, outputs, layer):
    """Return the sums of the magnitudes of what the neurons of a layer add up."""
    size = np.abs(reference.biases[layer - 1])
    for (source, target), matrix in zip(reference.pairs, reference.matrices, strict=True):
        if target == layer:
            size = size + np.abs(outputs[source]) @ np.abs(matrix)
    return size


def _forward(reference, outputs, masks):
    """Return bounds on all layers' outputs but the last, on its logits, and on factors, and the magnitude of logits."""
    bounds, factors = [np.zeros_like(outputs[0])], []
    for layer, bias in enumerate(reference.biases, 1):
        z, carried = np.tile(bias, (len(outputs[0]), 1)), np.zeros((len(outputs[0]), len(bias)))
        size, count = _size(reference, outputs, layer), np.ones(len(bias))
        for (source, target), matrix in zip(reference.pairs, reference.matrices, strict=True):
            if target == layer:
                z += outputs[source] @ matrix
                carried += bounds[source] @ np.abs(matrix)
                count += (matrix != 0).sum(axis=0)
        bound = carried + UNIT * count * (size + carried) + TINY
        if layer == len(reference.biases):
            return bounds, factors, z, bound
        mask = 1.0 if masks is None else masks[layer - 1]
        h = reference.bend(z, layer)[0] * mask
        own, off = _bent(reference, z, bound, layer)
        factors.append(off * mask)
        bounds.append(stored(reference.store, h, own * mask + UNIT * np.abs(h)))
    raise ValueError("a network has an output")


def exceeds(reference, outputs):
    """Return whether a sum of a network may be more than float32 holds, as after steps that lead far away."""
    return any(_size(reference, outputs, layer).max() > LARGEST for layer in range(1, len(outputs)))


def probabilities_of(reference, x):
    """Return probabilities and bounds on them."""
    outputs = reference.forward(x)[0]
    _, _, z, bound = _forward(reference, outputs, None)
    return outputs[-1], _absolute(outputs[-1], _relative(outputs[-1], z, bound)) + TINY


def _relative(probabilities, z, bound):
    """Return bounds on probabilities, relative to them: each exponential's, those of the sum, and a division."""
    with np.errstate(over="ignore"):
        each = np.expm1(bound + UNIT * (z.max(axis=1, keepdims=True) - z)) + 2 * UNIT
        whole = _product(probabilities, each).sum(axis=1, keepdims=True) + z.shape[1] * UNIT
        return each + whole + 2 * UNIT + each * whole


def _product(probabilities, relative):
    """Return the products; of a probability too small for a number and a bound too large for one, nothing is known."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(relative), np.inf, probabilities * relative)


def _absolute(probabilities, relative):
    """Return bounds on probabilities, which are off by one at most."""
    return np.minimum(_product(probabilities, relative), 1)


def bounds_of(reference, outputs, factors, errors, y, masks, count):
    """Return bounds on what the kernels make of a batch, which they round up to `count` samples.

    `outputs` and `factors` are those of `Reference.forward`, `errors` those of `Reference.errors`.
    """
    size, vectors = len(y), len(tile(count))
    # Sums over the batch: in vectors of a tile, within a vector, over tiles.
    depth = vectors + 4 + count // (16 * vectors)
    off, wrong, z, logits = _forward(reference, outputs, masks)
    relative = _relative(outputs[-1], z, logits)
    own = outputs[-1][np.arange(size), y]
    of_log = relative[np.arange(size), y] + 3 * UNIT * np.abs(np.log(np.maximum(own, 1e-300)))
    loss = of_log.mean() if own.min() > TINY else np.inf
    delta = outputs[-1].copy()
    delta[np.arange(size), y] -= 1
    bound = (_absolute(outputs[-1], relative) + 3 * UNIT * np.abs(delta) + TINY) / size
    delta /= size
    last = len(reference.biases)
    by_bias = [bound.sum(axis=0) + size * UNIT * np.abs(delta).sum(axis=0)]
    beyond = {last: stored(reference.store, delta, bound)}
    for layer in range(last - 1, 0, -1):
        passed, magnitude, carried = (np.zeros_like(outputs[layer]) for _ in range(3))
        links = np.ones(outputs[layer].shape[1])
        for (source, target), matrix in zip(reference.pairs, reference.matrices, strict=True):
            if source == layer:
                passed += errors[target] @ matrix.T
                magnitude += np.abs(errors[target]) @ np.abs(matrix.T)
                carried += beyond[target] @ np.abs(matrix.T)
                links += (matrix != 0).sum(axis=1)
        bound = carried + UNIT * links * (magnitude + carried) + TINY
        delta, factor = passed * factors[layer - 1], np.abs(factors[layer - 1])
        bound = factor * bound + (np.abs(passed) + bound) * wrong[layer - 1] + 2 * UNIT * np.abs(delta)
        by_bias.insert(0, bound.sum(axis=0) + depth * UNIT * np.abs(delta).sum(axis=0))
        beyond[layer] = stored(reference.store, delta, bound)
    by_matrix = []
    for source, target in reference.pairs:
        one, other = np.abs(outputs[source]).T, np.abs(errors[target])
        products = one @ beyond[target] + off[source].T @ (other + beyond[target])
        by_matrix.append(products + depth * UNIT * (one @ other) + TINY)
    return Bounds(_absolute(outputs[-1], relative) + TINY, loss, by_matrix, by_bias)


def moved(optimiser, w, first, second, g, bound, done):
    """Return pairs of what a step of the slow optimiser makes of parameters and moments, and a bound on each.

    `g` are the gradients, with bounds on them; SGD has one moment and no `second`. `done` is how many steps Adam has
    made before. Clipping is part of it.
    """
    if optimiser.clip:
        norm, off = np.linalg.norm(g), np.linalg.norm(bound) + 8 * UNIT * np.linalg.norm(g)
        least, share, most = (min(1.0, optimiser.clip / max(n, TINY)) for n in (norm + off, norm, norm - off))
        bound = most * bound + max(most - share, share - least) * np.abs(g) + 2 * UNIT * share * np.abs(g)
        g = g * share
    return (_by_momentum if isinstance(optimiser, SGD) else _by_adam)(optimiser, w, first, second, g, bound, done)


def _by_momentum(own, w, velocity, second, g, bound, done):  # noqa: ARG001
    slow = SlowSGD(own, len(w))
    slow.velocity = velocity
    after = slow.move(w, g, 0)
    lookahead = own.momentum if own.lookahead is None else own.lookahead
    pulled = own.decay * np.abs(w)
    if own.coupled:
        bound, g = bound + 3 * UNIT * (np.abs(g) + pulled), np.abs(g) + pulled
    down, fast = own.rate * np.abs(g), own.momentum * np.abs(velocity)
    of_speed = own.rate * bound + 3 * UNIT * (fast + down)
    off = of_speed
    if own.nesterov:
        off = lookahead * of_speed + own.rate * bound + 4 * UNIT * (lookahead * (fast + down) + down)
    off = off + 4 * UNIT * (np.abs(w) + fast + down + pulled)
    return [(after, off + TINY), (slow.velocity, of_speed + TINY)]


def _by_adam(own, w, mean, square, g, bound, done):
    slow = SlowAdam(own, len(w))
    slow.m, slow.v = mean.copy(), square.copy()
    after = slow.move(w, g, done)
    bound, g = bound + 2 * UNIT * (np.abs(g) + own.l1), np.abs(g) + own.l1
    part, other = 1 - own.beta1, 1 - own.beta2
    of_mean = part * bound + 5 * UNIT * (np.abs(mean) + part * g) + TINY
    of_square = other * (2 * g * bound + bound**2) + 6 * UNIT * (square + other * g**2) + TINY
    # The step is taken at the ends of what both moments can be.
    scale, spread = own.rate / (1 - own.beta1 ** (done + 1)), 1 / (1 - own.beta2 ** (done + 1))
    below, middle, above = (
        np.sqrt(np.maximum(slow.v + sign * of_square, 0) * spread) + own.epsilon for sign in (-1, 0, 1)
    )
    size = np.abs(slow.m)
    off = scale * np.maximum((size + of_mean) / below - size / middle, size / middle - (size - of_mean) / above)
    off = off + 6 * UNIT * scale * size / middle + 4 * UNIT * (np.abs(w) + own.decay * np.abs(w))
    return [(after, off + TINY), (slow.m, of_mean), (slow.v, of_square)]
