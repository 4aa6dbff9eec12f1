"""How good predicted probabilities are: accuracy, ranking, likelihood and calibration.

Written on NumPy alone, and held to scikit-learn's by tests: importing that takes as long as many epochs of training.
The same bits on every processor: NumPy's sums are (contiguous ones in pairs, the others row by row), products of BLAS
and NumPy's own logarithm are not.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from truly_sparse.errors import UserError

ECE_BINS = 15
Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.floating[Any]]


def predict_ensemble(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the mean of members' probabilities, shape (members, samples, classes) (journal equation 1)."""
    return probabilities.mean(axis=0)


def accuracy_of(probabilities: Probabilities, labels: Labels) -> float:
    """Return the share of samples whose most probable class is right; probabilities are of shape (samples, classes)."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def classification_metrics(probabilities: Probabilities, labels: Labels) -> dict[str, float | None]:
    """Measure class probabilities against the true classes.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (samples, classes)
        Rows sum to one.
    labels : ndarray of int64, shape (samples,)
        Class numbers below `classes`.

    Returns
    -------
    dict
        `accuracy`; `balanced_accuracy` (mean recall of the classes that occur); `roc_auc` (binary: of class 1; more
        classes: one against the rest, mean over classes; None where a class does not occur or all rows are of one
        class); `log_loss` (nats, probabilities clipped to the float's epsilon); `brier` (squared error summed over
        classes, 0 to 2, as Brier 1950 has it: twice the one-class score of two classes); `ece` (see
        `expected_calibration_error`). All but `log_loss` and `brier` lie in 0 to 1.

    Raises
    ------
    UserError
        For shapes that do not fit, no rows, labels out of range or probabilities outside 0 to 1.
    """
    check(probabilities, labels)
    predicted = probabilities.argmax(axis=1)
    classes = np.arange(probabilities.shape[1])
    sizes, hits = np.bincount(labels), np.bincount(labels[predicted == labels], minlength=labels.max() + 1)
    own = np.take_along_axis(_normalised(probabilities), labels[:, None], axis=1)[:, 0]
    return {
        "accuracy": float((predicted == labels).mean()),
        "balanced_accuracy": float((hits[sizes > 0] / sizes[sizes > 0]).mean()),
        "roc_auc": _roc_auc(probabilities, labels),
        "log_loss": float(-natural_log(np.maximum(own, np.finfo(probabilities.dtype).eps)).mean()),
        "brier": float(((probabilities.astype(np.float64) - (labels[:, None] == classes)) ** 2).sum(axis=1).mean()),
        "ece": expected_calibration_error(probabilities, labels),
    }


def expected_calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """Return the expected calibration error of the top class (Guo et al. 2017, equation 3).

    Rows fall into `ECE_BINS` bins of equal width by the probability of the predicted class, each bin open below and
    closed above; the error is the mean over rows of the bins' |accuracy - mean confidence|.
    """
    check(probabilities, labels)
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    place = np.digitize(confidence, np.linspace(0, 1, ECE_BINS + 1)[1:-1], right=True)
    gaps = np.bincount(place, weights=correct - confidence, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def natural_log(values: Probabilities) -> npt.NDArray[np.float64]:
    """Return the logarithm of the C library; NumPy's depends on whether the processor has AVX-512."""
    return np.fromiter(map(math.log, values.ravel().tolist()), np.float64, values.size).reshape(values.shape)


def check(probabilities: Probabilities, labels: Labels) -> None:
    """Refuse probabilities and labels that do not belong together, in one line."""
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not probabilities.size:
        raise UserError(
            f"probabilities {probabilities.shape} and labels {labels.shape} do not fit; "
            "give (samples, classes) and (samples,), at least one of each"
        )
    if labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise UserError(
            f"labels reach from {labels.min()} to {labels.max()}, but there are {probabilities.shape[1]} classes; "
            "number the classes from 0"
        )
    if not ((probabilities >= 0) & (probabilities <= 1 + 1e-4)).all():
        raise UserError("probabilities hold a value outside 0 to 1; give softmax outputs of a run that did not diverge")


def _normalised(probabilities: Probabilities) -> Probabilities:
    """Return rows that sum to one in float32, which a mean over members can miss by a rounding."""
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def _roc_auc(probabilities: Probabilities, labels: Labels) -> float | None:
    classes = probabilities.shape[1]
    if classes < 2 or len(np.unique(labels)) < classes:
        return None
    positives = [1] if classes == 2 else range(classes)
    return float(np.mean([_area(probabilities[:, one], labels == one) for one in positives]))


def _area(scores: npt.NDArray[np.floating[Any]], positive: npt.NDArray[np.bool_]) -> float:
    """Return the share of (positive, negative) pairs in the right order, equal scores counted half (Mann-Whitney)."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    above = ranks[positive].sum() - positive.sum() * (positive.sum() + 1) / 2
    return float(above / (positive.sum() * (~positive).sum()))
