"""SPaS Table 7: networks by the number of links on CIFAR-10."""

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.table import Table
from truly_sparse.studies.spas.tables import budgets

NUMBER, DATASET = "7", "cifar10"


def make(inputs: Inputs) -> Table:
    """Return SPaS Table 7, printed and measured here."""
    return budgets.table(inputs, NUMBER, DATASET)
