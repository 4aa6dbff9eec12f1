"""What becomes of a neuron's sums on the way forward, and of its error on the way back; compiled code only."""

import numpy as np
from numba import njit, types
from numba.extending import overload

from truly_sparse.engine.compiled import INLINED
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.vector import (
    above_zero,
    add,
    at_least,
    at_most,
    divide,
    exponential,
    hashed,
    load,
    load_mask,
    multiply,
    select,
    splat,
    store,
    store_mask,
    total,
)


@njit(**INLINED)
def activate(sums, derivatives, row, count, slope, counter, key, threshold, scale, positive, kept):
    """Turn the `count` sums of the neuron whose row starts at `row` into its activation, in place.

    Without `derivatives` (an empty tuple), z becomes z (z > 0) or slope * z, and a mask of the first case is kept; with
    them, it becomes Mish(z), and the derivative is kept there. Then it is dropped where its hash is below `threshold`,
    scaled by `scale` elsewhere.
    """
    zero, scales, limit = splat(np.float32(0), LANES), splat(scale, LANES), splat(threshold, LANES)
    for left in range(0, count, LANES):
        word = (row + left) // LANES
        h = bend(load(sums, left, LANES), slope, derivatives, row + left, positive, word)
        if threshold > 0:
            is_kept = at_least(hashed(np.uint32(counter + left), key), limit)
            store_mask(is_kept, kept, word)
            h = select(is_kept, multiply(h, scales), zero)
        store(h, sums, left)


@njit(**INLINED)
def mish(z):
    """Return Mish of a vector, and its derivative: with w = e^z and q = w (w + 2), Mish(z) = z q / (q + 2).

    From z = 20 on that is z, and w need not grow.
    """
    one, two, most = splat(np.float32(1), LANES), splat(np.float32(2), LANES), splat(np.float32(20), LANES)
    w = exponential(select(at_most(z, most), z, most))
    q = multiply(w, add(w, two))
    below = add(q, two)
    share = divide(q, below)
    rise = divide(multiply(multiply(splat(np.float32(4), LANES), multiply(z, w)), add(w, one)), below)
    return multiply(z, share), add(share, divide(rise, below))


def bend(z, slope, derivatives, place, positive, word):
    """Apply the activation to a vector of sums, and keep what `slope_of` will want."""
    raise NotImplementedError


@overload(bend, jit_options=INLINED)
def _bend(z, slope, derivatives, place, positive, word):
    if isinstance(derivatives, types.BaseTuple):

        def bend_line(z, slope, derivatives, place, positive, word):
            is_positive = above_zero(z)
            store_mask(is_positive, positive, word)
            return select(is_positive, z, multiply(z, splat(slope, LANES)))

        return bend_line

    def bend_mish(z, slope, derivatives, place, positive, word):
        value, derivative = mish(z)
        store(derivative, derivatives, place)
        return value

    return bend_mish


def slope_of(derivatives, place, slope, positive, word):
    """Return the derivatives of the activations that `bend` returned."""
    raise NotImplementedError


@overload(slope_of, jit_options=INLINED)
def _slope_of(derivatives, place, slope, positive, word):
    if isinstance(derivatives, types.BaseTuple):

        def slope_of_line(derivatives, place, slope, positive, word):
            return select(load_mask(positive, word), splat(np.float32(1), LANES), splat(slope, LANES))

        return slope_of_line

    def slope_of_mish(derivatives, place, slope, positive, word):
        return load(derivatives, place, LANES)

    return slope_of_mish


@njit(**INLINED)
def slope_errors(sums, derivatives, row, count, tile, slope, scale, dropping, positive, kept, bias_gradient, neuron):
    """Turn what a neuron's links pass back into its error, in place; the sum over the samples goes to its bias."""
    zero, scales = splat(np.float32(0), LANES), splat(scale, LANES)
    for first in range(0, count, LANES * len(tile)):
        whole = zero
        for left in range(first, first + LANES * len(tile), LANES):
            word = (row + left) // LANES
            factor = slope_of(derivatives, row + left, slope, positive, word)
            error = multiply(multiply(load(sums, left, LANES), factor), scales)
            if dropping:
                error = select(load_mask(kept, word), error, zero)
            store(error, sums, left)
            whole = error if left == first else add(whole, error)
        before = np.float32(0) if first == 0 else bias_gradient[neuron]
        bias_gradient[neuron] = before + total(whole)
