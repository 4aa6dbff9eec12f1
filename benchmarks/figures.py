"""The benchmark's figures: one epoch by density beside peers, time by size, and kernels beside the core's roofs, those
of perceptrons and of convolutions.
"""

import statistics
from pathlib import Path
from typing import Any

import epochs
import matplotlib.pyplot as plt
import peers
import products
import profile_kernels
import scale
from columns import Columns

from truly_sparse.analysis.style import SERIES, style
from truly_sparse.files import atomic_path


def draw(machines: Columns, folder: Path) -> None:
    """Write epoch.png, scale.png, roofline.png and convolution.png from the measurements of `bench.py`."""
    drawn = [("epoch", _epoch, machines), ("scale", _scale, machines), ("roofline", _roofline, machines)]
    if walked := products.measured(machines):
        drawn.append(("convolution", _convolution, walked))
    with style():
        for name, figure, measured in drawn:
            made = figure(measured)
            with atomic_path(folder / f"{name}.png") as temporary:
                made.savefig(temporary, dpi=150, metadata={"Software": None})
            plt.close(made)


def _panels(machines: Columns, height: float, **more: Any) -> tuple[plt.Figure, list[plt.Axes]]:
    """Return a figure with a panel for each machine and instruction set, all with the same axes."""
    width = max(4.5, 3.3 * len(machines))
    figure, axes = plt.subplots(1, len(machines), figsize=(width, height), sharex=True, sharey=True, squeeze=False,
                                layout="constrained", **more)  # fmt: skip
    for panel, title in zip(axes[0], machines, strict=True):
        panel.set_title(title)
    return figure, [*axes[0]]


def _epoch(machines: Columns) -> plt.Figure:
    figure, panels = _panels(machines, 3.6)
    looks = dict(zip((name for name, peer in peers.PEERS.items() if peer.sparse), SERIES, strict=False))
    for axes, found in zip(panels, machines.values(), strict=True):
        speed = found["speed"]
        measured = [name for name in peers.PEERS if name not in speed["missing"]]
        for name in (name for name in measured if peers.PEERS[name].sparse):
            rows = sorted((row for row in speed["epochs"] if row["what"] == name), key=lambda row: row["density"])
            colour, marker = looks[name]
            seconds = [statistics.median(row["seconds"]) for row in rows]
            axes.loglog([row["density"] for row in rows], seconds, f"{marker}-", color=colour, label=name)
        dense = {
            peers.NUMPY: peers.NUMPY,
            "PyTorch, dense, the quickest way": epochs.quickest(speed, peers.TORCH_DENSE, 20),
        }
        for line, (label, name) in zip(("--", ":"), dense.items(), strict=True):
            if name is not None:
                axes.axhline(epochs.median(speed, name, 20), linestyle=line, color="0.35", label=label)
        axes.set_xlabel("density (links / links of the dense network)")
    panels[0].set_ylabel("seconds per epoch, one core")
    shown = {label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=2)
    return figure


def _scale(machines: Columns) -> plt.Figure:
    figure, (left, right, last) = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
    for (colour, marker), (title, found) in zip(SERIES, machines.items(), strict=False):
        links = [row["links"] for row in found["scale"]]
        times = [scale.nanoseconds(row) for row in found["scale"]]
        left.loglog(links, times, f"{marker}-", color=colour, label=title)
        held = [row["bytes"] / row["links"] for row in found["scale"]]
        right.semilogx(links, held, f"{marker}-", color=colour, label=title)
    right.set_ylim(0, 1.2 * right.dataLim.y1)
    left.set_ylabel("ns per link and sample (training)")
    left.legend(fontsize="small")
    right.set_ylabel("bytes per link (arrays, batch 128)")
    found = next(iter(machines.values()))
    for marker, name in zip("os^vD", dict.fromkeys(row["strategy"] for row in found["escapes"]), strict=False):
        own = [row for row in found["escapes"] if row["strategy"] == name]
        seconds = [statistics.median(row["seconds"]) for row in own]
        last.loglog([row["links"] for row in own], seconds, f"{marker}-", label=name)
    last.set_ylabel("seconds per re-initialisation")
    last.set_title(next(iter(machines)))
    last.legend(fontsize="small")
    for axes in (left, right, last):
        axes.set_xlabel("links")
    return figure


def _roofline(machines: Columns) -> plt.Figure:
    figure, panels = _panels(machines, 3.2)
    intensity = [2.0**k for k in range(-3, 4)]
    # A link reads one row of 128 samples in bfloat16: 256 operations forward, twice as many on the way back.
    places = {profile_kernels.FORWARD: 1.0, profile_kernels.BACKWARD: 2.0}
    for axes, found in zip(panels, machines.values(), strict=True):
        sgemm, read = statistics.median(epochs.sgemm(found["speed"])), epochs.read(found["speed"])
        roof = [min(sgemm, read * i) / 1e9 for i in intensity]
        axes.loglog(intensity, roof, color="0.35", label="what BLAS reaches (sgemm; sdot)")
        for (colour, marker), epsilon in zip(SERIES, epochs.EPSILONS, strict=False):
            rows = [row for row in found["kernels"] if row["case"] == f"epsilon {epsilon}" and row["kernel"] in places]
            points = [places[row["kernel"]] for row in rows]
            rates = [profile_kernels.rate(row) / 1e9 for row in rows]
            axes.loglog(points, rates, marker, color=colour, label=f"forward, backward at epsilon {epsilon}")
        axes.set_xticks(intensity, [f"{i:g}" for i in intensity])
        axes.minorticks_off()
        axes.set_xlabel("operations per byte of activations read")
    panels[0].set_ylabel("useful GFLOP/s, one core")
    panels[0].legend(fontsize="small")
    return figure


def _convolution(measured: Columns) -> plt.Figure:
    figure, panels = _panels(measured, 3.8)
    for axes, found in zip(panels, measured.values(), strict=True):
        sgemm, read = statistics.median(epochs.sgemm(found)), epochs.read(found)
        points = {id(row): row["operations"] / 2 / row["bytes"] for row in found["products"]}
        ends = 0.7 * min(points.values()), 1.4 * max(points.values())
        bend = sgemm / (2 * read)
        roof = [min(sgemm, 2 * read * i) / 1e9 for i in (ends[0], bend, ends[1])]
        axes.loglog([ends[0], bend, ends[1]], roof, color="0.35", label="what BLAS reaches (sgemm; sdot)")
        for (colour, _), (channels, side) in zip(SERIES, products.SHAPES, strict=False):
            for marker, name in zip("o<s", products.PRODUCTS, strict=True):
                rows = [
                    r for r in found["products"] if (r["channels"], r["side"], r["product"]) == (channels, side, name)
                ]
                label = f"{channels} channels, {side} x {side}: {name}"
                axes.loglog([points[id(row)] for row in rows], [products.rate(row) / 1e9 for row in rows], f"{marker}-",
                            color=colour, linewidth=0.5, markersize=4, label=label)  # fmt: skip
        axes.set_xlabel("multiply-adds per byte that a product has to touch")
    panels[0].set_ylabel("useful GFLOP/s, one core")
    ticks = (10, 20, 50, 100, 200)
    panels[0].set_yticks(ticks, [str(tick) for tick in ticks])
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize="small")
    return figure
