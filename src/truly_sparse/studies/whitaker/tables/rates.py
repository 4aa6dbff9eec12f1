"""Figure 5.5, right, as a table: who samples the children, and at what rate they are tuned."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.whitaker import shown
from truly_sparse.studies.whitaker.runs import cells, frame_of

EXPERIMENT = "whitaker_rates"
KEYS = ("dataset", "judged", "method", "rate", "setting")
#: Samplers and rates, and what they are called.
CELLS = {
    ("sse_r", "constant"): ("random", "constant"),
    ("sse_np", "constant"): ("partitions", "constant"),
    ("sse_r", "one_cycle"): ("random", "one cycle"),
    ("sse_np", "one_cycle"): ("partitions", "one cycle"),
}
EPOCHS = {True: "as many steps", False: "printed epochs"}
_PRINTED = (
    Column("epochs", "Epochs", align="l"),
    *(Column("_".join(key), words, rate) for key, (words, rate) in CELLS.items()),
)


def make(inputs: Inputs) -> Table:
    """Return Table R: accuracies of ensembles by sampler and rate."""
    frame, origin = tidy(inputs), inputs.origin()
    caption = (
        "Who samples children, and at what rate they are tuned (figure 5.5, right, of which no numbers are printed): "
        "accuracy (%) of eight children with their parent, mean ± standard deviation over seeds. Constant: a tenth of "
        "the peak of one cycle. Printed epochs: 20 for the parent and 5 for each child; as many steps: eight times "
        f"those, but on pictures. {origin.closing()}"
    )
    return Table(frame, [Part("R", caption, _cells(frame), _PRINTED, shown.notes(frame, origin), group="dataset")])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return accuracies by (dataset, judged, method, rate)."""
    rows = cells(frame_of(inputs, EXPERIMENT), KEYS, ["accuracy"])
    return shown.tidy(rows, "whitaker_rates", ("judged", "rate"))


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (dataset, judged), found in frame.groupby(["dataset", "judged"], sort=False):
        known = shown.by_number(found, ("method", "rate"))
        row = {"dataset": marked_title(str(dataset), found["note"]), "epochs": EPOCHS[bool(judged)]}
        rows.append(row | {"_".join(key): shown.cell(known.get(key)) for key in CELLS})
    columns = ["dataset", *(column.key for column in _PRINTED)]
    made = pd.DataFrame(rows, columns=columns, dtype=object).fillna(formats.NOTHING)
    return made.sort_values("dataset", kind="stable")
