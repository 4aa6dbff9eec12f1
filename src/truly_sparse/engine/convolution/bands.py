"""Compiled loops over bands: what a layer takes is normalised, bent and pooled on the way into a buffer, and errors
leave by the same way.

A *band* is some rows of what a layer takes of 16 samples, [row][channel][column][16], float32, with borders of zeros,
so that a link always reaches as far. Maps are kept as links made them, two columns at a time (`vector.load_pair`);
nothing normalised or bent is kept.
"""

import numpy as np
from numba import njit
from numba.extending import overload

from truly_sparse.engine.activations import mish
from truly_sparse.engine.compiled import INLINED, INNER
from truly_sparse.engine.convolution.layers import ADD, FLATTEN_MAX, GLOBAL, MAX, MISH, PLAIN, RELU, STREAM
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.vector import (
    above_zero,
    add,
    as_kept,
    at_most,
    below,
    load,
    load_pair,
    multiply,
    multiply_add,
    select,
    splat,
    spread_row,
    store,
    store_pair,
    stream_pair,
    subtract,
)

#: Activations in compiled code: tuples whose length says which.
AS_IT_IS, WITH_RELU, WITH_MISH = (), (0,), (0, 0)


def bent(z, activation):
    """Return the activation of a vector; compiled code only."""
    raise NotImplementedError


@overload(bent, jit_options=INLINED)
def _bent(z, activation):
    if len(activation) == 0:
        return lambda z, activation: z
    if len(activation) == 1:
        # What is not a number stays so, and is seen in the loss.
        return lambda z, activation: select(at_most(splat(np.float32(0), LANES), z), z, splat(np.float32(0), LANES))
    return lambda z, activation: mish(z)[0]


def slope(z, activation):
    """Return the derivative of `bent`; compiled code only."""
    raise NotImplementedError


@overload(slope, jit_options=INLINED)
def _slope(z, activation):
    if len(activation) == 0:
        return lambda z, activation: splat(np.float32(1), LANES)
    if len(activation) == 1:
        return lambda z, activation: select(above_zero(z), splat(np.float32(1), LANES), splat(np.float32(0), LANES))
    return lambda z, activation: mish(z)[1]


@njit(**INLINED)
def greater(a, b):
    """Return the greater of two vectors, lane by lane; a where they are equal."""
    return select(at_most(b, a), a, b)


@njit(**INLINED)
def zeros():
    """Return a vector of zeros."""
    return splat(np.float32(0), LANES)


@njit(**INNER)
def clear(array, start, vectors):
    """Fill vectors with zeros."""
    for at in range(start, start + vectors * LANES, LANES):
        store(zeros(), array, at)


@njit(**INNER)
def clear_borders(buffer, lines, length, left, columns):
    """Fill with zeros what lies left and right of `columns` in lines of a band, which nothing else is written to."""
    for line in range(lines):
        clear(buffer, line * length * LANES, left)
        clear(buffer, (line * length + left + columns) * LANES, length - left - columns)


@njit(**INNER)
def go_on(buffer, row, band, rows):
    """Begin a band with the last `rows` rows of the one before, which began `band` rows earlier; return `rows`."""
    for at in range(0, rows * row, LANES):
        store(load(buffer, band * row + at, LANES), buffer, at)
    return rows


@njit(**INLINED)
def part_of(own, tile, c):
    """Return where the first row of a channel lies in one part of a map."""
    return own.at + tile * own.size + c * own.lane


@njit(**INLINED)
def scale_of(norm, source, c):
    """Return scale and shift, as vectors, by which a layer takes a channel of a map."""
    scale, shift = np.float32(1), np.float32(0)
    if source.norm >= 0:
        scale, shift = norm.scales[source.norm + c], norm.shifts[source.norm + c]
    return splat(scale, LANES), splat(shift, LANES)


@njit(**INLINED)
def way_back(norm, gammas, source, own, c):
    """Return, as vectors, by what an error of a channel goes on into the errors of its map, and the map's mean.

    The errors of a map that is normalised are multiplied by 1 / deviation later on (`put_errors`); an error that comes
    of a layer which takes it as it is does not want that.
    """
    factor, mean = np.float32(1), np.float32(0)
    if source.norm >= 0:
        factor, mean = gammas[source.norm + c], norm.means[own.channel + c]
    elif own.normed:
        factor = np.float32(1) / norm.spreads[own.channel + c]
    return splat(factor, LANES), splat(mean, LANES)


