"""The convolutional networks of the sources, as layers."""

from collections.abc import Sequence

from truly_sparse.engine.convolution.layers import Activation, Convolution, Layer, MaxPool

#: Channels of the three parts of Muller's networks, and layers of each (Table 6a of SPaS; see docs).
PARTS, DEPTH = (16, 32, 64), 3


def plain(classes: int, channels: Sequence[int] = PARTS, activation: Activation = "relu") -> list[Layer]:
    """Return two layers of each number of channels, with normalisation, and pooling of two by two in between."""
    layers: list[Layer] = []
    for number, many in enumerate(channels):
        norm, kind = number > 0, activation if number else "none"
        layers.append(Convolution((len(layers),), many, norm=norm, activation=kind, pool="max" if number else "none"))
        layers.append(Convolution((len(layers),), many, norm=True, activation=activation))
    layers.append(Convolution((len(layers),), classes, 1, 0, norm=True, activation=activation, pool="global"))
    return layers


def spas(
    classes: int, shortcuts: bool = True, activation: Activation = "mish", channels: Sequence[int] = PARTS
) -> list[Layer]:
    """Return SPaS-CNN, or its plain counterpart without shortcuts (Muller 2023, Table 6a)."""
    layers: list[Layer] = [Convolution((0,), channels[0], activation="none"), MaxPool(1)]
    for part, many in enumerate(channels):
        if part:
            layers.append(Convolution((len(layers),), many, 1, 0, norm=True, activation=activation, pool="average"))
        first = len(layers)
        for depth in range(DEPTH):
            sources = tuple(range(first, first + depth + 1)) if shortcuts else (first + depth,)
            layers.append(Convolution(sources, many, norm=True, activation=activation, bias_per_map=True))
    layers.append(Convolution((len(layers),), classes, 1, 0, activation="none", pool="global"))
    return layers


def densenet(classes: int, first: int = 8, depth: int = 4, activation: Activation = "mish") -> list[Layer]:
    """Return the DenseNet of the same source (Table 6b): a layer adds as many channels as its part begins with."""
    layers: list[Layer] = [Convolution((0,), first, activation="none"), MaxPool(1)]
    channels = first
    for part in range(3):
        maps = [len(layers)]
        for _ in range(depth):
            layers.append(Convolution(tuple(maps), channels, norm=True, activation=activation))
            maps.append(len(layers))
        channels *= depth + 1
        if part < 2:
            channels //= 2
            layers.append(Convolution(tuple(maps), channels, 1, 0, norm=True, activation=activation, pool="average"))
    layers.append(Convolution(tuple(maps), classes, 1, 0, activation="none", pool="global"))
    return layers


def lenet(
    classes: int,
    channels: Sequence[int] = (16, 32),
    units: Sequence[int] = (256, 128),
    activation: Activation = "relu",
) -> list[Layer]:
    """Return two layers of 5x5 without borders, each pooled, and layers of units (Whitaker's LeNet, of three sizes)."""
    first, second = channels
    layers: list[Layer] = [
        Convolution((0,), first, 5, 0, activation="none"),
        Convolution((1,), second, 5, 0, activation=activation, pool="max"),
    ]
    for number, many in enumerate((*units, classes)):
        last = len(layers)
        layers.append(Convolution((last,), many, 1, 0, activation=activation, pool="none" if number else "flatten_max"))
    return layers
