"""Sets of defaults: the paper's protocol, and the best that are known for little, more and much time."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log
from typing import Any

from truly_sparse.estimators.fit_config import AUTOMATIC, SETTINGS, FitConfig
from truly_sparse.training.settings import settings_of

#: The journal's Gesture experiment.
PAPER: dict[str, Any] = {name: default for name, _, default in settings_of(FitConfig) if default is not None} | {
    "epsilon": 20.0,
    "child_epochs": 25,
}
BEST: dict[str, Any] = PAPER | {
    "preprocessing": "piecewise_linear",
    "pairs": 12,
    "effort": 3.0,
    "hidden_layer_sizes": (200, 200),
    "epsilon": "auto",
    "exploration_epochs": "auto",
    "member_epochs": "auto",
    "epochs": "auto",
    "parent_epochs": "auto",
    "child_epochs": "auto",
    "batch_size": "auto",
    "learning_rate": 0.2,
    "learning_rate_schedule": "cosine",
    "weight_decay": 0.0005,
    "decay_times_learning_rate": True,
    "dropout": "auto",
    "clip_norm": 1.0,
    "validation_fraction": 0.0,
    "selection": "last",
    "calibration_fraction": 0.2,
}
#: A ninth of the time, and three times as much.
FAST: dict[str, Any] = {"effort": 0.3, "members": 3, "calibration_fraction": 0.0}
ACCURATE: dict[str, Any] = {"effort": 10.0, "members": 10}
ENSEMBLE: dict[str, dict[str, Any]] = {"best": BEST, "fast": BEST | FAST, "accurate": BEST | ACCURATE, "paper": PAPER}
#: A single network of the paper trains at a tenth of the rate, without refinement. Ours at half of it, because
#: `partial_fit` keeps the rate for ever.
SINGLE: dict[str, dict[str, Any]] = {
    name: preset | {"learning_rate": 0.01 if name == "paper" else 0.1, "refinement": "none"}
    for name, preset in ENSEMBLE.items()
}

#: What early stopping, and noise that is searched, hold out where a preset holds out nothing.
HELD_OUT = 0.1
#: What some methods have in place of either preset. With its parent an ensemble of four children has five networks.
OF_METHOD: dict[str, dict[str, Any]] = {
    "sparse_subnetworks": {"members": 4},
    "stochastic_subnetworks": {"members": 4},
    "noisy_subnetworks": {"members": 4, "validation_fraction": HELD_OUT},
    "mc_dropout": {"members": 10},
    # Their rates move by curves of their own.
    "snapshot": {"learning_rate_schedule": "steps"},
    "fast_geometric": {"members": 4, "learning_rate_schedule": "hold_linear"},
}
#: Of those whose children are tuned: the part of all epochs that the parent has, and that each child has.
PARENT = {"sparse_subnetworks": 0.5, "stochastic_subnetworks": 0.5}
CHILD, FEWEST_CHILD_EPOCHS = 0.125, 4

#: "auto": rows that training sees in all, and the density, for each class (boosting, too, costs a tree per class).
ROWS_PER_CLASS, EPSILON_PER_CLASS = 125_000, 5.0
#: The most links at the start, for each row and class; fewer rows than the second number count as so many.
LINKS_PER_ROW, FEWEST_ROWS = 1.5, 300
#: As many rows as bound nothing.
MANY = 10**9
#: The most classes that were tried, and between how many epochs "auto" stays.
MOST_CLASSES, FEWEST_EPOCHS, MOST_EPOCHS = 5, 10, 150
#: Part of all epochs before the first member's own.
EXPLORATION = 0.3
#: "auto" dropout: the least, what three times the effort adds, and the most. What trains longer takes more of it.
DROPOUT, MORE_DROPOUT, MOST_DROPOUT = 0.35, 0.1, 0.5
#: A trial, by which the temperature is found: the part of all epochs that each member has, and how many members.
#: Members that train for less are less sure than those of the fit, and the mean of fewer members is more so.
TRIAL, TRIED = 0.5, 2
#: The settings of which one that is a number says how long training is.
_LENGTHS = ("epochs", "exploration_epochs", "member_epochs", "parent_epochs")


def settle(preset: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a preset, with the parameters that are given (not None) in their place.

    Raises
    ------
    UserError
        For a value that is not possible.
    """
    return dict(preset) | {
        name: SETTINGS[name].check(name, value, automatic=name in AUTOMATIC)
        for name, value in given.items()
        if value is not None and name in preset
    }


