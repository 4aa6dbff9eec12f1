"""The canvas of the PNG files: noise in the last digits of places leaves no trace."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from truly_sparse.analysis.raster import CANVAS

NOISE = (1e-15, -1e-14, 1e-13)


def _png(noise: float, backend: str) -> bytes:
    """Lines through accuracies of one number of rows, three of which often lie on a straight line; axes moved a bit."""
    rng, figure = np.random.default_rng(0), Figure(figsize=(3, 3), dpi=200)
    axes = figure.add_axes((0.1025 + noise, 0.1025, 0.8, 0.8 - noise))
    axes.set(xlim=(-0.5, 3.5), ylim=(0, 10), ylabel="accuracy")
    for _ in range(300):
        first, step = 100 / 1975 * rng.integers(40, 160), 100 / 1975 * rng.integers(-6, 6)
        heights = [first, first + step, first + 2 * step, first + rng.uniform()]
        axes.plot(np.arange(4) + 0.08 * rng.integers(-2, 2), heights, "-", linewidth=0.9)
    axes.errorbar(range(4), [1, 2, 1, 2], 0.5, fmt="s", markersize=3)
    axes.pcolormesh(range(4), [8, 8.5, 9, 9.5], np.arange(16.0).reshape(4, 4))
    written = io.BytesIO()
    figure.savefig(written, format="png", backend=backend, metadata={"Software": None})
    return written.getvalue()


def test_noise_leaves_no_trace_here_but_in_the_usual_canvas():
    assert all(_png(noise, CANVAS) == _png(0.0, CANVAS) for noise in NOISE)
    assert any(_png(noise, "agg") != _png(0.0, "agg") for noise in NOISE)


@pytest.mark.parametrize("shift", [1e-3, 1e-2])
def test_what_can_be_seen_does(shift):
    assert _png(shift, CANVAS) != _png(0.0, CANVAS)
