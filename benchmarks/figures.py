"""The benchmark's figures: one epoch by density beside dense peers, and time and memory per link by size."""

from pathlib import Path

import matplotlib.pyplot as plt

from truly_sparse.analysis.style import style
from truly_sparse.files import atomic_path


def draw(found: dict[str, list[dict[str, float]]], folder: Path) -> None:
    """Write epoch.png, scale.png and roofline.png from the measurements of `bench.py`."""
    with style():
        for name, figure in (
            ("epoch", _epoch(found)),
            ("scale", _scale(found["scale"], found["escapes"])),
            ("roofline", _roofline(found)),
        ):
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


def _scale(rows: list[dict[str, float]], escapes: list[dict[str, float]]) -> plt.Figure:
    figure, (left, right, last) = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
    links = [r["links"] for r in rows]
    left.loglog(links, [r["nanoseconds_per_link_and_sample"] for r in rows], "o-")
    left.set_ylabel("ns per link and sample (training)")
    right.semilogx(links, [r["bytes_per_link"] for r in rows], "o-")
    right.set_ylim(0, 1.2 * max(r["bytes_per_link"] for r in rows))
    right.set_ylabel("bytes per link (arrays, batch 128)")
    for marker, name in zip("os^vD", dict.fromkeys(r["strategy"] for r in escapes), strict=False):
        own = [r for r in escapes if r["strategy"] == name]
        last.loglog([r["links"] for r in own], [r["seconds"] for r in own], f"{marker}-", label=name)
    last.set_ylabel("seconds per re-initialisation")
    last.legend(fontsize="small")
    for axes in (left, right, last):
        axes.set_xlabel("links")
    return figure


def _roofline(found: dict[str, list[dict[str, float]]]) -> plt.Figure:
    figure, axes = plt.subplots(figsize=(4.5, 3.2), layout="constrained")
    roofs = found["roofs"]
    intensity = [2.0**k for k in range(-3, 4)]
    axes.loglog(intensity, [min(roofs["sgemm_gflops"], roofs["cache_gbytes"] * i) for i in intensity], color="0.35",
                label="what BLAS reaches (sgemm; sdot)")  # fmt: skip
    # A link reads one row of 128 floats: 256 operations forward, twice as many on the way back.
    places = {"forward, activation and dropout": (0.5, "o"), "backward, gradient and update": (1.0, "s")}
    for row in found["kernels"]:
        if row["kernel"] in places:
            x, marker = places[row["kernel"]]
            axes.loglog([x], [row["gflops"]], marker, label=f"{row['kernel'].split(',')[0]}, epsilon {row['epsilon']}")
    axes.set_xticks(intensity, [f"{i:g}" for i in intensity])
    axes.minorticks_off()
    axes.set_xlabel("operations per byte of activations read")
    axes.set_ylabel("useful GFLOP/s, one core")
    axes.legend(fontsize="small")
    return figure
