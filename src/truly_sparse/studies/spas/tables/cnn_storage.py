"""Whether maps of convolutional networks may be kept in 16 bits: the same runs in bfloat16 and in float32; ours."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.statistics.paired import compare
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.spas import shown
from truly_sparse.studies.spas.runs import accuracies, counted, setting_of

STORAGES = ("float32", "bfloat16")
LEAST_PAIRS = 5


class Measure(NamedTuple):
    """What is compared, and when bfloat16 loses nothing by it."""

    title: str
    column: str  # of the runs
    better: int  # 1 where more is better, -1 where less is
    margin: float  # how much worse the worse end of the interval may at most be
    digits: int


#: By their metric: accuracy on the test rows, and the mean loss of the last epoch's steps.
MEASURES = {
    "test_accuracy": Measure("test accuracy (%)", "accuracy", 1, 0.3, 2),
    "train_loss": Measure("training loss", "train_loss", -1, 0.01, 4),
}
#: Columns of the CSV beside those of every results CSV: which measure a difference is of, the storage of a value, and
#: of a difference its interval by Student's t, the p of its test, and whether there is no loss, missing with too few
#: pairs.
MORE = ("measure", "storage", "low", "high", "p", "no_loss", "asked")
_KEYS = ["dataset", "method", "setting"]
_PRINTED = (
    Column("method", "Network", align="l"),
    Column("setting", "links", align="l"),
    Column("measure", "measure", align="l"),
    *(Column(name, name, "Maps in") for name in STORAGES),
    Column("difference", "difference"),
    Column("interval", "95 % interval"),
    Column("p", "p"),
    Column("no_loss", "no loss shown"),
)


def make(inputs: Inputs) -> Table:
    """Return Table F: accuracies and training losses with maps in either storage, and their differences by pairs."""
    frame, origin = tidy(inputs), inputs.origin()
    points, loss = (measure.margin for measure in MEASURES.values())
    caption = (
        "Maps in 16 bits. Accuracy on the test rows, and mean loss of the last epoch's steps, of networks whose maps "
        "and errors are kept in float32 and in bfloat16, mean ± standard deviation over seeds, and the mean of "
        "bfloat16 less float32 over pairs with the same seed, with its 95 % interval and p by Student's t. No loss: "
        "with five pairs or more, the whole interval is above "
        f"{formats.difference(-points)} points of accuracy, or below "
        f"{formats.difference(loss, 2)} of the loss; a dash: fewer pairs. {origin.closing()}"
    )
    return Table(frame, [Part("F", caption, _cells(frame), _PRINTED, shown.notes(frame, origin), group="dataset")])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return rows by (dataset, method, setting): each of `MEASURES` for each storage, and `difference` with `MORE`."""
    runs = accuracies(inputs, _chosen).sort_values(["dataset", "method", "compression"], kind="stable")
    lines: list[dict[str, Any]] = []
    for key, part in runs.groupby(_KEYS, sort=False):
        for metric, measure in MEASURES.items():
            head = dict(zip(_KEYS, key, strict=True)) | {"measure": metric}
            for storage in STORAGES:
                found = counted(part[part["storage"] == storage], measure.column)
                head |= {name: found[name] for name in ("note", "commit")}
                lines.append(head | {"metric": metric, "storage": storage} | found)
            pairs = part.pivot_table(measure.column, "seed", "storage").reindex(columns=[*STORAGES]).dropna()
            if len(pairs):
                whole, half = (pairs[name].to_numpy() for name in STORAGES)
                lines.append(head | {"metric": "difference"} | difference(whole, half, measure))
    return shown.tidy(pd.DataFrame(lines), "spas_cnn_storage", MORE).astype({"no_loss": "boolean"})


def difference(whole: np.ndarray, half: np.ndarray, measure: Measure) -> dict[str, Any]:
    """Return what bfloat16 has more than float32, with interval and p, and whether that is no loss.

    Pairs that all differ by the same have no p, and an interval of no length.
    """
    found = compare(half, whole)
    pairs, mean = found["pairs"], found["difference"]
    enough = pairs >= LEAST_PAIRS
    ends = {name: mean if enough and found[name] is None else found[name] for name in ("low", "high")}
    worst = ends["low"] if measure.better > 0 else ends["high"]
    no_loss = bool(measure.better * worst > -measure.margin) if enough else None
    return {"value": mean, "seeds": pairs, **ends, "p": found["t_p"], "no_loss": no_loss}


def _chosen(training: Mapping[str, Any]) -> dict[str, Any]:
    settings = {"setting": setting_of(dict(training)), "compression": training.get("compression")}
    return settings | {"storage": training["activation_storage"]}


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (dataset, method, setting, metric), found in frame.groupby([*_KEYS, "measure"], sort=False):
        measure = MEASURES[str(metric)]
        cells = {
            "dataset": marked_title(str(dataset), found["note"]),
            "method": method_title(str(method)),
            "setting": str(setting),
            "measure": measure.title,
        }
        for row in found.to_dict("records"):
            if row["metric"] == metric:
                cells[row["storage"]] = shown.accuracy(row | {"random": False}, digits=measure.digits)
                continue
            cells |= {
                "difference": formats.difference(row["value"], measure.digits),
                "interval": formats.interval(row["low"], row["high"], measure.digits),
                "p": formats.p_value(row["p"]),
                "no_loss": formats.NOTHING if pd.isna(row["no_loss"]) else formats.setting(bool(row["no_loss"])),
            }
        rows.append(cells)
    columns = ["dataset", *(column.key for column in _PRINTED)]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna(formats.NOTHING)
