"""An ONNX model of a fitted estimator, with dense or sparse initialisers."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.network import SparseMLP
from truly_sparse.errors import UserError
from truly_sparse.estimators.export import affine, to_csr
from truly_sparse.files import atomic_path

OPSET = 17
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

    def constant(self, array: npt.NDArray[Any]) -> str:
        """Add a dense initialiser; return its name."""
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weights(self, matrix: Any) -> str:
        """Add weights [output][input] of a CSR array as [input][output]; return their name."""
        if not self.sparse:
            return self.constant(matrix.toarray().T)
        name, helper = f"s{len(self.sparse_constants)}", self.onnx.helper
        turned = matrix.T.tocsr().sorted_indices().tocoo()
        places = turned.row.astype(np.int64) * turned.shape[1] + turned.col
        values = self.onnx.numpy_helper.from_array(turned.data, name)
        indices = self.onnx.numpy_helper.from_array(places, f"{name}_places")
        self.sparse_constants.append(helper.make_sparse_tensor(values, indices, turned.shape))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        name = f"n{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def write(self, path: str | Path, result: str, inputs: Described, outputs: Described) -> None:
        """Check the model from X to Y, which is `result`, and write it to `path`."""
        helper = self.onnx.helper
        self.nodes.append(helper.make_node("Identity", [result], ["Y"]))
        whole = helper.make_graph(
            self.nodes,
            "truly_sparse",
            [helper.make_tensor_value_info("X", *inputs)],
            [helper.make_tensor_value_info("Y", *outputs)],
            self.constants,
            sparse_initializer=self.sparse_constants,
        )
        made = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
        self.onnx.checker.check_model(made)
        with atomic_path(path) as temporary:
            self.onnx.save(made, temporary)


def to_onnx(model: Any, path: str | Path, sparse: bool) -> None:
    """Write the ONNX model of a fitted estimator to `path`; see `Inspection.to_onnx`."""
    onnx = _imported_onnx()
    graph, double, single = Graph(onnx, sparse), onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT
    rows = "X"
    for name, operand in affine(model._model.scaling):
        if name == "clip":
            rows = graph.node("Clip", rows, *(graph.constant(np.array(limit)) for limit in operand))
        else:
            extra = {"axis": 1} if name == "take" else {}
            rows = graph.node(OPERATORS[name], rows, graph.constant(operand), **extra)
    scaled = graph.node("Cast", rows, to=single)
    outputs = [_member(graph, network, scaled) for network in model.members_]
    mean, inputs = graph.node("Mean", *outputs), (double, [None, model.n_features_in_])
    if hasattr(model, "knots_"):
        mean = graph.node("MatMul", graph.node("Cast", mean, to=double), graph.constant(model.knots_))
        graph.write(path, mean, inputs, (double, [None]))
    else:
        graph.write(path, mean, inputs, (single, [None, len(model.classes_)]))


def network_to_onnx(network: SparseMLP, path: str | Path, sparse: bool = False) -> None:
    """Write the ONNX model of one network, from float32 inputs X to probabilities Y, to `path`."""
    onnx = _imported_onnx()
    graph, single = Graph(onnx, sparse), onnx.TensorProto.FLOAT
    probabilities = _member(graph, network, "X")
    graph.write(path, probabilities, (single, [None, network.sizes[0]]), (single, [None, network.sizes[-1]]))


def _imported_onnx() -> Any:
    try:
        import onnx
        from onnx import helper, numpy_helper  # noqa: F401  (makes them attributes of onnx)
    except ModuleNotFoundError:
        raise UserError('to_onnx needs onnx; pip install "truly-sparse[onnx]"') from None
    return onnx


def _member(graph: Graph, network: SparseMLP, rows: str) -> str:
    """Add one network; return the name of its probabilities."""
    outputs, last = [rows], len(network.sizes) - 1
    for number, layer in enumerate(to_csr(network), 1):
        inputs = [outputs[source] for source in layer.sources]
        joined = inputs[0] if len(inputs) == 1 else graph.node("Concat", *inputs, axis=1)
        rows = graph.node(
            "Add", graph.node("MatMul", joined, graph.weights(layer.weights)), graph.constant(layer.biases)
        )
        outputs.append(rows if number == last else _activation(graph, network, number, rows))
    return graph.node("Softmax", outputs[-1], axis=1)


def _activation(graph: Graph, network: SparseMLP, layer: int, rows: str) -> str:
    if network.mish:
        return graph.node("Mul", rows, graph.node("Tanh", graph.node("Softplus", rows)))
    slope = graph.constant(np.asarray(network.slopes[layer], np.float32))
    positive = graph.node("Greater", rows, graph.constant(np.zeros((), np.float32)))
    return graph.node("Where", positive, rows, graph.node("Mul", rows, slope))
