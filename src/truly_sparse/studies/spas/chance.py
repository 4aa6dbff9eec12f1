"""Accuracies, in percent, below which a network has learned nothing: what the source prints as a dash."""

#: Above guessing, so that a network that learned a little is not taken for one that learned nothing.
_BY_CLASSES = {10: 15.0, 100: 2.0}
#: Part of the larger class where that is not half; HIGGS: 5,829,123 of 11,000,000 rows.
_MAJORITY = {"higgs": 52.99}
#: Points above the larger class that a model of two classes must have.
_MARGIN = 1.0


def random_below(dataset: str, classes: float) -> float:
    """Return the accuracy in percent below which a model of the dataset is random.

    15 % with ten classes, 2 % with a hundred; else one point above always naming the larger class, which is half of the
    rows in the tabular benchmark.
    """
    return _BY_CLASSES.get(int(classes) if classes == classes else 0, _MAJORITY.get(dataset, 50.0) + _MARGIN)
