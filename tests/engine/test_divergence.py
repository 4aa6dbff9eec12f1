"""Divergence and cross-entropy against their formulas."""

import numpy as np
import pytest

from truly_sparse.engine.divergence import cross_entropy, divergence


def probabilities(seed, rows=200, classes=5):
    found = np.random.default_rng(seed).random((rows, classes)) ** 3 + 1e-6
    return (found / found.sum(axis=1, keepdims=True)).astype(np.float32)


def test_the_divergence_is_the_mean_over_rows_of_the_first_from_the_second():
    one, other = probabilities(0), probabilities(1)
    rows = [sum(float(p) * np.log(float(p) / float(q)) for p, q in zip(*pair)) for pair in zip(one, other)]  # noqa: B905
    assert divergence(one, other) == pytest.approx(np.mean(rows), rel=1e-5)
    assert divergence(other, one) != pytest.approx(divergence(one, other), rel=1e-2)


def test_nothing_diverges_from_itself_and_nothing_diverges_below_zero():
    assert divergence(probabilities(0), probabilities(0)) == 0
    for seed in range(20):
        one = probabilities(seed)
        shifted = one + np.float32(0.001)
        assert divergence(one, (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)) > -1e-7


def test_a_probability_of_zero_is_finite_and_counts_nothing_in_the_reference():
    certain = np.array([[1.0, 0.0]], np.float32)
    assert divergence(certain, np.array([[0.5, 0.5]], np.float32)) == pytest.approx(np.log(2), rel=1e-6)
    assert divergence(np.array([[0.5, 0.5]], np.float32), certain) == pytest.approx(
        0.5 * np.log(0.5) + 0.5 * (np.log(0.5) - np.log(1e-38)), rel=1e-5
    )


def test_cross_entropy_is_the_mean_of_the_labels_logarithms():
    own, labels = probabilities(2), np.arange(200) % 5
    assert cross_entropy(own, labels) == pytest.approx(
        -np.log(own[np.arange(200), labels].astype(float)).mean(), rel=1e-5
    )
