"""Convolutional networks of a named kind, as they start: which layers they have, and how many links of each kind."""

from collections.abc import Sequence
from math import isqrt

import numpy as np

from truly_sparse.engine import shortcuts
from truly_sparse.engine.convolution import architectures
from truly_sparse.engine.convolution.layers import Activation, Plan
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.graph import Pair
from truly_sparse.errors import UserError

Picture = tuple[int, int, int]
#: What the sizes of hidden layers are, where there cannot be any number of them.
SIZES = {
    "densenet": "one number, the channels of the first layer",
    "lenet": "the channels of two layers, then neurons of others",
}


def picture_of(features: int) -> Picture:
    """Return channels, rows and columns of a square picture of one or three channels, which so many features are.

    Raises
    ------
    UserError
        Where they are none.
    """
    for channels in (1, 3):
        side = isqrt(features // channels)
        if channels * side * side == features and side > 1:
            return channels, side, side
    raise UserError(f"{features} features are no square picture of one or three channels; leave out architecture")


def plan_of(
    architecture: str, sizes: Sequence[int], activation: Activation, skipping: bool, picture: Picture, classes: int
) -> Plan:
    """Return maps and layers of a kind of network.

    Parameters
    ----------
    architecture : {"plain_cnn", "spas_cnn", "densenet", "lenet"}
    sizes : sequence of int
        Channels of its parts; see also `SIZES`.
    activation : {"relu", "mish"}
    skipping : bool
        Whether a "spas_cnn" has shortcuts.
    picture : (int, int, int)
    classes : int

    Raises
    ------
    UserError
        For sizes of another number than it takes, and pictures that are too small.
    """
    if architecture == "plain_cnn":
        layers = architectures.plain(classes, sizes, activation)
    elif architecture == "spas_cnn":
        layers = architectures.spas(classes, skipping, activation, sizes)
    elif architecture == "densenet" and len(sizes) == 1:
        layers = architectures.densenet(classes, sizes[0], activation=activation)
    elif architecture == "lenet" and len(sizes) > 1:
        layers = architectures.lenet(classes, sizes[:2], sizes[2:], activation)
    else:
        raise UserError(f"hidden_layer_sizes {list(sizes)}: {architecture} takes {SIZES[architecture]}")
    try:
        return Plan(picture, layers)
    except UserError as error:
        raise UserError(
            f"{architecture} {list(sizes)} for a picture of {picture} (channels, rows, columns): {error}; give larger "
            "pictures, another architecture, or fewer hidden_layer_sizes"
        ) from None


def kinds(plan: Plan) -> tuple[list[Pair], list[Pair]]:
    """Return the sequential and the shortcut blocks."""
    return [pair for pair in plan.pairs if pair not in plan.skipping], sorted(plan.skipping)


def numbers(plan: Plan, shortcut_ratio: float, compression: float | None, links: int | None) -> tuple[int, int]:
    """Return how many sequential links and how many shortcuts a network of N links has.

    Parameters
    ----------
    plan : Plan
    shortcut_ratio : float
        1 - R, from 0 to 1.
    compression : float, optional
        All places, shortcuts included, are so many times N (section 5.3); 1 or 0 fills all of them.
    links : int, optional
        N itself, where there is no compression.
    """
    places = plan.places
    sequential, skipping = (sum(places[pair] for pair in pairs) for pairs in kinds(plan))
    if compression == 0:
        return sequential, skipping
    total = round((sequential + skipping) / compression) if compression is not None else links or 0
    if total == sequential + skipping:
        return sequential, skipping
    first = round(total * (1 - shortcut_ratio))
    return first, total - first


def start(
    plan: Plan,
    counts: tuple[int, int],
    rng: np.random.Generator,
    init: str = "torch",
    storage: str = "float32",
) -> SparseCNN:
    """Start a network whose links are drawn uniformly among all places of their kind; see `shortcuts.start`."""
    links = shortcuts.drawn(plan.sizes, kinds(plan), counts, rng)
    none = np.zeros(0, np.int64)
    return SparseCNN.start(
        plan.picture, plan.layers, {pair: links.get(pair, none) for pair in plan.pairs}, rng, init, storage
    )
