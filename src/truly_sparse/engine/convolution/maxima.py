"""Compiled loops that make a map of the maximum of three by three positions of another, and lead its errors back.

A window stands at every other row and column, and so shares a row and a column with the next one; what does not exist
never is a maximum. Windows are walked in order of rows and columns, of one channel and 16 samples at a time; columns of
both maps are taken in pairs (`vector.load_pair`), and the column that two windows share stays in registers.
"""

import numpy as np
from numba import njit

from truly_sparse.engine.compiled import INLINED, INNER
from truly_sparse.engine.convolution.bands import (
    add_sums,
    greater,
    leave,
    part_of,
    past_norm,
    slopes_of,
    spread_out,
    valid,
    zeros,
)
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.vector import add, at_most, load, load_pair, select, splat, store, store_pair


@njit(**INLINED)
def middle_and_right(maps, at, right):
    """Return the middle and the right vector of a row of a window; where there is no right one, the middle twice."""
    both = load_pair(maps, at)
    return both if right else (both[0], both[0])


@njit(**INLINED)
def greatest_of_row(most, left, maps, at, right):
    """Return the greater of a maximum and those of a row of a window, and its right vector."""
    middle, last = middle_and_right(maps, at, right)
    return greater(greater(greater(most, left), middle), last), last


@njit(**INLINED)
def window(maps, rows, right, lefts):
    """Return the maximum of a window, and its right vectors, which are the left ones of the next.

    Of equal ones the middle counts as the first, then come the others in order.
    """
    most = load_pair(maps, rows[1])[0]
    most, first = greatest_of_row(most, lefts[0], maps, rows[0], right)
    most, second = greatest_of_row(most, lefts[1], maps, rows[1], right)
    most, third = greatest_of_row(most, lefts[2], maps, rows[2], right)
    return most, (first, second, third)


@njit(**INNER)
def maxima(own, made, samples, maps, norm, running):
    """Make a map of the maxima of another; where it is normalised, add them to the sums of its channels."""
    counted = made.normed and not running
    for tile in range(own.tiles):
        mask = valid(made, tile, 0, samples)
        for c in range(own.channels):
            centre, both = splat(norm.running_means[made.channel + c], LANES), (zeros(), zeros())
            for y in range(made.rows):
                # A row that does not exist is the middle one once more.
                middle = part_of(own, tile, c) + 2 * y * own.row
                above = middle - own.row if y else middle
                under = middle + own.row if 2 * y + 1 < own.rows else middle
                to = part_of(made, tile, c) + y * made.row
                lefts = load_pair(maps, above)[0], load_pair(maps, middle)[0], load_pair(maps, under)[0]
                for x in range(0, made.columns, 2):
                    at, odd = 2 * x * LANES, zeros()
                    even, lefts = window(maps, (above + at, middle + at, under + at), 2 * x + 1 < own.columns, lefts)
                    if counted:
                        both = spread_out(even, centre, mask, both)
                    if x + 1 < made.columns:
                        at += 2 * LANES
                        rows = above + at, middle + at, under + at
                        odd, lefts = window(maps, rows, 2 * x + 3 < own.columns, lefts)
                        if counted:
                            both = spread_out(odd, centre, mask, both)
                    store_pair(even, odd, maps, to + x * LANES)
            if counted:
                add_sums(norm.sums, c, both)


@njit(**INLINED)
def claim(z, most, error, before):
    """Add the error to a position that has the maximum, and leave none of it; return both."""
    mine = at_most(most, z)
    return select(mine, add(before, error), before), select(mine, zeros(), error)


@njit(**INLINED)
def claim_row(z, most, error, before):
    """Do so for the three positions of a row of a window, in order."""
    left, error = claim(z[0], most, error, before[0])
    middle, error = claim(z[1], most, error, before[1])
    right, error = claim(z[2], most, error, before[2])
    return (left, middle, right), error


@njit(**INLINED)
def row_of(left, maps, at, exists, right):
    """Return the three vectors of a row of a window, below all numbers where there are none."""
    nothing = splat(np.float32(-np.inf), LANES)
    if not exists:
        return nothing, nothing, nothing
    middle, last = load_pair(maps, at)
    return left, middle, last if right else nothing


@njit(**INLINED)
def error_of(made, maps, errors, at, odd, three, mask):
    """Return the maximum of a window and its error, past normalisation if there is any."""
    zs, es = load_pair(maps, at), load_pair(errors, at)
    most, error = (zs[1], es[1]) if odd else (zs[0], es[0])
    if made.normed:
        error = select(mask, past_norm(error, most, three), zeros())
    return most, error


@njit(**INNER)
def pass_maxima(own, made, way, samples, maps, errors, slopes, shared):
    """Lead the errors of a map of maxima to the first position of each window that has it, in order of rows, columns.

    The errors of a row that two windows share wait in `shared` for the lower one.
    """
    nothing = splat(np.float32(-np.inf), LANES)
    for tile in range(own.tiles):
        mask = valid(made, tile, 0, samples)
        for c in range(own.channels):
            three = slopes_of(slopes, made.channel + c)
            start = part_of(own, tile, c)
            for y in range(made.rows):
                middle = start + 2 * y * own.row
                above, under = y > 0, 2 * y + 1 < own.rows
                z1 = z2 = z3 = (nothing, nothing, nothing)
                # Errors of the left column of a window, and of the one before it.
                e1 = e2 = e3 = (zeros(), zeros(), zeros())
                before1, before2, before3 = zeros(), zeros(), zeros()
                for x in range(made.columns):
                    here, right = 2 * x * LANES, 2 * x + 1 < own.columns
                    at = part_of(made, tile, c) + y * made.row + x // 2 * 2 * LANES
                    most, error = error_of(made, maps, errors, at, x % 2 == 1, three, mask)
                    z1 = row_of(z1[2], maps, middle - own.row + here, above, right)
                    z2 = row_of(z2[2], maps, middle + here, True, right)
                    z3 = row_of(z3[2], maps, middle + own.row + here, under, right)
                    first = e1[2], zeros(), zeros()
                    if above:
                        first = e1[2], load(shared, here, LANES), load(shared, here + LANES, LANES)
                    e1, error = claim_row(z1, most, error, first)
                    e2, error = claim_row(z2, most, error, (e2[2], zeros(), zeros()))
                    e3, error = claim_row(z3, most, error, (e3[2], zeros(), zeros()))
                    if x:
                        there = here - 2 * LANES
                        if above:
                            leave(errors, middle - own.row + there, before1, e1[0], way)
                        leave(errors, middle + there, before2, e2[0], way)
                        store(before3, shared, there)
                        store(e3[0], shared, there + LANES)
                    before1, before2, before3 = e1[1], e2[1], e3[1]
                there = 2 * (made.columns - 1) * LANES
                if above:
                    leave(errors, middle - own.row + there, before1, e1[2], way)
                leave(errors, middle + there, before2, e2[2], way)
                store(before3, shared, there)
                store(e3[2], shared, there + LANES)
            if own.rows % 2 == 0:
                last = start + (own.rows - 1) * own.row
                for x in range(0, own.columns * LANES, 2 * LANES):
                    leave(errors, last + x, load(shared, x, LANES), load(shared, x + LANES, LANES), way)
