"""Time and memory per link, from 10^5 links to the largest network asked for.

    python benchmarks/scale.py [--largest 2e7]
    python benchmarks/scale.py --one 4000000 > benchmarks/results/largest.json

Every size is trained in a process of its own, on made-up samples on one core. Memory is counted twice: the arrays that
the network holds while it trains, and the peak of the whole process.
"""

import single_core  # noqa: F401, I001

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import columns
import machine
import numpy as np
from columns import Columns
from rounds import clocked

from truly_sparse.engine.network import SparseMLP, all_relu_slopes
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.streams import Streams
from truly_sparse.measure import host

BATCH, EPSILON, REPEATS = 128, 10, 12
#: Neurons in each of three hidden layers; 333,334 make the million, whose links are far out of cache.
WIDTHS = (2500, 5000, 10_000, 33_334, 100_000, 333_334, 1_000_000)
OUT_OF_CACHE = 3 * 333_334
#: Links from which a single step takes long enough to be timed alone.
MANY = 2_000_000
HIGGS_ROWS, HIGGS_TRAINED = 11_000_000, 1_100_000


def measure(width: int, storage: str) -> dict[str, Any]:
    """Train a network 50-width-width-width-5; return its size, seconds a step of 128 samples, and memory."""
    rng = np.random.default_rng(0)
    streams = Streams(0)
    x, y = rng.random((8 * BATCH, 50), dtype=np.float32), rng.integers(0, 5, 8 * BATCH)
    tiny = SparseMLP.erdos_renyi([50, 64, 5], EPSILON, [0.0], streams.start, storage=storage)
    _train(tiny, x, y, 1)  # compile before measuring
    tiny.evolve(0.2, streams)
    made: list[SparseMLP] = []
    sizes = [50, *[width] * 3, 5]
    slopes = all_relu_slopes(3, 0.5)
    built = clocked(lambda: made.append(SparseMLP.erdos_renyi(sizes, EPSILON, slopes, streams.start, storage=storage)))
    (network,) = made
    links = sum(network.link_counts)
    steps = 8 if links < MANY else 1
    _train(network, x, y, 1)  # touch all memory
    seconds = [clocked(lambda: _train(network, x, y, steps)) / steps for _ in range(REPEATS)]
    held = _held_bytes(network)
    return {
        "machine": machine.facts(),
        "storage": storage,
        "hidden_neurons": 3 * width,
        "links": links,
        "build_seconds": built,
        "step_seconds": seconds,
        "set_step_seconds": [clocked(lambda: network.evolve(0.2, streams)) for _ in range(2)],
        "peak_bytes": host.peak_memory_bytes(),
        "bytes": held,
    }


def _train(network: SparseMLP, x: Any, y: Any, steps: int) -> None:
    network.train_epoch(x, y, np.arange(steps * BATCH), BATCH, SGD(0.01), 0.2, 0, 0)


def _held_bytes(network: SparseMLP) -> int:
    """Return the bytes of all arrays that lie anywhere in the network, each once: some are views of others."""
    owners = {id(owner): owner.nbytes for owner in map(_owner, _arrays(network, set()))}
    return sum(owners.values())


def _owner(array: np.ndarray) -> np.ndarray:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _arrays(thing: object, seen: set[int]) -> Iterator[np.ndarray]:
    if isinstance(thing, np.ndarray):
        yield thing
    elif isinstance(thing, dict):
        for value in thing.values():
            yield from _arrays(value, seen)
    elif isinstance(thing, list | tuple):
        for value in thing:
            yield from _arrays(value, seen)
    elif type(thing).__module__.startswith("truly_sparse.") and id(thing) not in seen:
        seen.add(id(thing))  # a block knows its graph
        yield from _arrays(vars(thing), seen)


def higgs() -> dict[str, float]:
    """Train on rows drawn from made-up data of the full HIGGS shape, 11,000,000 x 28; return seconds and memory."""
    rng = np.random.default_rng(0)
    x = np.empty((HIGGS_ROWS, 28), np.float32)
    for start in range(0, HIGGS_ROWS, 1_000_000):
        x[start : start + 1_000_000] = rng.random((min(1_000_000, HIGGS_ROWS - start), 28), dtype=np.float32)
    y = rng.integers(0, 2, HIGGS_ROWS)
    order = rng.permutation(HIGGS_ROWS)[:HIGGS_TRAINED]
    before = host.peak_memory_bytes()
    network = SparseMLP.erdos_renyi(
        [28, 1000, 1000, 1000, 2], 20, all_relu_slopes(3, 0.05), Streams(0).start, storage="bfloat16"
    )
    seconds = clocked(lambda: network.train_epoch(x, y, order, BATCH, SGD(0.01), 0.2, 0, 0))
    return {
        "rows_per_second": HIGGS_TRAINED / seconds,
        "data_bytes": x.nbytes + y.nbytes + order.nbytes,
        "more_bytes": host.peak_memory_bytes() - before,
    }


