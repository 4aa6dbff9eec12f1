"""The network that a run of given settings starts with."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from truly_sparse.engine import store
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import SparseMLP, all_relu_slopes
from truly_sparse.training.config import TrainingConfig

Model = Literal["sparse", "dense"]
#: Draws a network from the stream of start values.
Fresh = Callable[[np.random.Generator], store.Network]


def fresh(model: Model, features: int, classes: int, settings: TrainingConfig) -> Fresh:
    """Return the function that draws a new network of a model for so many features and classes."""
    sizes = [features, *settings.hidden_layer_sizes, classes]
    layers = len(settings.hidden_layer_sizes)
    slopes = [0.0] * layers if settings.activation == "relu" else all_relu_slopes(layers, settings.negative_slope)

    def draw(rng: np.random.Generator) -> store.Network:
        if model == "dense":
            return DenseMLP(sizes, slopes, rng, settings.init)
        assert settings.epsilon is not None
        return SparseMLP.erdos_renyi(sizes, settings.epsilon, slopes, rng, settings.init, settings.activation_storage)

    return draw
