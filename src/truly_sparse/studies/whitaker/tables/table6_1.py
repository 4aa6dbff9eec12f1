"""Table 6.1: one child whose links fall at once, over some epochs, or are annealed away, printed and measured."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.table import Part, Table
from truly_sparse.errors import UserError
from truly_sparse.studies.whitaker import shown
from truly_sparse.studies.whitaker.runs import cells, frame_of
from truly_sparse.studies.whitaker.verdicts.comparing import RUNS
from truly_sparse.studies.whitaker.verdicts.stochastic import (
    CELL,
    EXPERIMENT,
    LENET,
    LONGER,
    METHODS,
    PRINTED_EPOCHS,
    RATES,
    SAMPLERS,
    chosen,
)

SPARSITIES = (0.5, 0.7, 0.9, 0.95, 0.98)
#: Beside experiments, the network whose links fall, where it is no perceptron.
NETWORKS = {EXPERIMENT: "", LENET: "LeNet-S"}
KEYS = ("dataset", "method", *CELL, "epochs", "network")
METRICS = ("accuracy", "operations", "seconds")
_PRINTED = (
    Column("method", "Method", align="l"),
    *(Column(f"s{sparsity:g}", f"{100 * sparsity:.0f} %") for sparsity in SPARSITIES),
)
_SAMPLERS = {"random": "Random links", "magnitude": "Smallest links"}
_RATES = {"constant": "constant rate", "one_cycle": "one cycle"}


def make(inputs: Inputs) -> Table:
    """Return Table 6.1, a part for the printed numbers and one for each network, dataset and number of epochs."""
    frame, origin = tidy(inputs), inputs.origin()
    tail = f" {origin.closing()}"
    about = "How links fall: accuracy (%) of one child by the part of its parent's links that it loses"
    caption = f"{about}, printed: the best test accuracy of several configurations. {shown.OTHER_TASK}"
    printed = frame[frame["published"].notna()]
    parts = [Part("6.1a", caption, _cells(printed, "published"), _PRINTED, ["Source: Whitaker, Table 6.1."], "group")]
    measured = frame[frame["metric"].eq("accuracy") & frame["value"].notna()]
    for place, ((network, dataset, epochs), own) in enumerate(
        measured.groupby(["network", "dataset", "epochs"], sort=False)
    ):
        words = f", {network}" if network else ""
        words += "" if epochs == PRINTED_EPOCHS else f", {float(str(epochs)) / PRINTED_EPOCHS:.0f} times the epochs"
        caption = (
            f"{about}, on {dataset_title(str(dataset))}{words}: mean ± standard deviation over seeds. Over how many "
            f"epochs links fall is chosen by validation.{tail}"
        )
        notes = shown.notes(own, origin)
        parts.append(Part(f"6.1{'bcdefgh'[place]}", caption, _cells(own, "value"), _PRINTED, notes, "group"))
    return Table(frame, parts)


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return accuracy and cost by `KEYS`, and the printed numbers.

    Raises
    ------
    UserError
        Where no run has finished.
    """
    evidence, found = Evidence({RUNS: frame_of(inputs)}), []
    for experiment, network in NETWORKS.items():
        for epochs in (PRINTED_EPOCHS, LONGER):
            try:
                found.append(chosen(evidence, epochs, experiment).assign(network=network))
            except Missing:
                continue
    if not found:
        raise UserError(
            f"no run of {EXPERIMENT} with the printed epochs has finished; run `snakemake whitaker_table6_1`"
        )
    rows = pd.concat([cells(pd.concat(found), KEYS, METRICS), shown.printed_rows(inputs, "table6_1")])
    return shown.tidy(rows, "whitaker_table6_1", (*CELL, "epochs", "network"))


def _cells(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    rows = []
    known = shown.by_number(frame, ("method", *CELL))
    for sampler in SAMPLERS:
        for rate in RATES:
            for method in METHODS:
                own = {sparsity: known.get((method, sampler, rate, sparsity)) for sparsity in SPARSITIES}
                if not any(own.values()):
                    continue
                row: dict[str, Any] = {"method": method_title(method), "group": f"{_SAMPLERS[sampler]}, {_RATES[rate]}"}
                row |= {f"s{sparsity:g}": _text(cell, column) for sparsity, cell in own.items()}
                rows.append(row)
    return pd.DataFrame(rows, columns=["group", *(column.key for column in _PRINTED)], dtype=object)


def _text(cell: dict[Any, Any] | None, column: str) -> str:
    if column == "published":
        return formats.spread(cell["published"] if cell else None, None)
    return shown.cell(cell)
