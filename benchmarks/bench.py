"""Measure one training epoch beside its peers, and re-initialisation by size; write JSON, a table and a figure.

    python benchmarks/bench.py [--rounds 7] [--out benchmarks/results]

Every round runs each peer once, in turn, so that a change of the machine's speed meets all of them; ratios are
taken round by round and their median is reported. The first, unmeasured round compiles and warms up.
"""

import argparse
import importlib.util
import os
import statistics
import sys
import time
import warnings
from pathlib import Path

for _name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):
    os.environ[f"{_name}_NUM_THREADS"] = "1"
os.environ.pop("OPENBLAS_CORETYPE", None)

import numpy as np
import peers
from tqdm import tqdm

from truly_sparse.engine import topology
from truly_sparse.engine.block import Block
from truly_sparse.ensembles import strategies
from truly_sparse.files import write_json, write_text
from truly_sparse.measure import host

EPSILONS = (10, 20, 30)
OURS = "truly sparse (ours)"
ESCAPE_SIZES = (1000, 5000, 10_000, 15_000)
# Journal table 4, seconds for one re-initialisation on the authors' machine.
PRINTED = {
    "rd_tse": {1000: 0.081, 15_000: 1.12},
    "fd_tse": {15_000: 1.051},
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


def measure_escapes(rounds: int) -> list[dict[str, object]]:
    """Return seconds per re-initialisation of an n x n block at epsilon 10 (journal table 4)."""
    settings = {"lambda": 1.5, "distance": "row_wise", "distance_samples": 100, "distance_max_draws": 10_000}
    rows = []
    for n in ESCAPE_SIZES:
        rng = np.random.default_rng(0)
        links = topology.erdos_renyi(n, n, 10, rng)
        block = Block(n, n, 1, 2, len(links))
        block.assign(links, topology.start_values(len(links), 0.07, rng), np.zeros(len(links), np.float32))
        for name in ("edst_rg", "rd_tse", "fd_tse", "dist_tse"):
            strategy, seconds = strategies.create(name, settings), []
            for _ in range(rounds + 1):
                earlier = block.links()
                start = time.perf_counter()
                strategy.regrow(block, 0.8, 0.07, rng, earlier)
                seconds.append(time.perf_counter() - start)
            rows.append(
                {"strategy": name, "n": n, "links": len(links), "seconds": statistics.median(seconds[1:]),
                 "printed": PRINTED.get(name, {}).get(n)}
            )  # fmt: skip
    return rows


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


def markdown(epochs: list[dict[str, object]], escapes: list[dict[str, object]], facts: dict[str, object]) -> str:
    """Return both tables as Markdown."""
    lines = [
        f"One training epoch (49 batches of 128, 50-1000-1000-1000-5), one core of {facts['cpu']}; "
        f"median of {facts['rounds']} interleaved rounds.",
        "",
        "| what | epsilon | seconds | useful GFLOP/s | x ours at 10 | at 20 | at 30 |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in epochs:
        ratios = [f"{row[key]:.1f}" if (key := f"times ours at {e}") in row else "" for e in EPSILONS]
        gflops = f"{row['gflops']:.0f}" if "gflops" in row else ""
        lines.append(
            f"| {row['what']} | {row['epsilon'] or 'dense'} | {row['seconds']:.4f} | {gflops} | {' | '.join(ratios)} |"
        )
    lines += [f"| {name} | not installed | | | | | |" for name in facts["missing"]]
    lines += [
        "",
        "One re-initialisation of an n x n block, epsilon 10, q 0.8 (lambda 1.5, 100 samples, row-wise).",
        "",
        "| strategy | n | links | seconds | printed in journal table 4 (another machine) |",
        "|---|---|---|---|---|",
    ]
    for row in escapes:
        lines.append(
            f"| {row['strategy']} | {row['n']} | {row['links']} | {row['seconds']:.4f} | {row['printed'] or ''} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="measured rounds (default 7)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="folder to write to")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)  # sparse CSR support of PyTorch is in beta, it says
    pinned = host.hold_one_core()
    seconds, missing = measure_epochs(arguments.rounds)
    facts = {**host.facts(), **host.threads(), "pinned": pinned, "rounds": arguments.rounds, "missing": missing}
    if "PyTorch, dense" not in missing:
        import torch

        facts["torch"] = torch.__version__
    epochs, escapes = summary(seconds), measure_escapes(5)
    write_json(arguments.out / "bench.json", {"facts": facts, "seconds": seconds, "epochs": epochs, "escapes": escapes})
    text = markdown(epochs, escapes, facts)
    write_text(arguments.out / "bench.md", text)
    print(text)
    for name in missing:
        print(f"not measured: {name} is not installed")


if __name__ == "__main__":
    main()
