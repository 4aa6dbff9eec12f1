"""SPaS Table 4: convolutional networks on pictures, by compression."""

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.table import Table
from truly_sparse.studies.spas.runs import CONVOLUTIONAL
from truly_sparse.studies.spas.tables import compressions

KIND = compressions.Kind(
    number="4",
    name="table4",
    experiment="spas_cnn",
    models=CONVOLUTIONAL,
    columns=("published", "here", "i_flops"),
    dense="1",
    title="Convolutional networks, plain and with two kinds of shortcuts",
    of=(
        "Compression c: weights of the dense network of the same kind over links. I-FLOPs: multiply-adds of a "
        "prediction, mean over epochs, as a part of those of the dense plain network; layers between parts pool first, "
        "which is the same function for a quarter of their work."
    ),
    beside="table4",
)


def make(inputs: Inputs) -> Table:
    """Return SPaS Table 4: interquartile means of accuracies, printed and measured here."""
    return compressions.table(inputs, KIND)
