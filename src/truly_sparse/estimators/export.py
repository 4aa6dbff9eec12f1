"""Ways out of the package: SciPy, PyTorch, and what the exports have in common.

A fitted estimator is: a scaling (piecewise linear), networks of dense products once written out, the mean of their
softmax outputs, and for a regressor the mean of the knots.
"""

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from truly_sparse.engine.network import SparseMLP
from truly_sparse.errors import UserError
from truly_sparse.estimators.preprocessing import PiecewiseLinear, Quantile, Ramps, Scaling, Standard


def to_csr(network: SparseMLP) -> list[tuple[csr_array, npt.NDArray[np.float32]]]:
    """Return (weights, biases) of every block; weights are a CSR array, shape (neurons, inputs), float32."""
    parts, start = [], 0
    for block in network.blocks:
        # A block's links by input neuron are the columns of the array: CSC, turned into CSR.
        shape = (block.n_in, block.n_out)
        by_input = csr_array((block.values.copy(), block.targets.copy(), block.in_pointers.copy()), shape=shape)
        parts.append((csr_array(by_input.T), network.biases[start : start + block.n_out].copy()))
        start += block.n_out
    return parts


def affine(scaling: Scaling) -> list[tuple[str, npt.NDArray[Any]]]:
    """Return a scaling as steps of (operation, operand), to be applied to float64 rows in order.

    Operations: "take" columns, "subtract", "divide", "clip" to 0 and 1, "matmul", "add".
    """
    steps: list[tuple[str, npt.NDArray[Any]]] = []
    if isinstance(scaling, Ramps):
        steps += [("take", scaling.of), ("subtract", scaling.start), ("divide", scaling.stop - scaling.start)]
        steps += [("clip", np.array([0.0, 1.0]))]
    if isinstance(scaling, Quantile):
        heights = np.zeros((len(scaling.of), len(scaling.owner)))
        heights[np.arange(len(scaling.of)), scaling.of] = scaling.height
        steps += [("matmul", heights), ("add", scaling.floor)]
    if isinstance(scaling, Standard | PiecewiseLinear):
        steps += [("subtract", scaling.mean), ("divide", scaling.deviation)]
    return steps


def to_torch(model: Any) -> Any:
    """Return a `torch.nn.Module` with dense weights that predicts what `model` does.

    Its input is float64 (or float32), shape (rows, features); its output are float32 probabilities, shape (rows,
    classes), or for a regressor float64 values, shape (rows,). Its parameters can be trained further.
    """
    try:
        import torch
    except ModuleNotFoundError:
        raise UserError('to_torch needs PyTorch; pip install "truly-sparse[torch]"') from None

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

    class Slope(torch.nn.Module):
        def __init__(self, slope: float) -> None:
            super().__init__()
            self.slope = slope

        def forward(self, rows: Any) -> Any:
            return torch.where(rows > 0, rows, self.slope * rows)

    class Ensemble(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = Scale(affine(model._model.scaling))
            self.members = torch.nn.ModuleList([layers(network) for network in model.members_])
            self.register_buffer("knots", torch.as_tensor(model.knots_) if hasattr(model, "knots_") else None)

        def forward(self, rows: Any) -> Any:
            scaled = self.scale(rows)
            mean = torch.stack([torch.softmax(member(scaled), dim=1) for member in self.members]).mean(dim=0)
            return mean if self.knots is None else torch.matmul(mean.double(), cast(Any, self.knots))

    def layers(network: SparseMLP) -> Any:
        parts: list[Any] = []
        for number, (weights, biases) in enumerate(to_csr(network)):
            linear = torch.nn.Linear(weights.shape[1], weights.shape[0])
            with torch.no_grad():
                linear.weight.copy_(torch.as_tensor(weights.toarray()))
                linear.bias.copy_(torch.as_tensor(biases))
            parts += [Slope(float(network.slopes[number]))] if number else []
            parts.append(linear)
        return torch.nn.Sequential(*parts)

    return Ensemble().eval()
