"""Convolutional layers in the order in which PyTorch and ONNX have kernels and flatten maps."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack

from truly_sparse.engine.convolution.layers import Convolution, MaxPool, Shape
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.estimators.export import to_csr

Floats = npt.NDArray[np.float32]


class Norm(NamedTuple):
    """How a map is normalised when it is taken; each of shape (channels,).

    `mean` and `variance` are the running ones, the variance with n - 1 in its denominator, as PyTorch keeps it.
    """

    scale: Floats
    shift: Floats
    mean: Floats
    variance: Floats


class Convolved(NamedTuple):
    """A layer of links.

    `weights` is a CSR array of float32, shape (channels, inputs); inputs are [channel taken][row][column] of the
    kernel, of a layer that flattens [channel][row][column] of the map, one map after the other. `kernel` is their shape
    as a dense array. `norms` has one for each map the layer takes, None where that is taken as it is.
    """

    layer: Convolution
    weights: csr_array
    kernel: tuple[int, ...]
    biases: Floats
    norms: tuple[Norm | None, ...]

    @property
    def units(self) -> bool:
        """Whether it makes one position: a layer of units, [channel][input]."""
        return len(self.kernel) == 2


def convolved(network: SparseCNN) -> list[Convolved | MaxPool]:
    """Return all layers of a network."""
    plan, blocks, norms = network.plan, iter(to_csr(network)), _norms(network)
    found: list[Convolved | MaxPool] = []
    for layer, taken, made in zip(plan.layers, plan.taken, plan.shapes[1:], strict=True):
        if isinstance(layer, MaxPool):
            found.append(layer)
            continue
        own = [(next(blocks), _order(layer, plan.shapes[source])) for source in layer.sources]
        weights = csr_array(hstack([block.weights[:, order] for block, order in own]))
        units = (made.rows, made.columns) == (1, 1)
        kernel = (made.channels, taken.channels) + (() if units else (layer.kernel, layer.kernel))
        biases = np.stack([block.biases for block, _ in own]).sum(axis=0)
        normed = tuple(next(norms) if layer.norm else None for _ in layer.sources)
        found.append(Convolved(layer, weights, kernel, biases, normed))
    return found


def _order(layer: Convolution, taken: Shape) -> npt.NDArray[np.int64]:
    """Return the taps of a map in the order [channel][row][column]; the engine has [row][channel][column]."""
    rows = columns = layer.kernel
    if layer.pool.startswith("flatten"):
        shrunk = 2 if layer.pool == "flatten_max" else 1
        rows, columns = taken.rows // shrunk, taken.columns // shrunk
    taps = np.arange(rows * taken.channels * columns).reshape(rows, taken.channels, columns)
    return taps.transpose(1, 0, 2).ravel()


def _norms(network: SparseCNN) -> Iterator[Norm]:
    """Yield how each map is normalised that a layer takes so, in order of layers and maps."""
    plan, state, at = network.plan, network.copy_state(), 0
    starts = np.cumsum([0, *(shape.channels for shape in plan.shapes)])
    scales, shifts = np.split(state["norms"], 2)
    for layer in plan.layers:
        if isinstance(layer, Convolution) and layer.norm:
            for source in layer.sources:
                own, channels = slice(at, at := at + plan.shapes[source].channels), slice(*starts[source : source + 2])
                means, variances = (state[f"running_{kind}"][channels] for kind in ("means", "variances"))
                yield Norm(scales[own], shifts[own], means, variances)
