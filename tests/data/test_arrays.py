"""Splits and scaling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from truly_sparse.data.arrays import scale, split_rows
from truly_sparse.errors import UserError

SPLIT = {"split": "random", "test_fraction": 0.2, "validation_fraction": 0.2, "stratify": True}


@settings(max_examples=60, deadline=None)
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


def test_scaling_equals_scikit_learns():
    x = np.random.default_rng(0).normal(3, 5, size=(80, 6))
    x[:, 2] = 7.0
    train = np.arange(50)
    standard = StandardScaler().fit(x[train]).transform(x)
    assert np.allclose(scale(x, train, "standard"), standard, atol=1e-6)
    assert np.allclose(scale(x, train, "minmax_all_rows"), MinMaxScaler().fit_transform(x), atol=1e-6)
    assert np.array_equal(scale(x, train, "none"), x.astype(np.float32))
    # Training rows only: what the other rows hold does not matter.
    changed = x.copy()
    changed[50:] *= 100
    assert np.array_equal(scale(changed, train, "standard")[:50], scale(x, train, "standard")[:50])
    assert np.isfinite(scale(np.ones((4, 2)), np.arange(3), "standard")).all()
