"""An ONNX model of a fitted estimator, with dense or sparse initialisers."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from truly_sparse.engine.convolution.kernels import TINY
from truly_sparse.engine.convolution.layers import Convolution, MaxPool
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.network import SparseMLP
from truly_sparse.errors import UserError
from truly_sparse.estimators.convolved import Norm, convolved
from truly_sparse.estimators.encoding import Encoding
from truly_sparse.estimators.export import affine, marked_values, sums_and_differences, to_csr
from truly_sparse.estimators.pair_loops import LIMIT
from truly_sparse.estimators.pairs import Pairs
from truly_sparse.estimators.tables import UNSEEN, Categories
from truly_sparse.estimators.temperature import LEAST
from truly_sparse.files import atomic_path

OPSET = 17
#: The operators of ONNX that read text, and their version.
TEXT_OPSET = ("ai.onnx.ml", 3)
#: Pooling, and how it takes two by two positions.
POOLS = {"max": "MaxPool", "flatten_max": "MaxPool", "average": "AveragePool", "global": "GlobalAveragePool"}
FOURS = {"kernel_shape": [2, 2], "strides": [2, 2]}
OPERATORS = {"take": "Gather", "subtract": "Sub", "divide": "Div", "matmul": "MatMul", "add": "Add"}

#: Type and shape of what goes in or comes out.
Described = tuple[int, list[int | None]]


class Graph:
    """Nodes and initialisers, collected in order of use."""

    def __init__(self, onnx: Any, sparse: bool) -> None:
        self.onnx, self.sparse = onnx, sparse
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.sparse_constants: list[Any] = []
        self.texts = 0

    def constant(self, array: npt.NDArray[Any]) -> str:
        """Add a dense initialiser; return its name."""
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weights(self, matrix: csr_array, shape: tuple[int, ...] | None = None) -> str:
        """Add a CSR array, in another shape if one is given; return its name."""
        shape = shape or matrix.shape
        if not self.sparse:
            return self.constant(matrix.toarray().reshape(shape))
        name, helper = f"s{len(self.sparse_constants)}", self.onnx.helper
        links = matrix.sorted_indices().tocoo()
        places = links.row.astype(np.int64) * matrix.shape[1] + links.col
        values = self.onnx.numpy_helper.from_array(links.data, name)
        indices = self.onnx.numpy_helper.from_array(places, f"{name}_places")
        self.sparse_constants.append(helper.make_sparse_tensor(values, indices, shape))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; return the name of its output. `domain` is that of its operator."""
        name = f"n{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def write(self, path: str | Path, result: str, inputs: Described, outputs: Described) -> None:
        """Check the model from X, and T if it takes text, to Y, which is `result`, and write it to `path`."""
        helper, named, opsets = self.onnx.helper, {"X": inputs}, [("", OPSET)]
        if self.texts:
            named["T"] = (self.onnx.TensorProto.STRING, [None, self.texts])
            opsets.append(TEXT_OPSET)
        self.nodes.append(helper.make_node("Identity", [result], ["Y"]))
        whole = helper.make_graph(
            self.nodes,
            "truly_sparse",
            [helper.make_tensor_value_info(name, *described) for name, described in named.items()],
            [helper.make_tensor_value_info("Y", *outputs)],
            self.constants,
            sparse_initializer=self.sparse_constants,
        )
        made = helper.make_model(whole, opset_imports=[helper.make_opsetid(*opset) for opset in opsets], ir_version=10)
        self.onnx.checker.check_model(made)
        with atomic_path(path) as temporary:
            self.onnx.save(made, temporary)


def to_onnx(model: Any, path: str | Path, sparse: bool) -> None:
    """Write the ONNX model of a fitted estimator to `path`; see `Inspection.to_onnx`."""
    onnx = _imported_onnx()
    graph, double, single = Graph(onnx, sparse), onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT
    rows = _with_text(graph, model.categories_, model.n_features_in_, double)
    encoded = _encoded(graph, model._model.encoding, model.categories_, rows, single)
    outputs = [_member(graph, network, encoded) for network in model.members_]
    mean, inputs = graph.node("Mean", *outputs), (double, [None, model.n_features_in_])
    if model._model.temperature != 1:
        logarithms = graph.node("Log", graph.node("Max", mean, graph.constant(np.asarray(LEAST))))
        cooled = graph.node("Div", logarithms, graph.constant(np.asarray(model._model.temperature, np.float32)))
        mean = graph.node("Softmax", cooled, axis=1)
    if hasattr(model, "knots_"):
        mean = graph.node("MatMul", graph.node("Cast", mean, to=double), graph.constant(model.knots_))
        graph.write(path, mean, inputs, (double, [None]))
    else:
        graph.write(path, mean, inputs, (single, [None, len(model.classes_)]))


