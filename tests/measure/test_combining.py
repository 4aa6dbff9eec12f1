"""Members combined: against real logits, votes counted by hand, and metrics known beforehand."""

import numpy as np
import pytest

from truly_sparse.errors import UserError
from truly_sparse.measure.combining import SMALLEST, combined, mean_logits, vote
from truly_sparse.measure.metrics import classification_metrics


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)


def drawn(members=4, samples=30, classes=5):
    rng = np.random.default_rng(3)
    logits = rng.normal(scale=2, size=(members, samples, classes))
    return logits, rng.integers(0, classes, samples)


def test_geometric_mean_is_the_softmax_of_mean_logits():
    logits, _ = drawn()
    shifted = logits + np.arange(4)[:, None, None]  # a softmax does not see what is added to all logits
    np.testing.assert_allclose(mean_logits(softmax(shifted)), softmax(logits.mean(axis=0)), rtol=2e-5)


def test_a_probability_of_zero_counts_as_the_smallest():
    members = np.array([[[1, 0]], [[0.5, 0.5]]], np.float32)
    ratio = np.sqrt(SMALLEST * 0.5) / np.sqrt(0.5)
    np.testing.assert_allclose(mean_logits(members), [[1 / (1 + ratio), ratio / (1 + ratio)]], rtol=1e-6)


@pytest.mark.parametrize(
    ("rows", "winner"),
    [
        ([[0.2, 0.5, 0.3], [0.1, 0.6, 0.3], [1, 0, 0]], 1),  # two votes against one, however sure that one is
        ([[0.9, 0.1, 0], [0.4, 0.6, 0]], 0),  # tied: the higher mean
        ([[0.4, 0.6, 0], [0.75, 0.25, 0], [0.25, 0.25, 0.5]], 0),
        ([[0.75, 0.25, 0], [0.25, 0.75, 0]], 0),  # tied in the mean, too: the first
        ([[0.6, 0, 0.4], [0, 0.6, 0.4]], 0),  # the highest mean of all (class 2) has no vote
    ],
)
def test_votes_and_ties(rows, winner):
    assert vote(np.array(rows, np.float32)[:, None, :]).tolist() == [winner]


def test_with_and_without_the_first_member_by_hand():
    members = np.array([[[0.9, 0.1]], [[0.4, 0.6]], [[0.3, 0.7]]], np.float32)
    labels = np.array([0])
    everybody, others = combined(members, labels), combined(members[1:], labels)
    assert everybody["mean_softmax"]["accuracy"] == 1
    assert others["mean_softmax"]["accuracy"] == 0
    assert everybody["vote"]["accuracy"] == others["vote"]["accuracy"] == 0
    assert everybody["mean_softmax"]["negative_log_likelihood"] == pytest.approx(-np.log(1.6 / 3), rel=1e-6)
    assert others["mean_softmax"]["expected_calibration_error"] == pytest.approx(0.65, rel=1e-6)
    odds = (0.9 * 0.4 * 0.3 / (0.1 * 0.6 * 0.7)) ** (1 / 3)
    assert everybody["mean_logits"]["negative_log_likelihood"] == pytest.approx(np.log1p(1 / odds), rel=1e-5)


def test_one_member_is_itself():
    logits, labels = drawn(1)
    members = softmax(logits)
    found, alone = combined(members, labels), classification_metrics(members[0], labels)
    assert found["mean_softmax"]["accuracy"] == found["vote"]["accuracy"] == alone["accuracy"]
    for way in ("mean_softmax", "mean_logits"):
        assert found[way]["negative_log_likelihood"] == pytest.approx(alone["log_loss"], rel=1e-5)
        assert found[way]["expected_calibration_error"] == pytest.approx(alone["ece"], rel=1e-4)


def test_what_does_not_fit_is_refused():
    with pytest.raises(UserError, match="members, samples, classes"):
        combined(np.zeros((3, 2), np.float32), np.zeros(3, np.int64))
