"""The journal's test: its printed p-values from their W, and its parts against slow obvious ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, rankdata

from truly_sparse.errors import UserError
from truly_sparse.studies.journal.authors import authors_wilcoxon, bootstrap_accuracies, bootstrap_test

PRINTED = pd.read_csv(Path(__file__).with_name("printed_table5.csv"), dtype={"p_value": str})


def signs_with_rank_sum(ranks, wanted):
    """Return a choice of ranks (bool) that sums to `wanted`, or None: subset sum over half ranks."""
    doubled, target = (2 * ranks).astype(int), round(2 * wanted)
    reached = [{0}]
    for rank in doubled:
        reached.append(reached[-1] | {total + rank for total in reached[-1]})
    if target not in reached[-1]:
        return None
    chosen = np.zeros(len(ranks), bool)
    for i in range(len(ranks) - 1, -1, -1):
        if target not in reached[i]:
            chosen[i], target = True, target - doubled[i]
    return chosen


def as_printed(p, like):
    """Return p with the digits of a printed one: "0.92" or "8.6e-7"."""
    return f"{p:.2f}" if "e" not in like else f"{p:.1e}".replace("e-0", "e-")


def accuracies_that_give(statistic, p_value):
    """Search thousandths of accuracy whose differences give the printed W and p; the paper prints no n and no ties."""
    rng = np.random.default_rng(0)
    for used in range(30, 5, -1):
        for spread in np.repeat(np.geomspace(100, 0.5, 80), 5):
            sizes = np.maximum(1, np.rint(np.abs(rng.normal(0, spread, used))))
            ranks = rankdata(sizes)
            _, ties = np.unique(sizes, return_counts=True)
            variance = used * (used + 1) * (2 * used + 1) / 24 - (ties**3 - ties).sum() / 48
            p = norm.cdf((statistic - used * (used + 1) / 4) / np.sqrt(variance))
            if as_printed(p, p_value) != p_value:
                continue
            behind = signs_with_rank_sum(ranks, statistic)
            if behind is not None:
                differences = np.zeros(30)
                differences[:used] = np.where(behind, -sizes, sizes)
                return differences
    return None


@pytest.mark.parametrize(
    "row", list(PRINTED.itertuples()), ids=lambda row: f"{row.dataset[:7]}-{row.sparsity}-{row.model_key}"
)
def test_every_printed_p_follows_from_its_printed_w(row):
    differences = accuracies_that_give(row.wilcoxon_statistic, row.p_value)
    assert differences is not None
    baseline = np.full(30, 0.650)
    statistic, p, used = authors_wilcoxon(baseline + differences / 1000, baseline)
    assert statistic == row.wilcoxon_statistic
    assert used == np.count_nonzero(differences)
    assert as_printed(p, row.p_value) == row.p_value


def test_thirty_wins_without_ties_give_the_approximation_and_not_the_exact_law():
    baseline = np.full(30, 0.7)
    statistic, p, used = authors_wilcoxon(baseline + np.arange(1, 31) / 1000, baseline)
    assert (statistic, used) == (0, 30)
    assert p == pytest.approx(8.7e-7, rel=0.01)
    assert p > 900 * 2.0**-30


def test_differences_below_the_rounding_are_dropped():
    baseline = np.full(30, 0.7)
    assert authors_wilcoxon(baseline + 0.0004, baseline) == (0, None, 0)
    better = baseline + np.where(np.arange(30) < 20, 0.002, 0.0004)
    assert authors_wilcoxon(better, baseline)[2] == 20


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(-0.02, 0.02))
def test_w_and_p_are_those_of_the_formula(seed, shift):
    rng = np.random.default_rng(seed)
    baseline, other = np.round(rng.normal([[0.7], [0.7 + shift]], 0.01, (2, 30)), 3)
    d = np.rint(1000 * (baseline - other))
    d = d[d != 0]
    ranks = rankdata(np.abs(d))
    _, ties = np.unique(np.abs(d), return_counts=True)
    n = len(d)
    statistic = ranks[d > 0].sum()
    deviation = np.sqrt(n * (n + 1) * (2 * n + 1) / 24 - (ties**3 - ties).sum() / 48)
    found = authors_wilcoxon(other, baseline)
    assert found == (statistic, pytest.approx(norm.cdf((statistic - n * (n + 1) / 4) / deviation)), n)


def models(rows=500, seed=1):
    rng = np.random.default_rng(seed)
    base = rng.random(rows)
    return {"edst_rg": base < 0.70, "rd_tse": base < 0.73, "fd_tse": rng.random(rows) < 0.71}


def test_resamples_are_the_same_rows_for_every_model():
    found = bootstrap_accuracies(models())
    assert all(values.shape == (30,) for values in found.values())
    # rd_tse is right wherever edst_rg is, so no common resample can have it behind.
    assert (found["rd_tse"] >= found["edst_rg"]).all()
    one = bootstrap_accuracies({"a": models()["edst_rg"]})
    np.testing.assert_array_equal(one["a"], found["edst_rg"])


def test_resampled_accuracy_has_the_binomial_mean_and_spread():
    correct = np.arange(2000) < 1500
    found = bootstrap_accuracies({"a": correct}, resamples=1500, seed=3)["a"]
    assert found.mean() == pytest.approx(0.75, abs=0.001)
    assert found.std() == pytest.approx(np.sqrt(0.75 * 0.25 / 2000), rel=0.08)


def test_the_table_of_one_sparsity():
    table = bootstrap_test(models()).set_index("model")
    assert list(table.index) == ["edst_rg", "rd_tse", "fd_tse"]
    assert table.loc["edst_rg", ["statistic", "p_value"]].isna().all()
    assert table.loc["rd_tse", "statistic"] == 0
    assert table.loc["rd_tse", "p_value"] < 1e-5
    assert 60 < table["accuracy"].min() < table["accuracy"].max() < 80
    assert table["shapiro_p"].between(0, 1).all()
    pd.testing.assert_frame_equal(table.reset_index(), bootstrap_test(models()))
    assert not table.reset_index().equals(bootstrap_test(models(), seed=1))


def test_bad_input_is_refused():
    with pytest.raises(UserError, match="no predictions of edst_rg"):
        bootstrap_test({"rd_tse": np.ones(5, bool)})
    with pytest.raises(UserError, match="test rows differ"):
        bootstrap_accuracies({"a": np.ones(5, bool), "b": np.ones(6, bool)})
    with pytest.raises(UserError, match="test rows differ"):
        bootstrap_accuracies({"a": np.ones(0, bool)})


def test_a_model_that_is_always_right_has_no_spread_to_test_for_normality():
    table = bootstrap_test({"edst_rg": np.ones(50, bool), "b": np.ones(50, bool)})
    assert table["shapiro_p"].isna().all()
    assert table["p_value"].isna().all()
