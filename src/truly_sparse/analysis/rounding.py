"""Numbers without the digits in which processors differ.

The last digits of a sum hang on its order, and that on the vector instructions of the machine: NumPy, BLAS and the C
library choose theirs when they are loaded. What tables and figures show, write and are judged by is rounded to fewer,
so that every machine writes the same bytes.
"""

import math

import pandas as pd

#: Significant digits of every number that is written.
DIGITS = 10
#: Of what a least-squares fit says about itself (F, p), which holds the noise of a whole decomposition.
FITTED_DIGITS = 6
#: A difference is kept to so many digits of what it was taken of.
_SETTLED_DIGITS = 11


def significant(value: float, digits: int = DIGITS) -> float:
    """Return `value` in so many significant digits."""
    return float(f"{value:.{digits}g}")


def rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with all of its fractions in `DIGITS` significant digits."""
    fractions = {
        str(name): column.map(significant, na_action="ignore")
        for name, column in frame.items()
        if pd.api.types.is_float_dtype(column)
    }
    return frame.assign(**fractions)


def settled(value: float, scale: float) -> float:
    """Return a sum or difference rounded against the size of what went into it, so that nothing is 0 and not 1e-14.

    Parameters
    ----------
    value : float
    scale : float
        The largest magnitude among the numbers that were added, subtracted or fitted.
    """
    if not math.isfinite(value) or not math.isfinite(scale):
        return value
    return round(value, decimals(scale)) + 0.0  # no signed zero


def decimals(scale: float) -> int:
    """Return how many decimals of a sum or difference can be trusted, by the size of what went into it."""
    return _SETTLED_DIGITS - 1 - (math.floor(math.log10(abs(scale))) if scale else 0)


def less(one: float, other: float) -> float:
    """Return `one` less `other`, settled."""
    return settled(one - other, max(abs(one), abs(other)))


def differences(frame: pd.DataFrame) -> pd.Series:
    """Return what every row's `value` is more than its `published`, settled; missing where one of them is."""
    value, published = (pd.to_numeric(frame[name]).astype(float) for name in ("value", "published"))
    return value.combine(published, less)
