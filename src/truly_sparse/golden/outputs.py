"""Running a golden case: everything that a run leaves behind, as digests of logical quantities.

Only this file knows how a network keeps its links: what is digested are sorted links, and values in their order.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from truly_sparse import estimators
from truly_sparse.data.arrays import load
from truly_sparse.engine import store
from truly_sparse.engine.network import SparseMLP
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.networks import Networks
from truly_sparse.experiments.run import measured
from truly_sparse.files import sha256, write_json
from truly_sparse.golden.cases import Case

Outputs = dict[str, Any]
ROWS = 800


def outputs(case: Case) -> Outputs:
    """Run a case and return its outputs by name: digests, 16 hexadecimal digits each."""
    quiet = redirect_stderr(StringIO())
    with threadpool_limits(limits=1), quiet:
        return KINDS[case.kind](case.settings)


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


def _table(name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return made-up features and classes, by operations that every processor rounds alike."""
    classes, features = {"two": (2, 12), "three": (3, 10)}[name]
    rng = np.random.Generator(np.random.PCG64(classes))
    y = rng.integers(0, classes, ROWS)
    centres = rng.random((classes, features)) * 2 - 1
    return centres[y] + (rng.random((ROWS, features)) * 3 - 1.5), y


def _prepare(folder: Path, name: str) -> None:
    """Write a made-up dataset as `data.prepare` writes one."""
    x, y = _table(name)
    columns = {f"f{number}": column for number, column in enumerate(x.T)} | {"target": y}
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table(columns), path)
    classes = [str(number) for number in range(y.max() + 1)]
    write_json(
        path.with_suffix(".json"), {"sha256": sha256(path), "classes": classes, "source": "made up", "partial": None}
    )


def _run(settings: dict[str, Any]) -> Outputs:
    """Train and measure as `experiments.run` does, without a record on disk."""
    with tempfile.TemporaryDirectory() as folder:
        _prepare(Path(folder), settings["dataset"])
        spec = RunSpec("golden", settings["dataset"], "golden", "default", settings["seed"], settings)
        data = load(spec.dataset, {"folder": folder}, settings["data"], spec.seed)
        model = Networks(spec, data, Path(folder), True, lambda: None)
    probabilities = model.predict(data.x_test) if model.advice is None else None
    record = model.record(data)
    del record["epochs_wall"]
    history = [{key: value for key, value in row.items() if key != "seconds"} for row in model.trainer.progress.history]
    networks = [store.build(member.arrays) for member in model.trainer.members]
    made = {**_logical(networks), "history": _digest_of(history)}
    made["record"] = _digest_of({**record, "advice": model.advice})
    if probabilities is not None:
        made["probabilities"] = _digest(probabilities)
        made |= {name: _digest_of(value) for name, value in measured(probabilities, data).items()}
    return made


def _estimator(settings: dict[str, Any]) -> Outputs:
    """Fit an estimator on half of the rows of a table and predict the others."""
    x, y = _table("three")
    half = ROWS // 2
    model = getattr(estimators, settings["model"])(**settings["parameters"])
    regression = settings["model"].endswith("Regressor")
    model.fit(x[:half], x[:half, 0] * x[:half, 1] if regression else y[:half])
    predicted = model.predict(x[half:]) if regression else model.predict_proba(x[half:])
    return {**_logical(model.members_), "predictions": _digest(predicted)}


KINDS: dict[str, Callable[[dict[str, Any]], Outputs]] = {"run": _run, "estimator": _estimator}
