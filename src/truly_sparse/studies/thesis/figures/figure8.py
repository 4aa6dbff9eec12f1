"""Thesis figure 8: test accuracy against number of members, depth and width, on Gesture."""

import pandas as pd

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.shape import draw, shape_of, tidy

__all__ = ["data", "draw"]


def data(inputs: Inputs) -> pd.DataFrame:
    """Return accuracies by shape; see `shape.tidy`."""
    return tidy(inputs.records, shape_of(inputs.config["training"]), "thesis_figure8")