def of_method(preset: Mapping[str, Any], method: Any) -> dict[str, Any]:
    """Return a preset for a method of ensembles."""
    return dict(preset) | OF_METHOD.get(method, {})


def parent_part(method: Any) -> float:
    """Return the part of all epochs that the parent has of a method of ensembles."""
    return PARENT.get(method, 1.0)


def epochs_of(rows: int, classes: int) -> int:
    """Return the epochs in which training sees `ROWS_PER_CLASS` rows for each class, in reasonable bounds."""
    return min(max(round(ROWS_PER_CLASS * min(classes, MOST_CLASSES) / rows), FEWEST_EPOCHS), MOST_EPOCHS)


def dropout_of(settings: Mapping[str, Any]) -> float:
    """Return the dropout for an effort, and the least one where someone says how many epochs there are."""
    given = any(settings[name] != "auto" for name in _LENGTHS)
    more = 0.0 if given else MORE_DROPOUT * log(float(settings["effort"]), 3)
    return round(min(max(DROPOUT + more, DROPOUT), MOST_DROPOUT), 3)


def epsilon_of(layers: Sequence[int], rows: int, classes: int) -> float:
    """Return the density for classes, or the lower one of as many links as `LINKS_PER_ROW` allows."""
    neurons = sum(one + other for one, other in pairwise(layers))
    return min(EPSILON_PER_CLASS, LINKS_PER_ROW * max(rows, FEWEST_ROWS) / neurons) * min(classes, MOST_CLASSES)


def fill_in(settings: dict[str, Any], rows: int, classes: int, inputs: int, parent: float = 1.0) -> dict[str, Any]:
    """Return settings with numbers in place of "auto", for a problem of so many training rows, classes and inputs.

    Training sees `ROWS_PER_CLASS` rows for each class in all, times the effort, so that many rows take few epochs.
    Exploration takes `EXPLORATION` of the epochs, and the members share the others; or a parent takes the part
    `parent`, and each child `CHILD`, however many there are, so that more can be made later. The density grows with the
    classes as well, but a network of few rows has fewer links, of which it could learn these by heart.
    """
    epochs = max(1, round(float(settings["effort"]) * epochs_of(rows, classes)))
    layers = [inputs, *settings["hidden_layer_sizes"], classes]
    exploration = round(EXPLORATION * epochs)
    found = {
        "dropout": dropout_of(settings),
        "epsilon": epsilon_of(layers, rows, classes),
        "exploration_epochs": exploration,
        "member_epochs": max(2, round((epochs - exploration) / max(1, int(settings["members"])))),
        "epochs": epochs,
        "parent_epochs": max(1, round(parent * epochs)),
        "child_epochs": max(FEWEST_CHILD_EPOCHS, round(CHILD * epochs)),
    }
    return settings | {name: value for name, value in found.items() if isinstance(settings[name], str)}


def shortened(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with the part `TRIAL` of their epochs."""
    fewest = {"exploration_epochs": 0, "member_epochs": 2, "child_epochs": 1, "epochs": 1, "parent_epochs": 1}
    return settings | {name: max(least, round(TRIAL * settings[name])) for name, least in fewest.items()}


def batch_size(wanted: int | str, rows: int) -> int:
    """Return the rows of a batch; "auto" is 32 to 128, about 20 batches in an epoch of few rows."""
    if wanted == "auto":
        wanted = 32 if rows < 1280 else 64 if rows < 2560 else 128
    return min(int(wanted), rows)