@njit(**INLINED)
def bent_pair(maps, at, a, b, activation):
    """Return two columns of a map, normalised and bent."""
    even, odd = load_pair(maps, at)
    return bent(multiply_add(a, even, b), activation), bent(multiply_add(a, odd, b), activation)


@njit(**INLINED)
def greatest(maps, at, row, a, b, activation):
    """Return the maximum of two by two positions, normalised and bent."""
    top, low = bent_pair(maps, at, a, b, activation), bent_pair(maps, at + row, a, b, activation)
    return greater(greater(top[0], top[1]), greater(low[0], low[1]))


@njit(**INLINED)
def put_line(maps, at, buffer, to, columns, a, b, activation):
    """Normalise and bend a row of a map."""
    for x in range(0, columns * LANES, 2 * LANES):
        even, odd = bent_pair(maps, at + x, a, b, activation)
        store(even, buffer, to + x)
        if x + LANES < columns * LANES:
            store(odd, buffer, to + x + LANES)


@njit(**INNER)
def put_band(step, source, own, tile, first, ready, rows, maps, norm, buffer, activation):
    """Write `rows` rows from `first` on of what a layer takes of a map into a band, but for those that are `ready`."""
    quarter = splat(np.float32(0.25), LANES)
    for r in range(ready, rows):
        y, line = first + r, (r * step.taken + source.channel) * step.inside * LANES
        if y < 0 or y >= step.rows:
            clear(buffer, line, own.channels * step.inside)
            continue
        for c in range(own.channels):
            a, b = scale_of(norm, source, c)
            at, to = part_of(own, tile, c), line + (c * step.inside + step.border) * LANES
            if step.pool == PLAIN:
                put_line(maps, at + y * own.row, buffer, to, step.columns, a, b, activation)
            elif step.pool == MAX:
                for x in range(step.columns):
                    here = at + 2 * y * own.row + 2 * x * LANES
                    store(greatest(maps, here, own.row, a, b, activation), buffer, to + x * LANES)
            else:
                for x in range(step.columns):
                    here = at + 2 * y * own.row + 2 * x * LANES
                    top, low = (
                        bent_pair(maps, here, a, b, activation),
                        bent_pair(maps, here + own.row, a, b, activation),
                    )
                    whole = add(add(top[0], top[1]), add(low[0], low[1]))
                    store(multiply(quarter, whole), buffer, to + x * LANES)


