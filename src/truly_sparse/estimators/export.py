"""Weights as SciPy's arrays and scalings as plain steps: what the exports to PyTorch and ONNX have in common.

A fitted estimator is: a scaling (piecewise linear) and marks, networks of dense products once written out, the mean of
their softmax outputs, its temperature, and for a regressor the mean of the knots.

What comes in are float64 rows, with NaN where a value is missing. A category that is a number is that number; one that
is text is its place in `categories_`, and any other number is one that training did not see.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack

from truly_sparse.engine.convolution.layers import Convolution
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.network import SparseMLP
from truly_sparse.estimators.encoding import Encoding
from truly_sparse.estimators.pairs import Pairs
from truly_sparse.estimators.preprocessing import MaxAbs, PiecewiseLinear, Quantile, Ramps, Scaling, Standard
from truly_sparse.estimators.tables import Categories


class Layer(NamedTuple):
    """What neurons receive.

    `weights` is a CSR array of float32, shape (neurons, inputs), `biases` has shape (neurons,), and `sources` names the
    layers whose neurons are the inputs, in order: the layer before, and others where links skip layers.
    """

    weights: csr_array
    biases: npt.NDArray[np.float32]
    sources: tuple[int, ...]


def to_csr(network: SparseMLP | SparseCNN) -> list[Layer]:
    """Return the weights and biases of every layer but the inputs, of a `SparseCNN` those of every block.

    A convolutional layer has a block for each map it takes (`sources`; map 0 is the picture), from taps to channels.
    Taps are in order of the kernel's row, the map's channel and the kernel's column; those of a layer that flattens, in
    order of the map's row, channel and column. What the blocks of a layer make is summed. Biases are zero where a
    block has none of its own.
    """
    return list(_blocks(network) if isinstance(network, SparseCNN) else _layers(network))


def _layers(network: SparseMLP) -> Iterator[Layer]:
    links, starts = network.graph.arrays, network.graph.starts
    shape = (len(links.pointers) - 1, starts[-1])
    whole = csr_array((links.values.copy(), links.targets.copy(), links.pointers.copy()), shape=shape).T.tocsr()
    biases = network.summed_biases()
    for target in range(1, len(network.sizes)):
        own = whole[starts[target] : starts[target + 1]]
        # A layer to which nothing leads has weights of zero from the inputs.
        sources = tuple(block.source for block in network.blocks if block.target == target) or (0,)
        weights = csr_array(hstack([own[:, starts[source] : starts[source + 1]] for source in sources]))
        first = starts[target] - network.sizes[0]
        yield Layer(weights, biases[first : first + network.sizes[target]], sources)


def _blocks(network: SparseCNN) -> Iterator[Layer]:
    plan = network.plan
    parts = np.split(network.biases, np.cumsum([plan.shapes[made].channels for made, _ in plan.biases])[:-1])
    biases = dict(zip((pair for _, pair in plan.biases), parts, strict=True))
    sources = (source for layer in plan.layers if isinstance(layer, Convolution) for source in layer.sources)
    for block, source in zip(network.blocks, sources, strict=True):
        links = (block.values.copy(), block.targets, block.pointers)
        weights = csr_array(links, shape=(block.n_in, block.n_out)).T.tocsr()
        yield Layer(weights, biases.get(block.pair, np.zeros(block.n_out, np.float32)).copy(), (source,))


def affine(scaling: Scaling) -> list[tuple[str, npt.NDArray[Any]]]:
    """Return a scaling as steps of (operation, operand), to be applied to float64 rows in order.

    Operations: "take" columns, "subtract", "divide", "clip" to 0 and 1, "matmul", "add".
    """
    steps: list[tuple[str, npt.NDArray[Any]]] = []
    if isinstance(scaling, Ramps):
        steps += [
            ("take", scaling.of),
            ("subtract", scaling.start),
            ("divide", scaling.stop - scaling.start),
            ("clip", np.array([0.0, 1.0])),
        ]
    if isinstance(scaling, Quantile):
        heights = np.zeros((len(scaling.of), len(scaling.owner)))
        heights[np.arange(len(scaling.of)), scaling.of] = scaling.height
        steps += [("matmul", heights), ("add", scaling.floor)]
    if isinstance(scaling, Standard | PiecewiseLinear):
        steps += [("subtract", scaling.mean), ("divide", scaling.deviation)]
    if isinstance(scaling, MaxAbs):
        steps.append(("divide", scaling.scale))
    return steps


def sums_and_differences(pairs: Pairs) -> npt.NDArray[np.float64]:
    """Return the matrix, shape (2 x pairs, 2 x pairs), that makes them of the columns of pairs."""
    return np.asarray(np.kron(np.eye(len(pairs)), [[1.0, 1.0], [1.0, -1.0]]), np.float64)


def marked_values(encoding: Encoding, categories: Categories) -> npt.NDArray[np.float64]:
    """Return what each mark stands for in the rows that an export takes; NaN is a missing value."""
    values = encoding.mark_value.copy()
    for number, (of, value) in enumerate(zip(encoding.mark_of, values, strict=True)):
        if not np.isnan(value) and categories[of].dtype != object:
            values[number] = categories[of][int(value)]
    return values
