"""Table 5.1: sixteen epochs for one network or for eight, printed and measured, with controls."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.whitaker import shown
from truly_sparse.studies.whitaker.runs import cells, frame_of

EXPERIMENT = "whitaker_small"
METHODS = ("dense", "dropout", "bagging", "sse_r", "sse_np")
CONTROLS = ("sse_unpruned", "sse_fresh", "sparse_ensemble")
KEYS = ("dataset", "method", "optimiser", "judged", "setting")
#: What trains, and whether there are as many steps as in print.
VARIANTS = {
    ("adam", True): "Adam",
    ("sgd", True): "SGD",
    ("adam", False): "Adam, 16 epochs",
}
#: Networks in print.
ARCHITECTURES = {"lenet_l": "LeNet-L", "resnet18": "ResNet-18", "densenet121": "DenseNet-121"}
CIFAR = {"cifar10": "C-10", "cifar100": "C-100"}
_PRINTED = (
    Column("method", "Method", align="l"),
    *(
        Column(f"{dataset}_{name}", short, title)
        for name, title in ARCHITECTURES.items()
        for dataset, short in CIFAR.items()
    ),
    Column("published", "publ.", "Gain"),
    Column("gain", "here", "Gain"),
    Column("interval", "95 % interval", "Gain"),
)
_HERE = (
    Column("method", "Method", align="l"),
    *(Column("_".join(map(str, key)), title) for key, title in VARIANTS.items()),
)


def make(inputs: Inputs) -> Table:
    """Return Table 5.1a, printed numbers and mean gains measured here, and 5.1b, every dataset."""
    frame, origin = tidy(inputs), inputs.origin()
    tail = f" Preset {inputs.preset}; commit {origin.commits}.{origin.warning()}"
    printed = (
        "Sixteen epochs in all: printed accuracies (%), and the gain in points over one network, in print the mean of "
        "the six columns, here over datasets with its 95 % interval from seeds drawn anew; Adam, as many steps as in "
        f"print. {shown.OTHER_TASK}{tail}"
    )
    here = (
        "Sixteen epochs in all on every dataset: accuracy (%), mean ± standard deviation over seeds. Where an epoch "
        "has an eighth of the steps of the source's, or fewer, there are eight times as many epochs; the other columns "
        f"have the printed ones.{tail}"
    )
    notes = shown.notes(frame, origin)
    parts = [
        Part("5.1a", printed, _printed(frame), _PRINTED, notes),
        Part("5.1b", here, _here(frame), _HERE, notes, group="dataset"),
    ]
    return Table(frame, parts)


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return accuracies by (dataset, method, optimiser, judged), gains over all datasets, and the printed numbers."""
    runs = frame_of(inputs, EXPERIMENT)
    judged = shown.gains(runs, (*METHODS[1:], *CONTROLS), METHODS[0], optimiser="adam", judged=True)
    rows = pd.concat([cells(runs, KEYS, ["accuracy"]), judged, shown.printed_rows(inputs, "table5_1")])
    return shown.tidy(rows, "whitaker_table5_1", ("optimiser", "judged"))


def _printed(frame: pd.DataFrame) -> pd.DataFrame:
    known = shown.by_number(frame[frame["published"].notna()], ("dataset", "setting", "method"))
    reference = METHODS[0]
    rows = []
    for method in (*METHODS, *CONTROLS):
        row: dict[str, Any] = {"method": shown.title(method)}
        gaps = []
        for dataset in CIFAR:
            for name in ARCHITECTURES:
                found, base = (known.get((dataset, name, one)) for one in (method, reference))
                if found and base:
                    row[f"{dataset}_{name}"] = formats.spread(found["published"], None, 2)
                    gaps.append(found["published"] - base["published"])
        if gaps and method != reference:
            row["published"] = formats.difference(sum(gaps) / len(gaps), 2)
        row["gain"], row["interval"] = shown.gain(frame, method)
        rows.append(row)
    columns = [column.key for column in _PRINTED]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna(formats.NOTHING)


def _here(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    measured = frame[frame["metric"] == "accuracy"]
    for dataset, found in measured.groupby("dataset", sort=False):
        known = shown.by_number(found, ("method", "optimiser", "judged"))
        for method in dict.fromkeys(found["method"]):
            row = {"dataset": marked_title(str(dataset), found["note"]), "method": shown.title(str(method))}
            row |= {"_".join(map(str, key)): shown.cell(known.get((method, *key))) for key in VARIANTS}
            rows.append(row)
    columns = ["dataset", *(column.key for column in _HERE)]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna(formats.NOTHING)
