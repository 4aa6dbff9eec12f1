"""Two sets of defaults: the paper's protocol, and the best that are known (benchmarks/defaults.py chose them)."""

from collections.abc import Iterable
from operator import index
from typing import Any

from truly_sparse.errors import UserError
from truly_sparse.training.schedule import REFINEMENTS

PAPER: dict[str, Any] = {
    "preprocessing": "standard",
    "bins": 32,
    "hidden": (1000, 1000, 1000),
    "epsilon": 20.0,
    "start_values": "he",
    "activation": "all_relu",
    "alpha": 0.5,
    "members": 5,
    "exploration_epochs": 100,
    "member_epochs": 50,
    "epochs": 350,
    "batch_size": 128,
    "eta": 0.1,
    "learning_rate": "steps",
    "momentum": 0.9,
    "weight_decay": 0.0002,
    "decay_times_eta": False,
    "dropout": 0.2,
    "zeta": 0.2,
    "q": 0.8,
    "evolution_every": 2,
    "refinement": "comprehensive",
    "clip_norm": 0.0,
    "validation_fraction": 0.2,
    "selection": "best_validation",
}
BEST: dict[str, Any] = PAPER | {
    "preprocessing": "piecewise_linear",
    "hidden": (200, 200),
    "epsilon": "auto",
    "exploration_epochs": "auto",
    "member_epochs": "auto",
    "epochs": "auto",
    "batch_size": "auto",
    "eta": 0.2,
    "learning_rate": "cosine",
    "weight_decay": 0.0005,
    "decay_times_eta": True,
    "dropout": 0.35,
    "clip_norm": 1.0,
    "validation_fraction": 0.0,
    "selection": "last",
}
#: A single network of the paper trains at a tenth of the rate, without refinement. Ours at half of it, because
#: `partial_fit` keeps the rate for ever.
SINGLE: dict[str, dict[str, Any]] = {
    "paper": PAPER | {"eta": 0.01, "refinement": "none"},
    "best": BEST | {"eta": 0.1, "refinement": "none"},
}
ENSEMBLE: dict[str, dict[str, Any]] = {"paper": PAPER, "best": BEST}

#: "auto": rows that training sees in all, and the density, for each class (boosting, too, costs a tree per class).
ROWS_PER_CLASS, EPSILON_PER_CLASS = 125_000, 5.0
#: The most classes that were tried, and between how many epochs "auto" stays.
MOST_CLASSES, FEWEST_EPOCHS, MOST_EPOCHS = 5, 10, 150
#: Part of all epochs before the first member's own.
EXPLORATION = 0.3

#: What early stopping holds out where a preset holds out nothing.
HELD_OUT = 0.1

CHOICES = {
    "start_values": ("he", "xavier", "he_links"),
    "activation": ("all_relu", "relu"),
    "learning_rate": ("steps", "cosine"),
    "refinement": tuple(REFINEMENTS),
    "selection": ("best_validation", "last"),
}
#: Name: least value, most value, whole numbers only.
RANGES = {
    "bins": (1, 10_000, True),
    "epsilon": (1e-9, float("inf"), False),
    "alpha": (0.0, float("inf"), False),
    "members": (1, 10_000, True),
    "exploration_epochs": (0, 10**9, True),
    "member_epochs": (2, 10**9, True),
    "epochs": (1, 10**9, True),
    "eta": (1e-12, float("inf"), False),
    "momentum": (0.0, 1 - 1e-9, False),
    "weight_decay": (0.0, 1.0, False),
    "dropout": (0.0, 1 - 1e-6, False),
    "zeta": (0.0, 1.0, False),
    "q": (0.0, 1.0, False),
    "evolution_every": (0, 10**9, True),
    "clip_norm": (0.0, float("inf"), False),
    "validation_fraction": (0.0, 0.9, False),
}
#: What may be "auto", besides batch_size; see `fill_in`.
AUTOMATIC = ("epsilon", "exploration_epochs", "member_epochs", "epochs")


def settle(presets: dict[str, dict[str, Any]], preset: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a preset, with what is given (not None) in their place.

    Raises
    ------
    UserError
        For an unknown preset or a value out of range.
    """
    if preset not in presets:
        raise UserError(f"preset {preset!r} is not one of {', '.join(presets)}")
    base = presets[preset]
    settings = base | {name: value for name, value in given.items() if name in base and value is not None}
    for name, choices in CHOICES.items():
        if settings[name] not in choices:
            raise UserError(f"{name} is {settings[name]!r}; give one of {', '.join(choices)}")
    for name, (least, most, whole) in RANGES.items():
        value = settings[name]
        if name in AUTOMATIC and isinstance(value, str) and value == "auto":
            continue
        number = isinstance(value, int | float) or hasattr(value, "__float__")
        if not number or not least <= value <= most or (whole and value != int(value)):
            kind = "a whole number" if whole else "a number"
            auto = ', or "auto"' if name in AUTOMATIC else ""
            raise UserError(f"{name} is {value!r}; give {kind} between {least:g} and {most:g}{auto}")
    hidden = settings["hidden"]
    try:
        settings["hidden"] = [index(neurons) for neurons in (hidden if isinstance(hidden, Iterable) else [hidden])]
    except TypeError:
        settings["hidden"] = []
    if not settings["hidden"] or min(settings["hidden"]) < 1:
        raise UserError(f"hidden is {hidden!r}; give the neurons of one or more layers, such as (500, 500)")
    return settings


def fill_in(settings: dict[str, Any], rows: int, classes: int) -> dict[str, Any]:
    """Return settings with numbers in place of "auto", for a problem of so many training rows and classes.

    Training sees `ROWS_PER_CLASS` rows for each class in all, so that many rows take few epochs. Exploration takes
    `EXPLORATION` of the epochs, and the members share the others. The density grows with the classes as well.
    """
    classes = min(classes, MOST_CLASSES)
    epochs = min(max(round(ROWS_PER_CLASS * classes / rows), FEWEST_EPOCHS), MOST_EPOCHS)
    exploration = round(EXPLORATION * epochs)
    found = {
        "epsilon": EPSILON_PER_CLASS * classes,
        "exploration_epochs": exploration,
        "member_epochs": max(2, round((epochs - exploration) / max(1, int(settings["members"])))),
        "epochs": epochs,
    }
    return settings | {name: value for name, value in found.items() if isinstance(settings[name], str)}


def batch_size(wanted: int | str, rows: int) -> int:
    """Return the rows of a batch; "auto" is 32 to 128, about 20 batches in an epoch of few rows."""
    if wanted == "auto":
        wanted = 32 if rows < 1280 else 64 if rows < 2560 else 128
    return min(int(wanted), rows)
