"""Compiled loops that take one layer of a batch forward, and back: 16 samples at a time, a band of rows at a time.

A layer takes its own bands of rows of what it takes, and of its errors those rows and what kernels reach beyond. Where
nothing but maxima is taken of the map it makes (`layers.joins`), one channel at a time is made, and at once the maxima
of it; their errors come back the same way, and that map is never kept.
"""

from numba import njit

from truly_sparse.engine.compiled import INLINED, INNER
from truly_sparse.engine.convolution.bands import (
    clear_borders,
    go_on,
    keep_band,
    part_of,
    put_errors,
    put_source,
    round_as_kept,
    sum_errors,
    take_source,
    valid,
    zeros,
)
from truly_sparse.engine.convolution.kept import convolve_kept
from truly_sparse.engine.convolution.layers import ADD, WRITE, Map, Source, Step
from truly_sparse.engine.convolution.maxima import (
    leave_maxima,
    maxima_of_four,
    maxima_of_nine,
    pass_four,
    pass_nine,
    put_errors_of_maxima,
)
from truly_sparse.engine.convolution.walks import ALL, PIECES, alike, convolve, correlate, correlate_flat
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.vector import store_pair


@njit(**INLINED)
def map_of(maps, m):
    """Return a row of the table of maps."""
    r = maps[m]
    return Map(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11])


@njit(**INLINED)
def step_of(steps, s):
    """Return a row of the table of layers."""
    r = steps[s]
    return Step(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15],
                r[16], r[17], r[18], r[19])  # fmt: skip


@njit(**INLINED)
def source_of(sources, s):
    """Return a row of the table of maps that layers take."""
    r = sources[s]
    return Source(r[0], r[1], r[2], r[3], r[4])


@njit(**INLINED)
def taken_of(maps, source):
    """Return the row of what a layer takes of a map: of the map itself, or of its maxima."""
    return map_of(maps, source.maxima if source.maxima else source.map)


@njit(**INNER)
def pool(tables, step, samples, norm, space, running):
    """Make a map of maxima."""
    own, made = map_of(tables.maps, source_of(tables.sources, step.first).map), map_of(tables.maps, step.target)
    for tile in range(own.tiles):
        for c in range(own.channels):
            maxima_of_nine(space.maps, part_of(own, tile, c), own.row, own.rows, own.columns, made, tile, c, samples,
                           space.maps, space.firsts, norm, running)  # fmt: skip


@njit(**INNER)
def pool_back(tables, step, samples, norm, space):
    """Lead the errors of a map of maxima back."""
    source, made = source_of(tables.sources, step.first), map_of(tables.maps, step.target)
    own = map_of(tables.maps, source.map)
    for tile in range(own.tiles):
        for c in range(own.channels):
            pass_nine(space.errors, part_of(own, tile, c), own.row, own.rows, own.columns, source.way, made, tile, c,
                      samples, space.maps, space.errors, space.firsts, norm.slopes, space.passed)  # fmt: skip


