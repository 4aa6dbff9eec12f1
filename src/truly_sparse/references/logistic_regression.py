"""Logistic regression, with iterations enough to converge."""

from sklearn.linear_model import LogisticRegression


def create(seed: int) -> LogisticRegression:
    """Return the classifier."""
    return LogisticRegression(max_iter=2000, random_state=seed)