def pictures_to_onnx(model: Any, path: str | Path, sparse: bool) -> None:
    """Write the ONNX model of a classifier of pictures to `path`; see `SparseCNNClassifier.to_onnx`."""
    onnx = _imported_onnx()
    graph, single = Graph(onnx, sparse), onnx.TensorProto.FLOAT
    # In float64, so that pictures far from 0 keep what tells them apart.
    moved = graph.node("Sub", graph.node("Cast", "X", to=onnx.TensorProto.DOUBLE), graph.constant(model.shade_.mean))
    shaded = graph.node("Cast", graph.node("Div", moved, graph.constant(model.shade_.deviation)), to=single)
    planes = graph.node("Transpose", shaded, perm=[0, 3, 1, 2])
    probabilities = _member(graph, model.network_, planes)
    outputs = (single, [None, len(model.classes_)])
    graph.write(path, probabilities, (single, [None, *model.picture_shape_]), outputs)


def _with_text(graph: Graph, categories: Categories, features: int, double: int) -> str:
    """Return the name of the rows X, in which columns of text have the places of the categories in T."""
    text = {place: own for place, own in categories.items() if own.dtype == object}
    if not text:
        return "X"
    graph.texts, order, parts = len(text), np.arange(features), ["X"]
    for number, (place, own) in enumerate(text.items()):
        # What is missing is empty, unless that is a category.
        places = {"": np.nan} | {value: float(at) for at, value in enumerate(own)}
        column = graph.node("Gather", "T", graph.constant(np.array([number])), axis=1)
        texts = {"keys_strings": list(places), "values_floats": list(places.values()), "default_float": UNSEEN}
        found = graph.node("LabelEncoder", column, domain=TEXT_OPSET[0], **texts)
        parts.append(graph.node("Cast", found, to=double))
        order[place] = features + number
    return graph.node("Gather", graph.node("Concat", *parts, axis=1), graph.constant(order), axis=1)


def _encoded(graph: Graph, encoding: Encoding, categories: Categories, given: str, single: int) -> str:
    """Add the encoding of rows of a name; return the name of the inputs of the networks, float32."""
    nothing = graph.constant(np.zeros((), np.float32))
    parts = []
    if len(encoding.scaling.owner):
        rows = graph.node("Where", graph.node("IsNaN", given), graph.constant(np.zeros(())), given)
        rows = graph.node("Gather", rows, graph.constant(encoding.numeric), axis=1)
        if len(encoding.pairs):
            rows = graph.node("Concat", rows, _of_pairs(graph, encoding.pairs, rows), axis=1)
        for name, operand in affine(encoding.scaling):
            if name == "clip":
                rows = graph.node("Clip", rows, *(graph.constant(np.array(limit)) for limit in operand))
            else:
                extra = {"axis": 1} if name == "take" else {}
                rows = graph.node(OPERATORS[name], rows, graph.constant(operand), **extra)
        owners = encoding.owners[: 2 if len(encoding.pairs) else 1, : len(encoding.scaling.owner)]
        every = [graph.node("IsNaN", graph.node("Gather", given, graph.constant(own), axis=1)) for own in owners]
        gaps = graph.node("Or", *every) if len(every) == 2 else every[0]
        parts.append(graph.node("Where", gaps, nothing, graph.node("Cast", rows, to=single)))
    marked = marked_values(encoding, categories)
    for missing in (True, False):
        own = np.isnan(marked) == missing
        if own.any():
            columns = graph.node("Gather", given, graph.constant(encoding.mark_of[own]), axis=1)
            found = ("IsNaN", columns) if missing else ("Equal", columns, graph.constant(marked[own]))
            parts.append(graph.node("Cast", graph.node(*found), to=single))
    if len(parts) == 1:
        return parts[0]
    # Marks of what is missing come first here, those of each column together in the encoding.
    first = len(encoding.scaling.owner)
    order = np.concatenate([np.arange(first), first + np.argsort(np.argsort(~np.isnan(marked), kind="stable"))])
    return graph.node("Gather", graph.node("Concat", *parts, axis=1), graph.constant(order), axis=1)


def _of_pairs(graph: Graph, pairs: Pairs, rows: str) -> str:
    """Add the sums and differences of pairs; return their name."""
    both = graph.node("Gather", rows, graph.constant(pairs.places), axis=1)
    both = graph.node("Div", graph.node("Sub", both, graph.constant(pairs.mean)), graph.constant(pairs.deviation))
    both = graph.node("Clip", both, *(graph.constant(np.array(limit)) for limit in (-LIMIT, LIMIT)))
    return graph.node("MatMul", both, graph.constant(sums_and_differences(pairs)))


