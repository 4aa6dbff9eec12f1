"""Compiled loops that make a map of the maximum of some positions of another, and lead its errors back.

A window of three by three stands at every other row and column, and so shares a row and a column with the next one;
what does not exist never is a maximum. One of two by two shares nothing. Windows are walked in order of rows and
columns, of one channel and 16 samples at a time; columns of both maps are taken in pairs (`vector.load_pair`), and the
column that two windows share stays in registers. Where in its window a maximum stands is kept, a byte a sample: errors
need no more of the map that was pooled, but for its normalisation, if there is any (`put_errors_of_maxima`).
"""

import numpy as np
from numba import njit

from truly_sparse.engine.compiled import INLINED, INNER
from truly_sparse.engine.convolution.bands import (
    AS_IT_IS,
    WITH_MISH,
    WITH_RELU,
    add_sums,
    bent,
    clear,
    greater,
    leave,
    part_of,
    past_norm,
    scale_of,
    slopes_of,
    spread_out,
    valid,
    zeros,
)
from truly_sparse.engine.convolution.layers import MISH, RELU
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.vector import (
    add,
    at_most,
    equal,
    load,
    load_bytes,
    load_pair,
    multiply_add,
    select,
    splat,
    store,
    store_bytes,
    store_pair,
)


@njit(**INLINED)
def row_of(left, plane, at, right):
    """Return the three vectors of a row of a window; where there is no right one, the middle twice."""
    middle, last = load_pair(plane, at)
    return left, middle, last if right else middle


@njit(**INLINED)
def greatest_of(most, row):
    """Return the greater of a maximum and those of a row of a window."""
    return greater(greater(greater(most, row[0]), row[1]), row[2])


@njit(**INLINED)
def place_of(place, most, row, number, left):
    """Return, where a row of a window has the maximum, the number of the first of its positions that does."""
    place = select(at_most(most, row[2]), splat(np.float32(number + 2), LANES), place)
    place = select(at_most(most, row[1]), splat(np.float32(number + 1), LANES), place)
    return select(at_most(most, row[0]), splat(np.float32(number + left), LANES), place)


@njit(**INLINED)
def window(plane, rows, numbers, right, lefts, firsts, to):
    """Return the maximum of a window, and its right vectors, which are the left ones of the next.

    Of equal ones the middle counts as the first, then come the others in order. The number of the first position that
    has it, in order, goes to ``firsts[to:]``: 0, 3 and 6 begin the rows. What stands for a row or column that does not
    exist is the middle one, and has its number.
    """
    top, middle, low = (
        row_of(lefts[0], plane, rows[0], right),
        row_of(lefts[1], plane, rows[1], right),
        row_of(lefts[2], plane, rows[2], right),
    )
    most = greatest_of(greatest_of(greatest_of(middle[1], top), middle), low)
    place = place_of(zeros(), most, low, numbers[1], numbers[2])
    place = place_of(place, most, middle, 3, numbers[2])
    store_bytes(place_of(place, most, top, numbers[0], numbers[2]), firsts, to)
    return most, (top[2], middle[2], low[2])


@njit(**INNER)
def maxima_of_nine(plane, start, row, rows, columns, made, tile, c, samples, maps, firsts, norm, running):
    """Make a channel of one part of a map of maxima, `made`; where it is normalised, add them to the sums of channels.

    They are those of `rows` and `columns` at ``plane[start:]``, a row `row` numbers apart. Where they stand goes to
    `firsts`, from that of the map on, [tile][channel][row][column][16].
    """
    counted = made.normed and not running
    mask = valid(made, tile, 0, samples)
    centre, both = splat(norm.running_means[made.channel + c], LANES), (zeros(), zeros())
    for y in range(made.rows):
        # A row that does not exist is the middle one once more.
        middle = start + 2 * y * row
        above = middle - row if y else middle
        under = middle + row if 2 * y + 1 < rows else middle
        top, low = 0 if y else 3, 6 if 2 * y + 1 < rows else 3
        to, place = part_of(made, tile, c) + y * made.row, place_in(made, tile, c, y)
        lefts = load_pair(plane, above)[0], load_pair(plane, middle)[0], load_pair(plane, under)[0]
        for x in range(0, made.columns, 2):
            at, odd = 2 * x * LANES, zeros()
            three, numbers = (above + at, middle + at, under + at), (top, low, 0 if x else 1)
            even, lefts = window(plane, three, numbers, 2 * x + 1 < columns, lefts, firsts, place + x * LANES)
            if counted:
                both = spread_out(even, centre, mask, both)
            if x + 1 < made.columns:
                at += 2 * LANES
                three, numbers = (above + at, middle + at, under + at), (top, low, 0)
                right, there = 2 * x + 3 < columns, place + (x + 1) * LANES
                odd, lefts = window(plane, three, numbers, right, lefts, firsts, there)
                if counted:
                    both = spread_out(odd, centre, mask, both)
            store_pair(even, odd, maps, to + x * LANES)
    if counted:
        add_sums(norm.sums, c, both)


