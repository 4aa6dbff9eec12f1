"""Thesis Table IX: accuracy and cost on HIGGS, beside the thesis' and the journal's numbers."""

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.table import Table
from truly_sparse.studies.thesis import accuracy


def make(inputs: Inputs) -> Table:
    """Return the table; see `accuracy.make`."""
    return accuracy.make(inputs, "table9", "IX", "higgs")
