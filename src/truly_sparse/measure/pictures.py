"""What the convolutional networks of SPaS could have: parameters and multiply-adds, from their layers alone."""

from collections.abc import Sequence
from typing import Literal

from truly_sparse.engine.convolution.architectures import PARTS
from truly_sparse.engine.convolution.layers import Plan
from truly_sparse.engine.convolution.start import picture_of, plan_of
from truly_sparse.measure.possible import Possible

Kind = Literal["cnn", "densenet", "spas_cnn"]
#: Channels of each kind of network where nothing else is asked for: those of the source, the first layer's of DenseNet.
CHANNELS: dict[Kind, Sequence[int]] = {"cnn": PARTS, "densenet": (8,), "spas_cnn": PARTS}


def plan(kind: Kind, features: int, classes: int, channels: Sequence[int] = ()) -> Plan:
    """Return maps and layers of a network for square pictures of so many features.

    Parameters
    ----------
    kind : {"cnn", "densenet", "spas_cnn"}
        The plain network, DenseNet, or the plain network with shortcuts.
    features, classes : int
    channels : sequence of int, optional
        `CHANNELS` where it is empty.
    """
    architecture = "densenet" if kind == "densenet" else "spas_cnn"
    sizes = channels or CHANNELS[kind]
    return plan_of(architecture, sizes, "mish", kind == "spas_cnn", picture_of(features), classes)


def possible_parameters(network: Plan) -> Possible:
    """Count weights and biases of all blocks, those of shortcuts apart; normalisation is left out.

    This is theta in Table 2 of Muller (2023) for convolutional networks, whose biases count there.
    """
    counts = {False: 0, True: 0}
    for pair, places in network.places.items():
        counts[pair in network.skipping] += places
    for made, pair in network.biases:
        counts[pair in network.skipping] += network.shapes[made].channels
    return Possible(counts[False], counts[True])
