"""Intervals of means compared within seeds, against the plain recipe and against what must not change them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from truly_sparse.analysis.statistics.within import within_seeds


def runs(conditions, seeds, rng):
    """Return one run of every condition and seed, with an effect of each."""
    rows = [(c, s, 10 * c + 5 * s + rng.normal()) for c in range(conditions) for s in range(seeds)]
    return pd.DataFrame(rows, columns=["method", "seed", "accuracy"])


@given(st.integers(2, 6), st.integers(2, 6), st.integers(0, 99))
def test_every_condition_in_every_seed_is_moreys_recipe(conditions, seeds, number):
    frame = runs(conditions, seeds, np.random.default_rng(number))
    found = within_seeds(frame, ["method"])
    wide = frame.pivot_table(index="seed", columns="method", values="accuracy")
    free = wide.sub(wide.mean(axis=1), axis=0)
    half = stats.t.ppf(0.975, seeds - 1) * free.std() * np.sqrt(conditions / (conditions - 1) / seeds)
    np.testing.assert_allclose(found["high"] - found["value"], half, atol=1e-9)
    np.testing.assert_allclose(found["value"], wide.mean())
    np.testing.assert_allclose(found["std"], wide.std())


@given(st.lists(st.floats(-50, 50), min_size=4, max_size=4), st.sets(st.integers(0, 11), max_size=3))
def test_what_a_seed_does_to_all_conditions_alike_changes_no_interval(shifts, absent):
    frame = runs(3, 4, np.random.default_rng(1)).drop(index=list(absent))
    moved = frame.assign(accuracy=frame["accuracy"] + frame["seed"].map(dict(enumerate(shifts))))
    widths = [
        (one["high"] - one["low"]).to_numpy()
        for one in (within_seeds(frame, ["method"]), within_seeds(moved, ["method"]))
    ]
    np.testing.assert_allclose(*widths, atol=1e-6)


def test_a_single_condition_has_students_interval():
    frame = runs(1, 5, np.random.default_rng(2))
    (row,) = within_seeds(frame, ["method"]).to_dict("records")
    assert (row["low"], row["high"]) == pytest.approx(
        tuple(stats.ttest_1samp(frame["accuracy"], 0).confidence_interval(0.95))
    )


def test_a_single_run_has_no_interval_and_changes_no_other():
    frame = runs(3, 4, np.random.default_rng(3))
    lonely = pd.DataFrame({"method": [9], "seed": [2], "accuracy": [1.0]})
    alone, found = (
        within_seeds(frame, ["method"]),
        within_seeds(pd.concat([frame, lonely], ignore_index=True), ["method"]),
    )
    pd.testing.assert_frame_equal(alone, found[found["method"] != 9])
    assert found.loc[found["method"] == 9, ["low", "high"]].isna().all(axis=None)
    assert within_seeds(frame[frame["seed"] == 0], ["method"])["low"].isna().all()
