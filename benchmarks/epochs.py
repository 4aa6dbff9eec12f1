"""One training epoch of the Gesture network by every peer, beside what the core can do at most.

    python benchmarks/epochs.py [--rounds 12]

Ratios are taken round by round, and their median is reported.
"""

import single_core  # noqa: F401, I001

import argparse
import statistics
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import columns
import numpy as np
import peers
import workers
from columns import Columns
from rounds import clocked, interleaved

EPSILONS = (10, 20, 30)
#: Epsilons at which only our engine is measured; at 500 the middle blocks have all links.
SWEEP = (2.5, 5, 50, 100, 200, 500)
#: Products of OpenBLAS (rows, inner, columns) and how many are timed together: a layer's own, and one of any size.
SGEMM = {(1000, 1000, 128): 16, (2048, 2048, 2048): 1}
#: Bytes that one layer's activations take in bfloat16, twice: a stream that stays in the cache.
STREAM = 2 * 1000 * 128


def measure(rounds: int) -> dict[str, Any]:
    """Return CPU seconds of every peer and epsilon, round by round, and those of the products and streams of BLAS."""
    names = {name: kind for name, kind in peers.PEERS.items() if workers.missing(name) is None}
    which = [(name, e) for name, kind in names.items() for e in (EPSILONS if kind.sparse else (None,))]
    which += [(peers.OURS, epsilon) for epsilon in SWEEP]
    calls: dict[Any, Any] = {**blas()}
    with workers.started([(name, epsilon or 0, peers.SIZES) for name, epsilon in which]) as made:
        calls |= {label: peer.epoch for label, peer in zip(which, made, strict=True)}
        seconds = interleaved(calls, rounds, "epochs")
    links = {epsilon: sum(peers.network(peers.SIZES, epsilon).link_counts) for epsilon in (*EPSILONS, *SWEEP)}
    full = sum(a * b for a, b in zip(peers.SIZES[:-1], peers.SIZES[1:], strict=True))
    return {
        "epochs": [
            {
                "what": name,
                "epsilon": epsilon,
                "seconds": seconds[name, epsilon],
                **(_work(epsilon, links[epsilon] / full) if epsilon else {}),
            }
            for name, epsilon in which
        ],
        **of_blas(seconds),
        "missing": {name: why for name in peers.PEERS if (why := workers.missing(name))},
    }


def _work(epsilon: float, density: float) -> dict[str, float]:
    return {"density": density, "operations": 2 * peers.multiply_adds(epsilon) * peers.STEPS}


def blas() -> dict[Any, Callable[[], float]]:
    """Return what measures the seconds of the products and of a stream of BLAS, by name."""
    halves = np.ones((2, STREAM // 8), np.float32)
    read = {"read": lambda: clocked(lambda: np.dot(*halves), 200)}
    return {shape: _product(*shape, times) for shape, times in SGEMM.items()} | read


def of_blas(seconds: Mapping[Any, list[float]]) -> dict[str, Any]:
    """Return what was found of these, as `sgemm` and `read` take it."""
    return {
        "sgemm": [
            {"shape": list(shape), "seconds": seconds[shape], "operations": 2 * int(np.prod(shape))} for shape in SGEMM
        ],
        "read": {"bytes": STREAM, "seconds": seconds["read"]},
    }


def _product(rows: int, inner: int, across: int, times: int) -> Any:
    rng = np.random.default_rng(0)
    a, b = rng.random((rows, inner), np.float32), rng.random((inner, across), np.float32)
    return lambda: clocked(lambda: np.dot(a, b), times)


def sgemm(found: dict[str, Any]) -> list[float]:
    """Return the operations per second of sgemm in every round, for the shape that is quickest."""
    rates = [[row["operations"] / s for s in row["seconds"]] for row in found["sgemm"]]
    return max(rates, key=statistics.median)


def read(found: dict[str, Any]) -> float:
    """Return the bytes per second of sdot over what stays in the cache."""
    return found["read"]["bytes"] / statistics.median(found["read"]["seconds"])


def row(found: dict[str, Any], what: str, epsilon: float | None) -> dict[str, Any]:
    """Return what was measured of a peer; dense ones have no epsilon."""
    epsilon = epsilon if peers.PEERS[what].sparse else None
    (one,) = (row for row in found["epochs"] if (row["what"], row["epsilon"]) == (what, epsilon))
    return one


def median(found: dict[str, Any], what: str, epsilon: float) -> float:
    """Return the median seconds of a peer."""
    return statistics.median(row(found, what, epsilon)["seconds"])


def ratio(found: dict[str, Any], what: str, epsilon: float, ours: str) -> float:
    """Return how many times as long as ours a peer takes, the median over rounds."""
    pairs = zip(row(found, what, epsilon)["seconds"], row(found, ours, epsilon)["seconds"], strict=True)
    return statistics.median(theirs / own for theirs, own in pairs)


def share(found: dict[str, Any], what: str, epsilon: float) -> float:
    """Return the useful operations per second of a training step as a share of sgemm's, the median over rounds."""
    one = row(found, what, epsilon)
    return statistics.median(one["operations"] / s / r for s, r in zip(one["seconds"], sgemm(found), strict=True))


def quickest(found: dict[str, Any], beginning: str, epsilon: float) -> str | None:
    """Return the quickest of the measured peers whose names begin so."""
    names = [name for name in peers.PEERS if name.startswith(beginning) and name not in found["missing"]]
    return min(names, key=lambda name: median(found, name, epsilon), default=None)


def _cell(found: dict[str, Any], what: str, epsilon: float) -> str:
    if what in found["missing"]:
        return f"({found['missing'][what]})"
    ratios = [f"{ratio(found, what, epsilon, ours):.1f}" for ours in (peers.OURS, peers.OURS_SINGLE)]
    return f"{median(found, what, epsilon):.4f} ({'; '.join(ratios)})"


def _rate(found: dict[str, Any], what: str, epsilon: float) -> str:
    billions = row(found, what, epsilon)["operations"] / median(found, what, epsilon) / 1e9
    return f"{billions:.0f} GFLOP/s, {share(found, what, epsilon):.2f}"


def markdown(machines: Columns) -> str:
    """Return the epochs of all peers as Markdown, one column for each machine and instruction set."""
    ours = (peers.OURS, peers.OURS_SINGLE)
    tables = [
        [[name, e, *(cell(found, name, e) for found in machines.values())] for e in EPSILONS for name in names]
        for names, cell in ((peers.PEERS, _cell), (ours, _rate))
    ]
    return "\n\n".join(
        [
            f"One training epoch ({peers.STEPS} batches of {peers.BATCH}, {'-'.join(map(str, peers.SIZES))}) on one "
            "core: CPU seconds, and in brackets how many times ours at the same epsilon that is, with activations "
            "stored as bfloat16 and as float32.",
            columns.markdown(["what", "epsilon", *machines], tables[0]),
            "Useful operations (two for each multiply-add that a link needs) a second, and their share of what sgemm "
            "of OpenBLAS does on the same core in the same rounds.",
            columns.markdown(["what", "epsilon", *machines], tables[1]),
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    warnings.filterwarnings("ignore", category=UserWarning)  # sparse CSR support of PyTorch is in beta, it says
    print(markdown({"seconds": measure(parser.parse_args().rounds)}))
