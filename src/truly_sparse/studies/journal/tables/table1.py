"""Journal Table 1 from run records: accuracy and cost, published and measured here."""

from collections.abc import Iterable, Sequence

import pandas as pd

from truly_sparse.analysis import accuracy_cost
from truly_sparse.analysis.accuracy_cost_layout import lay_out
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.table import Table
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import Record


def make(inputs: Inputs) -> Table:
    """Return journal Table 1."""
    return lay_out(tidy(inputs.records, inputs.published("table1"), inputs.absent), inputs.origin(), "1")


def tidy(records: Iterable[Record], published: pd.DataFrame, absent: Sequence[RunSpec] = ()) -> pd.DataFrame:
    """Return its tidy rows; see `accuracy_cost.tidy`."""
    return accuracy_cost.tidy("table1", records, published, absent)
