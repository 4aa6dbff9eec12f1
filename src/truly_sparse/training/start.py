"""The network that a run of given settings starts with."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from truly_sparse.engine import shortcuts, store
from truly_sparse.engine.convolution import start
from truly_sparse.engine.convolution.layers import Activation, Plan
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import all_relu_slopes
from truly_sparse.training.config import TrainingConfig

Model = Literal["sparse", "dense"]
#: Draws a network from the stream of start values.
Fresh = Callable[[np.random.Generator], store.Network]


def fresh(
    model: Model, features: int, classes: int, settings: TrainingConfig, picture: start.Picture | None = None
) -> Fresh:
    """Return the function that draws a new network of a model for so many features and classes.

    Parameters
    ----------
    model : {"sparse", "dense"}
    features, classes : int
    settings : TrainingConfig
    picture : (int, int, int), optional
        What the features of a convolutional network are; by default a square picture of one or three channels.
    """
    if settings.architecture != "mlp":
        return _of_pictures(picture or start.picture_of(features), classes, settings)
    sizes = [features, *settings.hidden_layer_sizes, classes]
    slopes = _slopes(settings)

    def draw(rng: np.random.Generator) -> store.Network:
        if model == "dense":
            assert not isinstance(slopes, str)
            return DenseMLP(sizes, slopes, rng, settings.init)
        init, storage, ratio = settings.init, settings.activation_storage, settings.shortcut_ratio
        if settings.epsilon is None:
            numbers = shortcuts.numbers(sizes, ratio, settings.compression, settings.links)
            return shortcuts.start(sizes, *numbers, slopes, rng, init, storage)
        return shortcuts.erdos_renyi(sizes, settings.epsilon, ratio, slopes, rng, init, storage)

    return draw


def plan_of(picture: start.Picture, classes: int, settings: TrainingConfig) -> Plan:
    """Return maps and layers of a convolutional network."""
    activation: Activation = "mish" if settings.activation == "mish" else "relu"
    kind, sizes, skipping = settings.architecture, settings.hidden_layer_sizes, settings.shortcut_ratio > 0
    return start.plan_of(kind, sizes, activation, skipping, picture, classes)


def numbers_of(plan: Plan, settings: TrainingConfig) -> tuple[int, int]:
    """Return how many sequential links and how many shortcuts it starts with."""
    return start.numbers(plan, settings.shortcut_ratio, settings.compression, settings.links)


def _of_pictures(picture: start.Picture, classes: int, settings: TrainingConfig) -> Fresh:
    """Return the function that draws a convolutional network."""
    plan = plan_of(picture, classes, settings)
    numbers = numbers_of(plan, settings)
    return lambda rng: start.start(plan, numbers, rng, settings.init, settings.activation_storage)


def _slopes(settings: TrainingConfig) -> list[float] | str:
    layers = len(settings.hidden_layer_sizes)
    if settings.activation == "all_relu":
        return all_relu_slopes(layers, settings.negative_slope)
    return "mish" if settings.activation == "mish" else [0.0] * layers
