"""Time until Dist-TSE finds a distant block, against lambda (journal figure 2b)."""

import time
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.engine.graph import Block
from truly_sparse.ensembles import strategies
from truly_sparse.ensembles.distance import DISTANCES
from truly_sparse.errors import UserError
from truly_sparse.experiments.measuring.trained import HIDDEN, explored, with_data


def measure(settings: dict[str, Any], config: dict[str, Any]) -> pd.DataFrame:
    """Re-initialise one and the same converged block again and again, with every lambda and by both distances.

    Returns
    -------
    DataFrame
        One row per (dataset, distance, lambda, repetition): `found`, `draws` (those for the estimate included),
        `seconds` (wall) and `cpu_seconds`, `links`, and `partial`. Where nothing distant enough is found within
        training.distance_max_draws, `found` is False and the times are those of giving up.

    Raises
    ------
    UserError
        Where a dataset is not prepared, or training diverges.
    """
    frames = []
    for dataset, network, data in explored(config, settings):
        converged, bound = network.blocks[HIDDEN], network.bounds[HIDDEN, HIDDEN + 1]
        rows = []
        for distance in DISTANCES:
            for place, factor in enumerate(settings["distance_factors"]):
                training = config["training"] | {"distance": distance, "distance_factor": factor}
                # The first one compiles, and is not counted.
                for repetition in range(0 if place else -1, settings["repetitions"]):
                    rng = np.random.default_rng([settings["seed"], place, repetition + 1])
                    found = _search(_copy(converged), bound, training, rng)
                    if repetition >= 0:
                        head = {"distance": distance, "lambda": factor, "repetition": repetition}
                        rows.append({**head, **found, "links": len(converged)})
        frames.append(with_data(rows, dataset, data))
    return pd.concat(frames, ignore_index=True)


def _search(block: Block, bound: float, training: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    strategy = strategies.create("dist_tse", training)
    nothing = np.empty(0, np.int64)
    start, cpu = time.perf_counter(), time.process_time()
    try:
        draws, found = strategy.regrow(block, training["restart_prune_fraction"], bound, rng, nothing).draws, True
    except UserError:
        draws, found = training["distance_samples"] + training["distance_max_draws"], False
    times = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}
    return {"found": found, "draws": draws, **times}


def _copy(block: Block) -> Block:
    copied = Block.by_itself(block.n_in, block.n_out, block.links(), block.values)
    copied.velocity[:] = block.velocity
    return copied
