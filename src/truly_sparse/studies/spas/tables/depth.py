"""Time and memory of networks with shortcuts by depth, beside what masks would hold (SPaS, section 7.1)."""

from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.spas import shown

MEASUREMENT = "depth"
#: Columns of the CSV beside those of every results CSV.
MORE = ("hidden_layers", "compression")
#: What stands for a dataset: the samples are made up.
MADE_UP = "made_up"
COUNTED = ("links", "biases", "bytes", "sequential_places", "shortcut_places")
#: Of a fit over the depths of one compression: what it is of.
FITTED = {"r2_seconds": "cpu_seconds", "r2_bytes": "bytes"}
_PRINTED = (
    Column("hidden_layers", "Hidden layers"),
    Column("links", "Links"),
    Column("biases", "Biases"),
    Column("places", "Places"),
    Column("milliseconds", "Step (ms)"),
    Column("per_link", "ns a link"),
    Column("kilobytes", "kB"),
    Column("per_place", "Bytes a place"),
)


def make(inputs: Inputs) -> Table:
    """Return Table D: links, places, time of a step and memory by depth."""
    measured, origin = inputs.measured(MEASUREMENT)
    frame = tidy(measured, origin.commit)
    fits = frame[frame["metric"].isin(FITTED)]
    caption = (
        "Networks with shortcuts of ever more hidden layers at equal compression: links, one bias for each block that "
        "leads to a neuron, places (what a mask would hold), CPU time of a training step (median) and memory of links "
        "and biases with both moments of Adam. Straight lines through the depths of one compression explain "
        f"{_least(fits, 'r2_seconds')} of the variance of the time over links or more, and {_least(fits, 'r2_bytes')} "
        f"of the memory's. Preset {inputs.preset}."
    )
    return Table(frame, [Part("D", caption, _cells(frame), _PRINTED, [origin.line()], group="compression")])


def tidy(measured: pd.DataFrame, commit: str) -> pd.DataFrame:
    """Return one row per (compression, hidden_layers, metric), with the columns of every results CSV and `MORE`.

    Metrics are `COUNTED`, `cpu_seconds` of a step (median over repetitions), and without depth `FITTED`, the part of
    the variance over depths that a straight line through the links explains.
    """
    lines: list[dict[str, Any]] = []
    for (compression, depth), part in measured.groupby(["compression", "hidden_layers"]):
        head = {"compression": compression, "hidden_layers": depth, "setting": f"c{compression:g}", "seeds": len(part)}
        values = {name: part[name].iloc[0] for name in COUNTED}
        values |= {"cpu_seconds": part["cpu_seconds"].median()}
        lines += [head | {"metric": name, "value": float(value)} for name, value in values.items()]
    frame = pd.DataFrame(lines)
    for compression, own in frame.groupby("compression"):
        wide = own.pivot_table("value", "hidden_layers", "metric")
        for name, column in FITTED.items():
            if len(wide) > 2:
                value = explained(wide["links"].to_numpy(), wide[column].to_numpy())
                line = {"compression": compression, "setting": own["setting"].iloc[0], "metric": name, "value": value}
                frame = pd.concat([frame, pd.DataFrame([line])], ignore_index=True)
    frame = frame.assign(dataset=MADE_UP, method="spas", commit=commit)
    rows = shown.tidy(frame, "spas_depth", MORE)
    return rows.astype({"hidden_layers": "Int64"})


def explained(x: np.ndarray, y: np.ndarray) -> float:
    """Return the part of the variance of `y` that a straight line through `x` explains (R squared)."""
    return float(np.corrcoef(x, y)[0, 1] ** 2)


def _least(fits: pd.DataFrame, metric: str) -> str:
    found = fits.loc[fits["metric"] == metric, "value"]
    return f"{100 * found.min():.1f} %" if len(found) else formats.NOTHING


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    own = frame[frame["hidden_layers"].notna()]
    for (compression, depth), part in own.groupby(["compression", "hidden_layers"], sort=False):
        value = part.set_index("metric")["value"]
        places = value["sequential_places"] + value["shortcut_places"]
        rows.append(
            {
                "compression": f"Compression {compression:g}",
                "hidden_layers": str(depth),
                **{name: formats.count(value[name]) for name in ("links", "biases")},
                "places": formats.count(places),
                "milliseconds": f"{1000 * value['cpu_seconds']:.2f}",
                "per_link": f"{1e9 * value['cpu_seconds'] / value['links']:.1f}",
                "kilobytes": formats.count(value["bytes"] / 1000),
                "per_place": f"{value['bytes'] / places:.2f}",
            }
        )
    return pd.DataFrame(rows)
