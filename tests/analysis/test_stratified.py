"""Intervals over groups, from seeds drawn anew, against SciPy and by what must hold."""

import numpy as np
import pytest
from scipy import stats

from truly_sparse.analysis.statistics.stratified import Interval, interval, trend, two_sided


def test_of_one_large_group_it_is_the_interval_of_scipy():
    values = np.random.default_rng(1).normal(0.1, 1.0, 400)
    ours = interval({"only": values})
    theirs = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(2)).confidence_interval
    assert ours.mean == pytest.approx(values.mean())
    assert (ours.low, ours.high) == pytest.approx(theirs, abs=0.015)
    assert ours.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.02)


def test_the_width_is_right_with_few_seeds_in_many_groups():
    rng = np.random.default_rng(3)
    groups = {f"{place}": rng.normal(place, 1.0, 3) for place in range(200)}
    ours = interval(groups)
    spread = np.sqrt(sum(values.var(ddof=1) / 3 for values in groups.values())) / 200
    assert (ours.high - ours.low) / 2 == pytest.approx(stats.norm.ppf(0.975) * spread, rel=0.05)


def test_groups_count_the_same_however_many_seeds_they_have():
    found = interval({"many": [1.0, 1.5, 0.5, 1.0], "few": [3.0, 3.0]})
    assert found.mean == pytest.approx(2.0)
    assert found.seeds == 6
    assert found.groups == ("many", "few")
    assert found.low < 2.0 < found.high


def test_the_interval_covers_what_it_should():
    rng = np.random.default_rng(4)
    inside = 0
    for _ in range(200):
        found = interval({f"{place}": rng.normal(place / 7, 1.0, 3) for place in range(7)})
        inside += found.low <= 3 / 7 <= found.high
    assert inside > 170


@pytest.mark.parametrize("values", [{"a": [1.0]}, {"a": [1.0, 2.0]}, {"a": [1.0, 2.0, 3.0], "b": [1.0]}])
def test_too_few_seeds_have_a_mean_and_no_interval(values):
    found = interval(values)
    assert found.mean == pytest.approx(np.mean([np.mean(numbers) for numbers in values.values()]))
    assert found.low is found.high is found.p is None


def test_equal_numbers_leave_no_doubt_and_the_same_seeds_give_the_same_bits():
    found = interval({"a": [0.5, 0.5, 0.5], "b": [0.5, 0.5]})
    assert (found.mean, found.low, found.high) == (0.5, 0.5, 0.5)
    assert found.p < 0.001
    assert interval({"a": [1.0, 2.0, 4.0]}) == interval({"a": [1.0, 2.0, 4.0]})
    nothing = interval({"a": [0.0, 0.0, 0.0]})
    assert (nothing.low, nothing.high, nothing.p) == (0.0, 0.0, 1.0)


def test_p_is_two_sided():
    drawn = np.concatenate([np.full(10, -1.0), np.full(990, 1.0)])
    assert two_sided(drawn) == two_sided(-drawn) == pytest.approx(0.02)


def test_a_trend_is_the_rank_correlation_of_scipy():
    rng = np.random.default_rng(5)
    points = {float(x): rng.normal(x, 2.0, 4).tolist() for x in (1, 2, 4, 8, 16)}
    found = trend({"only": points})
    means = [np.mean(points[x]) for x in sorted(points)]
    assert found.mean == pytest.approx(stats.spearmanr(sorted(points), means).statistic)
    assert found.low <= found.mean <= found.high


def test_a_trend_up_a_trend_down_and_none():
    up = {float(x): [x, x + 0.1, x - 0.1] for x in range(5)}
    down = {float(x): [-x, -x + 0.1, -x - 0.1] for x in range(5)}
    flat = {float(x): [1.0, 1.0, 1.0] for x in range(5)}
    assert trend({"up": up}).low == pytest.approx(1.0)
    assert trend({"down": down}).high == pytest.approx(-1.0)
    assert trend({"up": up, "down": down}).mean == pytest.approx(0.0)
    assert trend({"flat": flat}).mean == 0.0


def test_a_trend_of_another_curve():
    spreads = {float(x): [0.0, 1.0 / x, -1.0 / x] for x in (1, 2, 4, 8)}
    found = trend({"only": spreads}, curve=lambda values: -values.std(axis=0, ddof=1))
    assert found.mean == pytest.approx(1.0)


def test_one_seed_has_a_trend_and_no_interval():
    assert trend({"one": {1.0: [1.0], 2.0: [2.0], 3.0: [3.0]}}) == Interval(1.0, None, None, None, 1, ("one",))