@njit(**INNER)
def put_flat(step, source, own, maps, norm, buffer, activation):
    """Write what a layer of one position takes of one map of many."""
    share = splat(np.float32(1) / np.float32(own.rows * own.columns), LANES)
    apart = step.inside * LANES
    columns = own.columns // 2 if step.pool == FLATTEN_MAX else own.columns
    for tile in range(own.tiles):
        for c in range(own.channels):
            a, b = scale_of(norm, source, c)
            at = part_of(own, tile, c)
            if step.pool == GLOBAL:
                whole = zeros()
                for y in range(own.rows):
                    for x in range(0, columns, 2):
                        even, odd = bent_pair(maps, at + y * own.row + x * LANES, a, b, activation)
                        whole = add(whole, even)
                        whole = add(whole, odd) if x + 1 < columns else whole
                store(multiply(share, whole), buffer, (source.channel + c) * apart + tile * LANES)
            elif step.pool == FLATTEN_MAX:
                for y in range(own.rows // 2):
                    to = (source.channel + (y * own.channels + c) * columns) * apart + tile * LANES
                    for x in range(columns):
                        here = at + 2 * y * own.row + 2 * x * LANES
                        store(greatest(maps, here, own.row, a, b, activation), buffer, to + x * apart)
            else:
                for y in range(own.rows):
                    to = (source.channel + (y * own.channels + c) * columns) * apart + tile * LANES
                    for x in range(0, columns, 2):
                        even, odd = bent_pair(maps, at + y * own.row + x * LANES, a, b, activation)
                        store(even, buffer, to + x * apart)
                        if x + 1 < columns:
                            store(odd, buffer, to + (x + 1) * apart)


@njit(**INLINED)
def put_bent(step, source, own, tile, first, ready, rows, maps, norm, buffer, activation):
    """Do what `put_source` does, with an activation."""
    if step.pool >= GLOBAL:
        put_flat(step, source, own, maps, norm, buffer, activation)
    else:
        put_band(step, source, own, tile, first, ready, rows, maps, norm, buffer, activation)


@njit(**INNER)
def put_source(step, source, own, tile, first, ready, rows, maps, norm, buffer):
    """Write what a layer takes of one map into a band: all of it where the layer has one position."""
    if step.activation == MISH:
        put_bent(step, source, own, tile, first, ready, rows, maps, norm, buffer, WITH_MISH)
    elif step.activation == RELU:
        put_bent(step, source, own, tile, first, ready, rows, maps, norm, buffer, WITH_RELU)
    else:
        put_bent(step, source, own, tile, first, ready, rows, maps, norm, buffer, AS_IT_IS)


@njit(**INLINED)
def past(z, error, a, b, activation, centre, sums):
    """Return an error past the activation of a vector of a map, and the sums with it.

    `sums` are those of such errors, and of their products with the distance from the mean.
    """
    error = multiply(error, slope(multiply_add(a, z, b), activation))
    return error, (add(sums[0], error), multiply_add(error, subtract(z, centre), sums[1]))


@njit(**INLINED)
def leave(errors, at, even, odd, way):
    """Write the errors of two columns of a map, or add them."""
    if way == ADD:
        before = load_pair(errors, at)
        even, odd = add(before[0], even), add(before[1], odd)
    if way == STREAM:
        stream_pair(even, odd, errors, at)
    else:
        store_pair(even, odd, errors, at)


@njit(**INLINED)
def take_two(maps, at, e0, e1, a, b, activation, gamma, centre, sums, errors, way):
    """Lead the errors of two columns back into those of a map."""
    z0, z1 = load_pair(maps, at)
    e0, sums = past(z0, e0, a, b, activation, centre, sums)
    e1, sums = past(z1, e1, a, b, activation, centre, sums)
    leave(errors, at, multiply(gamma, e0), multiply(gamma, e1), way)
    return sums


@njit(**INLINED)
def take_maximum(maps, at, row, error, a, b, activation, gamma, centre, sums, errors, way):
    """Lead an error back to the first maximum of two by two."""
    h0, h1 = bent_pair(maps, at, a, b, activation)
    h2, h3 = bent_pair(maps, at + row, a, b, activation)
    above = at_most(greater(h2, h3), greater(h0, h1))
    top, low = select(above, error, zeros()), select(above, zeros(), error)
    first, third = at_most(h1, h0), at_most(h3, h2)
    sums = take_two(
        maps,
        at,
        select(first, top, zeros()),
        select(first, zeros(), top),
        a,
        b,
        activation,
        gamma,
        centre,
        sums,
        errors,
        way,
    )
    return take_two(
        maps,
        at + row,
        select(third, low, zeros()),
        select(third, zeros(), low),
        a,
        b,
        activation,
        gamma,
        centre,
        sums,
        errors,
        way,
    )


@njit(**INLINED)
def add_sums(sums, n, both):
    """Add two vectors to the n-th two."""
    to = 2 * n * LANES
    store(add(load(sums, to, LANES), both[0]), sums, to)
    store(add(load(sums, to + LANES, LANES), both[1]), sums, to + LANES)


@njit(**INNER)
def take_band(step, source, own, tile, first, rows, maps, errors, passed, norm, gammas, activation):
    """Lead errors of `rows` rows of what a layer takes, [row][channel][column][16], back into the errors of one map."""
    quarter, way = splat(np.float32(0.25), LANES), source.way
    for r in range(rows):
        y = first + r
        for c in range(own.channels):
            a, b = scale_of(norm, source, c)
            gamma, centre = way_back(norm, gammas, source, own, c)
            place, both = part_of(own, tile, c), (zeros(), zeros())
            error = (r * step.taken + source.channel + c) * step.columns * LANES
            if step.pool == PLAIN:
                for x in range(0, step.columns * LANES, 2 * LANES):
                    e0, e1 = load(passed, error + x, LANES), zeros()
                    if x + LANES < step.columns * LANES:
                        e1 = load(passed, error + x + LANES, LANES)
                    at = place + y * own.row + x
                    both = take_two(maps, at, e0, e1, a, b, activation, gamma, centre, both, errors, way)
            elif step.pool == MAX:
                for x in range(step.columns):
                    at = place + 2 * y * own.row + 2 * x * LANES
                    both = take_maximum(
                        maps,
                        at,
                        own.row,
                        load(passed, error + x * LANES, LANES),
                        a,
                        b,
                        activation,
                        gamma,
                        centre,
                        both,
                        errors,
                        way,
                    )
            else:
                for x in range(step.columns):
                    e, at = multiply(quarter, load(passed, error + x * LANES, LANES)), place + 2 * y * own.row
                    at += 2 * x * LANES
                    both = take_two(maps, at, e, e, a, b, activation, gamma, centre, both, errors, way)
                    both = take_two(maps, at + own.row, e, e, a, b, activation, gamma, centre, both, errors, way)
            if source.norm >= 0:
                add_sums(norm.sums, source.norm + c, both)


@njit(**INNER)
def take_flat(step, source, own, maps, errors, passed, norm, gammas, activation):
    """Lead errors of a layer of one position back into the errors of one map of many."""
    share = splat(np.float32(1) / np.float32(own.rows * own.columns), LANES)
    way, apart = source.way, step.columns * LANES
    columns = own.columns // 2 if step.pool == FLATTEN_MAX else own.columns
    for tile in range(own.tiles):
        for c in range(own.channels):
            a, b = scale_of(norm, source, c)
            gamma, centre = way_back(norm, gammas, source, own, c)
            place, both = part_of(own, tile, c), (zeros(), zeros())
            if step.pool == FLATTEN_MAX:
                for y in range(own.rows // 2):
                    error = (source.channel + (y * own.channels + c) * columns) * apart + tile * LANES
                    for x in range(columns):
                        at = place + 2 * y * own.row + 2 * x * LANES
                        both = take_maximum(
                            maps,
                            at,
                            own.row,
                            load(passed, error + x * apart, LANES),
                            a,
                            b,
                            activation,
                            gamma,
                            centre,
                            both,
                            errors,
                            way,
                        )
            else:
                for y in range(own.rows):
                    error = (source.channel + (y * own.channels + c) * columns) * apart + tile * LANES
                    for x in range(0, columns, 2):
                        if step.pool == GLOBAL:
                            e0 = multiply(share, load(passed, (source.channel + c) * apart + tile * LANES, LANES))
                            e1 = e0 if x + 1 < columns else zeros()
                        else:
                            e0, e1 = load(passed, error + x * apart, LANES), zeros()
                            if x + 1 < columns:
                                e1 = load(passed, error + (x + 1) * apart, LANES)
                        both = take_two(
                            maps,
                            place + y * own.row + x * LANES,
                            e0,
                            e1,
                            a,
                            b,
                            activation,
                            gamma,
                            centre,
                            both,
                            errors,
                            way,
                        )
            if source.norm >= 0:
                add_sums(norm.sums, source.norm + c, both)


@njit(**INLINED)
def take_bent(step, source, own, tile, first, rows, maps, errors, passed, norm, gammas, activation):
    """Do what `take_source` does, with an activation."""
    if step.pool >= GLOBAL:
        take_flat(step, source, own, maps, errors, passed, norm, gammas, activation)
    else:
        take_band(step, source, own, tile, first, rows, maps, errors, passed, norm, gammas, activation)


@njit(**INNER)
def take_source(step, source, own, tile, first, rows, maps, errors, passed, norm, gammas):
    """Lead errors back into one map, as `put_source` took it."""
    if step.activation == MISH:
        take_bent(step, source, own, tile, first, rows, maps, errors, passed, norm, gammas, WITH_MISH)
    elif step.activation == RELU:
        take_bent(step, source, own, tile, first, rows, maps, errors, passed, norm, gammas, WITH_RELU)
    else:
        take_bent(step, source, own, tile, first, rows, maps, errors, passed, norm, gammas, AS_IT_IS)


@njit(**INLINED)
def valid(own, tile, x, samples):
    """Return the mask of a vector of a map: its samples, which may not fill it."""
    return below(samples - LANES * (tile + (x if own.flat else 0)), LANES)


@njit(**INLINED)
def slopes_of(slopes, channel):
    """Return the three slopes of a channel, as vectors."""
    k = 3 * channel
    return splat(slopes[k], LANES), splat(slopes[k + 1], LANES), splat(slopes[k + 2], LANES)


@njit(**INLINED)
def past_norm(error, z, three):
    """Return an error of a normalised vector as that of the vector itself."""
    return multiply_add(three[0], error, multiply_add(three[1], z, three[2]))


@njit(**INLINED)
def spread_out(z, centre, mask, both):
    """Add the distances of a vector from the centre, and their squares, to two sums."""
    return spread_row(both, (z,), centre, mask)


@njit(**INNER)
def keep_band(own, tile, first, rows, samples, made, maps, norm, running):
    """Keep the rows of a band that a layer made, [row][channel][column][16]; where the map is normalised, add them to
    the sums of its channels: of distances from the running mean, and of their squares.
    """
    counted, flat = own.normed and not running, own.flat
    for r in range(rows):
        for c in range(own.channels):
            centre = splat(norm.running_means[own.channel + c], LANES)
            at = part_of(own, tile, c) + (first + r) * own.row
            here = (r * own.channels + c) * own.columns * LANES
            mask, both = valid(own, tile, 0, samples), (zeros(), zeros())
            for x in range(0, own.columns, 2):
                z0, z1 = load(made, here + x * LANES, LANES), zeros()
                if counted:
                    if flat:
                        mask = valid(own, tile, x, samples)
                    both = spread_out(z0, centre, mask, both)
                if x + 1 < own.columns:
                    z1 = load(made, here + (x + 1) * LANES, LANES)
                    if counted:
                        if flat:
                            mask = valid(own, tile, x + 1, samples)
                        both = spread_out(z1, centre, mask, both)
                store_pair(z0, z1, maps, at + x * LANES)
            if counted:
                add_sums(norm.sums, c, both)


@njit(**INNER)
def round_as_kept(buffer, vectors, maps):
    """Round vectors as they would be if they were kept in the maps."""
    if maps.itemsize < buffer.itemsize:
        for at in range(0, vectors * LANES, LANES):
            store(as_kept(load(buffer, at, LANES), maps), buffer, at)


@njit(**INNER)
def sum_errors(buffer, begin, row, rows, columns, maps, sums, c):
    """Round the errors of a channel, [row][column][16], as `round_as_kept` does, and add them to its sum."""
    for y in range(rows):
        whole = zeros()
        for at in range(begin + y * row, begin + y * row + columns * LANES, LANES):
            error = as_kept(load(buffer, at, LANES), maps)
            store(error, buffer, at)
            whole = add(whole, error)
        store(add(load(sums, c * LANES, LANES), whole), sums, c * LANES)


@njit(**INNER)
def put_errors(step, own, tile, first, ready, rows, samples, maps, errors, slopes, buffer, sums):
    """Write `rows` rows from `first` on of the errors of a layer's sums into a band, but for those that are `ready`.

    Where the map is normalised, its errors become those of the map itself: c1 error + c2 z + c3 with the `slopes` of
    each channel. What is written is added to `sums`, [channel][16].
    """
    left, flat = step.kernel - 1 - step.border, own.flat
    for r in range(ready, rows):
        y, line = first + r, r * own.channels * step.beyond * LANES
        if y < 0 or y >= own.rows:
            clear(buffer, line, own.channels * step.beyond)
            continue
        for c in range(own.channels):
            three, to = slopes_of(slopes, own.channel + c), line + c * step.beyond * LANES
            at, whole, mask = part_of(own, tile, c) + y * own.row, zeros(), valid(own, tile, 0, samples)
            here = to + left * LANES
            for x in range(0, own.columns, 2):
                e0, e1 = load_pair(errors, at + x * LANES)
                if own.normed:
                    z0, z1 = load_pair(maps, at + x * LANES)
                    e0, e1 = past_norm(e0, z0, three), past_norm(e1, z1, three)
                if flat:
                    mask = valid(own, tile, x, samples)
                e0 = select(mask, e0, zeros())
                store(e0, buffer, here + x * LANES)
                whole = add(whole, e0)
                if x + 1 < own.columns:
                    if flat:
                        mask = valid(own, tile, x + 1, samples)
                    e1 = select(mask, e1, zeros())
                    store(e1, buffer, here + (x + 1) * LANES)
                    whole = add(whole, e1)
            store(add(load(sums, c * LANES, LANES), whole), sums, c * LANES)
