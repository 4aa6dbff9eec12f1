"""Made-up measurements, in the form of the real ones."""

import numpy as np
import pandas as pd

METHODS = ["edst_rg", "rd_tse", "fd_tse", "dist_tse"]
SIZES = (1000, 5000)


def made_up_distances():
    rng = np.random.default_rng(1)
    frames = []
    for dataset, part in (("gesture", ""), ("higgs", "9 of 10 rows")):
        for draws in (10, 100, 1000):
            values = {"row_wise": rng.normal(100, 2, draws), "all_pairs": rng.exponential(5, draws)}
            one = pd.DataFrame({"dataset": dataset, "draws": draws, "draw": range(draws), **values})
            frames.append(one.assign(links=40000, partial=part or None))
    return pd.concat(frames, ignore_index=True)


def made_up_lambdas(failing=3):
    """Searches whose time doubles with lambda; the last `failing` with the largest lambda find nothing."""
    keys = [(d, x, r) for d in ("row_wise", "all_pairs") for x in (0.5, 1.0, 2.5) for r in range(10)]
    frame = pd.DataFrame(keys, columns=["distance", "lambda", "repetition"]).assign(dataset="gesture", links=40000)
    frame["cpu_seconds"] = 2 ** frame["lambda"] * (1 + 0.05 * frame["repetition"])
    frame["seconds"], frame["draws"], frame["partial"] = 2 * frame["cpu_seconds"], 110, None
    frame["found"] = ~((frame["lambda"] == 2.5) & (frame["repetition"] >= 10 - failing))
    return frame


def made_up_trajectories(members=3, epochs=12):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame([(m, e) for m in METHODS for e in range(1, epochs + 1)], columns=["method", "epoch"])
    frame = frame.assign(dataset="gesture", member=(frame["epoch"] - 1) * members // epochs, partial=None)
    return frame.assign(x=rng.normal(size=len(frame)), y=rng.normal(size=len(frame)), accuracy=0.5)


def made_up_topology(methods=METHODS):
    frame = pd.DataFrame(
        [(m, x, y) for m in methods for y in range(10) for x in range(10)],
        columns=["method", "converged", "reinitialised"],
    )
    own = frame["converged"] == frame["reinitialised"]
    frame["distance"] = 0.9 + 0.001 * frame["converged"] - 0.05 * own
    return frame.assign(dataset="gesture", shared=np.where(own, 0.2, 0.04), links=40000, partial=None)


def made_up_scalability():
    """Times that grow with n to the power 1 (all pairs: 2), and with the repetition."""
    rng = np.random.default_rng(0)
    rows = []
    for n in SIZES:
        for method, distance in (("edst_rg", ""), ("rd_tse", ""), ("dist_tse", "row_wise"), ("dist_tse", "all_pairs")):
            for repetition in range(4):
                seconds = (n / 1000) ** (2 if distance == "all_pairs" else 1) * (1 + 0.1 * repetition)
                far = {"lambda": 1.5, "draws": 100 + int(rng.integers(1, 30))} if distance else {}
                rows.append(
                    {
                        "n": n,
                        "epsilon": 10,
                        "method": method,
                        "distance": distance or None,
                        "repetition": repetition,
                        "links": 20 * n,
                        "block_bytes": 400 * n + 16,
                        "seconds": 2 * seconds,
                        "cpu_seconds": seconds,
                        **far,
                    }
                )
    return pd.DataFrame(rows)


MEASUREMENTS = {
    "distances": made_up_distances,
    "lambdas": made_up_lambdas,
    "trajectories": made_up_trajectories,
    "topology": made_up_topology,
    "scalability": made_up_scalability,
}
