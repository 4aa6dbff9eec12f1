"""The network that a run of given settings starts with."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from truly_sparse.engine import shortcuts, store
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import all_relu_slopes
from truly_sparse.training.config import TrainingConfig

Model = Literal["sparse", "dense"]
#: Draws a network from the stream of start values.
Fresh = Callable[[np.random.Generator], store.Network]


def fresh(model: Model, features: int, classes: int, settings: TrainingConfig) -> Fresh:
    """Return the function that draws a new network of a model for so many features and classes."""
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


def _slopes(settings: TrainingConfig) -> list[float] | str:
    layers = len(settings.hidden_layer_sizes)
    if settings.activation == "all_relu":
        return all_relu_slopes(layers, settings.negative_slope)
    return "mish" if settings.activation == "mish" else [0.0] * layers
