"""The interquartile mean."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import trim_mean

from truly_sparse.analysis.statistics.interquartile import iqm


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_it_is_the_mean_trimmed_by_a_quarter_at_either_end(values):
    assert iqm(values) == pytest.approx(trim_mean(values, 0.25), rel=1e-9, abs=1e-6)
    assert iqm(reversed(values)) == iqm(values)


def test_one_run_that_went_astray_does_not_move_it():
    assert iqm([1, 2, 3, 4, 100]) == 3
    assert iqm([5]) == 5
    assert iqm([1, 2]) == 1.5
    assert math.isnan(iqm([]))
