"""Time and memory per link, from 10^5 links to the largest network asked for.

    python benchmarks/scale.py [--largest 1e8]

Every size is trained in a process of its own, one epoch of 1024 made-up samples on one core. Memory is counted twice:
the arrays that the network holds while it trains, and the peak of the whole process.
"""

import single_core  # noqa: F401, I001

import argparse
import json
import subprocess
import sys
import time

import numpy as np

from truly_sparse.engine.network import Optimiser, SparseMLP, all_relu_slopes
from truly_sparse.engine.streams import Streams
from truly_sparse.measure import host

SAMPLES, BATCH, EPSILON = 1024, 128, 10
# Neurons in each of three hidden layers; 333,334 make the million, 4,000,000 fill 20 GB (--largest 2.5e8).
WIDTHS = (2500, 5000, 10_000, 33_334, 100_000, 333_334, 1_000_000, 4_000_000)


def measure(width: int) -> dict[str, float]:
    """Train one epoch of a network 50-width-width-width-5; return its size, seconds and memory."""
    rng = np.random.default_rng(0)
    x, y = rng.random((SAMPLES, 50), dtype=np.float32), rng.integers(0, 5, SAMPLES)
    streams = Streams(0)
    tiny = SparseMLP.erdos_renyi([50, 64, 5], EPSILON, [0.0], streams.start, storage="bfloat16")
    tiny.train_epoch(x, y, np.arange(BATCH), BATCH, Optimiser(0.01), 0.2, 0, 0)  # compile before measuring
    tiny.evolve(0.2, streams)
    start = time.perf_counter()
    network = SparseMLP.erdos_renyi(
        [50, *[width] * 3, 5], EPSILON, all_relu_slopes(3, 0.5), streams.start, storage="bfloat16"
    )
    built = time.perf_counter() - start
    network.train_epoch(x, y, np.arange(BATCH), BATCH, Optimiser(0.01), 0.2, 0, 0)  # touch all memory
    start = time.perf_counter()
    result = network.train_epoch(x, y, np.arange(SAMPLES), BATCH, Optimiser(0.01), 0.2, 0, 1)
    epoch = time.perf_counter() - start
    start = time.perf_counter()
    network.evolve(0.2, streams)
    links, neurons = sum(network.link_counts), 3 * width
    # Each array once: the blocks' are views into the flat ones.
    owned = [*vars(network).values(), *vars(network._room).values()]
    arrays = [*network._flat.values(), *(v for v in owned if isinstance(v, np.ndarray))]
    held = sum(array.nbytes for array in arrays)
    return {
        "hidden_neurons": neurons,
        "links": links,
        "build_seconds": built,
        "epoch_seconds": epoch,
        "nanoseconds_per_link_and_sample": 1e9 * epoch / links / SAMPLES,
        "set_step_seconds": time.perf_counter() - start,
        "peak_bytes": host.peak_memory_bytes(),
        "bytes": held,
        "bytes_per_link": held / links,
        "loss": result.loss,
    }


def higgs() -> dict[str, float]:
    """Stream made-up data of the full HIGGS shape, 11,000,000 x 28, through one epoch; return seconds and memory."""
    rows, rng = 11_000_000, np.random.default_rng(0)
    x = np.empty((rows, 28), np.float32)
    for start in range(0, rows, 1_000_000):
        x[start : start + 1_000_000] = rng.random((min(1_000_000, rows - start), 28), dtype=np.float32)
    y = rng.integers(0, 2, rows)
    order = rng.permutation(rows)
    before = host.peak_memory_bytes()
    network = SparseMLP.erdos_renyi(
        [28, 1000, 1000, 1000, 2], 20, all_relu_slopes(3, 0.05), Streams(0).start, storage="bfloat16"
    )
    start_time = time.perf_counter()
    result = network.train_epoch(x, y, order, BATCH, Optimiser(0.01), 0.2, 0, 0)
    return {
        "seconds": time.perf_counter() - start_time,
        "data_bytes": x.nbytes + y.nbytes + order.nbytes,
        "more_bytes": host.peak_memory_bytes() - before,
        "loss": result.loss,
    }


def higgs_markdown(found: dict[str, float]) -> str:
    """Return the streamed epoch in words."""
    return (
        f"One epoch of 11,000,000 x 28 made-up rows (28-1000-1000-1000-2, epsilon 20): {found['seconds']:.0f} s; "
        f"beside the {found['data_bytes'] / 1e9:.2f} GB of features, labels and order the process needed "
        f"{found['more_bytes'] / 1e6:.0f} MB more."
    )


def markdown(rows: list[dict[str, float]]) -> str:
    """Return the sizes as a Markdown table."""
    lines = [
        f"Three hidden layers, epsilon {EPSILON}, batch {BATCH}, {SAMPLES} samples, one core.",
        "",
        "| hidden neurons | links | build (s) | epoch (s) | ns per link and sample | SET step (s) | arrays (GB) "
        "| bytes per link | peak of the process (GB) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            f"{row['hidden_neurons']:,}",
            f"{row['links']:,}",
            f"{row['build_seconds']:.2f}",
            f"{row['epoch_seconds']:.2f}",
            f"{row['nanoseconds_per_link_and_sample']:.3f}",
            f"{row['set_step_seconds']:.3f}",
            f"{row['bytes'] / 1e9:.2f}",
            f"{row['bytes_per_link']:.0f}",
            f"{row['peak_bytes'] / 1e9:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def alone(*arguments: str) -> dict[str, float]:
    """Measure in a process of its own, whose peak memory is then that of the measurement."""
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def sweep(largest: float) -> list[dict[str, float]]:
    """Measure every width whose links stay below `largest`, each in its own process."""
    rows = []
    for width in WIDTHS:
        if 55 * width > largest:
            break
        rows.append(alone("--one", str(width)))
        print(f"{rows[-1]['links']:,} links: {rows[-1]['epoch_seconds']:.2f} s an epoch", file=sys.stderr)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=float, default=1e8, help="links of the largest network (default 1e8)")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--higgs", action="store_true", help="stream the full HIGGS shape instead")
    arguments = parser.parse_args()
    if arguments.one or arguments.higgs:
        host.hold_one_core()
        print(json.dumps(measure(arguments.one) if arguments.one else higgs()))
    else:
        print(markdown(sweep(arguments.largest)))
