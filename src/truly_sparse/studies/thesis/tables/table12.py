"""Thesis Tables VI and XII: what the comprehensive refinement adds, in accuracy and in cost."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.refinement import REFINEMENTS, cells, columns, tidy
from truly_sparse.analysis.runs import frame_of
from truly_sparse.analysis.table import Part, Table
from truly_sparse.analysis.tse import ACCURACY

#: What the thesis halves where it does not refine comprehensively: the rate alone.
WITHOUT = "eta"
OPERATIONS, TIME = "training_operations", "train_time"
_SHOWN = (WITHOUT, "comprehensive")
_COST = (
    Column("method", "Method", align="l"),
    *(
        Column(f"{metric}_{refinement}_{which}", f"{'No' if refinement == WITHOUT else 'Yes'}, {header}", title)
        for metric, title in ((OPERATIONS, "Training operations"), (TIME, "Time (min)"))
        for refinement in _SHOWN
        for which, header in (("published", "publ."), ("value", "here"))
    ),
)


def make(inputs: Inputs) -> Table:
    """Return accuracy (XIIa) and cost (XIIb) at epsilon 20 without and with comprehensive refinement."""
    metrics = {ACCURACY: "accuracy", OPERATIONS: "operations", TIME: "cpu_minutes"}
    frame = tidy(inputs, "thesis_table12", frame_of(inputs.records), inputs.published("table12"), metrics)
    origin = inputs.origin()
    closing = origin.closing(seeds=True)
    accuracy = (
        "Ablation of the refinement phase at ε = 20 (Tables VI and XII): test accuracy (%), mean ± standard deviation "
        f"over seeds. {REFINEMENTS[WITHOUT]}: the rate alone is halved in the second half of a member's epochs, which "
        f"the thesis calls no comprehensive refinement; the other kinds are ours, and so are EDST_RG's rows. {closing}"
    )
    cost = (
        "Cost without (No: η halved) and with (Yes) the comprehensive refinement. Training operations: "
        f"{origin.convention}; the printed ones are those of a hardware counter. Time: published minutes on the "
        f"author's machine, here CPU minutes of the whole run on one core of {origin.cpu}. {closing}"
    )
    shown = cells(frame[frame["metric"] == ACCURACY], WITHOUT)
    notes = [origin.line()]
    parts = [
        Part("XIIa", accuracy, shown, columns(WITHOUT), notes, group="dataset"),
        Part("XIIb", cost, _cost(frame), _COST, notes, group="dataset"),
    ]
    return Table(frame, parts)


def _cost(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (dataset, method), part in frame.groupby(["dataset", "method"], sort=False):
        found = part.set_index(["metric", "refinement"])
        row = {"dataset": marked_title(str(dataset), part["note"]), "method": method_title(str(method))}
        for refinement in _SHOWN:
            for which in ("published", "value"):
                operations, time = (found[which].get((metric, refinement), None) for metric in (OPERATIONS, TIME))
                row[f"{OPERATIONS}_{refinement}_{which}"] = formats.scientific(operations)
                row[f"{TIME}_{refinement}_{which}"] = formats.minutes(time, None)
        rows.append(row)
    return pd.DataFrame(rows)
