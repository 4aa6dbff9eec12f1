"""Measure the engine beside its peers, and how it scales; write JSON, tables and figures.

    python benchmarks/bench.py [--rounds 7] [--largest 1e8] [--out benchmarks/results]

Every round runs each peer once, in turn, so that a change of the machine's speed meets all of them; ratios are
taken round by round and their median is reported. The first, unmeasured round compiles and warms up.
"""

import single_core  # noqa: F401, I001

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import figures
import numpy as np
import peers
import profile_kernels
import pyarrow as pa
import pyarrow.parquet as pq
import scale
import stability
from report import EPSILONS, report
from tqdm import tqdm

from truly_sparse.engine import topology
from truly_sparse.engine.block import Block
from truly_sparse.ensembles import strategies
from truly_sparse.files import sha256, write_json, write_text
from truly_sparse.measure import host

OURS = "truly sparse (ours)"
# Epsilon 500 is density 1 in the middle blocks.
SWEEP = (2.5, 5, 10, 20, 30, 50, 100, 200, 350, 500)
ESCAPE_SIZES = (1000, 5000, 10_000, 15_000)
ROW_WISE_SIZES = (100_000, 1_000_000)
# Journal table 4, seconds for one re-initialisation on the authors' machine.
PRINTED = {
    "rd_tse": {1000: 0.081, 15_000: 1.12},
    "fd_tse": {5000: 0.732, 10_000: 0.723, 15_000: 1.051},
    "dist_tse": {1000: 11.65, 5000: 50.11, 10_000: 153.4, 15_000: 278.2},
}


def measure_epochs(rounds: int) -> tuple[dict[str, list[float]], list[str]]:
    """Return seconds per epoch of every peer and density, and the peers that are not installed."""
    missing = [name for name, (_, _, package) in peers.PEERS.items() if importlib.util.find_spec(package) is None]
    epochs = {}
    for name, (make, by_density, _) in peers.PEERS.items():
        if name not in missing:
            for epsilon in EPSILONS if by_density else (None,):
                label = name if epsilon is None else f"{name}, epsilon {epsilon}"
                epochs[label] = make(epsilon or 0)
    seconds: dict[str, list[float]] = {label: [] for label in epochs}
    for round_ in tqdm(range(rounds + 1), desc="epochs", unit="round", disable=not sys.stderr.isatty()):
        for label, epoch in epochs.items():
            start = time.perf_counter()
            epoch()
            if round_:
                seconds[label].append(time.perf_counter() - start)
    return seconds, missing


def measure_densities(rounds: int) -> list[dict[str, float]]:
    """Return seconds per epoch of our engine from the sparsest network to the full one."""
    rows = []
    for epsilon in SWEEP:
        epoch, links = peers.truly_sparse(epsilon), sum(peers.network(epsilon).link_counts)
        seconds = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            epoch()
            seconds.append(time.perf_counter() - start)
        full = sum(a * b for a, b in zip(peers.SIZES[:-1], peers.SIZES[1:], strict=True))
        row = {"epsilon": epsilon, "density": links / full, "links": links}
        rows.append({**row, "seconds": statistics.median(seconds[1:])})
    return rows


def measure_escapes(rounds: int) -> list[dict[str, object]]:
    """Return seconds per re-initialisation of an n x n block at epsilon 10 (journal table 4), and of a SET step."""
    rows = []
    cases = [(n, name, "row_wise") for n in ESCAPE_SIZES for name in ("edst_rg", "rd_tse", "fd_tse", "dist_tse")]
    cases += [(n, "dist_tse", "all_pairs") for n in ESCAPE_SIZES]
    cases += [(n, name, "row_wise") for n in ROW_WISE_SIZES for name in ("edst_rg", "rd_tse", "fd_tse")]
    blocks: dict[int, Block] = {}
    for n, name, distance in tqdm(cases, desc="escapes", disable=not sys.stderr.isatty()):
        rng = np.random.default_rng(0)
        if n not in blocks:
            links = topology.erdos_renyi(n, n, 10, rng)
            blocks = {n: Block(n, n, 1, 2, len(links))}
            blocks[n].assign(links, topology.start_values(len(links), 0.07, rng), np.zeros(len(links), np.float32))
        settings = {"lambda": 1.5, "distance": distance, "distance_samples": 100, "distance_max_draws": 10_000}
        strategy, seconds = strategies.create(name, settings), []
        for _ in range(rounds + 1):
            earlier = blocks[n].links()
            start = time.perf_counter()
            strategy.regrow(blocks[n], 0.8, 0.07, rng, earlier)
            seconds.append(time.perf_counter() - start)
            if seconds[-1] > 10:
                break
        rows.append(
            {
                "strategy": name if distance == "row_wise" else f"{name}, {distance}",
                "n": n,
                "links": len(blocks[n]),
                "seconds": statistics.median(seconds[1:] or seconds),
                "printed": PRINTED.get(name, {}).get(n),
            }
        )
    return rows


def measure_roofs() -> dict[str, float]:
    """Return what bounds a core: GFLOP/s of sgemm, GB/s of sdot over as many bytes as one layer's activations."""
    square = np.random.default_rng(0).random((1024, 1024), np.float32)
    halves = np.ones((2, 500 * 128), np.float32)
    best = {"product": 1e9, "read": 1e9}
    for _ in range(20):
        start = time.perf_counter()
        np.dot(square, square)
        best["product"] = min(best["product"], time.perf_counter() - start)
        start = time.perf_counter()
        for _ in range(50):
            np.dot(halves[0], halves[1])
        best["read"] = min(best["read"], (time.perf_counter() - start) / 50)
    return {"sgemm_gflops": 2 * 1024**3 / best["product"] / 1e9, "cache_gbytes": halves.nbytes / best["read"] / 1e9}


