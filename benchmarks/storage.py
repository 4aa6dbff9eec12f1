"""Does storing activations as bfloat16 cost accuracy? Table 1's Gesture cells with either, on the same seeds.

    python benchmarks/storage.py [--mirror FOLDER] [--seeds 5]

Trains what has not been trained yet (150 runs of about 15 s with five seeds) below results/storage, then writes
benchmarks/results/storage_accuracy.csv and prints the paired differences.
"""

import single_core  # noqa: F401, I001

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

from truly_sparse.data.prepare import prepare
from truly_sparse.experiments.configuration import load_config, validate
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.records import run_folder
from truly_sparse.experiments.run import run

METHODS = ["edst_rg", "rd_tse", "fd_tse", "set_mlp", "static"]
CSV = Path("benchmarks/results/storage_accuracy.csv")


def configuration(seeds: int, mirror: str | None) -> dict[str, Any]:
    """Return the paper's configuration with one experiment: both storages on Gesture."""
    paper = load_config("config/journal.yaml")
    grid = {
        "datasets": ["gesture"],
        "methods": METHODS,
        "epsilon": [10, 20, 30],
        "activation_storage": ["float32", "bfloat16"],
        "seeds": list(range(seeds)),
    }
    data = {**paper["data"], "mirror": mirror}
    return validate({**paper, "preset": "storage", "data": data, "experiments": {"storage": [grid]}})


def accuracies(config: dict[str, Any]) -> pd.DataFrame:
    """Train every run that has not finished; return one row per run."""
    rows = []
    for spec in tqdm(runs(config), unit="run"):
        record = run_folder(config, spec) / "run.json"
        if not record.exists():
            run(config, spec)
        found = json.loads(record.read_text(encoding="utf-8"))
        training = spec.settings["training"]
        rows.append(
            {
                "method": spec.method,
                "epsilon": training["epsilon"],
                "storage": training["activation_storage"],
                "seed": spec.seed,
                "accuracy": found["accuracy"]["test"],
                "seconds": found["seconds"]["wall"],
            }
        )
    return pd.DataFrame(rows)


def markdown(frame: pd.DataFrame) -> str:
    """Return mean accuracies by storage, and the paired difference over all runs with its 95 % interval."""
    lines = ["| method | epsilon | float32 | bfloat16 |", "|---|---|---|---|"]
    for (method, epsilon), cell in frame.groupby(["method", "epsilon"]):
        means = [
            f"{100 * values.mean():.1f} ± {100 * values.std(ddof=1):.1f}"
            for values in (cell.loc[cell.storage == storage, "accuracy"] for storage in ("float32", "bfloat16"))
        ]
        lines.append(f"| {method} | {epsilon:g} | {' | '.join(means)} |")
    paired = frame.pivot_table(index=["method", "epsilon", "seed"], columns="storage", values="accuracy").dropna()
    difference = 100 * (paired["bfloat16"] - paired["float32"])
    test = stats.ttest_1samp(difference, 0.0)
    low, high = test.confidence_interval()
    largest = np.abs(difference.groupby(level=[0, 1]).mean()).max()
    lines += [
        "",
        f"bfloat16 less float32, {len(difference)} pairs of the same method, epsilon and seed: "
        f"{difference.mean():+.2f} points (95 % interval {low:+.2f} to {high:+.2f}, p = {test.pvalue:.2f}); "
        f"the largest difference of a cell's means is {largest:.2f}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mirror", help="folder that holds the data files")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    setup = configuration(arguments.seeds, arguments.mirror)
    prepare("gesture", setup["data"])
    table = accuracies(setup)
    table.to_csv(CSV, index=False)
    print(markdown(table))