def nanoseconds(row: dict[str, Any]) -> float:
    """Return the median nanoseconds per link and sample."""
    return 1e9 * statistics.median(row["step_seconds"]) / row["links"] / BATCH


def out_of_cache(found: dict[str, Any]) -> dict[str, Any] | None:
    """Return the row of the network with a million hidden neurons."""
    return next((row for row in found["scale"] if row["hidden_neurons"] == OUT_OF_CACHE), None)


def markdown(machines: Columns) -> str:
    """Return the sizes as Markdown: times for each machine and instruction set, and memory, which is the same."""
    by_size = {title: {row["hidden_neurons"]: row for row in found["scale"]} for title, found in machines.items()}
    sizes = {size: row for rows in by_size.values() for size, row in rows.items()}
    times, memory = [], []
    for size, row in sorted(sizes.items()):
        cells = [_times(rows[size]) if size in rows else "" for rows in by_size.values()]
        times.append([f"{size:,}", f"{row['links']:,}", *cells])
        each, peak = f"{row['bytes'] / row['links']:.0f}", f"{row['peak_bytes'] / 1e9:.2f}"
        memory.append([f"{size:,}", f"{row['links']:,}", f"{row['bytes'] / 1e9:.2f}", each, peak])
    streamed = [f"{found['higgs']['rows_per_second']:,.0f}" for found in machines.values()]
    about = next(iter(machines.values()))["higgs"]
    return "\n\n".join(
        [
            f"Three hidden layers, epsilon {EPSILON}, activations stored as bfloat16, medians of {REPEATS} steps of "
            f"{BATCH} samples: nanoseconds per link and sample (CPU seconds: a step; a SET step; building).",
            columns.markdown(["hidden neurons", "links", *machines], times),
            columns.markdown(
                ["hidden neurons", "links", "arrays (GB)", "bytes a link", "peak of the process (GB)"], memory
            ),
            f"Training on {HIGGS_TRAINED:,} rows drawn from {HIGGS_ROWS:,} x 28 made-up ones (28-1000-1000-1000-2, "
            f"epsilon 20): beside the {about['data_bytes'] / 1e9:.2f} GB of features, labels and order the process "
            f"needed {about['more_bytes'] / 1e6:.0f} MB more.",
            columns.markdown(["", *machines], [["rows a second", *streamed]]),
        ]
    )


def _times(row: dict[str, Any]) -> str:
    step, evolution = statistics.median(row["step_seconds"]), statistics.median(row["set_step_seconds"])
    return f"{nanoseconds(row):.3f} ({step:.3f}; {evolution:.3f}; {row['build_seconds']:.2f})"


def largest(row: dict[str, Any]) -> str:
    """Return the largest network in words."""
    return (
        f"The largest network measured within 20 GB (`python benchmarks/scale.py --one 4000000`; "
        f"{columns.title(row['machine'])}, activations stored as {row['storage']}): {row['hidden_neurons']:,} hidden "
        f"neurons, {row['links']:,} links, {nanoseconds(row):.2f} ns per link and sample, "
        f"peak {row['peak_bytes'] / 1e9:.1f} GB."
    )


def alone(*arguments: str) -> dict[str, Any]:
    """Measure in a process of its own, whose peak memory is then that of the measurement."""
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def sweep(largest: float) -> list[dict[str, Any]]:
    """Measure every width whose links stay below `largest`, each in its own process."""
    rows = []
    for width in WIDTHS:
        if 55 * width > largest:
            break
        rows.append(alone("--one", str(width)))
        print(f"{rows[-1]['links']:,} links: {nanoseconds(rows[-1]):.3f} ns per link and sample", file=sys.stderr)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=float, default=2e7, help="links of the largest network (default 2e7)")
    parser.add_argument("--one", type=int, metavar="WIDTH", help="one network only, as JSON")
    parser.add_argument("--storage", default="bfloat16", choices=("bfloat16", "float32"))
    parser.add_argument("--higgs", action="store_true", help="rows of the full HIGGS shape instead, as JSON")
    arguments = parser.parse_args()
    if arguments.one or arguments.higgs:
        host.hold_one_core()
        found = higgs() if arguments.higgs else measure(arguments.one, arguments.storage)
        print(json.dumps(found, indent=1))
    else:
        print(markdown({"here": {"scale": sweep(arguments.largest), "higgs": alone("--higgs")}}))
