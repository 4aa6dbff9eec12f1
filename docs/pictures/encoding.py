"""Ramps of the piecewise-linear encoding of one skewed feature."""

import matplotlib.pyplot as plt
import numpy as np

from truly_sparse.estimators.preprocessing import PiecewiseLinear

rng = np.random.default_rng(0)
x = rng.lognormal(size=(2000, 1))
encoding = PiecewiseLinear(6)
encoding.fit(x, np.ones(len(x)))
values = np.linspace(0, 5, 600)
figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 3), sharex=True, layout="constrained")
top.hist(x[:, 0], np.linspace(0, 5, 80), color="0.6")
top.set(ylabel="rows", yticks=[])
bottom.plot(values, encoding.ramps(values[:, None]))
bottom.set(ylabel="ramps $e_k(x)$", xlabel="feature x (lines: the quantiles $b_k$)")
for ax in (top, bottom):
    for knot in encoding.start:
        ax.axvline(knot, color="0.8", linewidth=0.8, zorder=0)
