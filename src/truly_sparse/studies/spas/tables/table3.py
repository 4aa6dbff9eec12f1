"""SPaS Table 3: perceptrons with and without shortcuts on pictures, by compression."""

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.table import Table
from truly_sparse.studies.spas.runs import PERCEPTRONS
from truly_sparse.studies.spas.tables import compressions

KIND = compressions.Kind(
    number="3",
    name="table3",
    experiment="spas_cifar",
    models=PERCEPTRONS,
    columns=("published", "here", "last", "i_flops"),
    dense="1, 0",
    title="Perceptrons with and without shortcuts",
    of="Compression c: weights of the dense plain network over links. I-FLOPs: links as a part of those weights.",
    beside="table3",
)


def make(inputs: Inputs) -> Table:
    """Return SPaS Table 3: interquartile means of accuracies, printed and measured here."""
    return compressions.table(inputs, KIND)
