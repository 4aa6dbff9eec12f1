"""A compiled loop that sums up the links of a layer and at once keeps what it makes."""

import numpy as np
from numba import njit

from truly_sparse.engine.compiled import INNER
from truly_sparse.engine.convolution.bands import add_sums, zeros
from truly_sparse.engine.convolution.walks import ALL, ONE, PIECES, TWO, pieces_at_once
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.vector import (
    add_products,
    fill,
    load_lines,
    splat,
    spread_row,
    store_lines,
    store_pairs,
)


@njit(**INNER)
def convolve_kept(values, reach, pointers, reached, bias, buffer, apart, out, lines, own, at, mask, centres, maps,
                  counted, waiting, sums):  # fmt: skip
    """Do what `convolve` and `bands.keep_band` do, for columns that are `ALL` of a line or several times as many: what
    is made goes to ``maps[at:]``, a row of the map `own` for each line. What that waits for in memory, the sums of the
    next channel hide.

    Where it is `counted`, distances from the `centres` of channels and their squares are added to `sums`; those of a
    part of a line wait for the next one in `waiting`, two vectors for each line and channel.
    """
    pieces, row, lane = pieces_at_once(pointers, reached), own.channels * own.columns * LANES, own.columns * LANES
    for x in range(0, lane, LANES * len(ALL)):
        for y in range(lines):
            here = y * apart + x
            for first in range(0, PIECES, pieces):
                for c in range(own.channels):
                    piece, part = c * PIECES + first, y * row + c * lane + x
                    z = load_lines(out, part, 0, ONE, ALL) if first else fill(splat(bias[c], LANES), ALL)
                    for k in range(np.uint64(pointers[piece]), np.uint64(pointers[piece + pieces])):
                        z = add_products(z, splat(values[k], LANES), buffer, here + reach[k], apart, ONE, ALL)
                    if first + pieces < PIECES:
                        store_lines(z, out, part, 0, ONE, ALL)
                        continue
                    store_pairs(z, maps, at + y * own.row + c * own.lane + x)
                    if counted:
                        wait = 2 * (y * own.channels + c) * LANES
                        both = load_lines(waiting, wait, 0, ONE, TWO) if x else (zeros(), zeros())
                        both = spread_row(both, z, splat(centres[c], LANES), mask)
                        if x + LANES * len(ALL) < lane:
                            store_lines(both, waiting, wait, 0, ONE, TWO)
                        else:
                            add_sums(sums, c, both)
