"""Perceptrons with and without shortcuts on Fashion-MNIST, as SPaS Table 3 has them on other pictures."""

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.table import Table
from truly_sparse.studies.spas.tables import compressions, table3

KIND = table3.KIND._replace(number="H", name="fashion", experiment="spas_fashion", columns=("here", "last", "i_flops"))


def make(inputs: Inputs) -> Table:
    """Return the table of accuracies; the source has none."""
    return compressions.table(inputs, KIND)
