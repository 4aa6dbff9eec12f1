"""Time and memory of networks with shortcuts as they become deeper (the limitation in section 7.1 of SPaS)."""

import time
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.engine import shortcuts
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import Adam
from truly_sparse.measure.possible import possible_weights

#: Steps that are timed together.
STEPS = 10


def measure(settings: dict[str, Any], config: dict[str, Any]) -> pd.DataFrame:
    """Time steps of training with Adam and Mish on made-up samples, for every depth and compression.

    Returns
    -------
    DataFrame
        One row per (hidden_layers, compression, repetition): `sequential` and `shortcut` links and all `links`;
        `biases`, of which a neuron has one for each block that leads to it; `bytes` that links and biases take, moments
        of Adam included; `sequential_places` and `shortcut_places`, what masks would hold; and of one step `seconds`
        (wall) and `cpu_seconds`, which other work on the machine does not stretch.
    """
    rows = []
    batch = config["training"]["batch_size"]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS * batch, settings["features"])).astype(np.float32)
    y = rng.integers(0, settings["classes"], len(x))
    for depth in settings["hidden_layers"]:
        sizes = [settings["features"], *[settings["neurons"]] * depth, settings["classes"]]
        possible = possible_weights(sizes)
        for compression in settings["compression"]:
            network = shortcuts.start(sizes, 1 - 1 / compression, 1 - settings["shortcut_ratio"], "mish", rng)
            # The first ones compile and reserve, and are not counted.
            for repetition in range(-1, settings["repetitions"]):
                start, cpu = time.perf_counter(), time.process_time()
                network.train_epoch(x, y, np.arange(len(x)), batch, Adam(0.001), 0.0, 0, 0)
                times = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}
                if repetition >= 0:
                    rows.append(
                        {
                            "hidden_layers": depth,
                            "compression": compression,
                            "repetition": repetition,
                            **_size(network),
                            "sequential_places": possible.sequential,
                            "shortcut_places": possible.shortcut,
                            **{name: value / STEPS for name, value in times.items()},
                        }
                    )
    return pd.DataFrame(rows)


def _size(network: SparseMLP) -> dict[str, int]:
    sequential = sum(len(block) for block in network.blocks if block.target == block.source + 1)
    links, biases = len(network.graph), len(network.biases)
    return {
        "sequential": sequential,
        "shortcut": links - sequential,
        "links": links,
        "biases": biases,
        "bytes": sum(array.nbytes for array in network.graph.arrays) + 3 * network.biases.nbytes,
    }
