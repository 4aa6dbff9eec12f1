"""Histogram gradient boosting; from 10,000 rows on it stops early by its own default."""

from sklearn.ensemble import HistGradientBoostingClassifier


def create(seed: int) -> HistGradientBoostingClassifier:
    """Return the classifier."""
    return HistGradientBoostingClassifier(random_state=seed)
