"""Compiled loops of the pairs of columns; all sums are in the order of the rows.

Arrays are written number by number: an assignment of whole rows compiles what says that their shapes differ, which
takes longer to compile than these loops themselves.
"""

import numpy as np
from numba import njit

#: Rounds of boosting, the part of a step that is taken, and the weight of rows by which it is drawn to 0.
ROUNDS, RATE, SHRINKAGE = 8, 0.3, 5.0
#: Deviations from the mean at which a column of a pair is cut off.
LIMIT = 5.0


@njit(cache=True, boundscheck=False, nogil=True)
def extend(x, places, mean, deviation, found):
    """Write x and, for each pair of its columns, their sum and difference; see `pairs.Pairs`."""
    columns = x.shape[1]
    for row in range(len(x)):
        for column in range(columns):
            found[row, column] = x[row, column]
        for place in range(0, len(places), 2):
            first = (x[row, places[place]] - mean[place]) / deviation[place]
            second = (x[row, places[place + 1]] - mean[place + 1]) / deviation[place + 1]
            missing = np.isnan(first) or np.isnan(second)
            first, second = min(max(first, -LIMIT), LIMIT), min(max(second, -LIMIT), LIMIT)
            found[row, columns + place] = np.nan if missing else first + second
            found[row, columns + place + 1] = np.nan if missing else first - second


@njit(cache=True, boundscheck=False)
def write_steps(column, knots, steps, codes):
    """Write the step of every value: the last knot that is not above it, at most `steps`; `steps` + 1 for NaN.

    Knots are counted, not searched: vectors take many at a time.
    """
    for row in range(len(column)):
        number, below = column[row], 0
        for k in range(len(knots)):
            below += knots[k] <= number
        codes[row] = steps + 1 if np.isnan(number) else min(max(below - 1, 0), steps)


@njit(cache=True, boundscheck=False)
def unexplained(codes, cells, wanted, weights):
    """Return what an additive model of the other half of the rows leaves of each, and what each column takes off."""
    columns, rows = codes.shape
    classes = wanted.shape[1]
    left, gains = np.empty_like(wanted), np.zeros(columns)
    step, mass = np.empty((cells, classes)), np.empty((columns, cells))
    for half in range(2):
        now = wanted.copy()
        for column in range(columns):
            for cell in range(cells):
                mass[column, cell] = SHRINKAGE
            for row in range(1 - half, rows, 2):
                mass[column, codes[column, row]] += weights[row]
        for _ in range(ROUNDS):
            for column in range(columns):
                for cell in range(cells):
                    for k in range(classes):
                        step[cell, k] = 0.0
                for row in range(1 - half, rows, 2):
                    for k in range(classes):
                        step[codes[column, row], k] += weights[row] * now[row, k]
                for cell in range(cells):
                    for k in range(classes):
                        gains[column] += step[cell, k] * step[cell, k] / mass[column, cell]
                        step[cell, k] *= RATE / mass[column, cell]
                for row in range(rows):
                    for k in range(classes):
                        now[row, k] -= step[codes[column, row], k]
        for row in range(half, rows, 2):
            for k in range(classes):
                left[row, k] = now[row, k]
    return left, gains


@njit(cache=True, boundscheck=False)
def mean_squares(values, weights):
    """Return the weighted mean of the squares of every column."""
    total, mass = np.zeros(values.shape[1]), 0.0
    for row in range(len(values)):
        mass += weights[row]
        for k in range(values.shape[1]):
            total[k] += weights[row] * values[row, k] * values[row, k]
    for k in range(len(total)):
        total[k] /= mass
    return total


@njit(cache=True, boundscheck=False)
def worth(codes, cells, left, weights, pairs):
    """Return what each pair is worth: steps on its grid, learned from one half of the rows, taken off the other.

    It is half of what they take off the squared error.
    """
    rows, classes = left.shape
    found = np.zeros(len(pairs))
    for pair in range(len(pairs)):
        first, second = pairs[pair, 0], pairs[pair, 1]
        total, mass = np.zeros((2, cells * cells, classes)), np.zeros((2, cells * cells))
        for half in range(2):
            for row in range(half, rows, 2):
                cell = codes[first, row] * cells + codes[second, row]
                mass[half, cell] += weights[row]
                for k in range(classes):
                    total[half, cell, k] += weights[row] * left[row, k]
        for half in range(2):
            for cell in range(cells * cells):
                for k in range(classes):
                    step = total[1 - half, cell, k] / (mass[1 - half, cell] + SHRINKAGE)
                    found[pair] += step * (total[half, cell, k] - 0.5 * step * mass[half, cell])
    return found