@njit(**INLINED)
def place_in(made, tile, c, y):
    """Return where it is kept at which places the maxima of a row of a map stand."""
    return made.firsts + ((tile * made.channels + c) * made.rows + y) * made.columns * LANES


@njit(**INLINED)
def claim(place, number, error, before):
    """Return the error of a position with what a window leaves it, where the maximum stands there."""
    mine = equal(place, splat(np.float32(number), LANES))
    return select(mine, add(before, error), before)


@njit(**INLINED)
def claim_row(place, number, error, before):
    """Do so for the three positions of a row of a window."""
    return (
        claim(place, number, error, before[0]),
        claim(place, number + 1, error, before[1]),
        claim(place, number + 2, error, before[2]),
    )


@njit(**INLINED)
def error_of(made, maps, errors, at, odd, three, mask):
    """Return the error of a maximum, past normalisation if there is any."""
    both = load_pair(errors, at)
    error = both[1] if odd else both[0]
    if made.normed:
        both = load_pair(maps, at)
        error = past_norm(error, both[1] if odd else both[0], three)
    return select(mask, error, zeros())


@njit(**INNER)
def pass_nine(plane, start, row, rows, columns, way, made, tile, c, samples, maps, errors, firsts, slopes, shared):
    """Lead errors of a channel of one part of a map of maxima to where these stand (`maxima_of_nine`), in a plane.

    The errors of a row that two windows share wait in `shared` for the lower one.
    """
    mask, three = valid(made, tile, 0, samples), slopes_of(slopes, made.channel + c)
    for y in range(made.rows):
        middle, kept, above = start + 2 * y * row, place_in(made, tile, c, y), y > 0
        # Errors of the left column of a window, and of the one before it.
        e1 = e2 = e3 = (zeros(), zeros(), zeros())
        before1, before2, before3 = zeros(), zeros(), zeros()
        for x in range(made.columns):
            here = 2 * x * LANES
            at = part_of(made, tile, c) + y * made.row + x // 2 * 2 * LANES
            error = error_of(made, maps, errors, at, x % 2 == 1, three, mask)
            place = load_bytes(firsts, kept + x * LANES)
            first = e1[2], zeros(), zeros()
            if above:
                first = e1[2], load(shared, here, LANES), load(shared, here + LANES, LANES)
            e1 = claim_row(place, 0, error, first)
            e2 = claim_row(place, 3, error, (e2[2], zeros(), zeros()))
            e3 = claim_row(place, 6, error, (e3[2], zeros(), zeros()))
            if x:
                there = here - 2 * LANES
                if above:
                    leave(plane, middle - row + there, before1, e1[0], way)
                leave(plane, middle + there, before2, e2[0], way)
                store(before3, shared, there)
                store(e3[0], shared, there + LANES)
            before1, before2, before3 = e1[1], e2[1], e3[1]
        there = 2 * (made.columns - 1) * LANES
        if above:
            leave(plane, middle - row + there, before1, e1[2], way)
        leave(plane, middle + there, before2, e2[2], way)
        store(before3, shared, there)
        store(e3[2], shared, there + LANES)
    if rows % 2 == 0:
        last = start + (rows - 1) * row
        for x in range(0, columns * LANES, 2 * LANES):
            leave(plane, last + x, load(shared, x, LANES), load(shared, x + LANES, LANES), way)


@njit(**INLINED)
def first_of_four(a, b, c, d, firsts, to):
    """Return whether the first maximum of two by two is in the upper row, and left, or, if it is in the lower one, left
    there; and write which it is.
    """
    is_left, is_left_below = at_most(b, a), at_most(d, c)
    is_upper = at_most(greater(c, d), greater(a, b))
    in_upper = select(is_left, zeros(), splat(np.float32(1), LANES))
    in_lower = select(is_left_below, splat(np.float32(2), LANES), splat(np.float32(3), LANES))
    store_bytes(select(is_upper, in_upper, in_lower), firsts, to)
    return is_upper, is_left, is_left_below


@njit(**INLINED)
def greatest_of_four(plane, top, low, firsts, to):
    """Return the maximum of two by two positions, and write which is the first that has it."""
    a, b = load_pair(plane, top)
    c, d = load_pair(plane, low)
    is_upper, is_left, is_left_below = first_of_four(a, b, c, d, firsts, to)
    return select(is_upper, select(is_left, a, b), select(is_left_below, c, d))


@njit(**INNER)
def maxima_of_four(plane, row, made, tile, c, maps, firsts):
    """Do what `maxima_of_nine` does with windows of two by two, of a plane of twice as many rows and columns."""
    for y in range(made.rows):
        top, place = 2 * y * row, place_in(made, tile, c, y)
        for x in range(0, made.columns * LANES, 2 * LANES):
            at, odd = top + 2 * x, zeros()
            even = greatest_of_four(plane, at, at + row, firsts, place + x)
            if x + LANES < made.columns * LANES:
                at += 2 * LANES
                odd = greatest_of_four(plane, at, at + row, firsts, place + x + LANES)
            store_pair(even, odd, maps, part_of(made, tile, c) + y * made.row + x)


