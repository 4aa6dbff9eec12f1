"""Correlations with and without the diagonal, by Whitaker's printed matrices; errors that members share, by sets."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.analysis import published
from truly_sparse.measure.diversity import error_overlap, with_diagonal

MEMBERS = 7


@pytest.mark.parametrize(
    ("method", "off", "whole"), [("sse_r", 0.881, 0.898), ("sse_np", 0.866, 0.885), ("sse_np_bag", 0.847, 0.869)]
)
def test_means_of_the_printed_matrices(method, off, whole):
    rows = published.load("whitaker_figure7_1_matrix")
    matrix = rows.loc[rows["method"] == method, "published"].to_numpy().reshape(MEMBERS, MEMBERS)
    np.testing.assert_array_equal(matrix, matrix.T)
    mean = float(matrix[~np.eye(MEMBERS, dtype=bool)].mean())
    assert round(mean, 3) == off
    assert round(with_diagonal(mean, MEMBERS), 3) == whole
    assert with_diagonal(mean, MEMBERS) == pytest.approx(matrix.mean())


@given(st.integers(0, 1000), st.integers(2, 5))
def test_overlap_is_that_of_sets(seed, members):
    rng = np.random.default_rng(seed)
    labels, predicted = rng.integers(0, 3, 30), rng.integers(0, 3, (members, 30))
    errors = [{row for row in range(30) if one[row] != labels[row]} for one in predicted]
    overlaps = [len(one & other) / len(one | other) for one, other in combinations(errors, 2)]
    assert error_overlap(predicted, labels) == pytest.approx(np.mean(overlaps))


def test_members_without_errors_err_alike():
    labels = np.array([0, 1])
    assert error_overlap(np.stack([labels, labels]), labels) == 1
    assert error_overlap(np.array([[0, 0], [1, 1]]), labels) == 0
    assert error_overlap(labels[None], labels) is None
