"""scikit-learn's multilayer perceptron, with early stopping and epochs enough for it."""

from sklearn.neural_network import MLPClassifier


def create(seed: int) -> MLPClassifier:
    """Return the classifier."""
    return MLPClassifier(random_state=seed, early_stopping=True, max_iter=500)
