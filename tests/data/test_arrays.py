"""Splits and scaling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from truly_sparse.data.arrays import fill_missing, scale, split_rows
from truly_sparse.errors import UserError

SPLIT = {"split": "random", "test_fraction": 0.2, "validation_fraction": 0.2, "stratify": True}


@settings(max_examples=60)
@given(st.integers(60, 400), st.integers(2, 4), st.integers(0, 2**31), st.booleans(), st.floats(0.05, 0.5))
def test_splits_are_disjoint_complete_and_repeatable(rows, classes, seed, stratify, fraction):
    y = np.random.default_rng(seed).permutation(np.arange(rows) % classes)
    options = {**SPLIT, "stratify": stratify, "test_fraction": fraction}
    parts = split_rows("toy", y, options, seed)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(rows))
    assert all(np.array_equal(a, b) for a, b in zip(parts, split_rows("toy", y, options, seed), strict=True))
    assert len(parts[2]) == int(np.ceil(fraction * rows))
    if stratify:
        for part in parts[1:]:
            assert (np.abs(np.bincount(y[part], minlength=classes) - len(part) / classes) <= 2).all()


def test_splits_depend_on_dataset_and_seed():
    y = np.arange(200) % 2
    first = split_rows("toy", y, SPLIT, 0)
    for other in (split_rows("toy", y, SPLIT, 1), split_rows("toys", y, SPLIT, 0)):
        assert not np.array_equal(first[2], other[2])
        assert not np.array_equal(first[1], other[1])


def test_the_authors_split_is_the_committed_one_for_every_seed():
    y = np.arange(9873) % 5
    options = {**SPLIT, "split": "authors"}
    train, validation, test = split_rows("gesture", y, options, 0)
    assert (len(train), len(validation), len(test)) == (6318, 1580, 1975)
    again = split_rows("gesture", y, options, 1)
    assert np.array_equal(test, again[2])
    assert not np.array_equal(validation, again[1])


def test_splits_that_do_not_exist_are_refused():
    y = np.arange(50) % 2
    with pytest.raises(UserError, match="no split by the authors"):
        split_rows("toy", y, {**SPLIT, "split": "authors"}, 0)
    with pytest.raises(UserError, match="names row"):
        split_rows("gesture", y, {**SPLIT, "split": "authors"}, 0)
    with pytest.raises(UserError, match="too few"):
        split_rows("toy", np.array([0, 1]), SPLIT, 0)


def test_no_validation_rows_can_be_asked_for():
    train, validation, test = split_rows("toy", np.arange(50) % 2, {**SPLIT, "validation_fraction": 0}, 0)
    assert (len(train), len(validation), len(test)) == (40, 0, 10)


VIDEOS = np.repeat(np.array(["a1", "a2", "a3", "b1", "b3", "c1", "c3"]), (1743, 1260, 1830, 1069, 1420, 1107, 1444))


@pytest.mark.parametrize("seed", range(8))
def test_whole_videos_are_held_out(seed):
    y = np.arange(9873) % 5
    parts = split_rows("gesture", y, {**SPLIT, "split": "videos"}, seed, VIDEOS)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(9873))
    kept = [set(VIDEOS[part]) for part in parts]
    assert len(kept[0]) + len(kept[1]) + len(kept[2]) == 7
    # As many videos as the fraction needs, and not one more.
    assert len(parts[2]) >= 0.2 * 9873 > len(parts[2]) - max((VIDEOS[parts[2]] == v).sum() for v in kept[2])
    again = split_rows("gesture", y, {**SPLIT, "split": "videos"}, seed, VIDEOS)
    assert all(np.array_equal(a, b) for a, b in zip(parts, again, strict=True))


def test_videos_that_cannot_be_held_out_are_refused():
    y = np.arange(40) % 2
    options = {**SPLIT, "split": "videos"}
    with pytest.raises(UserError, match="no column video"):
        split_rows("toy", y, options, 0)
    with pytest.raises(UserError, match="all videos are needed"):
        split_rows("toy", y, options, 0, np.repeat("one", 40))
    with pytest.raises(UserError, match="lack a class"):
        split_rows("toy", np.repeat([0, 1, 2, 3], 10), options, 0, np.repeat(["a", "b", "c", "d"], 10))


def test_missing_values_become_the_median_of_training_rows():
    values = np.array([1.0, np.nan, 5.0, 9.0, np.nan, 100.0])
    assert fill_missing(values, np.array([0, 1, 2, 3]), "age") == 2
    assert np.array_equal(values, [1, 5, 5, 9, 5, 100])
    with pytest.raises(UserError, match="column age has no value"):
        fill_missing(np.array([np.nan, np.nan, 3.0]), np.array([0, 1]), "age")


def test_scaling_equals_scikit_learns():
    rng = np.random.default_rng(0)
    train = np.arange(50)
    for column in (rng.normal(3, 5, 80), rng.exponential(size=80), np.full(80, 7.0), np.full(80, 0.1)):
        x = column[:, None]
        standard = StandardScaler().fit(x[train]).transform(x)[:, 0]
        assert np.allclose(scale(column, train, "standard"), standard, atol=1e-6)
        assert np.allclose(scale(column, train, "minmax_all_rows"), MinMaxScaler().fit_transform(x)[:, 0], atol=1e-6)
        assert np.array_equal(scale(column, train, "none"), column)
        # Training rows only: what the other rows hold does not matter.
        changed = column.copy()
        changed[50:] *= 100
        for kind in ("standard", "quantile"):
            assert np.array_equal(scale(changed, train, kind)[:50], scale(column, train, kind)[:50])
            assert np.isfinite(scale(changed, train, kind)).all()


def test_quantiles_are_normal_over_the_training_rows():
    values = np.random.default_rng(0).exponential(size=5000)
    scaled = scale(values, np.arange(4000), "quantile")[:4000]
    assert np.array_equal(np.argsort(scaled[np.abs(scaled) < 3]), np.argsort(values[:4000][np.abs(scaled) < 3]))
    assert np.allclose(np.quantile(scaled, [0.1, 0.5, 0.9]), [-1.2816, 0, 1.2816], atol=0.01)
