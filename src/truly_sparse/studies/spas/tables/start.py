"""Why plain networks collapse: how they start, L1 under Adam, or stopping early; a table of ours."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.spas import shown
from truly_sparse.studies.spas.runs import MODES, cells, frame_of, long

EXPERIMENT = "spas_start"
#: What is varied, in words: values of `init`, whether there is L1, whether training stops early.
STARTS = {"torch": "start by dense fan-in", "torch_links": "start by real fan-in"}
MORE = ("model", "mode", "compression", "init", "l1", "patience", "mean", "asked", "random")
_KEYS = ("dataset", "method", "model", "mode", "setting", "compression", "init", "l1", "patience")


def make(inputs: Inputs) -> Table:
    """Return Table A: accuracy of plain networks by compression, start values, L1 and early stopping."""
    frame, origin = tidy(inputs), inputs.origin()
    caption = (
        "Plain networks at compressions where the source finds them random: accuracy (%) on the test rows, "
        "interquartile mean over seeds ± standard deviation. Start values lie within ± 1 over the square root of the "
        "fan-in, which is that of a dense layer, as PyTorch takes it under a mask, or what a neuron really has; with "
        f"L1 in the loss or without; stopping after epochs without a better accuracy, or never (0). {shown.RANDOM} "
        f"Preset {inputs.preset}; commit {origin.commits}.{origin.warning()}"
    )
    columns = [Column("mode", "Sparsity", align="l"), Column("compression", "c")]
    columns += [Column(key, header, STARTS.get(start, start)) for key, (start, header) in _columns(frame).items()]
    return Table(frame, [Part("A", caption, _cells(frame), columns, [origin.line()], group="dataset", block="mode")])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return one row per cell and metric, with the columns of every results CSV and `MORE`."""
    rows = long(cells(frame_of(inputs, EXPERIMENT), _KEYS), ("iqm", "last_iqm", "epochs"))
    rows = rows.sort_values(["dataset", "mode", "compression"], ascending=[True, False, True], kind="stable")
    return shown.tidy(rows, "spas_start", MORE)


def _key(row: dict[Any, Any]) -> str:
    return f"{row['init']}/{row['l1']:g}/{row['patience']:g}"


def _columns(frame: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return the columns of the printed table: the start values that head one, and what it says itself."""
    found = frame.drop_duplicates(["init", "l1", "patience"]).sort_values(
        ["init", "l1", "patience"], ascending=[True, False, False]
    )
    return {
        _key(row): (row["init"], f"L1 {row['l1']:g}\npatience {row['patience']:g}") for row in found.to_dict("records")
    }


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    own = frame[frame["metric"] == "iqm"]
    for dataset, found in own.groupby("dataset", sort=False):
        for mode, of_mode in found.groupby("mode", sort=False):
            for place, (_, part) in enumerate(of_mode.groupby("compression", sort=False)):
                cells = {"dataset": marked_title(str(dataset), part["note"]), "mode": "" if place else MODES[str(mode)]}
                cells["compression"] = formats.number(part["compression"].iloc[0])
                cells |= {_key(row): shown.accuracy(row) for row in part.to_dict("records")}
                rows.append(cells)
    return pd.DataFrame(rows).fillna(formats.NOTHING)
