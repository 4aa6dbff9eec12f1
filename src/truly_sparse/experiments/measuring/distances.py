"""Distances of random regrowths to a converged block before pruning (journal figure 2a, thesis figures 6 and 7)."""

from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.engine import topology
from truly_sparse.ensembles.distance import DISTANCES
from truly_sparse.experiments.measuring.trained import HIDDEN, explored, with_data


def measure(settings: dict[str, Any], config: dict[str, Any]) -> pd.DataFrame:
    """Prune the fraction q of a hidden block after the exploration phase, and regrow it at random again and again.

    Returns
    -------
    DataFrame
        One row per (dataset, draws, draw): `row_wise` and `all_pairs`, the distance of the regrown block to the one
        before pruning by both readings; `links` of the block, and `partial`. Each number of `draws` is drawn anew.

    Raises
    ------
    UserError
        Where a dataset is not prepared, or training diverges.
    """
    frames = []
    for dataset, network, data in explored(config, settings):
        block, bound = network.blocks[HIDDEN], network.bounds[HIDDEN, HIDDEN + 1]
        keep = topology.survivors(block.values, config["training"]["restart_prune_fraction"])
        kept, count = block.links()[keep], int(len(block) - keep.sum())
        distances = {name: prepare(block, keep) for name, prepare in DISTANCES.items()}
        rows = []
        for draws in settings["draws"]:
            rng = np.random.default_rng([settings["seed"], draws])
            for draw in range(draws):
                links = topology.grow(kept, count, block.places, rng)
                values = topology.start_values(count, bound, rng)
                measured = {name: distance(links, values) for name, distance in distances.items()}
                rows.append({"draws": draws, "draw": draw, **measured, "links": len(block)})
        frames.append(with_data(rows, dataset, data))
    return pd.concat(frames, ignore_index=True)
