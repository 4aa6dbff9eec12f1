"""What comes on top of epochs: the first compilation of the kernels, and a whole run from process start to record.

python benchmarks/starts.py
"""

import single_core  # noqa: F401, I001

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import columns
import numpy as np
import peers
import pyarrow as pa
import pyarrow.parquet as pq
from columns import Columns
from rounds import clocked

from truly_sparse.files import sha256, write_json

EPSILON, EPOCHS, REPEATS = 20, 350, 3
_ENGINE = """
import numpy as np
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.streams import Streams
network = SparseMLP.erdos_renyi([4, 64, 3], 3, [0.0], Streams(0).start, storage="bfloat16")
x = np.zeros((128, 4), np.float32)
network.train_epoch(x, np.zeros(128, np.int64), np.arange(128), 128, SGD(0.01), 0.2, 0, 0)
network.evolve(0.2, Streams(0))
network.predict_proba(x)
"""
_ESTIMATOR = """
from sklearn.datasets import load_iris
from truly_sparse import TrulySparseEnsembleClassifier
x, y = load_iris(return_X_y=True)
TrulySparseEnsembleClassifier("fd-tse", exploration_epochs=2, member_epochs=2).fit(x, y).predict(x)
"""
#: What a first process does.
FIRST = {"an epoch, a SET step and a prediction": _ENGINE, "an estimator's fit of a few epochs": _ESTIMATOR}


def _processed(command: list[str], **more: Any) -> float:
    """Return the CPU seconds of a new process, start included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, **more)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_first() -> list[dict[str, Any]]:
    """Return CPU seconds of processes that find an empty cache of kernels, and of the next ones, which find it full."""
    rows = [{"what": name, "empty": [], "full": []} for name in FIRST]
    for _ in range(REPEATS):
        for row in rows:
            with tempfile.TemporaryDirectory() as cache:
                for state in ("empty", "full"):
                    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
                    row[state].append(_processed([sys.executable, "-c", FIRST[row["what"]]], env=environment))
    return rows


def measure_whole_run() -> dict[str, Any]:
    """Return CPU seconds of a run of 350 epochs in a new process, the wall seconds of its epochs, and pure epochs'."""
    pure = peers.truly_sparse(peers.SIZES, EPSILON)
    pure.epoch()
    found: dict[str, Any] = {"run": [], "around_epochs": [], "epoch": []}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _write_problem(place)
        record = place / f"results/bench/journal/runs/whole/made_up/fd_tse/eps{EPSILON}/seed0/run.json"
        command = [sys.executable, "-m", "truly_sparse", "run", f"whole/made_up/fd_tse/eps{EPSILON}/seed0"]
        for _ in range(2):
            found["epoch"] += [clocked(pure.epoch) for _ in range(10)]
            found["run"].append(_processed([*command, "--config", "config.json"], cwd=place))
            seconds = json.loads(record.read_text(encoding="utf-8"))["seconds"]
            found["around_epochs"].append(seconds["wall"] + seconds["start_up"] - seconds["epochs_wall"])
            found["epoch"] += [clocked(pure.epoch) for _ in range(10)]
    return found


def _write_problem(place: Path) -> None:
    """Write a dataset of Gesture's shape and a configuration with one run."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(5), 1975)[:9873]
    table = {f"f{i}": rng.random(9873) for i in range(50)} | {"target": y}
    pq.write_table(pa.table(table), place / "made_up.parquet")
    about = {"sha256": sha256(place / "made_up.parquet"), "classes": [*"abcde"], "source": "none", "partial": None}
    write_json(place / "made_up.json", about)
    grid = {"datasets": ["made_up"], "methods": ["fd_tse"], "epsilon": [EPSILON], "seeds": [0]}
    config = {
        "study": "journal",
        "preset": "bench",
        "data": {"folder": str(place)},
        "training": {"learning_rate": 0.001},
        "datasets": {"made_up": {}},
        "methods": {"fd_tse": {"model": "sparse", "strategy": "fd_tse"}},
        "experiments": {"whole": [grid]},
    }
    write_json(place / "config.json", config)


def first(found: dict[str, Any], what: str, state: str) -> float:
    """Return the median CPU seconds of a process with an empty or a full cache of kernels."""
    (row,) = (row for row in found["first"] if row["what"] == what)
    return statistics.median(row[state])


def markdown(machines: Columns) -> str:
    """Return the starts as Markdown, one column for each machine and instruction set."""
    rows: list[list[str]] = [
        [f"a process that makes {what}; cache of kernels {state}"]
        + [f"{first(found, what, state):.1f}" for found in machines.values()]
        for what in FIRST
        for state in ("empty", "full")
    ]
    whole = [{key: statistics.median(v) for key, v in found["whole_run"].items()} for found in machines.values()]
    rows += [
        ["a whole run (see below)", *(f"{own['run']:.1f}" for own in whole)],
        [f"as a multiple of {EPOCHS} pure epochs", *(f"{own['run'] / EPOCHS / own['epoch']:.2f}" for own in whole)],
        ["all of it but the epochs", *(f"{own['around_epochs']:.2f}" for own in whole)],
    ]
    return "\n\n".join(
        [
            "CPU seconds of processes, their start included.",
            columns.markdown(["what", *machines], rows),
            f"The whole run is FD-TSE at epsilon {EPSILON}: {EPOCHS} epochs of {peers.ROWS} x {peers.SIZES[0]} with "
            "validation after each, evolution, members, predictions and record.",
        ]
    )


if __name__ == "__main__":
    print(markdown({"seconds": {"first": measure_first(), "whole_run": measure_whole_run()}}))
