"""Time of re-initialising one n x n block by each strategy (journal Table 4)."""

import time
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.engine import topology
from truly_sparse.engine.graph import Block
from truly_sparse.ensembles import strategies

#: (strategy, distance); the distance counts for Dist-TSE only.
CASES = (("edst_rg", ""), ("rd_tse", ""), ("fd_tse", ""), ("dist_tse", "row_wise"), ("dist_tse", "all_pairs"))


def measure(settings: dict[str, Any], config: dict[str, Any]) -> pd.DataFrame:
    """Time one escape after the other, each from the block the last one left, avoiding that block's links.

    Returns
    -------
    DataFrame
        One row per (n, method, distance, repetition): `epsilon`, `links`, `block_bytes` (memory of the block),
        `seconds` (wall) and `cpu_seconds`, which other work on the machine does not stretch; for Dist-TSE `lambda` and
        `draws`, regrowths drawn until one was far enough, those for the estimate included.
    """
    rows = []
    training = config["training"]
    for n in settings["sizes"]:
        rng = np.random.default_rng(n)
        bound = topology.start_bound(n, n, training["init"], topology.density(n, n, settings["epsilon"]))
        links = topology.erdos_renyi(n, n, settings["epsilon"], rng)
        block = Block.by_itself(n, n, links, topology.start_values(len(links), bound, rng))
        size = sum(array.nbytes for array in block.graph.arrays)
        for method, distance in CASES:
            strategy = strategies.create(method, {**training, "distance": distance or training["distance"]})
            # The first one compiles, and is not counted.
            for repetition in range(-1, settings["repetitions"]):
                ended = block.links()
                start, cpu = time.perf_counter(), time.process_time()
                report = strategy.regrow(block, training["restart_prune_fraction"], bound, rng, ended)
                _ = block.graph.arrays  # brings the order by target up to date, which training would do
                times = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}
                if repetition >= 0:
                    head = {"n": n, "epsilon": settings["epsilon"], "method": method, "distance": distance}
                    far = {"lambda": training["distance_factor"], "draws": report.draws} if distance else {}
                    rows.append(
                        {**head, "repetition": repetition, "links": len(block), "block_bytes": size, **times, **far}
                    )
    return pd.DataFrame(rows)
