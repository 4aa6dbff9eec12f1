"""What the strategies do to the links of one block: real escapes of the package, seen place by place."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from truly_sparse.engine import topology
from truly_sparse.engine.graph import Block
from truly_sparse.ensembles import strategies

SIDE, Q = 16, 0.8
COLOURS = ["#ffffff", "#e8e2d4", "#0072b2", "#d55e00", "#cc3311"]
NAMES = [
    "free",
    "place of an earlier member",
    "link kept",
    "new link",
    "new link on an earlier place",
]
settings = {
    "distance_factor": 1.5,
    "distance": "row_wise",
    "distance_samples": 100,
    "distance_max_draws": 10_000,
}

figure, axes = plt.subplots(1, 4, figsize=(9, 3.1), layout="constrained")
for ax, name in zip(axes, ("edst_rg", "rd_tse", "fd_tse", "dist_tse"), strict=True):
    rng = np.random.default_rng(4)
    links = topology.erdos_renyi(SIDE, SIDE, 2.2, rng)
    block = Block.by_itself(SIDE, SIDE, links, rng.normal(size=len(links)).astype(np.float32))
    keep = topology.survivors(block.values, Q)
    kept = links[keep]
    strategies.create(name, settings).regrow(block, Q, 0.3, rng, links)
    field = np.zeros(SIDE * SIDE, int)
    field[links] = 1
    new = np.setdiff1d(block.links(), kept)
    field[new] = np.where(np.isin(new, links), 4, 3)
    field[kept] = 2
    ax.imshow(
        field.reshape(SIDE, SIDE), cmap=ListedColormap(COLOURS), vmin=0, vmax=len(COLOURS) - 1
    )
    later = (
        "\nlater SET steps: disjoint, too"
        if name == "fd_tse"
        else "\nlater SET steps: anywhere free"
    )
    title = {
        "edst_rg": "EDST_RG",
        "rd_tse": "RD-TSE",
        "fd_tse": "FD-TSE",
        "dist_tse": "Dist-TSE, λ 1.5",
    }[name]
    ax.set_title(title + later, fontsize=8)
    ax.set(xticks=[], yticks=[], xlabel="output neurons")
axes[0].set_ylabel("input neurons")
patches = [
    Patch(facecolor=colour, edgecolor="0.5", label=name)
    for colour, name in zip(COLOURS, NAMES, strict=True)
]
figure.legend(handles=patches, loc="outside lower center", ncols=5, fontsize=8, frameon=False)
