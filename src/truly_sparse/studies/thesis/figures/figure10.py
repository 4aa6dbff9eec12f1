"""Thesis figure 10: topological distances (NNSTD) among the members of an ensemble on Gesture."""

import pandas as pd

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.studies.thesis import member_topology
from truly_sparse.studies.thesis.member_topology import draw

__all__ = ["data", "draw"]


def data(inputs: Inputs) -> pd.DataFrame:
    """Return all distances and their means; see `member_topology.tidy`."""
    return member_topology.of_dataset(inputs, 1, "thesis_figure10")
