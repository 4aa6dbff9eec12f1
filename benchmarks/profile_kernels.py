"""Where the time of a training step goes, kernel by kernel, and what the rest costs.

    python benchmarks/profile_kernels.py [--rounds 200]

Each kernel is called alone on the same network and batch; medians of interleaved rounds. "step" is a whole step
measured inside an epoch, so that the sum of the parts can be held against it.
"""

import single_core  # noqa: F401, I001

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import peers

from truly_sparse.engine import kernels
from truly_sparse.engine.dropout import threshold
from truly_sparse.engine.network import Optimiser, SparseMLP, tile


def parts(network: SparseMLP) -> dict[str, tuple[Callable[[], object], int]]:
    """Return the kernels of one step as calls, with their multiply-adds."""
    x, y = peers.problem()
    order = np.arange(peers.ROWS)
    network.train_epoch(x, y, order, peers.BATCH, Optimiser(0.0, decay=0.0), peers.DROPOUT, 7, 0)
    flat, rows, plan, room = network._flat, peers.BATCH, network._plan, network._room
    assert room is not None
    links, first = sum(network.link_counts), network.link_counts[0]
    eight = tile(rows, 8)
    scale = np.float32(1 / (1 - peers.DROPOUT))

    def forward(rate: float) -> Callable[[], object]:
        keep = np.float32(1 / (1 - rate))
        return lambda: kernels.forward(
            plan, room.offsets, flat["out_pointers"], flat["sources"], flat["position"], flat["values"],
            network.biases, network.slopes, room.activations, room.logits, room.positive, room.kept, rows, eight,
            np.uint64(7), 1, threshold(rate), keep,
        )  # fmt: skip

    def backward() -> object:
        return kernels.backward(
            plan, room.offsets, flat["in_pointers"], flat["targets"], flat["values"], flat["velocity"],
            network._gradient, network._bias_gradient, network.slopes, room.activations, room.delta,
            room.positive, room.kept, rows, eight, scale, np.float32(0), np.float32(0.9), np.float32(0), True,
        )  # fmt: skip

    return {
        "gather batch": (lambda: kernels.gather_batch(x, order, 0, rows, rows, room.activations), 0),
        "forward, activation and dropout": (forward(peers.DROPOUT), links * rows),
        "softmax": (lambda: kernels.softmax_rows(room.logits, peers.SIZES[-1], rows), 0),
        "backward, gradient and update": (backward, (2 * links - first) * rows),
        "bias update": (
            lambda: kernels.update(
                network.biases,
                network.bias_velocity,
                network._bias_gradient,
                np.float32(0),
                np.float32(0),
                np.float32(0),
            ),
            0,
        ),
    }


def profile(epsilon: float, rounds: int) -> list[dict[str, object]]:
    """Return microseconds, share of the step and useful GFLOP/s of every kernel."""
    network = peers.network(epsilon)
    calls = parts(network)
    whole = peers.truly_sparse(epsilon)
    whole()
    seconds: dict[str, list[float]] = {name: [] for name in (*calls, "step")}
    for round_ in range(rounds):
        for name, (call, _) in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
        if round_ % 20 == 0:
            start = time.perf_counter()
            whole()
            seconds["step"].append((time.perf_counter() - start) / peers.STEPS)
    step = statistics.median(seconds["step"])
    work = {name: count for name, (_, count) in calls.items()} | {"step": peers.multiply_adds(epsilon) // peers.STEPS}
    return [
        {
            "kernel": name,
            "epsilon": epsilon,
            "microseconds": 1e6 * statistics.median(times),
            "share": statistics.median(times) / step,
            "gflops": 2 * work[name] / statistics.median(times) / 1e9,
        }
        for name, times in seconds.items()
    ]


def markdown(rows: list[dict[str, object]]) -> str:
    """Return the profile as a Markdown table."""
    lines = ["| kernel | epsilon | microseconds | share of a step | useful GFLOP/s |", "|---|---|---|---|---|"]
    for row in rows:
        gflops = f"{row['gflops']:.0f}" if row["gflops"] else ""
        lines.append(
            f"| {row['kernel']} | {row['epsilon']} | {row['microseconds']:.1f} | {row['share']:.1%} | {gflops} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    print(markdown([row for epsilon in (10, 20, 30) for row in profile(epsilon, parser.parse_args().rounds)]))
