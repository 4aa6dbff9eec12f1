"""One SET step of a block: the links closest to zero go, as many come, and start near zero."""

import matplotlib.pyplot as plt
import numpy as np

from truly_sparse.engine import topology

rng = np.random.default_rng(1)
fraction, bound = 0.2, 0.25
values = rng.normal(scale=0.4, size=20_000).astype(np.float32)
keep = topology.survivors(values, fraction)
new = topology.start_values(int((~keep).sum()), bound, rng)
bins = np.linspace(-1.5, 1.5, 91)
figure, axes = plt.subplots(1, 2, figsize=(8, 2.6), sharey=True, layout="constrained")
axes[0].hist(
    [values[keep], values[~keep]],
    bins,
    stacked=True,
    color=["C0", "C3"],
    label=["kept", f"pruned: ζ = {fraction}"],
)
axes[1].hist([values[keep], new], bins, stacked=True, color=["C0", "C2"], label=["kept", "regrown"])
axes[0].set(
    ylabel="links", xlabel="value of a link", title="prune: of each sign those nearest to zero"
)
axes[1].set(xlabel="value of a link", title="regrow: as many, at random places")
for ax in axes:
    ax.legend()
