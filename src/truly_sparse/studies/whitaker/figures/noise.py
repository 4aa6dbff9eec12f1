"""What figures of chapter 4 have in common: cells of the grid of noise, and a colour for every sparsity."""

from collections.abc import Iterable

import pandas as pd
from matplotlib import colormaps

GRID = ("dataset", "sparsity", "sd")
_COLOURS = "cividis"


def cells(measured: pd.DataFrame) -> pd.DataFrame:
    """Return the grid of noise as means over parents: `GRID`, `kl`, `loss`, `accuracy`, `disagreement`, `seeds`."""
    own = measured[measured["part"] == "grid"].groupby(list(GRID), sort=False)
    means = own[["kl", "loss", "accuracy", "disagreement"]].mean()
    return means.assign(seeds=own.size()).reset_index()


def colours(sparsities: Iterable[float]) -> dict[float, str]:
    """Return a colour for every sparsity, dark where all links get noise."""
    ordered = sorted(set(sparsities))
    steps = max(1, len(ordered) - 1)
    shades = (colormaps[_COLOURS](0.9 * place / steps) for place in range(len(ordered)))
    hexes = ("#" + "".join(f"{round(255 * part):02x}" for part in shade[:3]) for shade in shades)
    return dict(zip(ordered, hexes, strict=True))
