"""One run: (dataset, method, setting, seed) -> one folder with record, history, predictions and members."""

import math
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from truly_sparse.data.arrays import Arrays, load
from truly_sparse.engine import store
from truly_sparse.ensembles import checkpoint
from truly_sparse.ensembles.schedule import Epoch
from truly_sparse.ensembles.trainer import Data, Trainer, predict_ensemble, predict_members
from truly_sparse.experiments import provenance
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.progress import Reporter
from truly_sparse.experiments.records import run_folder
from truly_sparse.files import atomic_path, write_json
from truly_sparse.measure import host
from truly_sparse.measure.flops import operations

CHECKPOINT_SECONDS = 20.0


def run(config: dict[str, Any], spec: RunSpec, restart: bool = False) -> Path:
    """Train, measure and write one run; return the path of its run.json, which is written last.

    A killed run is taken up again from its checkpoint, unless `restart`, and ends in the same bytes.

    Raises
    ------
    UserError
        For data or settings that cannot be trained on. Divergence is no error: it ends as a recorded status.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    start_up = time.time() - _process_start()
    pinned = host.hold_one_core()
    folder = run_folder(config, spec)
    data = load(spec.dataset, config["data"], spec.settings["data"], spec.seed)
    loaded = time.perf_counter()
    with threadpool_limits(limits=1):
        trainer = Trainer(_training_data(data), spec.settings["training"], *_model(spec))
        links = trainer.network.link_counts
        _train(trainer, spec, data, folder, restart)
        accuracy, probabilities = _evaluate(trainer, data)
    threads = host.threads()
    wall, cpu = time.perf_counter() - clock, time.process_time()
    history, progress = trainer.progress.history, trainer.progress
    counts = [[int(n) for n in member.arrays["counts"]] for member in trainer.members]
    biases = sum(trainer.network.sizes[1:])
    record = {
        "experiment": spec.experiment,
        "dataset": spec.dataset,
        "method": spec.method,
        "setting": spec.setting,
        "seed": spec.seed,
        "status": "ok" if progress.advice is None else "diverged",
        "advice": progress.advice,
        "settings": spec.settings,
        **_hashes(spec),
        "data": data.info,
        "accuracy": accuracy,
        "loss": {"final_train": history[-1]["loss"] if history else None},
        "links": {
            "start": links,
            "members": counts,
            "biases": biases,
            "total_weights": sum(map(sum, counts)) + biases * len(counts),
        },
        "operations": operations(history, len(data.y_validation)),
        "seconds": {
            "wall": wall,
            "cpu": cpu,
            "epochs_wall": sum(row["seconds"] for row in history),
            "data": loaded - clock,
            "start_up": start_up,
        },
        "peak_memory_bytes": host.peak_memory_bytes(),
        "blocked_fallbacks": progress.fallbacks,
        "distance_draws": progress.draws,
        "threads": {**threads, "pinned": pinned, "cpu_per_wall": cpu / (wall + start_up)},
        "host": host.facts(),
        "code": provenance.code_version(),
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    _write(folder, trainer, probabilities, data)
    write_json(folder / "run.json", _finite(record))
    (folder / "checkpoint.npz").unlink(missing_ok=True)
    return folder / "run.json"


def _process_start() -> float:
    """Return when this process began, so that start-up is part of what is measured."""
    try:
        fields = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return time.time() - (uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return time.time()


def _training_data(data: Arrays) -> Data:
    return Data(data.x_train, data.y_train, data.x_validation, data.y_validation, len(data.classes))


def _model(spec: RunSpec) -> tuple[str, str, int]:
    return spec.settings["model"], spec.settings["strategy"], spec.seed


def _hashes(spec: RunSpec) -> dict[str, str]:
    return {
        "settings_hash": spec.settings_hash,
        "source_hash": provenance.source_hash("run", spec.settings["strategy"]),
    }


def _train(trainer: Trainer, spec: RunSpec, data: Arrays, folder: Path, restart: bool) -> None:
    """Train to the end with a checkpoint every so often, going on from one that fits."""
    path = folder / "checkpoint.npz"
    # Another processor or BLAS kernel rounds differently: bytes would depend on where the run was killed.
    kernels = [pool.get("architecture") for pool in host.threads()["threadpools"]]
    identity = {**_hashes(spec), "data": data.info["sha256"], "processor": host.processor(), "blas": kernels}
    reporter = Reporter(spec.path, len(trainer.plan))
    if not restart and path.exists():
        reason = checkpoint.restore(trainer, path, identity)
        done = trainer.progress.epoch
        reporter.say(f"going on after epoch {done}" if reason is None else f"checkpoint not used: {reason}")
    saved = time.monotonic()

    def after_epoch(_: Epoch) -> None:
        nonlocal saved
        if trainer.progress.advice is None:
            reporter.update(trainer.progress.epoch, trainer.progress.history[-1])
        if time.monotonic() - saved > CHECKPOINT_SECONDS and not trainer.finished:
            checkpoint.save(trainer, path, identity)
            saved = time.monotonic()

    trainer.run(after_epoch)
    reporter.close(trainer.progress.advice)


def _evaluate(trainer: Trainer, data: Arrays) -> tuple[dict[str, Any], np.ndarray | None]:
    """Measure the ensemble and its members on the test rows; nothing where the run diverged."""
    validation = [member.accuracy for member in trainer.members]
    if trainer.progress.advice is not None:
        return {"test": None, "members_test": [], "members_validation": validation}, None
    probabilities = predict_members(trainer.members, data.x_test)
    members = [float((one.argmax(axis=1) == data.y_test).mean()) for one in probabilities]
    ensemble = predict_ensemble(probabilities).argmax(axis=1)
    test = float((ensemble == data.y_test).mean())
    return {"test": test, "members_test": members, "members_validation": validation}, probabilities


def _write(folder: Path, trainer: Trainer, probabilities: np.ndarray | None, data: Arrays) -> None:
    """Write members, history and predictions (empty where the run diverged)."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("member_*.npz"):
        old.unlink()
    for i, member in enumerate(trainer.members):
        store.save(member.arrays, folder / f"member_{i}.npz")
    with atomic_path(folder / "history.parquet") as temporary:
        pq.write_table(pa.Table.from_pylist(trainer.progress.history), temporary)
    if probabilities is None:
        probabilities = np.empty((0, len(data.y_test), len(data.classes)), np.float32)
    with atomic_path(folder / "predictions.npz") as temporary:
        np.savez(temporary, allow_pickle=False, probabilities=probabilities, labels=data.y_test)


def _finite(value: Any) -> Any:
    """Replace numbers that JSON cannot hold by null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
