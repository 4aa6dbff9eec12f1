"""Test accuracy against number of members, depth and width (thesis figure 8)."""

import pandas as pd

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.shape import draw, shape_of, tidy
from truly_sparse.experiments.records import Record

__all__ = ["data", "draw"]


def data(inputs: Inputs) -> pd.DataFrame:
    """Return accuracies by shape; see `shape.tidy`.

    The runs of the experiment shape change one of members, depth and width; where all three are those of the
    configuration, runs of table 1 with the same dataset, epsilon and lambda stand in all panels.
    """
    own, usual = inputs.of("shape"), shape_of(inputs.config["training"])
    wanted = {_kind(record) for record in own}
    same = [r for r in inputs.of("table1") if _kind(r) in wanted and shape_of(r["settings"]["training"]) == usual]
    return tidy(own + same, usual, "shape")


def _kind(record: Record) -> tuple[object, ...]:
    """Return what must be the same for two runs to stand in one line of the figure."""
    training = record["settings"]["training"]
    return record["dataset"], record["method"], training["epsilon"], training["distance_factor"]
