"""SPaS Table 9: perceptrons by the number of links on HIGGS."""

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.table import Table
from truly_sparse.studies.spas.tables import budgets

NUMBER, DATASET = "9", "higgs"


def make(inputs: Inputs) -> Table:
    """Return SPaS Table 9, printed and measured here."""
    return budgets.table(inputs, NUMBER, DATASET)
