"""Convolutional networks as arrays: their layers in words, and the checks before one is built of a file."""

import json
import math
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.convolution.layers import Convolution, Layer, MaxPool, Plan
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.graph import Graph
from truly_sparse.errors import UserError

Arrays = dict[str, npt.NDArray[Any]]
KINDS: dict[str, type[Convolution] | type[MaxPool]] = {"convolution": Convolution, "max_pool": MaxPool}
#: What each number or word of a layer is, those of a tuple too.
TYPES = {
    **dict.fromkeys(("source", "sources", "channels", "kernel", "border"), int),
    **dict.fromkeys(("norm", "bias_per_map"), bool),
    **dict.fromkeys(("activation", "pool"), str),
}
#: Layers of a file, and numbers of its picture.
MOST_LAYERS, LARGEST = 1000, 2**24


def described(plan: Plan) -> Arrays:
    """Return picture and layers as arrays; layers are JSON in bytes."""
    names = {kind: name for name, kind in KINDS.items()}
    listed = [{"kind": names[type(layer)], **asdict(layer)} for layer in plan.layers]
    return {
        "picture": np.array(plan.picture, np.int64),
        "layers": np.frombuffer(json.dumps(listed).encode(), np.uint8).copy(),
    }


def plan_of(arrays: Arrays) -> Plan:
    """Return the plan of a file.

    Raises
    ------
    UserError
        For layers that are none, or do not fit.
    """
    picture, text = arrays["picture"], arrays["layers"]
    if picture.shape != (3,) or picture.dtype != np.int64 or text.dtype != np.uint8 or text.ndim != 1:
        raise UserError("picture or layers are not valid")
    if (picture < 1).any() or (picture > LARGEST).any() or math.prod(picture.tolist()) > LARGEST:
        raise UserError(f"a picture of {tuple(picture.tolist())} is not one of 1 to {LARGEST:,} numbers")
    listed = json.loads(text.tobytes())
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_LAYERS:
        raise UserError("layers are not a list")
    return Plan(picture.tolist(), [_layer(number, entry) for number, entry in enumerate(listed, 1)])


def _layer(number: int, entry: Any) -> Layer:
    kind = KINDS.get(str(entry.get("kind"))) if isinstance(entry, dict) else None
    if kind is None or set(entry) != {"kind", *(field.name for field in fields(kind))}:
        raise UserError(f"layer {number} is neither a convolution nor a pool")
    values = {field.name: entry[field.name] for field in fields(kind)}
    if kind is Convolution:
        values["sources"] = tuple(values["sources"]) if isinstance(values["sources"], list) else None
    for field in fields(kind):
        wanted = TYPES[field.name]
        value = values[field.name]
        parts = value if isinstance(value, tuple) else (value,)
        if any(type(part) is not wanted for part in parts):
            raise UserError(f"layer {number}: {field.name} is not {wanted.__name__}")
    return kind(**values)


def shape_of(plan: Plan) -> dict[str, int]:
    """Return how long the arrays are that a network of a plan has besides its links."""
    channels = sum(shape.channels for shape in plan.shapes)
    biases = sum(plan.shapes[made].channels for made, _ in plan.biases)
    return {
        "biases": biases,
        "bias_velocity": biases,
        "norms": 2 * plan.norms,
        "norm_velocity": 2 * plan.norms,
        "running_means": channels,
        "running_variances": channels,
    }


def built(plan: Plan, graph: Graph, arrays: Arrays, storage: str) -> SparseCNN:
    """Return the network of checked arrays, still without its state.

    Raises
    ------
    UserError
        For a negative variance.
    """
    if (arrays["running_variances"] < 0).any():
        raise UserError("a running variance is negative")
    bounds = dict(zip(plan.pairs, arrays["bounds"].tolist(), strict=True))
    return SparseCNN(plan, graph, bounds, storage)
