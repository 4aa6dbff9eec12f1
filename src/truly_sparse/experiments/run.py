"""One run: (dataset, method, setting, seed) -> one folder with record, history, predictions and members."""

import math
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from truly_sparse.experiments import outcome, provenance
from truly_sparse.experiments.configuration import results_folder
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import run_folder
from truly_sparse.files import atomic_stream, write_json
from truly_sparse.measure import host
from truly_sparse.measure.counters import Counters


def run(
    config: dict[str, Any],
    spec: RunSpec,
    restart: bool = False,
    keep: Callable[[dict[str, Any]], None] | None = None,
) -> Path:
    """Train, measure and write one run; return the path of its run.json, which is written last.

    A killed run is taken up again from its checkpoint, unless `restart`, and ends in the same bytes.

    Parameters
    ----------
    config : dict
    spec : RunSpec
    restart : bool
        Ignore a checkpoint.
    keep : callable, optional
        Is given the record when all but run.json is written.

    Returns
    -------
    Path

    Raises
    ------
    UserError
        For data or settings that cannot be trained on. Divergence is no error: it ends as a recorded status.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    start_up = time.time() - _process_start()
    pinned = host.hold_one_core()
    folder = run_folder(config, spec)
    data = outcome.data_of(spec, config["data"])
    loaded = time.perf_counter()
    with threadpool_limits(limits=1), Counters() as counters:
        model = outcome.fit(spec, data, folder, restart, counters.update, results_folder(config) / "parents")
        fitted = time.perf_counter()
        probabilities = outcome.predict(model, data)
        predicted = time.perf_counter()
    threads = host.threads()
    details = model.record(data, probabilities)
    found = outcome.measured(probabilities, data)
    wall, cpu = time.perf_counter() - clock, time.process_time()
    accuracy = found.pop("accuracy") | {"members_validation": details.pop("members_validation", [])}
    record = {
        "experiment": spec.experiment,
        "dataset": spec.dataset,
        "method": spec.method,
        "setting": spec.setting,
        "seed": spec.seed,
        "status": "ok" if model.failure is None else "diverged",
        "failure": model.failure,
        "settings": spec.settings,
        **spec.hashes,
        "data": data.info,
        "accuracy": accuracy,
        **found,
        "seconds": {
            "wall": wall,
            "cpu": cpu,
            "epochs_wall": details.pop("epochs_wall", None),
            "data": loaded - clock,
            "fit": fitted - loaded,
            "predict": predicted - fitted,
            "start_up": start_up,
        },
        **details,
        "counters": counters.result(),
        "model_bytes": model.model_bytes,
        "peak_memory_bytes": host.peak_memory_bytes(),
        "threads": {**threads, "pinned": pinned, "cpu_per_wall": cpu / (wall + start_up)},
        "host": host.facts(),
        "code": provenance.code_version(),
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    model.write(folder)
    if probabilities is None:
        probabilities = np.empty((0, len(data.y_test), len(data.classes)), np.float32)
    with atomic_stream(folder / "predictions.npz") as stream:
        np.savez(stream, allow_pickle=False, probabilities=probabilities, labels=data.y_test)
    record = _finite(record)
    if keep is not None:
        keep(record)
    write_json(folder / "run.json", record)
    model.forget_checkpoint()
    return folder / "run.json"


def _process_start() -> float:
    """Return when this process began, so that start-up is part of what is measured."""
    try:
        fields = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return time.time() - (uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return time.time()


def _finite(value: Any) -> Any:
    """Replace numbers that JSON cannot hold by null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
