"""Accuracy and cost on Fashion-MNIST, a second set of pictures, of which the thesis prints nothing."""

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.table import Table
from truly_sparse.studies.thesis import accuracy


def make(inputs: Inputs) -> Table:
    """Return the table; see `accuracy.make`."""
    return accuracy.make(inputs, "fashion", "F2", "fashion_mnist", printed_in="table7")
