"""Distance of a regrown block to the block before pruning, without a dense array.

Rows are those of the weight matrix [input][output]. Two readings of the sources: the rows compared one to one
(thesis equation 1), or every row with every row (what the journal's timings fit). Both return the sum of the
Euclidean distances of the compared rows.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from numba import njit

from truly_sparse.engine.compiled import COMPILED
from truly_sparse.engine.graph import Block
from truly_sparse.engine.topology import Links, Values

Distance = Callable[[Links, Values], float]


@njit(cache=True, **COMPILED)
def _row_wise(n_out, removed_square, removed, removed_values, links, values, row_square):
    """Sum over rows of the norm of (new - removed); a link in both counts as the difference of its values."""
    for row in range(row_square.shape[0]):
        row_square[row] = removed_square[row]
    r = 0
    for k in range(links.shape[0]):
        while r < removed.shape[0] and removed[r] < links[k]:
            r += 1
        new = np.float64(values[k])
        row = links[k] // n_out
        row_square[row] += new * new
        if r < removed.shape[0] and removed[r] == links[k]:
            row_square[row] -= 2.0 * new * removed_values[r]
    total = 0.0
    for row in range(row_square.shape[0]):
        total += np.sqrt(max(row_square[row], 0.0))
    return total


def row_wise(block: Block, keep: npt.NDArray[np.bool_]) -> Distance:
    """Return the function from new links and values to the row-wise distance; a call costs O(links changed)."""
    removed = block.links()[~keep]
    values = block.values[~keep].astype(np.float64)
    square = np.bincount(removed // block.n_out, weights=values**2, minlength=block.n_in)
    work = np.empty(block.n_in)

    def distance(links: Links, new: Values) -> float:
        return float(_row_wise(block.n_out, square, removed, values, links, new, work))

    return distance


@njit(cache=True, **COMPILED)
def _unrelated(square, new_square, terms):
    """Sum of sqrt(square + new_square[j]) over j: the distances of one row, were it orthogonal to all.

    The upper half of the terms is added to the lower one until one is left: a stated order, that vectors can follow.
    """
    for j in range(new_square.shape[0]):
        terms[j] = np.sqrt(square + new_square[j])
    left = new_square.shape[0]
    while left > 1:
        half = (left + 1) // 2
        for i in range(left - half):
            terms[i] += terms[half + i]
        left = half
    return terms[0]


@njit(cache=True, **COMPILED)
def _all_pairs(pointers, targets, values, columns, rows, candidate, square, new_square, dots, touched, terms):
    """Sum over all pairs of |a_i - b_j| = sqrt(|a_i|^2 + |b_j|^2 - 2 a_i b_j), one row of products at a time.

    Few pairs of sparse rows share a column; only for these is the product not zero, and the root taken again.
    """
    total = 0.0
    for i in range(square.shape[0]):
        count = 0
        for k in range(pointers[i], pointers[i + 1]):
            for m in range(columns[targets[k]], columns[targets[k] + 1]):
                j = rows[m]
                if dots[j] == 0.0:
                    touched[count] = j
                    count += 1
                dots[j] += values[k] * candidate[m]
                if dots[j] == 0.0:
                    dots[j] = 1e-300  # still touched, though the products cancel
        total += _unrelated(square[i], new_square, terms)
        for t in range(count):
            j = touched[t]
            both = square[i] + new_square[j]
            total += np.sqrt(max(both - 2.0 * dots[j], 0.0)) - np.sqrt(both)
            dots[j] = 0.0
    return total


def all_pairs(block: Block, keep: npt.NDArray[np.bool_]) -> Distance:
    """Return the function from new links and values to the all-pairs distance; memory O(links + rows)."""
    links = block.links()
    kept, kept_values = links[keep], block.values[keep].astype(np.float64)
    values = block.values.astype(np.float64)
    square = np.bincount(links // block.n_out, weights=values**2, minlength=block.n_in)
    dots, touched, terms = np.zeros(block.n_in), np.empty(block.n_in, np.int64), np.empty(block.n_in)
    pointers, targets_before = block.pointers, block.targets

    def distance(new: Links, new_values: Values) -> float:
        every = np.concatenate((kept, new))
        candidate = np.concatenate((kept_values, new_values))
        rows, targets = np.divmod(every, block.n_out)
        new_square = np.bincount(rows, weights=candidate**2, minlength=block.n_in)
        order = np.argsort(targets, kind="stable")
        columns = np.concatenate(([0], np.cumsum(np.bincount(targets, minlength=block.n_out))))
        total = _all_pairs(
            pointers, targets_before, values, columns, rows[order], candidate[order], square, new_square, dots, touched,
            terms,
        )  # fmt: skip
        return float(total)

    return distance


DISTANCES: dict[str, Callable[[Block, npt.NDArray[np.bool_]], Distance]] = {
    "row_wise": row_wise,
    "all_pairs": all_pairs,
}
