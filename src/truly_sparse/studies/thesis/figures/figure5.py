"""Thesis figures 5, 6 and 7: distances of random regrowths to the block before pruning, a row for each dataset."""

import pandas as pd

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.regrowths import draw, tidy

__all__ = ["data", "draw"]


def data(inputs: Inputs) -> pd.DataFrame:
    """Return every distance and the fitted normal; see `regrowths.tidy`."""
    return tidy(inputs.measured("distances")[0], "thesis_figure5")
