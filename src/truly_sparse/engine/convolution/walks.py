"""Compiled loops over the links of a layer within a band: sums forward, errors back, and what both give together.

Some neighbouring positions are taken at a time, whose sums stay in registers while the links of a channel are walked:
for each, its value is broadcast and meets the vectors it reaches. The order of sums does not depend on how many are
taken: each position sums its links in order, each link its positions in order of rows and columns, 16 samples in lanes.

The links of a channel come in `PIECES` of neighbouring taps. Where what all links reach from some positions is more
than the first-level cache holds, some pieces of every channel are walked before the next ones of any, and sums wait in
what is written.

Channels of a layer that has all links there can be reach the same: some of them are walked at once, and share what is
loaded.
"""

import numpy as np
from numba import njit

from truly_sparse.engine.compiled import INLINED, INNER
from truly_sparse.engine.registers import FORWARD, LANES
from truly_sparse.engine.vector import (
    add_correlation,
    add_correlations,
    add_products,
    add_products_of_channels,
    fill,
    load,
    load_lines,
    splat,
    store,
    store_lines,
    total,
)

#: As many positions are taken at a time as registers hold: of one line, or half of them of two, or a quarter of four.
ONE, TWO, FOUR = (0,), (0,) * 2, (0,) * 4
#: Pieces that the links of a channel come in, a power of two; vectors that stay in the first-level cache; and how many
#: links of a channel are worth a piece.
PIECES, NEAR, WORTH = 8, 512, 16
#: Links whose products stay in the second-level cache.
KEPT = 4096
#: Lines that a band and what is made of it have room for at least.
TALLEST = len(FOUR)
ALL, HALF, QUARTER = (0,) * FORWARD, (0,) * (FORWARD // 2), (0,) * (FORWARD // 4)
#: Of lines of 10 and of 14 columns, as the layers of LeNet have, half.
FIVE, SEVEN = (0,) * 5, (0,) * 7

#: Channels that share what is loaded, whose sums at two columns stay in registers.
SHARED = (0,) * 8 if FORWARD == 8 else TWO
#: Whether registers hold what the gradients of two channels need.
PAIRED = FORWARD == 8


@njit(**INNER)
def alike(pointers, taps):
    """Return whether all channels have links to all of so many taps, so that they reach the same."""
    channels = pointers.shape[0] // PIECES
    return channels >= len(SHARED) and pointers[-1] - pointers[0] == channels * taps


@njit(**INNER)
def pieces_at_once(pointers, lines):
    """Return how many pieces of a channel are walked at once, where links reach so many lines of channels."""
    links, channels, walks = pointers[-1] - pointers[0], pointers.shape[0] // PIECES, 1
    while walks < PIECES and lines * (FORWARD + 2) > walks * NEAR and links >= 2 * walks * channels * WORTH:
        walks *= 2
    return PIECES // walks


@njit(**INLINED)
def sum_lines(
    values, reach, pointers, pieces, bias, buffer, apart, out, row, lane, lines, columns, height, width, many
):
    """Sum up the links of every channel at all positions, ``len(height)`` lines at a time.

    The last lines may be summed up twice; where there are fewer, so are some that come after them.
    """
    for x in range(0, columns * LANES, LANES * len(width)):
        for top in range(0, lines, len(height)):
            y = max(min(top, lines - len(height)), 0)
            at = y * apart + x
            for first in range(0, PIECES, pieces):
                for c in range(pointers.shape[0] // PIECES):
                    piece, here = c * PIECES + first, y * row + c * lane + x
                    z = load_lines(out, here, row, height, width) if first else fill(splat(bias[c], LANES), many)
                    for k in range(np.uint64(pointers[piece]), np.uint64(pointers[piece + pieces])):
                        z = add_products(z, splat(values[k], LANES), buffer, at + reach[k], apart, height, width)
                    store_lines(z, out, here, row, height, width)


@njit(**INNER)
def sum_each(values, reach, pointers, pieces, bias, buffer, apart, out, row, lane, lines, columns):
    """Do so for each channel by itself, at as many positions at a time as go into the columns."""
    if columns % len(ALL) == 0:
        sum_lines(values, reach, pointers, pieces, bias, buffer, apart, out, row, lane, lines, columns, ONE, ALL, ALL)
    elif columns % len(HALF) == 0:
        sum_lines(values, reach, pointers, pieces, bias, buffer, apart, out, row, lane, lines, columns, TWO, HALF, ALL)
    elif columns % len(SEVEN) == 0:
        sum_lines(values, reach, pointers, pieces, bias, buffer, apart, out, row, lane, lines, columns, ONE, SEVEN,
                  SEVEN)  # fmt: skip
    elif columns % len(FIVE) == 0:
        sum_lines(values, reach, pointers, pieces, bias, buffer, apart, out, row, lane, lines, columns, ONE, FIVE,
                  FIVE)  # fmt: skip
    elif columns % len(QUARTER) == 0:
        sum_lines(values, reach, pointers, pieces, bias, buffer, apart, out, row, lane, lines, columns, FOUR, QUARTER,
                  ALL)  # fmt: skip
    else:
        sum_lines(values, reach, pointers, pieces, bias, buffer, apart, out, row, lane, lines, columns, FOUR, ONE,
                  FOUR)  # fmt: skip


@njit(**INNER)
def sum_shared(values, reach, pointers, pieces, channels, bias, buffer, apart, out, row, lane, lines, columns):
    """Sum up the links of `channels` channels that reach the same, some of them at two columns at a time."""
    each = (pointers[-1] - pointers[0]) // (pointers.shape[0] // PIECES)
    for x in range(0, columns * LANES, LANES * len(TWO)):
        for y in range(lines):
            at = y * apart + x
            for first in range(0, PIECES, pieces):
                for c in range(0, channels, len(SHARED)):
                    piece, here = c * PIECES + first, y * row + c * lane + x
                    if first == 0:
                        for i in range(len(SHARED)):
                            store_lines(fill(splat(bias[c + i], LANES), TWO), out, here + i * lane, 0, ONE, TWO)
                    z = load_lines(out, here, lane, SHARED, TWO)
                    for k in range(np.uint64(pointers[piece]), np.uint64(pointers[piece + pieces])):
                        z = add_products_of_channels(z, values, k, each, buffer, at + reach[k], SHARED, TWO)
                    store_lines(z, out, here, lane, SHARED, TWO)


@njit(**INNER)
def convolve(values, reach, pointers, reached, shared, bias, buffer, apart, out, row, lane, lines, columns):
    """Sum up the links of every channel at every position.

    Parameters
    ----------
    values, reach : ndarray
        Value of each link, in order of channels, and how far from a position it reaches in the buffer.
    pointers : ndarray
        Where the pieces of each channel begin, with the end.
    reached : int
        Lines of channels that links reach from a position.
    shared : bool
        Whether all channels reach the same (`alike`).
    bias : ndarray
        What the sums of each channel begin with.
    buffer, apart
        A band, and where its next line lies.
    out, row, lane
        What is written, and where its next line and its next channel lie. There is room for `TALLEST` lines in it, and
        for as many in the band.
    lines, columns : int
    """
    pieces, channels = pieces_at_once(pointers, reached), pointers.shape[0] // PIECES
    begin = channels // len(SHARED) * len(SHARED) if shared and columns % len(TWO) == 0 else 0
    if begin > 0:
        sum_shared(values, reach, pointers, pieces, begin, bias, buffer, apart, out, row, lane, lines, columns)
    if begin < channels:
        sum_each(values, reach, pointers[PIECES * begin :], pieces, bias[begin:], buffer, apart, out[begin * lane :],
                  row, lane, lines, columns)  # fmt: skip


@njit(**INNER)
def channels_at_once(pointers, lines, pieces):
    """Return of how many channels the products of so many pieces stay in the first-level cache beside what links reach,
    or, where that leaves little of it, in the second-level one.
    """
    near = NEAR - lines * (FORWARD + 2)
    kept = near if near > NEAR // 2 else KEPT
    links, channels = pointers[-1] - pointers[0], pointers.shape[0] // PIECES
    return max(kept * channels * (PIECES // pieces) // max(links, 1), 1)


@njit(**INLINED)
def correlate_lines(products, reach, pointers, pieces, some, errors, error, error_row, error_lane, buffer, apart,
                    begin, end, columns, height, width):  # fmt: skip
    """Add to the products of every link, at positions of the lines from `begin` to `end`, ``len(height)`` at a time."""
    channels = pointers.shape[0] // PIECES
    for start in range(0, channels, some):
        stop = min(start + some, channels)
        for first in range(0, PIECES, pieces):
            for y in range(begin, end - len(height) + 1, len(height)):
                for x in range(0, columns * LANES, LANES * len(width)):
                    at = y * apart + x
                    for c in range(start, stop):
                        piece, here = c * PIECES + first, error + y * error_row + c * error_lane + x
                        held = load_lines(errors, here, error_row, height, width)
                        for k in range(np.uint64(pointers[piece]), np.uint64(pointers[piece + pieces])):
                            whole = load(products, k * np.uint64(LANES), LANES)
                            whole = add_correlation(whole, held, buffer, at + reach[k], apart, height, width)
                            store(whole, products, k * np.uint64(LANES))


@njit(**INNER)
def correlate_shared(products, reach, pointers, pieces, some, errors, error, error_row, error_lane, buffer, apart,
                     lines, columns):  # fmt: skip
    """Do so for an even number of channels that reach the same, two at a time, at positions of all lines."""
    channels = pointers.shape[0] // PIECES
    each = np.uint64((pointers[-1] - pointers[0]) // channels) * np.uint64(LANES)
    some += some % 2
    for start in range(0, channels, some):
        for first in range(0, PIECES, pieces):
            for y in range(lines):
                for x in range(0, columns * LANES, LANES * len(ALL)):
                    at = y * apart + x
                    for c in range(start, min(start + some, channels), 2):
                        piece, here = c * PIECES + first, error + y * error_row + c * error_lane + x
                        held = load_lines(errors, here, error_lane, TWO, ALL)
                        for k in range(np.uint64(pointers[piece]), np.uint64(pointers[piece + pieces])):
                            both = load_lines(products, k * np.uint64(LANES), each, TWO, ONE)
                            both = add_correlations(both, held, buffer, at + reach[k], ALL)
                            store_lines(both, products, k * np.uint64(LANES), each, TWO, ONE)


@njit(**INLINED)
def correlate_narrow(products, reach, pointers, pieces, some, errors, error, error_row, error_lane, buffer, apart,
                     lines, columns, height, width):  # fmt: skip
    """Do so for all lines, ``len(height)`` at a time as far as they go, then one by one.

    Several are taken at a time only where ``len(width)`` is the whole line: in order of rows and columns.
    """
    whole = lines // len(height) * len(height) if columns == len(width) else 0
    correlate_lines(products, reach, pointers, pieces, some, errors, error, error_row, error_lane, buffer, apart,
                    0, whole, columns, height, width)  # fmt: skip
    correlate_lines(products, reach, pointers, pieces, some, errors, error, error_row, error_lane, buffer, apart,
                    whole, lines, columns, ONE, width)  # fmt: skip


@njit(**INNER)
def correlate(products, reach, pointers, reached, shared, errors, error, error_row, error_lane, buffer, apart, lines,
              columns):  # fmt: skip
    """Add to the products of every link, [link][16], those of the errors and what it reaches, over all positions.

    `pointers`, `reached` and `shared` are as `convolve` takes them.
    """
    pieces = pieces_at_once(pointers, reached)
    some = channels_at_once(pointers, reached, pieces)
    if shared and PAIRED and columns % len(ALL) == 0 and pointers.shape[0] // PIECES % 2 == 0:
        correlate_shared(products, reach, pointers, pieces, some, errors, error, error_row, error_lane, buffer, apart,
                         lines, columns)  # fmt: skip
    elif columns % len(ALL) == 0:
        correlate_lines(products, reach, pointers, pieces, some, errors, error, error_row, error_lane, buffer, apart,
                        0, lines, columns, ONE, ALL)  # fmt: skip
    elif columns % len(FIVE) == 0:
        correlate_lines(products, reach, pointers, pieces, some, errors, error, error_row, error_lane, buffer, apart,
                        0, lines, columns, ONE, FIVE)  # fmt: skip
    elif columns % len(HALF) == 0:
        correlate_narrow(products, reach, pointers, pieces, some, errors, error, error_row, error_lane, buffer, apart,
                         lines, columns, TWO, HALF)  # fmt: skip
    elif columns % len(QUARTER) == 0:
        correlate_narrow(products, reach, pointers, pieces, some, errors, error, error_row, error_lane, buffer, apart,
                         lines, columns, FOUR, QUARTER)  # fmt: skip
    else:
        correlate_lines(products, reach, pointers, pieces, some, errors, error, error_row, error_lane, buffer, apart,
                        0, lines, columns, ONE, ONE)  # fmt: skip


@njit(**INLINED)
def total_lines(gradient, position, reach, pointers, pieces, errors, lane, buffer, columns, width):
    """Write the gradients of the links of every channel, all columns of which are walked for one link after another."""
    for first in range(0, PIECES, pieces):
        for c in range(pointers.shape[0] // PIECES):
            piece = c * PIECES + first
            for k in range(np.uint64(pointers[piece]), np.uint64(pointers[piece + pieces])):
                whole = splat(np.float32(0), LANES)
                for x in range(0, columns * LANES, LANES * len(width)):
                    held = load_lines(errors, c * lane + x, 0, ONE, width)
                    whole = add_correlation(whole, held, buffer, x + reach[k], 0, ONE, width)
                gradient[position[k]] = total(whole)


@njit(**INNER)
def correlate_flat(gradient, position, reach, pointers, reached, errors, lane, buffer, columns):
    """Write the gradients of the links of a layer that makes one position: those of all samples at once.

    `columns` are 16 samples each; else arguments are as `correlate` takes them, and `position` says where the gradient
    of each link lies.
    """
    pieces = pieces_at_once(pointers, reached)
    if columns % len(ALL) == 0:
        total_lines(gradient, position, reach, pointers, pieces, errors, lane, buffer, columns, ALL)
    else:
        total_lines(gradient, position, reach, pointers, pieces, errors, lane, buffer, columns, ONE)
