"""How much of its training time a run spends on checkpoints: `python benchmarks/checkpoints.py` writes a CSV.

A checkpoint is saved every CHECKPOINT_SECONDS, or less often where a save takes long; its share is the time of one save
over that interval. It is measured where it is largest: at the end of a run, with every member in it, for the Gesture
network (50-1000-1000-1000-5).
"""

import single_core  # noqa: F401, I001

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from truly_sparse.engine import store
from truly_sparse.ensembles.trainer import Data, Trainer
from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.networks import CHECKPOINT_SECONDS, CHECKPOINT_SHARE
from truly_sparse.measure import host
from truly_sparse.training import checkpoint
from truly_sparse.training.loop import Member

ROOT = Path(__file__).parents[1]
OUT = ROOT / "benchmarks/results/checkpoints.csv"
REPETITIONS = 9
RUNS = {
    "fd_tse, epsilon 10": ("sparse", "fd_tse", 10.0),
    "fd_tse, epsilon 30": ("sparse", "fd_tse", 30.0),
    "dense_ensemble": ("dense", "independent", None),
}


def ended(model: str, strategy: str, epsilon: float | None) -> Trainer:
    """Return a run of the paper's settings as it is before its last epoch: five members and the best of the window."""
    training = load_config(ROOT / "config/journal.yaml")["training"] | {"epsilon": epsilon}
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1280, 50)).astype(np.float32), rng.integers(0, 5, 1280)
    trainer = Trainer(Data(x, y, x[:128], y[:128], 5), training, model, strategy, 0)
    state = store.snapshot(trainer.network)
    trainer.members = [Member(epoch, 0.5, state) for epoch in range(training["members"] - 1)]
    trainer.best = Member(training["epochs"] - 1, 0.5, state)
    if strategy == "fd_tse":
        links = {layer: block.links() for layer, block in enumerate(trainer.network.blocks[1:-1], 1)}
        trainer.earlier = {layer: np.sort(own) for layer, own in links.items()}
    return trainer


def main() -> None:
    """Measure every kind of run and write the CSV."""
    rows = []
    with tempfile.TemporaryDirectory(dir=ROOT / "results") as folder:
        path = Path(folder) / "checkpoint.npz"
        for name, kind in RUNS.items():
            trainer, wall, cpu = ended(*kind), [], []
            for _ in range(REPETITIONS):
                begun, used = time.perf_counter(), time.process_time()
                checkpoint.save(trainer, path, {"who": name})
                wall.append(time.perf_counter() - begun)
                cpu.append(time.process_time() - used)
            seconds = statistics.median(wall)
            interval = max(CHECKPOINT_SECONDS, CHECKPOINT_SHARE * seconds)
            rows.append(
                {
                    "run": name,
                    "megabytes": round(path.stat().st_size / 1e6, 1),
                    "save_seconds": round(seconds, 4),
                    "save_cpu_seconds": round(statistics.median(cpu), 4),
                    "interval_seconds": round(interval, 1),
                    "share_percent": round(100 * seconds / interval, 2),
                    "cpu": host.processor(),
                }
            )
    frame = pd.DataFrame(rows)
    OUT.parent.mkdir(exist_ok=True)
    frame.to_csv(OUT, index=False)
    print(frame.to_string(index=False))


if __name__ == "__main__":
    main()
