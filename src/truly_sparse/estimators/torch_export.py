"""PyTorch modules, with dense weights, of networks and fitted estimators."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.convolution.kernels import SHARE, TINY
from truly_sparse.engine.convolution.layers import MaxPool, Shape
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.network import SparseMLP
from truly_sparse.errors import UserError
from truly_sparse.estimators.convolved import Convolved, Norm, convolved
from truly_sparse.estimators.encoding import Encoding
from truly_sparse.estimators.export import affine, marked_values, sums_and_differences, to_csr
from truly_sparse.estimators.pair_loops import LIMIT
from truly_sparse.estimators.temperature import LEAST


def to_torch(model: Any) -> Any:
    """Return a `torch.nn.Module` with dense weights that predicts what `model` does.

    Its input is float64 (or float32), shape (rows, features), as `export` says; its output are float32
    probabilities, shape (rows, classes), or for a regressor float64 values, shape (rows,). Its parameters can be
    trained further.
    """
    torch: Any = _imported_torch()

    encoding: Encoding = model._model.encoding
    temperature: float = model._model.temperature

    class Encode(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            steps = affine(encoding.scaling)
            self.names = [name for name, _ in steps]
            for number, (_, operand) in enumerate(steps):
                self.register_buffer(f"operand{number}", torch.as_tensor(operand))
            self.register_buffer("numeric", torch.as_tensor(encoding.numeric))
            self.register_buffer("owners", torch.as_tensor(encoding.owners[:, : len(encoding.scaling.owner)]))
            pairs = encoding.pairs
            for name, operand in pairs.arrays().items():
                self.register_buffer(f"pair_{name}", torch.as_tensor(operand))
            self.register_buffer("pair_made", torch.as_tensor(sums_and_differences(pairs)))
            self.register_buffer("of", torch.as_tensor(encoding.mark_of))
            self.register_buffer("marked", torch.as_tensor(marked_values(encoding, model.categories_)))

        def forward(self, rows: Any) -> Any:
            given = rows.double()
            rows = torch.nan_to_num(given, nan=0.0)[:, self.numeric]
            both = (rows[:, self.pair_places] - self.pair_mean) / self.pair_deviation
            rows = torch.cat([rows, torch.matmul(both.clamp(-LIMIT, LIMIT), self.pair_made)], dim=1)
            for number, name in enumerate(self.names):
                operand = getattr(self, f"operand{number}")
                if name == "take":
                    rows = rows[:, operand]
                elif name == "clip":
                    rows = rows.clamp(0.0, 1.0)
                else:
                    rows = getattr(torch, name)(rows, operand)
            gaps = torch.isnan(given[:, self.owners[0]]) | torch.isnan(given[:, self.owners[1]])
            rows = torch.where(gaps, 0.0, rows.float())
            columns = given[:, self.of]
            marks = torch.where(torch.isnan(self.marked), torch.isnan(columns), columns == self.marked)
            return torch.cat([rows, marks.float()], dim=1)

    class Ensemble(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode = Encode()
            self.members = torch.nn.ModuleList([network_to_torch(network) for network in model.members_])
            self.register_buffer("knots", torch.as_tensor(model.knots_) if hasattr(model, "knots_") else None)

        def forward(self, rows: Any) -> Any:
            encoded = self.encode(rows)
            mean = torch.stack([torch.softmax(member(encoded), dim=1) for member in self.members]).mean(dim=0)
            if temperature != 1:
                mean = torch.softmax(mean.clamp_min(float(LEAST)).log() / temperature, dim=1)
            return mean if self.knots is None else torch.matmul(mean.double(), cast(Any, self.knots))

    return Ensemble().eval()


def pictures_to_torch(model: Any) -> Any:
    """Return a `torch.nn.Module` that predicts what a classifier of pictures does.

    Its input are numbers as `predict_proba` takes them, shape (pictures, rows, columns, channels), its output are
    float32 probabilities, shape (pictures, classes).
    """
    torch: Any = _imported_torch()

    class Pictures(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.as_tensor(model.shade_.mean))
            self.register_buffer("deviation", torch.as_tensor(model.shade_.deviation))
            self.network = network_to_torch(model.network_)

        def forward(self, pictures: Any) -> Any:
            shaded = (pictures.double() - self.mean) / self.deviation
            return torch.softmax(self.network(shaded.float().movedim(3, 1)), dim=1)

    return Pictures().eval()


def network_to_torch(network: SparseMLP | SparseCNN) -> Any:
    """Return a `torch.nn.Module` with dense weights that does what one network does.

    Its input is float32, shape (rows, inputs), or of a `SparseCNN` also (rows, channels, rows, columns); its output are
    logits, shape (rows, classes).

    A module of a `SparseCNN` flattens maps in PyTorch's order, [channel][row][column], as its weights are. It is in
    evaluation mode, which normalises by the running means and variances; in training mode it normalises by the batch
    and moves these as the network does, and leads the error of a maximum to the first of several equal ones, too. A
    network that keeps its maps in bfloat16 differs from its module as much as it rounds.

    Raises
    ------
    UserError
        If PyTorch is not installed.
    """
    torch = _imported_torch()
    module = _convolutional(torch, network) if isinstance(network, SparseCNN) else _perceptron(torch, network)
    return module.eval()


def _imported_torch() -> Any:
    try:
        import torch
    except ModuleNotFoundError:
        raise UserError('to_torch needs PyTorch; pip install "truly-sparse[torch]"') from None
    return torch


def _filled(torch: Any, module: Any, **values: npt.NDArray[np.float32]) -> Any:
    """Return a module whose parameters and buffers of these names have these values."""
    with torch.no_grad():
        for name, value in values.items():
            getattr(module, name).copy_(torch.as_tensor(value))
    return module


def _perceptron(torch: Any, network: SparseMLP) -> Any:
    class Slope(torch.nn.Module):
        def __init__(self, slope: float) -> None:
            super().__init__()
            self.slope = slope

        def forward(self, rows: Any) -> Any:
            return torch.where(rows > 0, rows, self.slope * rows)

    class Perceptron(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers = to_csr(network)
            self.sources = [layer.sources for layer in layers]
            self.linear = torch.nn.ModuleList(
                _filled(torch, torch.nn.Linear(*weights.shape[::-1]), weight=weights.toarray(), bias=biases)
                for weights, biases, _ in layers
            )
            slopes = network.slopes[1:-1].tolist()
            self.bend = torch.nn.ModuleList([torch.nn.Mish() if network.mish else Slope(slope) for slope in slopes])

        def forward(self, rows: Any) -> Any:
            outputs = [rows]
            for number, (sources, linear) in enumerate(zip(self.sources, self.linear, strict=True)):
                sums = linear(torch.cat([outputs[source] for source in sources], dim=1))
                outputs.append(self.bend[number](sums) if number < len(self.bend) else sums)
            return outputs[-1]

    return Perceptron()


def _convolutional(torch: Any, network: SparseCNN) -> Any:
    nn: Any = torch.nn
    plan = network.plan
    bends: dict[str, Callable[[], Any]] = {"none": nn.Identity, "relu": nn.ReLU, "mish": nn.Mish}
    pools: dict[str, Callable[[], Any]] = {
        "none": nn.Identity,
        "max": lambda: nn.MaxPool2d(2),
        "average": lambda: nn.AvgPool2d(2),
        "global": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        "flatten": nn.Flatten,
        "flatten_max": lambda: nn.Sequential(nn.MaxPool2d(2), nn.Flatten()),
    }

    class Links(nn.Module):
        def __init__(self, own: Convolved) -> None:
            super().__init__()
            shapes = [plan.shapes[source] for source in own.layer.sources]
            self.norms = nn.ModuleList(normed(*pair) for pair in zip(own.norms, shapes, strict=True))
            self.bend, self.pool = bends[own.layer.activation](), pools[own.layer.pool]()
            channels, inputs, *_ = own.kernel
            links = (
                nn.Linear(inputs, channels)
                if own.units
                else nn.Conv2d(inputs, channels, own.layer.kernel, padding=own.layer.border)
            )
            self.links = _filled(torch, links, weight=own.weights.toarray().reshape(own.kernel), bias=own.biases)

        def forward(self, *maps: Any) -> Any:
            taken = [self.pool(self.bend(norm(z))) for norm, z in zip(self.norms, maps, strict=True)]
            return self.links(torch.cat(taken, dim=1) if len(taken) > 1 else taken[0])

    def normed(norm: Norm | None, shape: Shape) -> Any:
        if norm is None:
            return nn.Identity()
        kind = nn.BatchNorm1d if shape[1:] == (1, 1) else nn.BatchNorm2d
        values = {"weight": norm.scale, "bias": norm.shift, "running_mean": norm.mean, "running_var": norm.variance}
        return _filled(torch, kind(shape.channels, eps=TINY, momentum=SHARE), **values)

    class Convolutional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.sources = [layer.sources for layer in plan.layers]
            self.layers = nn.ModuleList(
                nn.MaxPool2d(3, 2, 1) if isinstance(own, MaxPool) else Links(own) for own in convolved(network)
            )

        def forward(self, pictures: Any) -> Any:
            maps = [pictures.reshape(len(pictures), *plan.picture)]
            for sources, layer in zip(self.sources, self.layers, strict=True):
                maps.append(layer(*(maps[source] for source in sources)))
            return maps[-1]

    return Convolutional()
