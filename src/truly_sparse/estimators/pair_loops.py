"""Compiled loops of the pairs of columns; all sums are in the order of the rows.

Arrays are written number by number: an assignment of whole rows compiles what says that their shapes differ, which
takes longer to compile than these loops themselves.
"""

import numpy as np
from numba import njit

from truly_sparse.engine.compiled import COMPILED
from truly_sparse.estimators.ramps import clipped

#: Rounds of boosting, the part of a step that is taken, and the weight of rows by which it is drawn to 0.
ROUNDS, RATE, SHRINKAGE = 8, 0.3, 5.0
#: Deviations from the mean at which a column of a pair is cut off.
LIMIT = 5.0


@njit(cache=True, nogil=True, **COMPILED)
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
            first, second = clipped(first, -LIMIT, LIMIT), clipped(second, -LIMIT, LIMIT)
            found[row, columns + place] = np.nan if missing else first + second
            found[row, columns + place + 1] = np.nan if missing else first - second


@njit(cache=True, **COMPILED)
def write_steps(column, knots, steps, codes):
    """Write the step of every value: the last knot that is not above it, at most `steps`; `steps` + 1 for NaN.

    Knots are counted, not searched: vectors take many at a time.
    """
    for row in range(len(column)):
        number, below = column[row], 0
        for k in range(len(knots)):
            below += knots[k] <= number
        codes[row] = steps + 1 if np.isnan(number) else clipped(below - 1, 0, steps)


@njit(cache=True, **COMPILED)
def take_off(codes, half, weights, step, mass, left, gains):
    """Take what an additive model of the other half of the rows explains off all rows, and add how much to `gains`.

    `left` is [row][class]; `step` is room for the numbers of a column's cells, [cell][class], and `mass`, all
    `SHRINKAGE`, for their weights, [column][cell].
    """
    columns, rows = codes.shape
    cells, classes = step.shape
    for column in range(columns):
        for row in range(1 - half, rows, 2):
            mass[column, codes[column, row]] += weights[row]
    for _ in range(ROUNDS):
        for column in range(columns):
            for cell in range(cells):
                for k in range(classes):
                    step[cell, k] = 0.0
            for row in range(1 - half, rows, 2):
                for k in range(classes):
                    step[codes[column, row], k] += weights[row] * left[row, k]
            for cell in range(cells):
                for k in range(classes):
                    gains[column] += step[cell, k] * step[cell, k] / mass[column, cell]
                    step[cell, k] *= RATE / mass[column, cell]
            for row in range(rows):
                for k in range(classes):
                    left[row, k] -= step[codes[column, row], k]


@njit(cache=True, **COMPILED)
def worth(first, second, left, weights, total, mass):
    """Return what two columns are worth by their cells: steps learned from one half of the rows, taken off the other.

    It is half of what they take off the squared error. `total` and `mass`, all 0, are room for sums of `left`,
    [half][cell][cell][class], and of weights, [half][cell][cell].
    """
    rows, classes = left.shape
    for row in range(rows):
        half, a, b = row % 2, first[row], second[row]
        mass[half, a, b] += weights[row]
        for k in range(classes):
            total[half, a, b, k] += weights[row] * left[row, k]
    found, cells = 0.0, mass.shape[1]
    for half in range(2):
        for a in range(cells):
            for b in range(cells):
                for k in range(classes):
                    step = total[1 - half, a, b, k] / (mass[1 - half, a, b] + SHRINKAGE)
                    found += step * (total[half, a, b, k] - 0.5 * step * mass[half, a, b])
    return found
