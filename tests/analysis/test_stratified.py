"""Intervals over groups and trends against SciPy, slow versions and what must hold."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from truly_sparse.analysis.statistics.stratified import Trend, interval, trend

NUMBERS = st.lists(st.integers(-50, 50), min_size=3, max_size=6)


@given(NUMBERS)
def test_of_one_group_it_is_students_interval(numbers):
    values = np.array(numbers, float) / 7
    if len(set(numbers)) > 1:
        ours, theirs = interval({"only": values}), stats.ttest_1samp(values, 0)
        assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
        assert ours.p == pytest.approx(theirs.pvalue)


@given(NUMBERS, NUMBERS)
def test_of_two_groups_it_is_welchs_test(one, other):
    # The mean of two means is half the difference of the one and of minus the other.
    first, second = np.array(one, float) / 3, np.array(other, float)
    if len(set(one)) > 1 or len(set(other)) > 1:
        ours, theirs = interval({"one": first, "other": second}), stats.ttest_ind(first, -second, equal_var=False)
        low, high = theirs.confidence_interval(0.95)
        assert (ours.low, ours.high) == pytest.approx((low / 2, high / 2))
        assert ours.p == pytest.approx(theirs.pvalue)


def test_groups_count_the_same_however_many_seeds_they_have():
    found = interval({"many": [1.0, 1.5, 0.5, 1.0], "few": [3.0, 3.0]})
    assert found.mean == pytest.approx(2.0)
    assert found.seeds == 6
    assert found.groups == ("many", "few")
    assert found.low < 2.0 < found.high


@pytest.mark.parametrize(("groups", "seeds"), [(1, 3), (1, 5), (6, 2), (2, 3), (7, 3)])
@pytest.mark.parametrize("uneven", [False, True])
def test_few_seeds_are_not_taken_for_more_than_they_are(groups, seeds, uneven):
    rng = np.random.default_rng(4)
    scales = np.exp(rng.normal(0, uneven, groups))
    outside = by_chance = 0
    for _ in range(400):
        found = interval({f"{place}": rng.normal(place, scale, seeds) for place, scale in enumerate(scales)})
        outside += not found.low <= (groups - 1) / 2 <= found.high
        by_chance += interval({f"{place}": rng.normal(0, scale, seeds) for place, scale in enumerate(scales)}).p < 0.05
    # Of 400 that miss in one of 20 cases, 33 do in less than one of a thousand.
    assert outside < 33
    assert by_chance < 33


@pytest.mark.parametrize("values", [{"a": [1.0]}, {"a": [1.0, 2.0]}, {"a": [1.0, 2.0, 3.0], "b": [1.0]}])
def test_too_few_seeds_have_a_mean_and_no_interval(values):
    found = interval(values)
    assert found.mean == pytest.approx(np.mean([np.mean(numbers) for numbers in values.values()]))
    assert found.low is found.high is found.p is None


def test_equal_numbers_leave_no_doubt():
    third = 1 / 3
    found = interval({"a": [0.1 + 0.2, 0.3, 0.3], "b": [third, third]})
    assert (found.low, found.high, found.p) == (found.mean, found.mean, 0.0)
    nothing = interval({"a": [0.0, 0.0, 0.0]})
    assert (nothing.low, nothing.high, nothing.p) == (0.0, 0.0, 1.0)


def test_a_trend_is_the_rank_correlation_of_scipy():
    rng = np.random.default_rng(5)
    points = {float(x): rng.normal(x, 2.0, 4).tolist() for x in (1, 2, 4, 8, 16)}
    means = [np.mean(points[x]) for x in sorted(points)]
    assert trend({"only": points}).mean == pytest.approx(stats.spearmanr(sorted(points), means).statistic)


def test_p_of_a_trend_is_that_of_pages_test():
    rng = np.random.default_rng(6)
    values = rng.normal([0.0, 0.3, 0.9, 0.8], 0.5, (3, 4))
    found = trend({"only": {float(x): values[:, x].tolist() for x in range(4)}})
    assert found.p == pytest.approx(2 * stats.page_trend_test(values).pvalue, abs=0.01)


def test_p_of_another_curve_is_the_share_of_all_orders_that_are_as_far_from_zero():
    values = np.random.default_rng(8).normal([0.0, 0.2, 0.9], 0.5, (3, 3))
    found = trend({"only": {float(x): values[:, x].tolist() for x in range(3)}}, lambda values: values.max(axis=-2))
    orders = [
        stats.spearmanr(range(3), np.max(rows, axis=0)).statistic
        for rows in product(*(list(permutations(row)) for row in values))
    ]
    assert found.p == pytest.approx(np.mean(np.abs(orders) >= abs(found.mean) - 1e-9), abs=0.02)


def test_curves_without_a_trend_seldom_have_one():
    rng = np.random.default_rng(7)
    found = [
        trend({name: {float(x): rng.normal(size=2).tolist() for x in range(5)} for name in "ab"}).p for _ in range(100)
    ]
    assert np.mean(np.array(found) < 0.05) < 0.12
    assert np.mean(np.array(found) < 0.5) > 0.35


def test_a_trend_up_a_trend_down_and_none():
    up = {float(x): [x, x + 0.1, x - 0.1] for x in range(5)}
    down = {float(x): [-x, -x + 0.1, -x - 0.1] for x in range(5)}
    flat = {float(x): [1.0, 1.0, 1.0] for x in range(5)}
    assert trend({"up": up}).mean == 1.0
    assert trend({"up": up}).p < 0.05
    assert trend({"down": down}).mean == -1.0
    assert trend({"down": down}).p < 0.05
    assert trend({"up": up, "down": down}).mean == 0.0
    assert trend({"flat": flat})[:2] == (0.0, 1.0)


def test_a_trend_of_another_curve():
    spreads = {float(x): [0.0, 1.0 / x, -1.0 / x] for x in (1, 2, 4, 8)}
    found = trend({"only": spreads}, curve=lambda values: -values.std(axis=-2, ddof=1))
    assert found.mean == pytest.approx(1.0)


def test_one_seed_has_a_trend_and_no_p():
    assert trend({"one": {1.0: [1.0], 2.0: [2.0], 3.0: [3.0]}}) == Trend(1.0, None, 1, ("one",))