def network_to_onnx(network: SparseMLP | SparseCNN, path: str | Path, sparse: bool = False) -> None:
    """Write the ONNX model of one network to `path`.

    It leads from float32 inputs X, shape (rows, inputs), to probabilities Y, shape (rows, classes). Pictures of a
    `SparseCNN` are channel by channel, as `predict_proba` takes them. Its maps are flattened in ONNX's order,
    [channel][row][column], as the weights are, and normalised by their running means and variances. A network that
    keeps its maps in bfloat16 differs from its model as much as it rounds.

    Raises
    ------
    UserError
        If onnx is not installed.
    """
    onnx = _imported_onnx()
    graph, single = Graph(onnx, sparse), onnx.TensorProto.FLOAT
    probabilities = _member(graph, network, "X")
    graph.write(path, probabilities, (single, [None, network.features]), (single, [None, network.sizes[-1]]))


def _imported_onnx() -> Any:
    try:
        import onnx
        from onnx import helper, numpy_helper  # noqa: F401  (makes them attributes of onnx)
    except ModuleNotFoundError:
        raise UserError('to_onnx needs onnx; pip install "truly-sparse[onnx]"') from None
    return onnx


def _member(graph: Graph, network: SparseMLP | SparseCNN, rows: str) -> str:
    """Add one network; return the name of its probabilities."""
    if isinstance(network, SparseCNN):
        return graph.node("Softmax", _convolutional(graph, network, rows), axis=1)
    return graph.node("Softmax", _perceptron(graph, network, rows), axis=1)


def _perceptron(graph: Graph, network: SparseMLP, rows: str) -> str:
    outputs, last = [rows], len(network.sizes) - 1
    for number, layer in enumerate(to_csr(network), 1):
        rows = _sums(graph, _joined(graph, [outputs[source] for source in layer.sources]), layer.weights, layer.biases)
        outputs.append(rows if number == last else _bent(graph, network, number, rows))
    return outputs[-1]


def _bent(graph: Graph, network: SparseMLP, layer: int, rows: str) -> str:
    if network.mish:
        return _mish(graph, rows)
    slope = graph.constant(np.asarray(network.slopes[layer], np.float32))
    positive = graph.node("Greater", rows, graph.constant(np.zeros((), np.float32)))
    return graph.node("Where", positive, rows, graph.node("Mul", rows, slope))


def _mish(graph: Graph, rows: str) -> str:
    return graph.node("Mul", rows, graph.node("Tanh", graph.node("Softplus", rows)))


def _joined(graph: Graph, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=1)


def _sums(graph: Graph, rows: str, weights: csr_array, biases: npt.NDArray[np.float32]) -> str:
    """Add a layer of neurons with weights [output][input]; return the name of their sums."""
    return graph.node("Add", graph.node("MatMul", rows, graph.weights(weights.T.tocsr())), graph.constant(biases))


def _convolutional(graph: Graph, network: SparseCNN, rows: str) -> str:
    shape = graph.constant(np.array([0, *network.plan.picture], np.int64))  # 0: as many rows as there are
    maps = [graph.node("Reshape", rows, shape)]
    for own in convolved(network):
        if isinstance(own, MaxPool):
            maps.append(graph.node("MaxPool", maps[own.source], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4))
            continue
        layer = own.layer
        pairs = zip(layer.sources, own.norms, strict=True)
        joined = _joined(graph, [_taken(graph, layer, maps[source], norm) for source, norm in pairs])
        if own.units:
            maps.append(_sums(graph, joined, own.weights, own.biases))
        else:
            weights, biases = graph.weights(own.weights, own.kernel), graph.constant(own.biases)
            maps.append(graph.node("Conv", joined, weights, biases, pads=[layer.border] * 4))
    return maps[-1]


def _taken(graph: Graph, layer: Convolution, rows: str, norm: Norm | None) -> str:
    """Add what a layer takes of a map: normalised, bent and pooled; return its name."""
    if norm:
        rows = graph.node("BatchNormalization", rows, *(graph.constant(part) for part in norm), epsilon=TINY)
    if layer.activation == "relu":
        rows = graph.node("Relu", rows)
    if layer.activation == "mish":
        rows = _mish(graph, rows)
    if layer.pool in POOLS:
        rows = graph.node(POOLS[layer.pool], rows, **({} if layer.pool == "global" else FOURS))
    return graph.node("Flatten", rows) if layer.pool in ("global", "flatten", "flatten_max") else rows
