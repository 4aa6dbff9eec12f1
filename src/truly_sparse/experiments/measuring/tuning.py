"""How accurate a child is after each epoch in which it is tuned and loses its links (Whitaker figure 6.2)."""

from functools import partial
from itertools import product
from typing import Any

import pandas as pd

from truly_sparse.errors import UserError
from truly_sparse.experiments.measuring.pieces import in_pieces
from truly_sparse.experiments.measuring.trained import made_by, settings_of, short, with_data

#: Significant digits of an accuracy in percent: a held-out part has fewer than a million rows.
DIGITS = 8
CHANGES = ("epsilon", "epochs", "child_epochs", "sparsity", "child_learning_rate")
#: Strategies, and the setting of the epochs over which links fall.
FALLING = {"stochastic_subnetworks": "annealing_epochs", "sparse_subnetworks": "prune_epochs"}


def measure(settings: dict[str, Any], config: dict[str, Any]) -> pd.DataFrame:
    """Train parents with seeds 0, 1, ... and one child of each by every method.

    Returns
    -------
    DataFrame
        One row per (dataset, method, seed, epoch): `accuracy`, in percent of the held-out rows, of the links that a
        child will end with, after so many epochs of its own; `partial`.

    Raises
    ------
    UserError
        Where a dataset is not prepared, training diverges, or a method does not make one child of one parent.
    """
    each = product(settings["datasets"], settings["methods"], range(settings["seeds"]))
    return in_pieces(each, partial(_of_one, settings, config))


def _of_one(settings: dict[str, Any], config: dict[str, Any], dataset: str, method: str, seed: int) -> pd.DataFrame:
    """Return the rows of one child."""
    trainer, data = made_by(config, dataset, training_of(settings, config, dataset, method), method, seed)
    own = trainer.progress.history[settings["epochs"] :]
    if len(trainer.members) != 1 or len(own) != settings["child_epochs"]:
        raise UserError(f"tuning: method {method} does not make one child of one parent; members must be 1")
    rows = [
        {"method": method, "seed": seed, "epoch": epoch, "accuracy": short(100 * row["validation_accuracy"], DIGITS)}
        for epoch, row in enumerate(own, 1)
    ]
    return with_data(rows, dataset, data)


def training_of(settings: dict[str, Any], config: dict[str, Any], dataset: str, method: str) -> dict[str, Any]:
    """Return the training settings of a parent and its child."""
    changes = {name: settings[name] for name in CHANGES}
    falling = FALLING.get(config["methods"].get(method, {}).get("strategy", ""))
    if falling is not None:
        changes[falling] = settings["falling_epochs"]
    return settings_of(config, dataset, method, **changes)
