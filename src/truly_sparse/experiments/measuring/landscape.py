"""How flat the loss lies about a parent and its children, before and after these are tuned (Whitaker figure 5.7)."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.data.arrays import Arrays
from truly_sparse.engine import store
from truly_sparse.engine.linked import Linked
from truly_sparse.engine.noise import Noise
from truly_sparse.engine.rows import Samples
from truly_sparse.engine.store import Network, perturbed
from truly_sparse.ensembles.subnetworks import child_of, parts_of
from truly_sparse.ensembles.trainer import kind_of
from truly_sparse.errors import UserError
from truly_sparse.experiments.measuring.pieces import in_pieces
from truly_sparse.experiments.measuring.trained import made_by, settings_of, short, some_rows, with_data
from truly_sparse.experiments.samples import samples
from truly_sparse.measure.metrics import Labels, classification_metrics
from truly_sparse.training.config import TrainingConfig


def measure(settings: dict[str, Any], config: dict[str, Any]) -> pd.DataFrame:
    """Train parents with seeds 0, 1, ... and their children, and look how the loss rises in random directions.

    A direction is normally distributed over the links that a network has; its biases stay. Links that two networks of
    a seed share go the same way.

    Returns
    -------
    DataFrame
        One row per (dataset, method, seed, network, norm): `network` is the parent, or its children pruned (its values
        on their links) or tuned, of which a row has means; `norm` the length of a direction over that of the network's
        links; `loss` the mean cross-entropy on training rows in nats, and `rise` by how much it is greater after a
        step in a direction, the mean over these; `links`, and `partial`.

    Raises
    ------
    UserError
        Where a dataset is not prepared, training diverges, or a method does not make children of one parent.
    """
    each = product(settings["datasets"], settings["methods"], range(settings["seeds"]))
    return in_pieces(each, partial(_of_one, settings, config))


def root_mean_square(network: Network) -> float:
    """Return the root of the mean square of a network's links, by a sum that has no order."""
    squares = [value**2 for values, _, _ in parts_of(network).values() for value in values.tolist()]
    return math.sqrt(math.fsum(squares) / len(squares))


def rise(
    network: Network, x: Samples, y: Labels, norms: Sequence[float], keys: Sequence[int]
) -> tuple[float, list[float]]:
    """Return the mean cross-entropy of a network, and by how much steps of each length raise it on average.

    Parameters
    ----------
    network : SparseMLP, SparseCNN or DenseMLP
    x, y : Samples, ndarray of int64
        Rows and their classes.
    norms : sequence of float
        Lengths of steps over that of the network's links.
    keys : sequence of int
        Of 64 bits, one for each direction.
    """
    unit, loss = root_mean_square(network), _loss(network, x, y)
    rises = []
    for norm in norms:
        losses = [_loss(perturbed(network, Noise(key, norm * unit, 0.0)), x, y) for key in keys]
        rises.append(math.fsum(losses) / len(losses) - loss)
    return loss, rises


def _of_one(settings: dict[str, Any], config: dict[str, Any], dataset: str, method: str, seed: int) -> pd.DataFrame:
    """Return the rows of one parent."""
    networks, data = family_of(settings, config, dataset, method, seed)
    rows = [{"method": method, "seed": seed, **row} for row in _measured(settings, networks, data, seed)]
    return with_data(rows, dataset, data)


def family_of(
    settings: dict[str, Any], config: dict[str, Any], dataset: str, method: str, seed: int
) -> tuple[dict[str, list[Network]], Arrays]:
    changes = {name: settings[name] for name in ("epsilon", "epochs", "child_epochs", "members")}
    training = settings_of(config, dataset, method, **changes, include_parent=True)
    if not kind_of(config["methods"][method]["strategy"]).family:
        raise UserError(f"landscape: method {method} does not make children of one parent")
    trainer, data = made_by(config, dataset, training, method, seed)
    parent, *tuned = (store.build(member.arrays) for member in trainer.members)
    pruned = [_untuned(parent, child, trainer.settings) for child in tuned]
    return {"parent": [parent], "pruned": pruned, "tuned": tuned}, data


def _untuned(parent: Network, child: Network, settings: TrainingConfig) -> Network:
    """Return a child as it was made: the parent's values on its links; a dense one lost none."""
    if not isinstance(child, Linked):
        return parent
    links = {block.pair: block.links() for block in child.blocks}
    marks = {
        (source, target): np.isin(part.sources * parent.sizes[target] + part.targets, links[source, target])
        for (source, target), part in parts_of(parent).items()
    }
    return child_of(parent, marks, settings, None)


def _measured(
    settings: dict[str, Any], networks: dict[str, list[Network]], data: Arrays, seed: int
) -> Iterator[dict[str, Any]]:
    x, y = some_rows(samples(data.x_train), data.y_train, settings["rows"])
    keys = [int(key) for key in np.random.default_rng([seed, 0]).integers(2**63, size=settings["draws"])]
    for name, alike in networks.items():
        losses, rises = zip(*(rise(network, x, y, settings["norms"], keys) for network in alike), strict=True)
        links = sum(len(part.values) for network in alike for part in parts_of(network).values())
        for norm, own in zip(settings["norms"], zip(*rises, strict=True), strict=True):
            yield {
                "network": name,
                "norm": norm,
                "links": links / len(alike),
                "loss": short(math.fsum(losses) / len(alike)),
                "rise": short(math.fsum(own) / len(alike)),
            }


def _loss(network: Network, x: Samples, y: Labels) -> float:
    found = classification_metrics(network.predict_proba(x), y)["log_loss"]
    assert found is not None
    return found
