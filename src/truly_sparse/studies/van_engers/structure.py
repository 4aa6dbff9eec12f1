"""How the links of the inputs follow the pictures: rank correlations by replaced fraction."""

from itertools import pairwise

import pandas as pd
from scipy.stats import rankdata

from truly_sparse.analysis.rounding import FITTED_DIGITS, significant

#: What of a pixel is compared with its mean intensity, and how that is called.
KINDS = {
    "links": "number of links",
    "survivors": "number of survivors",
    "weight": "sum of |w|",
    "survivors_weight": "sum of |w| of survivors",
}
#: The same in a heading; weights are magnitudes.
SHORT = {"links": "links", "survivors": "survivors", "weight": "weight", "survivors_weight": "survivors' weight"}
#: Below this rank correlation nothing of the picture is to be seen; above the second it plainly is.
CEASED, PLAIN = 0.2, 0.5


def correlations(pixels: pd.DataFrame) -> pd.DataFrame:
    """Return Spearman's rank correlation of `KINDS` with the mean intensity over pixels, by `zeta` and `kind`.

    Missing where all pixels are alike.
    """
    rows = []
    for fraction, part in pixels.groupby("prune_fraction", sort=True):
        for kind in KINDS:
            value = spearman(part[kind], part["intensity"])
            rows.append({"zeta": float(str(fraction)), "kind": kind, "value": value})
    return pd.DataFrame(rows)


def spearman(one: pd.Series, other: pd.Series) -> float | None:
    """Return the correlation of two columns' ranks, mean ranks where values are equal; None where a column is flat."""
    first, second = (rankdata(column) - (len(column) + 1) / 2 for column in (one, other))
    # Ranks are multiples of a half: these sums are exact on every processor.
    squares = float((first * first).sum()) * float((second * second).sum())
    return significant(float((first * second).sum()) / squares**0.5, FITTED_DIGITS) if squares else None


def crossing(values: pd.Series) -> float | None:
    """Return where correlations by fraction fall below `CEASED` for good, on straight lines between fractions.

    None where the last is not below, or none is above.
    """
    points = list(zip(values.index, values, strict=True))
    falls = [(one, other) for one, other in pairwise(points) if one[1] >= CEASED > other[1]]
    if not falls or points[-1][1] >= CEASED:
        return None
    (left, high), (right, low) = falls[-1]
    return significant(left + (high - CEASED) / (high - low) * (right - left), FITTED_DIGITS)
