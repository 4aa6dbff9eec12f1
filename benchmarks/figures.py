"""The benchmark's figures: one epoch by density beside dense peers, and time and memory per link by size."""

from pathlib import Path

import matplotlib.pyplot as plt

from truly_sparse.analysis.style import style
from truly_sparse.files import atomic_path


def draw(found: dict[str, list[dict[str, float]]], folder: Path) -> None:
    """Write epoch.png and scale.png from the measurements of `bench.py`."""
    with style():
        for name, figure in (("epoch", _epoch(found)), ("scale", _scale(found["scale"]))):
            with atomic_path(folder / f"{name}.png") as temporary:
                figure.savefig(temporary, dpi=150, metadata={"Software": None})
            plt.close(figure)


def _epoch(found: dict[str, list[dict[str, float]]]) -> plt.Figure:
    figure, axes = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
    rows = found["densities"]
    axes.loglog([r["density"] for r in rows], [r["seconds"] for r in rows], "o-", label="truly sparse (ours)")
    for marker, name in (("s", "PyTorch CSR"), ("^", "SciPy CSR")):
        own = [r for r in found["epochs"] if r["what"] == name]
        if own:
            density = {r["epsilon"]: r["density"] for r in rows}
            places = [density[r["epsilon"]] for r in own]
            axes.loglog(places, [r["seconds"] for r in own], f"{marker}-", label=name)
    for line, row in zip(("--", "-.", ":"), (r for r in found["epochs"] if r["epsilon"] is None), strict=False):
        axes.axhline(row["seconds"], linestyle=line, color="0.35", label=row["what"])
    axes.set_xlabel("density (links / links of the dense network)")
    axes.set_ylabel("seconds per epoch, one core")
    axes.legend(fontsize="small")
    return figure


def _scale(rows: list[dict[str, float]]) -> plt.Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
    links = [r["links"] for r in rows]
    left.loglog(links, [r["nanoseconds_per_link_and_sample"] for r in rows], "o-")
    left.set_ylabel("ns per link and sample (training)")
    right.loglog(links, [r["bytes_per_link"] for r in rows], "o-")
    right.set_ylabel("bytes per link (peak, batch 128)")
    for axes in (left, right):
        axes.set_xlabel("links")
    return figure
