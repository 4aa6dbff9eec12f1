"""SPaS Table 8: networks by the number of links on CIFAR-100."""

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.table import Table
from truly_sparse.studies.spas.tables import budgets

NUMBER, DATASET = "8", "cifar100"


def make(inputs: Inputs) -> Table:
    """Return SPaS Table 8, printed and measured here."""
    return budgets.table(inputs, NUMBER, DATASET)