def measure_whole_run() -> dict[str, float]:
    """Return seconds of a whole run of 350 epochs in a new process, of 350 pure epochs, and of start-up alone."""
    pure = peers.truly_sparse(20)
    pure()
    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng(0)
        y = np.repeat(np.arange(5), 1975)[:9873]
        table = {f"f{i}": rng.random(9873) for i in range(50)} | {"target": y}
        place = Path(folder)
        pq.write_table(pa.table(table), place / "made_up.parquet")
        about = {"sha256": sha256(place / "made_up.parquet"), "classes": [*"abcde"], "source": "none", "partial": None}
        write_json(place / "made_up.json", about)
        config = {
            "preset": "bench",
            "data": {"folder": str(place)},
            "training": {"eta": 0.001},
            "datasets": {"made_up": {}},
            "methods": {"fd_tse": {"model": "sparse", "strategy": "fd_tse"}},
            "experiments": {"whole": [{"datasets": ["made_up"], "methods": ["fd_tse"], "epsilon": [20], "seeds": [0]}]},
        }
        write_json(place / "config.json", config)
        command = [sys.executable, "-m", "truly_sparse", "run", "whole/made_up/fd_tse/eps20/seed0"]
        seconds: dict[str, list[float]] = {"run": [], "epoch": [], "start_up": []}
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run([*command, "--config", "config.json"], cwd=place, check=True, capture_output=True)
            seconds["run"].append(time.perf_counter() - start)
            record = json.loads((place / "results/bench/runs/whole/made_up/fd_tse/eps20/seed0/run.json").read_text())
            seconds["start_up"].append(seconds["run"][-1] - record["seconds"]["epochs_wall"])
            for _ in range(20):
                start = time.perf_counter()
                pure()
                seconds["epoch"].append(time.perf_counter() - start)
    found = {name: statistics.median(times) for name, times in seconds.items()}
    return {**found, "ratio": found["run"] / (350 * found["epoch"])}


def measure_first_compilation() -> float:
    """Return seconds of one small training epoch in a new process with an empty kernel cache."""
    code = (
        "import numpy as np; from truly_sparse.engine.network import *; "
        "from truly_sparse.engine.streams import Streams;"
        "n = SparseMLP.erdos_renyi([4, 64, 3], 3, [0.0], Streams(0).start, storage='bfloat16');"
        "x = np.zeros((128, 4), np.float32);"
        "n.train_epoch(x, np.zeros(128, np.int64), np.arange(128), 128, Optimiser(0.01), 0.2, 0, 0);"
        "n.evolve(0.2, Streams(0)); n.predict_proba(x)"
    )
    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "NUMBA_CACHE_DIR": cache})
        return time.perf_counter() - start


def summary(seconds: dict[str, list[float]]) -> list[dict[str, object]]:
    """Return medians, useful GFLOP/s (two operations per multiply-add), and the median ratio to ours."""
    rows = []
    for label, times in seconds.items():
        name, _, epsilon = label.partition(", epsilon ")
        row: dict[str, object] = {"what": name, "epsilon": int(epsilon) if epsilon else None}
        row["seconds"] = statistics.median(times)
        if epsilon:
            row["gflops"] = 2 * peers.multiply_adds(int(epsilon)) / row["seconds"] / 1e9
        for other in (int(epsilon),) if epsilon else EPSILONS:
            ours = seconds[f"{OURS}, epsilon {other}"]
            row[f"times ours at {other}"] = statistics.median(a / b for a, b in zip(times, ours, strict=True))
        rows.append(row)
    return rows


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="measured rounds (default 7)")
    parser.add_argument("--largest", type=float, default=6e7, help="links of the largest network (default 6e7)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="folder to write to")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)  # sparse CSR support of PyTorch is in beta, it says
    sizes = scale.sweep(arguments.largest)  # processes of their own, before this one holds a core
    streamed = scale.alone("--higgs")
    whole, compiled = measure_whole_run(), measure_first_compilation()
    pinned = host.hold_one_core()
    seconds, missing = measure_epochs(arguments.rounds)
    facts = {**host.facts(), **host.threads(), "pinned": pinned, "rounds": arguments.rounds, "missing": missing}
    if "PyTorch, dense" not in missing:
        import torch

        facts["torch"] = torch.__version__
    found = {
        "facts": facts,
        "seconds": seconds,
        "epochs": summary(seconds),
        "densities": measure_densities(3),
        "kernels": [row for epsilon in EPSILONS for row in profile_kernels.profile(epsilon, 200)],
        "escapes": measure_escapes(5),
        "roofs": measure_roofs(),
        "whole_run": whole,
        "first_compilation": compiled,
        "scale": sizes,
        "higgs": streamed,
        "stability": stability.table(20),
        "suspects": stability.suspects(20),
    }
    write_json(arguments.out / "bench.json", found)
    text = report(found)
    write_text(arguments.out / "bench.md", text)
    figures.draw(found, arguments.out)
    print(text)
    for name in missing:
        print(f"not measured: {name} is not installed")


if __name__ == "__main__":
    main()
