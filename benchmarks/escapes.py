"""Re-initialisation of a block by every strategy (journal table 4), from 20,000 links to 20 million.

python benchmarks/escapes.py
"""

import single_core  # noqa: F401, I001

import statistics
import sys
from typing import Any

import columns
import numpy as np
from columns import Columns
from rounds import clocked
from tqdm import tqdm

from truly_sparse.engine import topology
from truly_sparse.engine.graph import Block
from truly_sparse.ensembles import strategies

SIZES = (1000, 5000, 10_000, 15_000)
#: `truly_sparse measure` does all sizes of journal table 4; sums over all pairs of rows take minutes there.
ALL_PAIRS_SIZES = (1000, 5000)
ROW_WISE_SIZES = (100_000, 1_000_000)
#: Calls of a case, and CPU seconds after which no other begins; the first one counts only where it is the only one.
CALLS, ENOUGH = 6, 2.0
# Journal table 4, seconds for one re-initialisation on the authors' machine.
PRINTED = {
    "rd_tse": {1000: 0.081, 15_000: 1.12},
    "fd_tse": {5000: 0.732, 10_000: 0.723, 15_000: 1.051},
    "dist_tse": {1000: 11.65, 5000: 50.11, 10_000: 153.4, 15_000: 278.2},
}


def _regrow(strategy: strategies.Strategy, block: Block, rng: np.random.Generator, earlier: topology.Links) -> None:
    strategy.regrow(block, 0.8, 0.07, rng, earlier)
    _ = block.graph.arrays  # brings the order by target up to date, which training would do


def measure() -> list[dict[str, Any]]:
    """Return CPU seconds per re-initialisation of an n x n block at epsilon 10."""
    rows = []
    cases = [(n, name, "row_wise") for n in SIZES for name in ("edst_rg", "rd_tse", "fd_tse", "dist_tse")]
    cases += [(n, "dist_tse", "all_pairs") for n in ALL_PAIRS_SIZES]
    cases += [(n, name, "row_wise") for n in ROW_WISE_SIZES for name in ("edst_rg", "rd_tse", "fd_tse")]
    blocks: dict[int, Block] = {}
    for n, name, distance in tqdm(cases, desc="escapes", disable=not sys.stderr.isatty()):
        rng = np.random.default_rng(0)
        if n not in blocks:
            links = topology.erdos_renyi(n, n, 10, rng)
            blocks = {n: Block.by_itself(n, n, links, topology.start_values(len(links), 0.07, rng))}
        block, seconds = blocks[n], []
        settings = {"distance_factor": 1.5, "distance": distance, "distance_samples": 100, "distance_max_draws": 10_000}
        strategy = strategies.create(name, settings)
        while len(seconds) < CALLS and sum(seconds) < ENOUGH:
            earlier = block.links()
            seconds.append(clocked(lambda s=strategy, b=block, r=rng, e=earlier: _regrow(s, b, r, e)))
        rows.append(
            {
                "strategy": name if distance == "row_wise" else f"{name}, {distance}",
                "n": n,
                "links": len(block),
                "seconds": seconds[1:] or seconds,
            }
        )
    return rows


def markdown(machines: Columns) -> str:
    """Return the re-initialisations as Markdown, one column for each machine and instruction set."""
    cells: dict[tuple[str, int, int], dict[str, str]] = {}
    for title, found in machines.items():
        for row in found["escapes"]:
            case = cells.setdefault((row["strategy"], row["n"], row["links"]), {})
            case[title] = f"{statistics.median(row['seconds']):.4f}"
    rows = [
        [name, f"{n:,}", f"{links:,}", *(case.get(title, "") for title in machines), _printed(name, n)]
        for (name, n, links), case in cells.items()
    ]
    head = ["strategy", "n", "links", *machines, "printed in journal table 4 (another machine)"]
    return "\n\n".join(
        [
            "One re-initialisation of an n x n block, epsilon 10, q 0.8 (Dist-TSE: lambda 1.5, 100 samples): CPU "
            "seconds.",
            columns.markdown(head, rows),
        ]
    )


def _printed(strategy: str, n: int) -> object:
    return PRINTED.get(strategy.split(",")[0], {}).get(n, "")


if __name__ == "__main__":
    print(markdown({"seconds": {"escapes": measure()}}))
