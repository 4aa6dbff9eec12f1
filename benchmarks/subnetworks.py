"""What children of a dense parent cost: an epoch of one part of its links, and one whose links are active at times.

    python benchmarks/subnetworks.py [--rounds 5]

The parent is trained on BLAS, its children are sparse networks with a half, a third or a sixth of its weights. A gate
of probability p lets each link of a network with all of these weights take part in a step with that probability.
"""

import single_core  # noqa: F401, I001

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import columns
import numpy as np
import peers
from columns import Columns
from rounds import clocked, interleaved

from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.gate import Gate, thresholds_of
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD
from truly_sparse.ensembles.subnetworks import child_of, kept
from truly_sparse.engine.streams import Streams
from truly_sparse.training.config import TrainingConfig

PARTS = (2, 3, 6)
PROBABILITIES = (0.1, 0.5)
#: Most that an epoch of a child of one part may take, as a part of its parent's; and a gate of 0.1, of none.
ALLOWED, GATED = {2: 0.80, 3: 0.55, 6: 0.30}, 0.5
PARENT = "dense parent"
_OPTIMISER = SGD(0.01, 0.9, 0.0005, nesterov=True, coupled=True)


def _parent() -> DenseMLP:
    return DenseMLP(peers.SIZES, [0.0] * (len(peers.SIZES) - 2), np.random.default_rng(0))


def child(parts: int) -> SparseMLP:
    """Return the first of so many children that share the parent's weights, those to the outputs kept by each."""
    parent, settings = _parent(), TrainingConfig(parts=parts, activation_storage="float32")
    return child_of(parent, kept(parent, settings, 0, lambda number: Streams(0, number)), settings, None)


def whole() -> SparseMLP:
    """Return the sparse network with all weights of the parent."""
    parent = _parent()
    weights = {(layer, layer + 1): own.T for layer, own in enumerate(parent.weights)}
    return SparseMLP.from_dense(weights, parent.biases, parent.slopes)


def epoch_of(network: DenseMLP | SparseMLP, **more: Any) -> Callable[[], float]:
    """Return what measures the seconds of an epoch."""
    (x, y), rng = peers.problem(), np.random.default_rng(1)

    def epoch() -> None:
        network.train_epoch(x, y, rng.permutation(peers.ROWS), peers.BATCH, _OPTIMISER, 0.0, 7, 0, **more)

    return lambda: clocked(epoch)


def measure(rounds: int) -> dict[str, Any]:
    """Return CPU seconds of an epoch of everything, round by round."""
    calls: dict[str, Callable[[], float]] = {PARENT: epoch_of(_parent())}
    links = {PARENT: sum(_parent().link_counts)}
    for parts in PARTS:
        network = child(parts)
        calls[f"1/{parts}"], links[f"1/{parts}"] = epoch_of(network), len(network.graph)
    network = whole()
    count = len(network.graph)
    calls["no gate"], links["no gate"] = epoch_of(network), count
    for p in PROBABILITIES:
        gate = Gate(thresholds_of(np.full(count, p)), 7, True)
        calls[f"gate {p}"], links[f"gate {p}"] = epoch_of(network, gate=gate), count
    seconds = interleaved(calls, rounds, "subnetworks")
    return {"epochs": [{"what": what, "links": links[what], "seconds": seconds[what]} for what in calls]}


def ratio(found: dict[str, Any], what: str, of: str) -> float:
    """Return how long an epoch takes, as a part of another."""
    rows = {row["what"]: row["seconds"] for row in found["epochs"]}
    return statistics.median(one / other for one, other in zip(rows[what], rows[of], strict=True))


def markdown(machines: Columns) -> str:
    """Return the table of all machines that measured this."""
    measured = {title: found["subnetworks"] for title, found in machines.items() if "subnetworks" in found}
    if not measured:
        return "Not measured yet."
    rows = []
    for title, found in measured.items():
        seconds = {row["what"]: (row["links"], statistics.median(row["seconds"])) for row in found["epochs"]}
        limits = {f"1/{parts}": (PARENT, most) for parts, most in ALLOWED.items()} | {"gate 0.1": ("no gate", GATED)}
        for what, (links, time) in seconds.items():
            of, most = limits.get(what, ("no gate" if what.startswith("gate") else PARENT, None))
            part = "" if what == of else f"{ratio(found, what, of):.2f} of {of}"
            rows.append([title, what, f"{links:,}", f"{time:.3f}", part, "" if most is None else f"{most:.2f}"])
    note = (
        f"An epoch of {peers.ROWS:,} rows, batch {peers.BATCH}, layers {'-'.join(map(str, peers.SIZES))}, float32, SGD "
        "with Nesterov's momentum. A child keeps all links to the outputs."
    )
    return f"{note}\n\n{columns.markdown(['column', 'network', 'links', 'epoch (s)', 'ratio', 'at most'], rows)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    print(markdown({"here": {"subnetworks": measure(parser.parse_args().rounds)}}))
