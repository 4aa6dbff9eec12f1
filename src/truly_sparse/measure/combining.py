"""Ways to combine the members of an ensemble: mean of probabilities, mean of logits, majority vote."""

import math

import numpy as np
import numpy.typing as npt

from truly_sparse.errors import UserError
from truly_sparse.measure.metrics import (
    Labels,
    Probabilities,
    classification_metrics,
    natural_log,
    predict_ensemble,
)

#: Probabilities below this count as it: a softmax can round to zero, which has no logarithm.
SMALLEST = 1e-12
#: Metrics of an ensemble by their names in a run's record, and as `classification_metrics` calls them.
_NAMES = {"accuracy": "accuracy", "negative_log_likelihood": "log_loss", "expected_calibration_error": "ece"}


def combined(probabilities: npt.NDArray[np.float32], labels: Labels) -> dict[str, dict[str, float]]:
    """Measure an ensemble combined in three ways.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (members, samples, classes)
    labels : ndarray of int64, shape (samples,)
        Class numbers below `classes`.

    Returns
    -------
    dict
        `mean_softmax` (Whitaker equation 3.25) and `mean_logits` (his algorithms 1 to 3), each with `accuracy`,
        `negative_log_likelihood` (nats) and `expected_calibration_error`; `vote` (equation 3.23) with `accuracy`.
        Accuracies are fractions.

    Raises
    ------
    UserError
        For shapes that do not fit, no rows, labels out of range or probabilities outside 0 to 1.
    """
    if probabilities.ndim != 3 or not len(probabilities):
        raise UserError(f"member probabilities {probabilities.shape}; give (members, samples, classes)")
    voted = vote(probabilities)
    return {
        "mean_softmax": _measured(predict_ensemble(probabilities), labels),
        "mean_logits": _measured(mean_logits(probabilities), labels),
        "vote": {"accuracy": float((voted == labels).mean())},
    }


def mean_logits(probabilities: Probabilities) -> npt.NDArray[np.float32]:
    """Return the softmax of the members' mean logits, shape (samples, classes).

    It needs no logits: they are the logarithms of the members' probabilities but for a number per row, which softmax
    takes away again. So it is the geometric mean of the probabilities, scaled to sum one.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (members, samples, classes)
    """
    logs = natural_log(np.maximum(probabilities.astype(np.float64), SMALLEST)).mean(axis=0)
    logs -= logs.max(axis=1, keepdims=True)
    powers = np.fromiter(map(math.exp, logs.ravel().tolist()), np.float64, logs.size).reshape(logs.shape)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def vote(probabilities: Probabilities) -> Labels:
    """Return the class that most members predict, shape (samples,).

    Of classes with as many votes, the one of the highest mean probability; of these, the first.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (members, samples, classes)
    """
    classes = np.arange(probabilities.shape[2])
    votes = (probabilities.argmax(axis=2)[:, :, None] == classes).sum(axis=0)
    tied = votes == votes.max(axis=1, keepdims=True)
    return np.asarray(np.where(tied, probabilities.mean(axis=0), -1).argmax(axis=1), np.int64)


def _measured(probabilities: Probabilities, labels: Labels) -> dict[str, float]:
    found = classification_metrics(probabilities, labels)
    return {name: value for name, short in _NAMES.items() if (value := found[short]) is not None}
