"""Running a golden case: everything that a run leaves behind, as digests of logical quantities.

Only this file knows how a network keeps its links: what is digested are sorted links, and values in their order.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from truly_sparse import estimators
from truly_sparse.data.arrays import Arrays, floats, load
from truly_sparse.engine import store
from truly_sparse.engine.convolution import layers
from truly_sparse.engine.convolution.layers import Convolution, Layer, MaxPool, Plan
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.memory import second_level_cache
from truly_sparse.engine.network import Samples, SparseMLP
from truly_sparse.engine.optimisers import SGD, Adam
from truly_sparse.engine.rows import Bytes
from truly_sparse.engine.streams import Streams
from truly_sparse.experiments import networks, outcome
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.files import sha256, write_json
from truly_sparse.golden.cases import Case
from truly_sparse.measure.flops import operations

Outputs = dict[str, Any]
ROWS = 800
#: The names under which histories and records are digested, where theirs changed since: a digest is of what a run does,
#: not of what that is called.
DIGESTED_AS = {"learning_rate": "eta", "prune_fraction": "zeta", "failure": "advice"}
#: Rows, classes and features of the made-up datasets.
TABLES = {
    "two": (ROWS, 2, 12),
    "three": (ROWS, 3, 10),
    "holes": (ROWS, 3, 10),
    "gesture": (9900, 5, 2),
    "images": (ROWS, 3, 12),
    "pictures": (400, 3, 256),
}
#: Channels, height and width of the made-up images, the last quarter of which is their test part.
SHAPES = {"images": (3, 2, 2), "pictures": (1, 16, 16)}
#: Pictures of several kinds of layers.
PICTURE = (2, 22, 16)
LAYERS: list[Layer] = [
    Convolution((0,), 4, activation="none"),
    MaxPool(1),
    Convolution((2,), 3, norm=True, activation="mish"),
    Convolution((2, 3), 4, norm=True, bias_per_map=True),
    Convolution((3, 4), 5, 1, 0, norm=True, activation="mish", pool="average"),
    Convolution((5,), 4, 2, 1),
    Convolution((6,), 5, 2, 0, pool="max"),
    Convolution((7,), 4, 1, 0, activation="mish", pool="global"),
    Convolution((7,), 4, 1, 0, pool="flatten"),
    Convolution((6,), 4, 1, 0, pool="flatten_max"),
    Convolution((8, 9, 10), 3, 1, 0),
]


def outputs(case: Case) -> Outputs:
    """Run a case and return its outputs by name: digests of 16 hexadecimal digits, or numbers where BLAS rounds."""
    quiet = redirect_stderr(StringIO())
    with threadpool_limits(limits=1), quiet, tempfile.TemporaryDirectory() as folder:
        for name in _datasets(case.settings):
            _prepare(Path(folder), name)
        return KINDS[case.kind](case.settings, Path(folder))


def _datasets(settings: dict[str, Any]) -> list[str]:
    """Return the datasets that a case reads."""
    return list(settings["config"]["datasets"]) if "config" in settings else [settings.get("dataset", "three")]


def _digest(*arrays: npt.NDArray[Any]) -> str:
    """Return a digest of types, shapes and bytes (little-endian) of arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(f"{array.dtype.str} {array.shape};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def _digest_of(content: Any) -> str:
    """Return a digest of plain values; floats count to their last bit."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _logical(networks: Sequence[SparseMLP]) -> Outputs:
    """Digest networks: sorted links (``source * n_out + target``) by block, values and velocities in their order."""
    blocks = [block for network in networks for block in network.blocks]
    return {
        "links": _digest(*(block.links() for block in blocks)),
        "values": _digest(*(block.values for block in blocks)),
        "velocities": _digest(*(block.velocity for block in blocks)),
        "biases": _digest(*(array for network in networks for array in (network.biases, network.bias_velocity))),
    }


def _members(networks: Sequence[store.Network]) -> Outputs:
    """Digest networks of one kind."""
    pictures = [network for network in networks if isinstance(network, SparseCNN)]
    if pictures:
        return _convolutional(pictures)
    return _logical([network for network in networks if isinstance(network, SparseMLP)])


def _convolutional(networks: Sequence[SparseCNN]) -> Outputs:
    """Digest sorted links by block, and all other state in order of its names."""
    states = [network.copy_state() for network in networks]
    return {
        "links": _digest(*(block.links() for network in networks for block in network.blocks)),
        "state": _digest(
            *(state[name] for state in states for name in sorted(state) if name not in ("pointers", "targets"))
        ),
    }


def _table(name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return made-up features and classes, by operations that every processor rounds alike."""
    rows, classes, features = TABLES[name]
    rng = np.random.Generator(np.random.PCG64(classes))
    y = rng.integers(0, classes, rows)
    centres = rng.random((classes, features)) * 2 - 1
    return centres[y] + (rng.random((rows, features)) * 3 - 1.5), y


def _prepare(folder: Path, name: str) -> None:
    """Write a made-up dataset as `data.prepare` writes one; "holes" lacks values, and "gesture" has names of videos."""
    x, y = _table(name)
    if name == "holes":
        x[::7, -1] = np.nan
    columns: dict[str, Any] = {f"f{number}": column for number, column in enumerate(x.T)} | {"target": y}
    if name in SHAPES:
        bytes_ = (x * 40 + 128).astype(np.uint8)
        images = pa.array([row.tobytes() for row in bytes_], pa.binary(x.shape[1]))
        columns = {"pixels": images, "target": y, "part": (np.arange(len(y)) >= len(y) * 3 // 4).astype(np.int8)}
    if name == "gesture":
        columns["video"] = [f"v{row // 1000}" for row in range(len(y))]
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table(columns), path)
    about = {"sha256": sha256(path), "classes": [str(number) for number in range(y.max() + 1)], "source": "made up"}
    write_json(path.with_suffix(".json"), {**about, "partial": None, "shape": SHAPES.get(name)})


def _data(settings: dict[str, Any], folder: Path) -> Outputs:
    """Read, split and scale a dataset."""
    data = load(settings["dataset"], {"folder": folder}, settings["data"], 1)
    return {
        "rows": _digest(data.y_train, data.y_validation, data.y_test),
        "features": _digest(*(floats(x) for x in (data.x_train, data.x_validation, data.x_test))),
        "filled": data.info["filled_values"],
    }


def _run(settings: dict[str, Any], folder: Path) -> Outputs:
    """Train and measure as `experiments.run` does, without the record around it."""
    spec = RunSpec("golden", settings["dataset"], "golden", "default", settings["seed"], settings)
    data = outcome.data_of(spec, {"folder": folder})
    model = outcome.fit(spec, data, folder, True, lambda: None)
    probabilities = outcome.predict(model, data)
    if isinstance(model, networks.Model):
        scored = settings["scored"]
        made = (
            _network_outputs(model, data, probabilities, scored)
            if settings["model"] == "sparse"
            else _dense_outputs(model, len(data.y_validation)) | (_counted(model, data) if scored else {})
        )
    else:
        made = {}
    if probabilities is None:
        return made
    if settings["model"] != "sparse":
        squares = (probabilities.astype(np.float64) ** 2).mean(axis=1)
        return {**made, "probabilities": squares.ravel().tolist()}
    made["probabilities"] = _digest(probabilities)
    return made | {name: _digest_of(value) for name, value in outcome.measured(probabilities, data).items()}


def _network_outputs(
    model: networks.Model, data: Arrays, probabilities: outcome.Floats | None, scored: bool
) -> Outputs:
    members = [store.build(member.arrays) for member in model.trainer.members]
    record = model.record(data, probabilities)
    del record["epochs_wall"]
    record.get("children", {}).pop("seconds", None)
    scores = record.pop("scores")
    together = record.pop("combined", None) if "children" not in record else None
    history = model.trainer.progress.history
    failure = model.failure and model.failure.replace("learning_rate", DIGESTED_AS["learning_rate"])
    return {
        **_members(members),
        "history": _digest_of(
            [{DIGESTED_AS.get(key, key): row[key] for key in row if key != "seconds"} for row in history]
        ),
        "record": _digest_of({**record, DIGESTED_AS["failure"]: failure}),
        # Cases from before there were scores go without; so they do without members combined where there is no parent.
        **({"scores": _digest_of(scores)} if scored else {}),
        **({"combined": _digest_of(together)} if scored and together else {}),
    }


def _dense_outputs(model: networks.Model, validation_rows: int) -> Outputs:
    history = model.trainer.progress.history
    counted = operations(history, validation_rows)
    return {
        "epochs": [member.epoch for member in model.trainer.members],
        "loss": [row["loss"] for row in history],
        "connections": [row["connections"] for row in history],
        "operations": [counted[name] for name in ("forward", "backward", "gradient", "validation")],
    }


def _counted(model: networks.Model, data: Arrays) -> Outputs:
    """Return the parameters that a record counts, of one case: all others are from before they were looked at."""
    links = model.record(data, None)["links"]
    return {"biases": links["biases"], "total_weights": links["total_weights"]}


def _measurement(settings: dict[str, Any], folder: Path) -> Outputs:
    """Take a measurement; seconds, memory and embeddings are left out."""
    config, name = settings["config"] | {"data": {"folder": folder}}, settings["measured"]
    module = import_module(f"truly_sparse.experiments.measuring.{name}")
    frame = module.measure(config["measurements"][name], config)
    other = ["seconds", "cpu_seconds", "block_bytes", "x", "y", "kl_divergence", "sha256"]
    numbers = [column for column in ("kept_variance",) if column in frame]
    exact = {column: frame[column].tolist() for column in frame if column not in (*other, *numbers)}
    made: Outputs = {column: _digest_of(values) for column, values in exact.items()}
    return made | {column: frame[column].tolist()[:1] for column in numbers}


def _estimator(settings: dict[str, Any], folder: Path) -> Outputs:
    """Fit an estimator on half of the rows of a table and predict the others."""
    del folder
    x, y = _table("three")
    half = ROWS // 2
    if settings["mixed"]:
        x = _mixed(x)
    model = getattr(estimators, settings["model"])(**settings["parameters"])
    regression = settings["model"].endswith("Regressor")
    model.fit(x[:half], x[:half, 0] * x[:half, 1] if regression else y[:half])
    predicted = model.predict(x[half:]) if regression else model.predict_proba(x[half:])
    return {**_logical(model.members_), "predictions": _digest(predicted)}


def _mixed(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return rows in which every fifth value of the first column is missing, and others are numbers and text."""
    mixed = x.astype(object)
    mixed[::5, 0] = None
    mixed[:, 1] = ["abcdefgh"[int(abs(4 * value)) % 8] for value in x[:, 1]]
    mixed[3::7, 1] = None
    return mixed


def _graph(settings: dict[str, Any], folder: Path) -> Outputs:
    """Train a network whose links skip layers for two epochs, with a SET step and a pruned child, and predict."""
    del folder
    x, y = _table("three")
    features, rng = x.shape[1], np.random.Generator(np.random.PCG64(5))
    sizes = (features, 24, 20, 16, 3)
    pairs = [(0, 1), (0, 2), (0, 4), (1, 2), (1, 3), (2, 3), (2, 4), (3, 4)]
    links = {(i, j): np.flatnonzero(rng.random(sizes[i] * sizes[j]) < 0.3) for i, j in pairs}
    network = SparseMLP.start(
        sizes, links, settings["slopes"], rng, storage=settings["storage"], bias_per_block=settings["bias_per_block"]
    )
    samples: Samples = x.astype(np.float32)
    if settings["bytes"]:
        part = np.full(features, 1 / 32, np.float32)
        samples = Bytes((x * 32 + 128).astype(np.uint8), part, -128 * part)
    kind, steps = (SGD if settings["optimiser"] == "SGD" else Adam), ROWS // settings["batch"]
    numbers: dict[str, Any] = {
        name: np.array(value[:steps], np.float32) if isinstance(value, list) else value
        for name, value in settings["numbers"].items()
    }
    streams, losses = Streams(1), []
    for epoch in range(2):
        order = streams.order.permutation(ROWS)
        result = network.train_epoch(
            samples, y, order, settings["batch"], kind(**numbers), settings["dropout"], 77, epoch * steps
        )
        losses.append(result.loss)
        network.evolve(0.3, streams)
    child = network.without(np.abs(network.graph.values) < np.float32(0.05))
    return {
        **_logical([network, child]),
        "second moments": _digest(network.graph.arrays.second),
        "predictions": _digest(network.predict_proba(samples), child.predict_as_trained(samples)),
        "loss": _digest_of(losses),
    }


def _picture(settings: dict[str, Any], folder: Path) -> Outputs:
    """Train a network of every kind of convolutional layer for two epochs, with a SET step, and predict.

    How many rows of a map are taken at a time follows from the bytes of a cache, this processor's or those stated; of
    the latter as few as one.
    """
    del folder
    cache, least = settings.get("cache", second_level_cache()), 1 if "cache" in settings else layers.LEAST_ROWS
    with patch.object(layers, "second_level_cache", lambda: cache), patch.object(layers, "LEAST_ROWS", least):
        return _trained_picture(settings)


def _trained_picture(settings: dict[str, Any]) -> Outputs:
    rng = np.random.Generator(np.random.PCG64(6))
    shape = settings.get("shape", PICTURE)
    plan = Plan(shape, LAYERS)
    links = {(i, j): np.flatnonzero(rng.random(plan.sizes[i] * plan.sizes[j]) < 0.4) for i, j in plan.pairs}
    network = SparseCNN.start(shape, LAYERS, links, rng, storage=settings["storage"])
    x, y = rng.random((200, plan.picture.size), np.float32) - np.float32(0.5), rng.integers(0, 3, 200)
    kind, streams, losses = SGD if settings["optimiser"] == "SGD" else Adam, Streams(1), []
    for _ in range(2):
        order = streams.order.permutation(200)
        losses.append(network.train_epoch(x, y, order, settings["batch"], kind(**settings["numbers"])).loss)
        network.evolve(0.3, streams)
    return {
        **_convolutional([network]),
        "predictions": _digest(network.predict_proba(x)),
        "loss": _digest_of(losses),
    }


KINDS: dict[str, Callable[[dict[str, Any], Path], Outputs]] = {
    "data": _data,
    "run": _run,
    "measurement": _measurement,
    "estimator": _estimator,
    "graph": _graph,
    "picture": _picture,
}
