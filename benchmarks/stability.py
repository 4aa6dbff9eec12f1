"""Where training diverges, by density and learning rate, with and without the remedy; and what the cause is.

    python benchmarks/stability.py [--epochs 20]     # minutes; writes benchmarks/results/stability.json

The Gesture network on a made-up problem of five overlapping classes with standardised features. The remedy shortens
gradients to norm 1 and warms up over five epochs; start values stay those of the sources, because values by the real
fan-in are larger in a sparse network and were no help. "-" is a loss that became infinite or not a number.
"""

import single_core  # noqa: F401, I001

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import peers
from sklearn.datasets import make_classification
from tqdm import tqdm

from truly_sparse.engine.topology import density
from truly_sparse.ensembles.trainer import Data, Trainer
from truly_sparse.files import write_json

RESULTS = Path(__file__).parent / "results/stability.json"
DENSITIES = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
ETAS = (0.01, 0.1, 0.5)
PLAIN: dict[str, object] = {"init": "he", "clip_norm": 0.0, "warmup_epochs": 0}
REMEDY = {**PLAIN, "clip_norm": 1.0, "warmup_epochs": 5}
# One suspicion changed at a time, where the sources' settings diverge.
SUSPECTS = {
    "as the sources": PLAIN,
    "start values by the real fan-in": {**PLAIN, "init": "he_links"},
    "no negative slope (ReLU)": {**PLAIN, "negative_slope": 0.0},
    "decay scaled by eta": {**PLAIN, "decay_times_learning_rate": True},
    "no momentum": {**PLAIN, "momentum": 0.0},
    "eta 0.01 instead of 0.1": {**PLAIN, "learning_rate": 0.01},
    "warm-up over five epochs only": {**PLAIN, "warmup_epochs": 5},
    "gradients shortened to norm 1 only": {**PLAIN, "clip_norm": 1.0},
}
SUSPECT_DENSITIES = (0.25, 1.0)


def problem() -> Data:
    """Return 2560 training and 640 validation rows of five overlapping classes, normally distributed features."""
    x, y = make_classification(
        3200, peers.SIZES[0], n_informative=20, n_classes=peers.SIZES[-1], n_clusters_per_class=2, random_state=0
    )
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
    return Data(x[:2560], y[:2560], x[2560:], y[2560:], peers.SIZES[-1])


def train(data: Data, share: float, rate: float, epochs: int, how: dict[str, object]) -> tuple[float, float] | None:
    """Return the final loss and best validation accuracy of SET training, or None where it diverged."""
    unit = density(1000, 1000, 1.0)
    settings = {
        "hidden_layer_sizes": [1000, 1000, 1000], "members": 1, "epochs": epochs, "exploration_epochs": epochs,
        "batch_size": 128, "learning_rate": rate, "momentum": 0.9, "weight_decay": 0.0002,
        "decay_times_learning_rate": False, "dropout": 0.2, "prune_fraction": 0.2,
        "evolution_every": 2 if share < 1 else 0, "refinement": "none", "activation": "all_relu", "negative_slope": 0.5,
        "selection": "best_validation", "activation_storage": "bfloat16", "epsilon": share / unit, **how,
    }  # fmt: skip
    trainer = Trainer(data, settings, "sparse", "none", 0)
    with np.errstate(all="ignore"):
        trainer.run()
    if trainer.progress.failure is not None:
        return None
    return trainer.progress.history[-1]["loss"], trainer.members[0].score or 0.0


def table(epochs: int) -> list[dict[str, Any]]:
    """Return loss and accuracy for every density, learning rate and way."""
    data = problem()
    grid = [(s, e, n, w) for s in DENSITIES for e in ETAS for n, w in (("as the sources", PLAIN), ("remedy", REMEDY))]
    return [
        {"density": share, "learning_rate": rate, "way": name, "result": train(data, share, rate, epochs, way)}
        for share, rate, name, way in tqdm(grid, disable=not sys.stderr.isatty())
    ]


def suspects(epochs: int) -> list[dict[str, Any]]:
    """Return what each suspicion alone changes at eta 0.1."""
    data = problem()
    return [
        {"change": name, **{str(share): train(data, share, 0.1, epochs, how) for share in SUSPECT_DENSITIES}}
        for name, how in SUSPECTS.items()
    ]


def _suspects(rows: list[dict[str, Any]]) -> str:
    lines = [
        "One change at a time at eta 0.1.",
        "",
        "| change | " + " | ".join(f"density {share}" for share in SUSPECT_DENSITIES) + " |",
        "|---|" + "---|" * len(SUSPECT_DENSITIES),
    ]
    lines += [f"| {r['change']} | {' | '.join(_cell(r[str(s)]) for s in SUSPECT_DENSITIES)} |" for r in rows]
    return "\n".join(lines)


def _cell(found: tuple[float, float] | None) -> str:
    return "-" if found is None else f"{found[0]:.3f} / {100 * found[1]:.1f}"


def markdown(found: dict[str, list[dict[str, Any]]]) -> str:
    """Return final loss and accuracy by density, learning rate and way, and what each suspicion changes."""
    return f"{_table(found['table'])}\n\n{_suspects(found['suspects'])}"


def _table(rows: list[dict[str, Any]]) -> str:
    columns = [(rate, way) for rate in ETAS for way in ("as the sources", "remedy")]
    lines = [
        "Final training loss / best validation accuracy; - where training diverged.",
        "",
        "| density | " + " | ".join(f"eta {rate}, {way}" for rate, way in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for share in DENSITIES:
        cells = []
        for rate, way in columns:
            (found,) = (r["result"] for r in rows if (r["density"], r["learning_rate"], r["way"]) == (share, rate, way))
            cells.append(_cell(found))
        lines.append(f"| {share} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    found = {"table": table(arguments.epochs), "suspects": suspects(arguments.epochs)}
    write_json(RESULTS, found)
    print(markdown(found))
