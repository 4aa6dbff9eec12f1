"""Why plain networks collapse: how they start, L1 under Adam, or stopping early; a table of ours."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.spas import shown
from truly_sparse.studies.spas.runs import EVOLVING, MODES, STATIC, cells, frame_of, long

EXPERIMENT = "spas_start"
#: Those that have the source's protocol.
AS_PRINTED = ("spas_cifar", "spas_tabular")
#: How the topology of a plain network is trained.
TRAINED = {STATIC: "Static", EVOLVING: "SET*"}
#: Start values, in words.
STARTS = {"torch": "dense fan-in", "torch_links": "real fan-in"}
MORE = ("model", "mode", "compression", "init", "l1", "patience", "mean", "asked", "random")
_KEYS = ("dataset", "method", "model", "mode", "setting", "compression", "init", "l1", "patience")


def make(inputs: Inputs) -> Table:
    """Return Table A: accuracy of plain networks by compression, start values, L1 and early stopping."""
    frame, origin = tidy(inputs), inputs.origin()
    caption = (
        "Whether plain networks must collapse. Accuracy (%) on the test rows, "
        "interquartile mean over seeds ± standard deviation. Start values lie within ± 1 over the square root of the "
        "fan-in, which is that of a dense layer, as PyTorch takes it under a mask, or what a neuron really has; with "
        f"L1 in the loss or without; stopping after epochs without a better accuracy, or never (0). {shown.RANDOM} "
        f"{origin.closing()}"
    )
    columns = [Column("mode", "Sparsity", align="l"), Column("compression", "c")]
    columns += [Column(key, header, over) for key, (over, header) in _columns(frame).items()]
    return Table(
        frame, [Part("A", caption, _cells(frame), columns, shown.notes(frame, origin), group="dataset", block="mode")]
    )


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return one row per cell and metric, with the columns of every results CSV and `MORE`."""
    rows = long(cells(_runs(inputs), _KEYS), ("iqm", "last_iqm", "epochs"))
    places = {name: place for place, name in enumerate([*dict.fromkeys(rows["dataset"]), *MODES])}
    rows = rows.sort_values(
        ["dataset", "mode", "compression"],
        key=lambda column: column if column.name == "compression" else column.map(places),
        kind="stable",
    )
    return shown.tidy(rows, "spas_start", MORE)


def _runs(inputs: Inputs) -> pd.DataFrame:
    """Return the runs of the experiment, and those by the source's protocol with the same network, data and seed."""
    runs = frame_of(inputs, EXPERIMENT, *AS_PRINTED)
    same = ["dataset", "method", "setting", "seed"]
    wanted = runs.loc[runs["experiment"] == EXPERIMENT, same].drop_duplicates()
    return runs.merge(wanted, on=same).drop_duplicates([*same, "init", "l1", "patience"])


def _key(row: dict[Any, Any]) -> str:
    return f"{row['init']}/{row['l1']:g}/{row['patience']:g}"


def _columns(frame: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return the columns of the printed table: start values and L1 that head one, and what it says itself."""
    found = frame.drop_duplicates(["init", "l1", "patience"]).sort_values(
        ["init", "l1", "patience"], ascending=[True, False, False]
    )
    return {
        _key(row): (f"{STARTS[row['init']]}, L1 {row['l1']:g}", f"patience {row['patience']:g}")
        for row in found.to_dict("records")
    }


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    own = frame[frame["metric"] == "iqm"]
    for dataset, found in own.groupby("dataset", sort=False):
        for mode, of_mode in found.groupby("mode", sort=False):
            for place, (_, part) in enumerate(of_mode.groupby("compression", sort=False)):
                cells = {
                    "dataset": marked_title(str(dataset), part["note"]),
                    "mode": "" if place else TRAINED[str(mode)],
                }
                cells["compression"] = formats.number(part["compression"].iloc[0])
                cells |= {_key(row): shown.accuracy(row) for row in part.to_dict("records")}
                rows.append(cells)
    return pd.DataFrame(rows).fillna(formats.NOTHING)
