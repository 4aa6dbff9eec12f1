"""Made-up measurements of noise by a formula: what small noise does to second order, and ensembles of given gains."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

DATASETS = ("gesture", "pol")
SEEDS = 3
SPARSITIES = (0.0, 0.3, 0.5, 0.7, 0.9)
DEVIATIONS = tuple(float(f"{sd:.3g}") for sd in np.geomspace(0.001, 0.3, 13))
PARENT = {"parent_accuracy": 70.0, "parent_nll": 0.9, "parent_ece": 0.05}


def cell(sparsity: float, sd: float, seed: int, **how: Any) -> dict[str, Any]:
    """Return a cell of the grid: a divergence as sd squared times the part with noise, a loss as the divergence.

    `power` bends the loss, of which `free` points cost nothing; `sparse` is how much more noise on few links makes
    networks disagree, at a divergence; `norm_gain` by how many points it costs less at the same norm; with `turned` it
    costs more.
    """
    density = 1 - sparsity
    kl = 60 * sd**2 * (1 / density if how.get("turned") else density) * (1 + 0.02 * seed)
    loss = 20 * kl ** how.get("power", 1.0) - how.get("free", 0.3)
    loss -= how.get("norm_gain", 0.0) * (sparsity == 0.9)
    disagreement = 0.2 * kl**0.5 * (1 + how.get("sparse", 0.0) * sparsity)
    numbers = {"kl": kl, "loss": loss, "accuracy": 70 - loss, "disagreement": disagreement}
    return {"sparsity": sparsity, "sd": sd, "norm": sd * density**0.5, "draws": 16, "loss_sd": 0.4, **numbers}


def frame(gain: float = 0.2, chosen: float = 0.1, vote: float = -0.5, calm: float = 0.5, **how: Any) -> pd.DataFrame:
    """Return a measurement in which ensembles gain `gain` points, choosing adds `chosen` and the vote `vote`.

    `calm` is the deviation over draws with balanced noise over that with independent noise.
    """
    rows: list[dict[str, Any]] = []
    for dataset in DATASETS:
        for seed in range(SEEDS):
            own = [
                *_grid(seed, **how),
                *_norms(seed, **how),
                *_votes(seed, vote),
                *_ensembles(seed, gain, chosen, calm),
            ]
            rows += [{"dataset": dataset, "seed": seed, **row} for row in own]
    return pd.DataFrame(rows)


def _grid(seed: int, **how: Any) -> Iterable[dict[str, Any]]:
    for sparsity in SPARSITIES:
        for sd in DEVIATIONS:
            yield {"part": "grid", **cell(sparsity, sd, seed, **how)}


def _norms(seed: int, **how: Any) -> Iterable[dict[str, Any]]:
    for norm in DEVIATIONS:
        yield {"part": "norm", **cell(0.9, norm / 0.1**0.5, seed, **how), "norm": norm}


def _votes(seed: int, vote: float) -> Iterable[dict[str, Any]]:
    for sd in DEVIATIONS:
        kl, strength = 30 * sd**2, min(1.0, 30 * sd**2)
        for draw in range(4):
            shaken = 0.01 * (draw - 1.5) + 0.001 * seed
            mean = 70 - 10 * strength + shaken
            numbers = {"accuracy": mean, "vote": mean + strength * (vote + shaken * (5 if vote < 0 else -0.9))}
            yield {"part": "combining", "sparsity": 0.5, "sd": sd, "draw": draw, "members": 4, "kl": kl, **numbers}


def _ensembles(seed: int, gain: float, chosen: float, calm: float) -> Iterable[dict[str, Any]]:
    for kind, spread in (("independent", 1.0), ("mirrored", calm**0.5), ("quad", calm)):
        for choice, members in (("all", 16), ("selected", 4), ("random", 4), ("selected", 8), ("random", 8)):
            for draw in range(4):
                shaken = 0.02 * spread * (draw - 1.5) * (1 + 0.1 * seed)
                better = gain + shaken + 0.01 * (seed - 1) - (0 if choice == "selected" else chosen)
                scores = {"accuracy": 70 + better, "nll": 0.9 - better / 100, "ece": 0.05 - better / 1000}
                head = {"part": "population", "kind": kind, "choice": choice, "members": members, "draw": draw}
                head |= {"sparsity": 0.5, "sd": 0.02, "kl": 0.02}
                yield {**head, **scores, **PARENT, "kl_ensemble": 0.01 + shaken / 10}
