"""How far an ensemble's members look at different things and err on different rows (Whitaker figures 7.2 and 7.4)."""

import math
from functools import partial
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.data.arrays import Arrays, floats
from truly_sparse.engine import store
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import SparseMLP
from truly_sparse.errors import UserError
from truly_sparse.experiments.measuring.pieces import in_pieces
from truly_sparse.experiments.measuring.trained import made_by, settings_of, short, with_data
from truly_sparse.experiments.samples import samples
from truly_sparse.measure.diversity import error_overlap
from truly_sparse.measure.saliency import Gradients, Numbers, map_distances, saliency_maps

#: Images whose gradients are worked out together.
_TOGETHER = 250


def measure(settings: dict[str, Any], config: dict[str, Any]) -> pd.DataFrame:
    """Train ensembles with seeds 0, 1, ... by every method, and compare every two of their last members.

    Returns
    -------
    DataFrame
        One row per (dataset, method, seed): means over pairs of members of `rmse` and the four hash distances of
        their saliency maps (`measure.saliency`), over `images` test images; `error_overlap` on all test rows;
        `accuracy` of the members on these, in percent, and `partial`.

    Raises
    ------
    UserError
        Where a dataset is not prepared or has no square images, training diverges, or an ensemble has one member.
    """
    each = product(settings["datasets"], settings["methods"], range(settings["seeds"]))
    return in_pieces(each, partial(_of_one, settings, config))


def image_shape(features: int) -> tuple[int, int, int]:
    """Return channels, height and width of square images, grey or of three colours.

    Raises
    ------
    UserError
        For a number of features that neither has.
    """
    for channels in (1, 3):
        side = math.isqrt(features // channels)
        if channels * side * side == features:
            return channels, side, side
    raise UserError(f"saliency: {features} features are no square image, grey or of three colours")


def _of_one(settings: dict[str, Any], config: dict[str, Any], dataset: str, method: str, seed: int) -> pd.DataFrame:
    """Return the row of one ensemble."""
    networks, data = _members(settings, config, dataset, method, seed)
    return with_data([{"method": method, "seed": seed, **_compared(settings, networks, data, seed)}], dataset, data)


def _members(
    settings: dict[str, Any], config: dict[str, Any], dataset: str, method: str, seed: int
) -> tuple[list[store.Network], Arrays]:
    training = settings_of(config, dataset, method, epsilon=settings["epsilon"])
    trainer, data = made_by(config, dataset, training, method, seed)
    networks = [store.build(member.arrays) for member in trainer.members]
    return networks[-settings["members"] :], data


def _compared(settings: dict[str, Any], networks: list[store.Network], data: Arrays, seed: int) -> dict[str, float]:
    if len(networks) < 2:
        raise UserError("saliency: one member has no other to be compared with; raise its members")
    shape = image_shape(data.x_test.shape[1])
    x = floats(data.x_test)[: settings["images"]].astype(np.float64)
    maps = [_maps(settings, network, x, shape, seed) for network in networks]
    pairs = [map_distances(one, other) for one, other in combinations(maps, 2)]
    predicted = np.stack([network.predict_proba(samples(data.x_test)).argmax(axis=1) for network in networks])
    found = {name: math.fsum(pair[name] for pair in pairs) / len(pairs) for name in pairs[0]}
    found["error_overlap"] = error_overlap(predicted, data.y_test) or 0.0
    found["accuracy"] = 100 * float((predicted == data.y_test).mean())
    return {name: short(value) for name, value in found.items()} | {"images": len(x)}


def _maps(
    settings: dict[str, Any], network: store.Network, x: Numbers, shape: tuple[int, int, int], seed: int
) -> Numbers:
    """Return the maps of a network's own predictions; every network sees the same noise."""
    assert isinstance(network, SparseMLP | DenseMLP)
    gradients, rng = Gradients(network), np.random.default_rng([seed, 0])
    found = []
    for start in range(0, len(x), _TOGETHER):
        some = x[start : start + _TOGETHER]
        sd = settings["noise"] * (some.max(axis=1) - some.min(axis=1))
        smooth = gradients.smooth(some, gradients.predicted(some), settings["draws"], sd, rng)
        found.append(saliency_maps(smooth, shape))
    return np.concatenate(found)
