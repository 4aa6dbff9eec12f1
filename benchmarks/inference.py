"""Prediction by every peer: 10,000 rows, and the latency of a single one.

python benchmarks/inference.py [--rounds 12]
"""

import single_core  # noqa: F401, I001

import argparse
import statistics
import warnings
from typing import Any

import columns
import peers
import workers
from columns import Columns
from rounds import interleaved

#: Name of the network -> sizes of its layers, epsilon (the estimators' for five classes).
NETWORKS = {"Gesture": (peers.SIZES, 20), "estimators": (peers.ESTIMATOR_SIZES, 25)}
#: Rows predicted -> calls that are timed together.
ROWS = {10_000: 1, 1: 50}


def measure(rounds: int) -> list[dict[str, Any]]:
    """Return CPU seconds of a prediction, round by round, for every network, peer and number of rows."""
    here = [name for name in peers.PEERS if workers.missing(name) is None]
    # Predictions of ours are float32 in any case, and MKL is asked once, the quicker way.
    names = [name for name in here if name != peers.OURS_SINGLE and f"{name}, {peers.INTEL}" not in here]
    which = [(network, name) for network in NETWORKS for name in names]
    with workers.started([(name, NETWORKS[network][1], NETWORKS[network][0]) for network, name in which]) as made:
        calls = {
            (network, name, rows): lambda peer=peer, rows=rows: peer.predict(rows, ROWS[rows])
            for (network, name), peer in zip(which, made, strict=True)
            for rows in ROWS
        }
        seconds = interleaved(calls, rounds, "inference")
    return [
        {"network": network, "what": name, "rows": rows, "seconds": times}
        for (network, name, rows), times in seconds.items()
    ]


def find(found: dict[str, Any], network: str, what: str, rows: int) -> list[float] | None:
    """Return the seconds of a peer, round by round, or None where it was not measured."""
    key = (network, what, rows)
    return next((r["seconds"] for r in found["inference"] if (r["network"], r["what"], r["rows"]) == key), None)


def milliseconds(found: dict[str, Any], network: str, what: str, rows: int) -> str:
    """Return the median time of a peer, and how many times ours that is."""
    seconds, ours = find(found, network, what, rows), find(found, network, peers.OURS, rows)
    if seconds is None or ours is None:
        return ""
    ratio = statistics.median(a / b for a, b in zip(seconds, ours, strict=True))
    return f"{1e3 * statistics.median(seconds):.{1 if rows > 1 else 3}f} ({ratio:.1f})"


def markdown(machines: Columns) -> str:
    """Return the predictions of all peers as Markdown, one column for each machine and instruction set."""
    rows = [
        [network, name, f"{count:,}", *(milliseconds(found, network, name, count) for found in machines.values())]
        for network in NETWORKS
        for count in ROWS
        for name in peers.PEERS
        if any(find(found, network, name, count) for found in machines.values())
    ]
    about = " and ".join(f"{'-'.join(map(str, sizes))} at epsilon {e}" for sizes, e in NETWORKS.values())
    return "\n\n".join(
        [
            f"Probabilities of rows, {about} (a member of the estimators' ensemble on 50 features): CPU milliseconds, "
            "and in brackets how many times ours that is.",
            columns.markdown(["network", "what", "rows", *machines], rows),
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    warnings.filterwarnings("ignore", category=UserWarning)  # sparse CSR support of PyTorch is in beta, it says
    print(markdown({"milliseconds": {"inference": measure(parser.parse_args().rounds)}}))
