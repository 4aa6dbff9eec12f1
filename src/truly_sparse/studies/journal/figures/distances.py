"""Distances of random regrowths to the block before pruning, for several numbers of draws (thesis figures 6 and 7)."""

import pandas as pd

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.regrowths import draw, tidy

__all__ = ["data", "draw"]


def data(inputs: Inputs) -> pd.DataFrame:
    """Return every distance and the fitted normal; see `regrowths.tidy`."""
    return tidy(inputs.measured("distances")[0], "distances")
