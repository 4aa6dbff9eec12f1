"""Paired comparisons, ranks and factors, against slow or independent calculations."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from truly_sparse.analysis.statistics.factorial import effects
from truly_sparse.analysis.statistics.paired import compare, compare_all, holm
from truly_sparse.analysis.statistics.ranks import friedman
from truly_sparse.errors import UserError


def exact_wilcoxon(differences):
    """Two-sided p by trying every choice of signs."""
    ranks = stats.rankdata(np.abs(differences))
    seen = min(ranks[differences > 0].sum(), ranks[differences < 0].sum())
    sums = [sum(chosen) for chosen in itertools.product(*((0, rank) for rank in ranks))]
    total = ranks.sum()
    return min(1.0, np.mean([min(s, total - s) <= seen for s in sums]))


@settings(max_examples=25)
@given(st.integers(2, 9), st.integers(0, 10**6))
def test_pairs_are_compared_as_by_hand(pairs, seed):
    rng = np.random.default_rng(seed)
    values, baseline = rng.normal(1, 1, pairs), rng.normal(0, 1, pairs)
    found = compare(values, baseline)
    differences = values - baseline
    assert found["difference"] == pytest.approx(differences.mean())
    assert found["wilcoxon_p"] == pytest.approx(exact_wilcoxon(differences))
    assert found["t_p"] == pytest.approx(stats.ttest_rel(values, baseline).pvalue)
    half = stats.t.ppf(0.975, pairs - 1) * differences.std(ddof=1) / np.sqrt(pairs)
    assert (found["low"], found["high"]) == pytest.approx((differences.mean() - half, differences.mean() + half))
    assert found["dz"] == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert -1 <= found["rank_biserial"] <= 1
    assert (found["bootstrap_low"] is None) == (pairs < 5)


def test_what_cannot_be_computed_is_none():
    alike = compare(np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    assert (alike["difference"], alike["t_p"], alike["wilcoxon_p"], alike["rank_biserial"]) == (0, None, None, None)
    assert compare(np.array([2.0]), np.array([1.0]))["t_p"] is None
    with pytest.raises(UserError, match="are not pairs"):
        compare(np.zeros(3), np.zeros(2))


def test_five_seeds_cannot_be_significant_in_an_exact_wilcoxon_test():
    assert compare(np.arange(1.0, 6.0), np.zeros(5))["wilcoxon_p"] == pytest.approx(0.0625)


def test_pairs_that_one_side_lacks_are_left_out_and_p_is_corrected():
    rows = [("a", seed, seed + 1.0 + 0.1 * seed) for seed in range(5)] + [
        ("base", seed, float(seed)) for seed in range(4)
    ]
    rows += [("b", seed, seed + 0.5 - 0.3 * (seed % 2)) for seed in range(4)]
    found = compare_all(pd.DataFrame(rows, columns=["method", "pair", "value"]), "base").set_index("method")
    assert found["pairs"].to_dict() == {"a": 4, "b": 4}
    low, high = sorted(found["t_p"])
    assert sorted(found["t_p_holm"]) == pytest.approx(sorted([min(1, 2 * low), max(min(1, 2 * low), high)]))
    with pytest.raises(UserError, match="no results of other"):
        compare_all(pd.DataFrame(rows, columns=["method", "pair", "value"]), "other")
    assert np.isnan(holm(pd.Series([0.01, np.nan])))[1]
    assert holm(pd.Series([0.01, np.nan]))[0] == 0.01


def test_ranks_are_those_of_demsar():
    """Demšar (2006), section 3.2: four classifiers on fourteen datasets, average ranks and critical difference."""
    rows = [
        [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
    ]  # fmt: skip
    found = friedman(pd.DataFrame(rows, columns=["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"]))
    assert found.average.round(3).to_dict() == pytest.approx(
        {"C4.5": 3.143, "C4.5+m": 2.000, "C4.5+cf": 2.893, "C4.5+m+cf": 1.964}, abs=1e-3
    )
    assert found.critical_difference == pytest.approx(1.25, abs=0.01)
    assert 0.01 < found.p_value < stats.chi2.sf(9.28, 3)  # printed without the correction for ties
    with pytest.raises(UserError, match="too few to rank"):
        friedman(pd.DataFrame([[1.0, 2.0]]))


def test_factors_that_were_put_in_are_found():
    rng = np.random.default_rng(0)
    rows = [
        {"strategy": s, "refinement": r, "seed": seed, "accuracy": 70 + 2 * (r == "on") + seed + rng.normal(0, 0.2)}
        for s, r, seed in itertools.product("abc", ("off", "on"), range(5))
    ]
    found = effects(pd.DataFrame(rows), ["strategy", "refinement"], ["seed"]).set_index("effect")
    assert found.loc["refinement", "p_value"] < 1e-9
    assert found.loc["seed", "p_value"] < 1e-9
    assert found.loc["strategy", "p_value"] > 0.01
    assert found.loc["strategy x refinement", "p_value"] > 0.01
    assert found["df"].to_dict() == {"strategy": 2, "refinement": 1, "strategy x refinement": 2, "seed": 4}
    # A balanced one-factor sum of squares by hand.
    frame = pd.DataFrame(rows)
    means = frame.groupby("refinement")["accuracy"].mean()
    between = 15 * ((means - frame["accuracy"].mean()) ** 2).sum()
    eta = found.loc["refinement", "partial_eta_squared"]
    residual = between * (1 - eta) / eta
    assert found.loc["refinement", "F"] == pytest.approx(between / (residual / (30 - 1 - 2 - 1 - 2 - 4)))
    with pytest.raises(UserError, match="not every combination"):
        effects(frame[~((frame["strategy"] == "a") & (frame["refinement"] == "on"))], ["strategy", "refinement"], [])
    with pytest.raises(UserError, match="one level only"):
        effects(frame[frame["strategy"] == "a"], ["strategy", "refinement"], [])
    with pytest.raises(UserError, match="6 runs leave nothing to estimate the noise from"):
        effects(frame[frame["seed"] == 0], ["strategy", "refinement"], ["seed"])


def test_equal_differences_are_ties_although_their_last_digits_differ():
    baseline = np.array([71.3, 60.1, 0.3, 66.2, 58.7, 64.4])
    values = baseline + np.array([0.1, 0.1, 0.1, -0.1, 0.1, 0.0])
    assert len(set(np.abs(values - baseline))) > 2
    found = compare(values, baseline)
    # Of five differences of one size, one is against.
    assert found["rank_biserial"] == pytest.approx(3 / 5)
    assert found["difference"] == 0.05


def test_equally_good_methods_share_a_rank_although_their_last_digits_differ():
    rows = {"a": [0.1 + 0.2, 0.5, 0.7], "b": [0.3, 0.6, 0.6], "c": [0.1, 0.1, 0.1]}
    assert friedman(pd.DataFrame(rows)).average.to_dict() == {"a": 1.5, "b": 1.5, "c": 3.0}
