"""Compiled loops of the encoding, which would otherwise cost as much as some epochs of training."""

import numpy as np
from numba import njit

from truly_sparse.engine.compiled import COMPILED, INLINED

#: A deviation up to here is the rounding of ramps that are all the same.
ROUNDING = 1e-12


def ramp_moments(column, start, inverse, share):
    """Return weighted mean and deviation of every ramp, float64, shape (ramps,); the deviation of equal values is 1.

    Parameters
    ----------
    column : ndarray, shape (rows,)
        The feature whose ramps they are.
    start, inverse : ndarray of float64, shape (ramps,)
        Where each begins, and 1 / its width.
    share : ndarray of float64, shape (rows,)
        Weights that sum to 1.
    """
    mean, square = np.zeros(len(start)), np.zeros(len(start))
    _add_moments(column, start, inverse, share, mean, square)
    deviation = np.sqrt(square)
    return mean, np.where(deviation > ROUNDING, deviation, 1.0)


@njit(**INLINED)
def clipped(number, low, high):
    """Return a number that is neither below `low` nor above `high`; NaN of NaN."""
    number = low if low > number else number
    return high if high < number else number


@njit(cache=True, **COMPILED)
def _add_moments(column, start, inverse, share, mean, square):
    for row in range(len(column)):
        number, weight = column[row], share[row]
        for r in range(len(start)):
            mean[r] += weight * clipped((number - start[r]) * inverse[r], 0.0, 1.0)
    for row in range(len(column)):
        number, weight = column[row], share[row]
        for r in range(len(start)):
            distance = clipped((number - start[r]) * inverse[r], 0.0, 1.0) - mean[r]
            square[r] += weight * distance * distance


@njit(cache=True, nogil=True, **COMPILED)
def encode_ramps(x, of, start, inverse, mean, scale, encoded):
    """Write (ramp - mean) * scale of every row into the first columns of `encoded`, float32; see `ramp_moments`."""
    for row in range(len(x)):
        for r in range(len(of)):
            ramp = clipped((x[row, of[r]] - start[r]) * inverse[r], 0.0, 1.0)
            encoded[row, r] = (ramp - mean[r]) * scale[r]


@njit(cache=True, nogil=True, **COMPILED)
def place_ramps(x, start, inverse, mean, scale, ramped):
    """Write the numbers of an `engine.ramped.Ramped`: of each column the last ramp that begins below x, and its value.

    Those behind it are 0; those before it are 1 where each is so at its end, since rounding keeps order. Ramps are
    encoded as by `encode_ramps`.
    """
    columns = x.shape[1]
    for row in range(len(x)):
        for column in range(columns):
            number, below = x[row, column], 0
            begin, end = ramped.first[column], ramped.first[column + 1]
            for r in range(np.uint64(begin), np.uint64(end)):  # counted, not searched: vectors take many at a time
                below += start[r] < number
            place, value = begin + max(below - 1, 0), 0.0
            if begin < end:
                ramp = clipped((number - start[place]) * inverse[place], 0.0, 1.0)
                value = (ramp - mean[place]) * scale[place]
            missing = np.isnan(number)
            ramped.numbers[row, column] = 0.0 if missing else 1.0 + (place - begin)
            ramped.numbers[row, columns + column] = 0.0 if missing else value


def sums_of_columns(x):
    """Return the sum of every column, row after row."""
    total = np.zeros(x.shape[1])
    _add_rows(x, total)
    return total


@njit(cache=True, **COMPILED)
def _add_rows(x, total):
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            total[column] += x[row, column]


@njit(cache=True, nogil=True, **COMPILED)
def write_marks(x, of, value, encoded, first):
    """Write whether column ``of[m]`` of x is ``value[m]``, or NaN where that is, into column ``first + m``."""
    for row in range(len(x)):
        for m in range(len(of)):
            found = x[row, of[m]]
            encoded[row, first + m] = np.isnan(found) if np.isnan(value[m]) else found == value[m]
