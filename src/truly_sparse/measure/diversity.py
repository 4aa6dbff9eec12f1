"""How differently the members of an ensemble predict."""

import numpy as np

from truly_sparse.errors import UserError
from truly_sparse.measure.metrics import Labels, Probabilities, check, natural_log


def diversity(member_probabilities: Probabilities, labels: Labels) -> dict[str, float | None]:
    """Measure how good an ensemble's members are and how much they differ, on the same rows.

    Parameters
    ----------
    member_probabilities : ndarray of float32, shape (members, samples, classes)
    labels : ndarray of int64, shape (samples,)
        Class numbers below `classes`.

    Returns
    -------
    dict
        `member_accuracy` (mean over members); `oracle_accuracy` (rows that at least one member gets right);
        `disagreement` (rows on which two members predict different classes, mean over pairs; Whitaker equation 7.3);
        `kl_divergence` (nats per row, Whitaker equation 7.2, mean over *ordered* pairs: the symmetrised divergence;
        probabilities are clipped to float32's epsilon first, because a softmax can round to zero);
        `output_correlation` (Pearson correlation over rows of two members' probabilities of a class, mean over
        classes and pairs; classes without variance left out). Whitaker's equation 7.1 can also be read as a
        correlation over the classes of one row, which with two classes is always 1 or -1, hence not used.
        The pairwise ones are None for one member, the correlation also where no class varies.

    Raises
    ------
    UserError
        For shapes that do not fit, no rows, labels out of range or probabilities outside 0 to 1.
    """
    if member_probabilities.ndim != 3 or not len(member_probabilities):
        raise UserError(f"member probabilities {member_probabilities.shape}; give (members, samples, classes)")
    for one in member_probabilities:
        check(one, labels)
    predicted = member_probabilities.argmax(axis=2)
    correct = predicted == labels
    pairs = np.triu_indices(len(predicted), 1)
    several = len(predicted) > 1
    return {
        "member_accuracy": float(correct.mean()),
        "oracle_accuracy": float(correct.any(axis=0).mean()),
        "disagreement": float((predicted[pairs[0]] != predicted[pairs[1]]).mean()) if several else None,
        "kl_divergence": _kl_divergence(member_probabilities) if several else None,
        "output_correlation": _output_correlation(member_probabilities, pairs) if several else None,
    }


def error_overlap(predicted: Labels, labels: Labels) -> float | None:
    """Return how far members err on the same rows: |A and B| / |A or B| of two members' errors, mean over pairs.

    Parameters
    ----------
    predicted : ndarray of int64, shape (members, samples)
        The class each member predicts.
    labels : ndarray of int64, shape (samples,)

    Returns
    -------
    float or None
        0 where no two members share an error, 1 where all err alike or not at all; None for one member.
    """
    wrong = predicted != labels
    one, other = (wrong[places] for places in np.triu_indices(len(wrong), 1))
    shared, either = (one & other).sum(axis=1), (one | other).sum(axis=1)
    overlaps = np.divide(shared, either, out=np.ones(len(shared)), where=either > 0)
    return float(overlaps.mean()) if len(overlaps) else None


def with_diagonal(correlation: float, members: int) -> float:
    """Return the mean of a matrix of correlations with its diagonal of ones, given the mean of all other entries.

    Whitaker's figure 7.1 prints means that count every member's correlation with itself.
    """
    return ((members - 1) * correlation + 1) / members


def _kl_divergence(probabilities: Probabilities) -> float:
    """Return the mean over ordered pairs and rows of sum_c p_c ln(p_c / q_c)."""
    clipped = np.clip(probabilities.astype(np.float64), np.finfo(np.float32).eps, None)
    clipped /= clipped.sum(axis=2, keepdims=True)
    members, rows, _ = clipped.shape
    logs = natural_log(clipped)
    # Not a product of matrices, whose sums depend on the BLAS library and the processor.
    cross = np.array([[(one * log).sum() for log in logs] for one in clipped]) / rows
    divergences = np.diag(cross)[:, None] - cross
    return float(max(0.0, divergences.sum() / (members * (members - 1))))


def _output_correlation(probabilities: Probabilities, pairs: tuple[np.ndarray, ...]) -> float | None:
    centred = probabilities.astype(np.float64)
    centred -= centred.mean(axis=1, keepdims=True)
    norms = np.sqrt((centred**2).sum(axis=1))
    products = np.array([(centred[a] * centred[b]).sum(axis=0) for a, b in zip(*pairs, strict=True)])
    scales = (norms[:, None] * norms)[pairs]
    # Below this a class differs between rows by float32's rounding only.
    varies = scales > np.finfo(np.float32).eps ** 2 * probabilities.shape[1]
    return float((products[varies] / scales[varies]).mean()) if varies.any() else None