@njit(**INNER)
def make(tables, step, links, bias, norm, space, samples, running):
    """Make a map."""
    made = map_of(tables.maps, step.target)
    pointers = links.pointers[PIECES * step.neuron : PIECES * (step.neuron + made.channels) + 1]
    shared = alike(pointers, step.kernel**2 * step.taken)
    apart, lane = step.taken * step.inside * LANES, made.columns * LANES
    lines = (step.band + step.kernel - 1) * step.taken
    clear_borders(space.taken, lines, step.inside, step.border, step.columns)
    for place in range(step.first, step.last):
        source = source_of(tables.sources, place)
        if source.maxima:
            leave_maxima(step, source, map_of(tables.maps, source.map), taken_of(tables.maps, source), space.maps,
                         space.firsts, norm)  # fmt: skip
    for tile in range(made.tiles):
        for first in range(0, made.rows, step.band):
            rows = min(step.band, made.rows - first)
            ready = go_on(space.taken, apart, step.band, step.kernel - 1) if first else 0
            for place in range(step.first, step.last):
                source = source_of(tables.sources, place)
                put_source(step, source, taken_of(tables.maps, source), tile, first - step.border, ready,
                           rows + step.kernel - 1, space.maps, norm, space.taken)  # fmt: skip
            if made.columns % len(ALL) == 0 and not made.flat and not shared:
                convolve_kept(links.forth, links.reach, pointers, step.kernel * step.taken, bias[made.channel :],
                              space.taken, apart, space.passed, rows, made, part_of(made, tile, 0) + first * made.row,
                              valid(made, tile, 0, samples), norm.running_means[made.channel :], space.maps,
                              made.normed and not running, space.wrong, norm.sums)  # fmt: skip
            else:
                convolve(links.forth, links.reach, pointers, step.kernel * step.taken, shared, bias[made.channel :],
                         space.taken, apart, space.passed, made.channels * lane, lane, rows, made.columns)  # fmt: skip
                keep_band(made, tile, first, rows, samples, space.passed, space.maps, norm, running)


@njit(**INNER)
def lead_back(tables, step, links, gammas, norm, space, samples):
    """Lead the errors of a map back into those of the maps it was made of, and into the gradients of its links."""
    made = map_of(tables.maps, step.target)
    pointers = links.pointers[PIECES * step.neuron : PIECES * (step.neuron + made.channels) + 1]
    back_pointers = links.back_pointers[PIECES * step.back : PIECES * (step.back + step.taken) + 1]
    shared = alike(pointers, step.kernel**2 * step.taken)
    back_shared = alike(back_pointers, step.kernel**2 * made.channels)
    inside, beyond = step.taken * step.inside * LANES, made.channels * step.beyond * LANES
    halo, lines = step.kernel - 1 - step.border, step.band + step.kernel - 1
    clear_borders(space.taken, lines * step.taken, step.inside, step.border, step.columns)
    clear_borders(space.wrong, lines * made.channels, step.beyond, halo, made.columns)
    # Positions that pooling of two by two leaves out get no error.
    for place in range(step.first, step.last):
        source = source_of(tables.sources, place)
        own = taken_of(tables.maps, source)
        if source.map and source.way != ADD and (own.rows % 2 or own.columns % 2):
            for at in range(own.at, own.at + own.tiles * own.size, 2 * LANES):
                store_pair(zeros(), zeros(), space.errors, at)
    for tile in range(made.tiles):
        for first in range(0, max(step.rows, made.rows), step.band):
            rows = max(min(step.band, step.rows - first), 0)
            mine = max(min(step.band, made.rows - first), 0)
            ready = 0
            if first:
                go_on(space.wrong, beyond, step.band, step.kernel - 1)
                ready = go_on(space.taken, inside, step.band, step.kernel - 1)
            if step.pooled:
                put_errors_of_maxima(step, made, map_of(tables.maps, step.pooled), tile, first - halo, ready,
                                     step.band + step.kernel - 1, samples, space.maps, space.errors, space.firsts,
                                     norm.slopes, space.wrong, space.sums)  # fmt: skip
            else:
                put_errors(step, made, tile, first - halo, ready, step.band + step.kernel - 1, samples, space.maps,
                           space.errors, norm.slopes, space.wrong, space.sums)  # fmt: skip
            for place in range(step.first, step.last):
                source = source_of(tables.sources, place)
                put_source(step, source, taken_of(tables.maps, source), tile, first - step.border, ready,
                           mine + step.kernel - 1, space.maps, norm, space.taken)  # fmt: skip
            if made.flat:
                correlate_flat(links.gradient, links.position, links.reach, pointers, step.taken, space.wrong,
                               step.beyond * LANES, space.taken, made.columns)  # fmt: skip
            else:
                correlate(links.products, links.reach, pointers, step.kernel * step.taken, shared, space.wrong,
                          halo * (beyond + LANES), beyond, step.beyond * LANES, space.taken, inside, mine,
                          made.columns)  # fmt: skip
            if step.passes:
                convolve(links.back, links.back_reach, back_pointers, step.kernel * made.channels, back_shared,
                         space.zeros, space.wrong, beyond, space.passed, step.taken * step.columns * LANES,
                         step.columns * LANES, rows, step.columns)  # fmt: skip
                for place in range(step.first, step.last):
                    source = source_of(tables.sources, place)
                    if source.map:
                        take_source(step, source, taken_of(tables.maps, source), tile, first, rows, space.maps,
                                    space.errors, space.passed, norm, gammas)  # fmt: skip