@njit(**INNER)
def pass_four(plane, start, row, made, tile, c, samples, errors, firsts):
    """Do what `pass_nine` does with windows of two by two."""
    mask = valid(made, tile, 0, samples)
    for y in range(made.rows):
        for x in range(made.columns):
            both = load_pair(errors, part_of(made, tile, c) + y * made.row + x // 2 * 2 * LANES)
            error = select(mask, both[1] if x % 2 else both[0], zeros())
            place, at = load_bytes(firsts, place_in(made, tile, c, y) + x * LANES), start + 2 * y * row
            at += 2 * x * LANES
            store(claim(place, 0, error, zeros()), plane, at)
            store(claim(place, 1, error, zeros()), plane, at + LANES)
            store(claim(place, 2, error, zeros()), plane, at + row)
            store(claim(place, 3, error, zeros()), plane, at + row + LANES)


@njit(**INLINED)
def kept_of_four(maps, at, row, a, b, activation, firsts, to):
    """Return the vector of a map that is the maximum of two by two when they are normalised and bent."""
    z0, z1 = load_pair(maps, at)
    z2, z3 = load_pair(maps, at + row)
    h0, h1 = bent(multiply_add(a, z0, b), activation), bent(multiply_add(a, z1, b), activation)
    h2, h3 = bent(multiply_add(a, z2, b), activation), bent(multiply_add(a, z3, b), activation)
    is_upper, is_left, is_left_below = first_of_four(h0, h1, h2, h3, firsts, to)
    return select(is_upper, select(is_left, z0, z1), select(is_left_below, z2, z3))


@njit(**INNER)
def leave_bent_maxima(source, own, made, maps, firsts, norm, activation):
    """Do what `leave_maxima` does, with an activation."""
    for tile in range(made.tiles):
        for y in range(made.rows):
            for c in range(made.channels):
                a, b = scale_of(norm, source, c)
                top, place = part_of(own, tile, c) + 2 * y * own.row, place_in(made, tile, c, y)
                for x in range(0, made.columns * LANES, 2 * LANES):
                    at, odd = top + 2 * x, zeros()
                    even = kept_of_four(maps, at, own.row, a, b, activation, firsts, place + x)
                    if x + LANES < made.columns * LANES:
                        at += 2 * LANES
                        odd = kept_of_four(maps, at, own.row, a, b, activation, firsts, place + x + LANES)
                    store_pair(even, odd, maps, part_of(made, tile, c) + y * made.row + x)


@njit(**INNER)
def leave_maxima(step, source, own, made, maps, firsts, norm):
    """Make the map of what is a maximum of two by two of a map once it is normalised and bent; it is neither as yet."""
    if step.activation == MISH:
        leave_bent_maxima(source, own, made, maps, firsts, norm, WITH_MISH)
    elif step.activation == RELU:
        leave_bent_maxima(source, own, made, maps, firsts, norm, WITH_RELU)
    else:
        leave_bent_maxima(source, own, made, maps, firsts, norm, AS_IT_IS)


@njit(**INLINED)
def put_two(own, maps, at, error, place, number, three, mask, buffer, to, whole):
    """Write the errors of two columns of a map, of which the one where a maximum stands has its error."""
    e0, e1 = claim(place, number, error, zeros()), claim(place, number + 1, error, zeros())
    if own.normed:
        z0, z1 = load_pair(maps, at)
        e0, e1 = past_norm(e0, z0, three), past_norm(e1, z1, three)
    e0, e1 = select(mask, e0, zeros()), select(mask, e1, zeros())
    store(e0, buffer, to)
    store(e1, buffer, to + LANES)
    return add(add(whole, e0), e1)


@njit(**INNER)
def put_errors_of_maxima(
    step, own, made, tile, first, ready, rows, samples, maps, errors, firsts, slopes, buffer, sums
):
    """Do what `bands.put_errors` does with a map of which only maxima are taken: `made` has the errors of these."""
    left, mask = step.kernel - 1 - step.border, valid(own, tile, 0, samples)
    for r in range(ready, rows):
        y, line = first + r, r * own.channels * step.beyond * LANES
        if y < 0 or y >= own.rows:
            clear(buffer, line, own.channels * step.beyond)
            continue
        for c in range(own.channels):
            three, to = slopes_of(slopes, own.channel + c), line + (c * step.beyond + left) * LANES
            at, whole, number = part_of(own, tile, c) + y * own.row, zeros(), 2 * (y % 2)
            error, place = part_of(made, tile, c) + y // 2 * made.row, place_in(made, tile, c, y // 2)
            for x in range(0, made.columns * LANES, 2 * LANES):
                even, odd = load_pair(errors, error + x)
                whole = put_two(own, maps, at + 2 * x, even, load_bytes(firsts, place + x), number, three, mask,
                                buffer, to + 2 * x, whole)  # fmt: skip
                if x + LANES < made.columns * LANES:
                    whole = put_two(own, maps, at + 2 * x + 2 * LANES, odd, load_bytes(firsts, place + x + LANES),
                                    number, three, mask, buffer, to + 2 * x + 2 * LANES, whole)  # fmt: skip
            store(add(load(sums, c * LANES, LANES), whole), sums, c * LANES)
