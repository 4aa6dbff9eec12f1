"""Tests of weighed means against SciPy, and how few seeds they refuse."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from truly_sparse.analysis.evidence import Missing
from truly_sparse.analysis.judging import weighed, welch
from truly_sparse.analysis.statistics.stratified import FEW_FOR_TEST, FEWEST, too_few

NUMBERS = st.lists(st.integers(-50, 50), min_size=3, max_size=6).filter(lambda numbers: len(set(numbers)) > 1)


def row(values):
    return pd.Series({"value": np.mean(values), "std": np.std(values, ddof=1), "seeds": len(values)})


@given(NUMBERS, NUMBERS)
def test_of_a_difference_it_is_welchs_test(one, other):
    theirs = stats.ttest_ind(one, other, equal_var=False).pvalue
    assert welch(row(one), row(other)) == pytest.approx(theirs)


def test_a_weighed_mean_is_as_often_far_from_zero_as_p_says():
    rng, weights, below = np.random.default_rng(6), (1.0, -0.3, -0.7), 0
    for _ in range(1000):
        rows = [row(rng.normal(5, scale, seeds)) for scale, seeds in ((1.0, 4), (0.3, 3), (2.0, 5))]
        below += weighed(list(zip(weights, rows, strict=True))) < 0.05
    # Of a thousand in one of twenty, more than 73 or fewer than 29 are so in less than one of a thousand.
    assert 29 <= below <= 73


def test_too_few_seeds_and_no_spread_are_refused():
    three, two = row([1.0, 2.0, 4.0]), row([1.0, 2.0])
    welch(three, row([1.0, 1.5, 9.0]))
    welch(two, row([3.0, 4.0]))  # alike in spread: two degrees of freedom
    for one, other in ((two, row([3.0, 4.1])), (row([1.0, 9.0]), three), (two, row([5.0, 5.0]))):
        with pytest.raises(Missing, match=FEW_FOR_TEST):
            welch(one, other)
    with pytest.raises(Missing, match="only one run"):
        welch(three, row([1.0]))
    with pytest.raises(Missing, match="all equal"):
        welch(row([1.0] * 3), row([2.0] * 3))
    assert [too_few(freedom) for freedom in (FEWEST - 0.001, FEWEST - 1e-12, FEWEST)] == [True, False, False]