@njit(**INLINED)
def sides_of(step):
    """Return the rows and columns of what a layer makes of several positions."""
    more = 2 * step.border - step.kernel + 1
    return step.rows + more, step.columns + more


@njit(**INNER)
def make_joined(tables, step, links, bias, norm, space, samples, running):
    """Make a map, one channel of 16 samples at a time, and at once that of its maxima."""
    source, made = source_of(tables.sources, step.first), map_of(tables.maps, step.target)
    pooled, picture = map_of(tables.maps, step.pooled), map_of(tables.maps, source.map)
    rows, columns = sides_of(step)
    apart, row, lines = step.taken * step.inside * LANES, columns * LANES, rows + step.kernel - 1
    clear_borders(space.taken, lines * step.taken, step.inside, step.border, step.columns)
    for tile in range(made.tiles):
        put_source(step, source, picture, tile, -step.border, 0, lines, space.maps, norm, space.taken)
        for c in range(made.channels):
            pointers = links.pointers[PIECES * (step.neuron + c) : PIECES * (step.neuron + c + 1) + 1]
            convolve(links.forth, links.reach, pointers, step.kernel * step.taken, False, bias[made.channel + c :],
                     space.taken, apart, space.passed, row, row, rows, columns)  # fmt: skip
            round_as_kept(space.passed, rows * columns, space.maps)
            if step.window == 3:
                maxima_of_nine(space.passed, 0, row, rows, columns, pooled, tile, c, samples, space.maps, space.firsts,
                               norm, running)  # fmt: skip
            else:
                maxima_of_four(space.passed, row, pooled, tile, c, space.maps, space.firsts)


@njit(**INNER)
def lead_joined_back(tables, step, links, norm, space, samples):
    """Lead errors of maxima back into the gradients of the links that made the map they were taken of."""
    source, made = source_of(tables.sources, step.first), map_of(tables.maps, step.target)
    pooled, picture = map_of(tables.maps, step.pooled), map_of(tables.maps, source.map)
    rows, columns = sides_of(step)
    inside, beyond, lines = step.taken * step.inside * LANES, step.beyond * LANES, rows + step.kernel - 1
    begin = (step.kernel - 1 - step.border) * (beyond + LANES)
    clear_borders(space.taken, lines * step.taken, step.inside, step.border, step.columns)
    for tile in range(made.tiles):
        put_source(step, source, picture, tile, -step.border, 0, lines, space.maps, norm, space.taken)
        for c in range(made.channels):
            pointers = links.pointers[PIECES * (step.neuron + c) : PIECES * (step.neuron + c + 1) + 1]
            if step.window == 3:
                pass_nine(space.wrong, begin, beyond, rows, columns, WRITE, pooled, tile, c, samples, space.maps,
                          space.errors, space.firsts, norm.slopes, space.passed)  # fmt: skip
            else:
                pass_four(space.wrong, begin, beyond, pooled, tile, c, samples, space.errors, space.firsts)
            sum_errors(space.wrong, begin, beyond, rows, columns, space.maps, space.sums, c)
            correlate(links.products, links.reach, pointers, step.kernel * step.taken, False, space.wrong, begin,
                      beyond, beyond, space.taken, inside, rows, columns)  # fmt: skip
