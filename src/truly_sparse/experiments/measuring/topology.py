"""Topological distance of converged networks to re-initialised ones (NNSTD; journal figure 4)."""

import json
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.data.arrays import Arrays
from truly_sparse.engine import store
from truly_sparse.engine.linked import regrow_at_random
from truly_sparse.engine.network import SparseMLP
from truly_sparse.ensembles import strategies
from truly_sparse.experiments.measuring.trained import HIDDEN, converged, settings_of, with_data
from truly_sparse.measure.topology_distance import heatmap, shared_part, topology_of


def measure(settings: dict[str, Any], config: dict[str, Any]) -> pd.DataFrame:
    """Train networks with seeds 0, 1, ... for one exploration and one refinement phase, then let each method escape.

    Methods that train their first network alike share it, and draw their regrowth independently.

    Returns
    -------
    DataFrame
        One row per (dataset, method, converged, reinitialised): `distance`, the NNSTD of the block between the first
        two hidden layers; `shared`, the part of the converged block's links that the re-initialised one has at the
        same places; `links` of the converged block, and `partial`.

    Raises
    ------
    UserError
        Where a dataset is not prepared, or training diverges.
    """
    frames = []
    for dataset in settings["datasets"]:
        rows: list[dict[str, Any]] = []
        trained: dict[str, tuple[list[store.Arrays], Arrays]] = {}
        for number, method in enumerate(settings["methods"]):
            training = settings_of(config, dataset, method, epsilon=settings["epsilon"])
            key = json.dumps(training, sort_keys=True)
            if key not in trained:
                trained[key] = _train(settings, config, dataset, training)
            networks, data = trained[key]
            strategy = strategies.create(config["methods"][method]["strategy"], training)
            streams = [np.random.default_rng([seed, number]) for seed in range(len(networks))]
            restarted = [_escape(network, strategy, rng) for network, rng in zip(networks, streams, strict=True)]
            rows += [{"method": method, **row} for row in _compare(networks, restarted)]
        frames.append(with_data(rows, dataset, data))
    return pd.concat(frames, ignore_index=True)


def _train(
    settings: dict[str, Any], config: dict[str, Any], dataset: str, training: dict[str, Any]
) -> tuple[list[store.Arrays], Arrays]:
    """Return snapshots of independent networks at the end of their refinement, and the data of the last."""
    networks = []
    for seed in range(settings["networks"]):
        network, data = converged(config, dataset, training, settings["epochs"], seed)
        networks.append(store.snapshot(network))
    return networks, data


def _escape(arrays: store.Arrays, strategy: strategies.Strategy, rng: np.random.Generator) -> store.Arrays:
    """Return the network as the next member starts, the first two blocks pruned and regrown."""
    network = store.build(arrays)
    assert isinstance(network, SparseMLP)
    fraction, (first, hidden) = strategy.settings.restart_prune_fraction, network.blocks[: HIDDEN + 1]
    if strategy.settings.escape_input_block:
        regrow_at_random(first, fraction, network.bounds[first.pair], rng)
    strategy.regrow(hidden, fraction, network.bounds[hidden.pair], rng, hidden.links())
    return store.snapshot(network)


def _compare(networks: list[store.Arrays], restarted: list[store.Arrays]) -> list[dict[str, Any]]:
    before, after = ([topology_of(arrays) for arrays in each] for each in (networks, restarted))
    distances = heatmap(after, before, HIDDEN)
    return [
        {
            "converged": x,
            "reinitialised": y,
            "distance": distances[y, x],
            "shared": shared_part(one[HIDDEN], other[HIDDEN]),
            "links": one[HIDDEN].nnz,
        }
        for y, other in enumerate(after)
        for x, one in enumerate(before)
    ]
