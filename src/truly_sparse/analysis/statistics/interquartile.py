"""The interquartile mean, which a run that went astray does not move."""

import math
from collections.abc import Iterable


def iqm(values: Iterable[float]) -> float:
    """Return the mean of what is left when a quarter of the numbers, rounded down, is left out at either end.

    Of five numbers it is the mean of the middle three, of fewer than four that of all. Of none it is NaN.
    """
    ordered = sorted(values)
    cut = len(ordered) // 4
    inner = ordered[cut : len(ordered) - cut]
    return math.fsum(inner) / len(inner) if inner else math.nan
