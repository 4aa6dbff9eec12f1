"""Metrics of probabilities against scikit-learn, hand counts and slow obvious versions."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy, pearsonr
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, roc_auc_score

from truly_sparse.errors import UserError
from truly_sparse.measure.diversity import diversity
from truly_sparse.measure.metrics import classification_metrics, expected_calibration_error


def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (e / e.sum(axis=-1, keepdims=True)).astype(np.float32)


def example(samples=400, classes=3, members=None, seed=0, spread=2.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=samples)
    shape = (samples, classes) if members is None else (members, samples, classes)
    return softmax(rng.normal(0, spread, shape) + 1.5 * np.eye(classes)[labels]), labels


def slow_ece(probabilities, labels, bins=15):
    total = 0.0
    for k in range(bins):
        rows = [
            i
            for i, row in enumerate(probabilities.astype(float))
            if k / bins < row.max() <= (k + 1) / bins or (k == 0 and row.max() == 0)
        ]
        if rows:
            accuracy = np.mean([probabilities[i].argmax() == labels[i] for i in rows])
            confidence = np.mean([float(probabilities[i].max()) for i in rows])
            total += len(rows) / len(labels) * abs(accuracy - confidence)
    return total


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_metrics_agree_with_independent_ones(classes):
    probabilities, labels = example(classes=classes)
    found = classification_metrics(probabilities, labels)
    wide = probabilities.astype(np.float64)
    wide /= wide.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    assert found["accuracy"] == np.mean(predicted == labels)
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, predicted))
    expected = roc_auc_score(labels, wide[:, 1] if classes == 2 else wide, multi_class="ovr")
    assert found["roc_auc"] == pytest.approx(expected)
    assert found["log_loss"] == pytest.approx(-np.log(wide[np.arange(len(labels)), labels]).mean(), rel=1e-5)
    assert found["brier"] == pytest.approx(
        brier_score_loss(labels, wide, labels=range(classes), scale_by_half=False), rel=1e-5
    )
    assert found["ece"] == pytest.approx(slow_ece(probabilities, labels), abs=1e-6)


def test_values_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], np.float32)
    found = classification_metrics(probabilities, np.array([0, 0, 1, 1]))
    assert found["accuracy"] == 0.75
    assert found["roc_auc"] == 1.0
    assert found["brier"] == pytest.approx(2 * (0.01 + 0.04 + 0.09 + 0.36) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.7, 0.4]).mean(), rel=1e-6)
    assert found["ece"] == pytest.approx((0.1 + 0.2 + 0.3 + 0.6) / 4, abs=1e-6)


def test_certain_and_wrong_is_finite():
    found = classification_metrics(np.array([[1, 0], [0, 1]], np.float32), np.array([1, 1]))
    assert 7 < found["log_loss"] < 9
    assert found["ece"] == 0.5
    assert found["roc_auc"] is None


def test_an_absent_class_leaves_the_ranking_undefined_but_nothing_else():
    probabilities, labels = example(classes=4)
    rows = labels != 2
    found = classification_metrics(probabilities[rows], labels[rows])
    assert found["roc_auc"] is None
    assert all(math.isfinite(value) for name, value in found.items() if name != "roc_auc")


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(1, 60))
def test_calibration_error_is_the_slow_one_and_bounded(seed, classes, samples):
    probabilities, labels = example(samples, classes, seed=seed)
    error = expected_calibration_error(probabilities, labels)
    assert error == pytest.approx(slow_ece(probabilities, labels), abs=1e-6)
    assert 0 <= error <= 1


@pytest.mark.parametrize(
    ("probabilities", "labels", "words"),
    [
        (np.ones((3, 2, 1)), np.zeros(3, int), "do not fit"),
        (np.ones((3, 1)), np.zeros(2, int), "do not fit"),
        (np.ones((0, 2)), np.zeros(0, int), "do not fit"),
        (np.full((2, 2), 0.5), np.array([0, 2]), "2 classes"),
        (np.full((2, 2), 0.5), np.array([-1, 1]), "2 classes"),
        (np.array([[np.nan, 1]]), np.array([0]), "outside 0 to 1"),
        (np.array([[2.0, -1]]), np.array([0]), "outside 0 to 1"),
    ],
)
def test_bad_input_is_refused_in_one_line(probabilities, labels, words):
    with pytest.raises(UserError, match=words):
        classification_metrics(probabilities, labels)


@pytest.mark.parametrize("classes", [2, 4])
def test_diversity_agrees_with_pair_by_pair_loops(classes):
    probabilities, labels = example(classes=classes, members=4)
    found = diversity(probabilities, labels)
    wide = probabilities.astype(np.float64)
    wide /= wide.sum(axis=2, keepdims=True)
    pairs = [(a, b) for a in range(4) for b in range(4) if a != b]
    disagreement = [np.mean(wide[a].argmax(1) != wide[b].argmax(1)) for a, b in pairs]
    divergence = [entropy(wide[a], wide[b], axis=1).mean() for a, b in pairs]
    correlation = [pearsonr(wide[a, :, c], wide[b, :, c])[0] for a, b in pairs for c in range(classes)]
    assert found["disagreement"] == pytest.approx(np.mean(disagreement))
    assert found["kl_divergence"] == pytest.approx(np.mean(divergence), rel=1e-4)
    assert found["output_correlation"] == pytest.approx(np.mean(correlation), rel=1e-5)
    right = wide.argmax(axis=2) == labels
    assert found["member_accuracy"] == right.mean()
    assert found["oracle_accuracy"] == np.mean([any(right[:, i]) for i in range(len(labels))])


def test_one_member_has_no_pairs():
    probabilities, labels = example(members=1)
    found = diversity(probabilities, labels)
    assert found["member_accuracy"] == found["oracle_accuracy"]
    assert found["disagreement"] is found["kl_divergence"] is found["output_correlation"] is None


def test_members_that_are_the_same_do_not_differ():
    probabilities, labels = example()
    found = diversity(np.stack([probabilities] * 3), labels)
    assert found["disagreement"] == found["kl_divergence"] == 0
    assert found["output_correlation"] == pytest.approx(1)


def test_certain_members_that_disagree_differ_by_a_finite_amount():
    found = diversity(np.array([[[1, 0]] * 3, [[0, 1]] * 3], np.float32), np.array([0, 0, 0]))
    assert found["disagreement"] == 1
    assert found["oracle_accuracy"] == 1
    assert 10 < found["kl_divergence"] < 17
    assert found["output_correlation"] is None


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(2, 5), st.integers(1, 30))
def test_order_of_members_does_not_matter(seed, members, classes, samples):
    probabilities, labels = example(samples, classes, members, seed)
    one, other = diversity(probabilities, labels), diversity(probabilities[::-1], labels)
    for name, value in one.items():
        assert (value is None) == (other[name] is None)
        assert value is None or value == pytest.approx(other[name], abs=1e-12)
    assert one["oracle_accuracy"] >= one["member_accuracy"]
    assert one["kl_divergence"] >= 0


def test_diversity_refuses_two_dimensions():
    with pytest.raises(UserError, match="members"):
        diversity(np.full((2, 2), 0.5), np.array([0, 1]))


def test_importing_loads_no_scikit_learn():
    code = "import sys, truly_sparse.measure.diversity; print('sklearn' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
