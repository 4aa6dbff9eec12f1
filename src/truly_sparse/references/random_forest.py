"""Random forest of 200 trees on one thread."""

from sklearn.ensemble import RandomForestClassifier


def create(seed: int) -> RandomForestClassifier:
    """Return the classifier."""
    return RandomForestClassifier(n_estimators=200, random_state=seed, n_jobs=1)
