"""Ways out of the package: SciPy, PyTorch, and what the exports have in common.

A fitted estimator is: a scaling (piecewise linear), networks of dense products once written out, the mean of their
softmax outputs, and for a regressor the mean of the knots.
"""

from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack

from truly_sparse.engine.network import SparseMLP
from truly_sparse.errors import UserError
from truly_sparse.estimators.preprocessing import PiecewiseLinear, Quantile, Ramps, Scaling, Standard


class Layer(NamedTuple):
    """What a layer's neurons receive.

    `weights` is a CSR array of float32, shape (neurons, inputs), `biases` has shape (neurons,), and `sources` names the
    layers whose neurons are the inputs, in order: the layer before, and others where links skip layers.
    """

    weights: csr_array
    biases: npt.NDArray[np.float32]
    sources: tuple[int, ...]


def to_csr(network: SparseMLP) -> list[Layer]:
    """Return the weights and biases of every layer but the inputs."""
    links, starts = network.graph.arrays, network.graph.starts
    shape = (len(links.pointers) - 1, starts[-1])
    whole = csr_array((links.values.copy(), links.targets.copy(), links.pointers.copy()), shape=shape).T.tocsr()
    biases, layers = network.summed_biases(), []
    for target in range(1, len(network.sizes)):
        own = whole[starts[target] : starts[target + 1]]
        # A layer to which nothing leads has weights of zero from the inputs.
        sources = tuple(block.source for block in network.blocks if block.target == target) or (0,)
        weights = csr_array(hstack([own[:, starts[source] : starts[source + 1]] for source in sources]))
        first = starts[target] - network.sizes[0]
        layers.append(Layer(weights, biases[first : first + network.sizes[target]], sources))
    return layers


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
    return steps


def _imported_torch() -> Any:
    try:
        import torch
    except ModuleNotFoundError:
        raise UserError('to_torch needs PyTorch; pip install "truly-sparse[torch]"') from None
    return torch


def network_to_torch(network: SparseMLP) -> Any:
    """Return a `torch.nn.Module` with dense weights that does what one network does.

    Its input is float32, shape (rows, inputs); its output are logits, shape (rows, classes).
    """
    torch: Any = _imported_torch()

    class Slope(torch.nn.Module):
        def __init__(self, slope: float) -> None:
            super().__init__()
            self.slope = slope

        def forward(self, rows: Any) -> Any:
            return torch.where(rows > 0, rows, self.slope * rows)

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers = to_csr(network)
            self.sources = [layer.sources for layer in layers]
            self.linear = torch.nn.ModuleList([linear(layer) for layer in layers])
            slopes = network.slopes[1:-1].tolist()
            self.bend = torch.nn.ModuleList([torch.nn.Mish() if network.mish else Slope(slope) for slope in slopes])

        def forward(self, rows: Any) -> Any:
            outputs = [rows]
            for number, (sources, linear) in enumerate(zip(self.sources, self.linear, strict=True)):
                sums = linear(torch.cat([outputs[source] for source in sources], dim=1))
                outputs.append(self.bend[number](sums) if number < len(self.bend) else sums)
            return outputs[-1]

    def linear(layer: Layer) -> Any:
        made = torch.nn.Linear(layer.weights.shape[1], layer.weights.shape[0])
        with torch.no_grad():
            made.weight.copy_(torch.as_tensor(layer.weights.toarray()))
            made.bias.copy_(torch.as_tensor(layer.biases))
        return made

    return Network().eval()


def to_torch(model: Any) -> Any:
    """Return a `torch.nn.Module` with dense weights that predicts what `model` does.

    Its input is float64 (or float32), shape (rows, features); its output are float32 probabilities, shape (rows,
    classes), or for a regressor float64 values, shape (rows,). Its parameters can be trained further.
    """
    torch: Any = _imported_torch()

    class Scale(torch.nn.Module):
        def __init__(self, steps: list[tuple[str, npt.NDArray[Any]]]) -> None:
            super().__init__()
            self.names = [name for name, _ in steps]
            for number, (_, operand) in enumerate(steps):
                self.register_buffer(f"operand{number}", torch.as_tensor(operand))

        def forward(self, rows: Any) -> Any:
            rows = rows.double()
            for number, name in enumerate(self.names):
                operand = getattr(self, f"operand{number}")
                if name == "take":
                    rows = rows[:, operand]
                elif name == "clip":
                    rows = rows.clamp(0.0, 1.0)
                else:
                    rows = getattr(torch, name)(rows, operand)
            return rows.float()

    class Ensemble(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = Scale(affine(model._model.scaling))
            self.members = torch.nn.ModuleList([network_to_torch(network) for network in model.members_])
            self.register_buffer("knots", torch.as_tensor(model.knots_) if hasattr(model, "knots_") else None)

        def forward(self, rows: Any) -> Any:
            scaled = self.scale(rows)
            mean = torch.stack([torch.softmax(member(scaled), dim=1) for member in self.members]).mean(dim=0)
            return mean if self.knots is None else torch.matmul(mean.double(), cast(Any, self.knots))

    return Ensemble().eval()
