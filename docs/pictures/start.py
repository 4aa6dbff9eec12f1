"""The Erdős–Rényi start: where links are, and how their number grows."""

import matplotlib.pyplot as plt
import numpy as np

from truly_sparse.engine import topology

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
links = topology.erdos_renyi(60, 60, 3, np.random.default_rng(0))
left.plot(links % 60, links // 60, ".", markersize=3)
left.set(
    xlabel="output neuron",
    ylabel="input neuron",
    title=f"60 x 60 neurons, ε 3: {len(links)} links",
    aspect="equal",
)
sizes = np.geomspace(50, 20_000, 50)
right.loglog(sizes, sizes**2, "k--", label="dense")
for epsilon in (5, 20):
    right.loglog(sizes, np.minimum(epsilon * 2 * sizes, sizes**2), label=f"ε {epsilon}")
right.set(
    xlabel="neurons of each of two layers",
    ylabel="links",
    title="Links grow with neurons, not with their square",
)
right.legend()
