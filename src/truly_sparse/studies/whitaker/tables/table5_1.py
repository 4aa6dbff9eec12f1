"""Table 5.1: sixteen epochs for one network or for eight, printed and measured, with controls."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.reading import listed
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.whitaker import shown
from truly_sparse.studies.whitaker.runs import cells, frame_of

EXPERIMENT, LENET = "whitaker_small", "whitaker_lenet"
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
#: Networks here, by their sizes; the larger one is the one in print.
LENETS = {"16-32-256-128": "lenet_s", "64-128-1024-512": "lenet_l"}
SIZES = {"lenet_s": "LeNet-S", "lenet_l": "LeNet-L"}
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
_LENET = (
    Column("method", "Method", align="l"),
    *(
        Column(f"{dataset}_{name}{end}", short, f"{title}, {which}")
        for dataset, title in CIFAR.items()
        for name, end, short, which in (
            ("lenet_s", "", "here", "S"), ("lenet_l", "_published", "publ.", "L"), ("lenet_l", "", "here", "L"),
        )
    ),
)  # fmt: skip
_HERE = (
    Column("method", "Method", align="l"),
    *(Column("_".join(map(str, key)), title) for key, title in VARIANTS.items()),
)


def make(inputs: Inputs) -> Table:
    """Return Table 5.1a, printed numbers and mean gains measured here, 5.1b, every dataset, and 5.1c, LeNet."""
    frame, origin = tidy(inputs), inputs.origin()
    tail = f" {origin.closing()}"
    printed = (
        "Small budget, sixteen epochs in all in print; here eight times as many (as an epoch has an eighth of the "
        "steps of the source's, or fewer), sixteen on pictures: printed accuracies (%), and the gain in points over "
        "one network, in print the mean of the six columns, here over datasets with its 95 % interval over seeds; "
        f"Adam. {_over(frame)}{shown.OTHER_TASK}{tail}"
    )
    here = (
        "Small budget on every dataset: accuracy (%), mean ± standard deviation over seeds. Adam, SGD: eight times the "
        "sixteen printed epochs in all, as an epoch has an eighth of the steps of the source's, or fewer; sixteen on "
        f"pictures. The last column has the printed ones.{tail}"
    )
    notes = shown.notes(frame, origin)
    parts = [
        Part("5.1a", printed, _printed(frame), _PRINTED, notes),
        Part("5.1b", here, _here(frame), _HERE, notes, group="dataset"),
    ]
    lenet = (
        "Sixteen epochs in all of LeNet, Adam: accuracy (%) on the test pictures, mean ± standard deviation over "
        "seeds. S is four times narrower than L, the source's network. Convolutional networks have no dropout here; a "
        f"dense parent is a sparse one with all its links.{tail}"
    )
    of_lenet = frame[frame["setting"].isin(SIZES) & frame["asked"].notna()]
    if (of_lenet["seeds"] > 0).any():
        parts.append(Part("5.1c", lenet, _of_lenet(frame, of_lenet), _LENET, notes))
    return Table(frame, parts)


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return accuracies by (dataset, method, optimiser, judged), gains over all datasets, and the printed numbers."""
    runs = frame_of(inputs, EXPERIMENT)
    judged = shown.gains(runs, (*METHODS[1:], *CONTROLS), METHODS[0], optimiser="adam", judged=True)
    measured = cells(runs, KEYS, ["accuracy"])
    rows = pd.concat([measured, *_lenet_cells(inputs), judged, shown.printed_rows(inputs, "table5_1")])
    return shown.tidy(rows, "whitaker_table5_1", ("optimiser", "judged"))


def _over(frame: pd.DataFrame) -> str:
    """Return over how many datasets gains are, and which are left out as a method lacks runs there."""
    gained, measured = frame[frame["metric"] == "gain_accuracy"], judged_rows(frame)
    counts = gained[gained["dataset"] == shown.ALL]["note"].str.split().str[1].astype(int)
    if counts.empty:
        return ""
    lacking = shown.left_out(measured, gained, METHODS[0])
    without = f", without {listed([dataset_title(name) for name in lacking])}, where a method has no runs"
    return f"Gains are over {counts.max()} datasets{without if lacking else ''}. "


def judged_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies by dataset and method that gains are drawn from."""
    own = frame["metric"].eq("accuracy") & frame["optimiser"].eq("adam") & frame["judged"].eq(True)
    return frame[own & ~frame["setting"].isin(SIZES)]


def _lenet_cells(inputs: Inputs) -> list[pd.DataFrame]:
    """Return accuracies of LeNet, whose setting is its size; nothing where the configuration has no run of it."""
    if not any(one["experiment"] == LENET for one in inputs.records) and not any(
        spec.experiment == LENET for spec in inputs.absent
    ):
        return []
    runs = frame_of(inputs, LENET)
    return [cells(runs.assign(setting=runs["hidden"].map(LENETS)), KEYS, ["accuracy"])]


def _printed(frame: pd.DataFrame) -> pd.DataFrame:
    known = shown.by_number(frame[frame["published"].notna()], ("dataset", "setting", "method"))
    reference = METHODS[0]
    rows = []
    for method in (*METHODS, *CONTROLS):
        row: dict[str, Any] = {"method": method_title(method)}
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
    measured = frame[(frame["metric"] == "accuracy") & ~frame["setting"].isin(SIZES)]
    for dataset, found in measured.groupby("dataset", sort=False):
        known = shown.by_number(found, ("method", "optimiser", "judged"))
        for method in dict.fromkeys(found["method"]):
            row = {"dataset": marked_title(str(dataset), found["note"]), "method": method_title(str(method))}
            row |= {"_".join(map(str, key)): shown.cell(known.get((method, *key))) for key in VARIANTS}
            rows.append(row)
    columns = ["dataset", *(column.key for column in _HERE)]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna(formats.NOTHING)


def _of_lenet(frame: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    keys = ("dataset", "setting", "method")
    known, printed = shown.by_number(measured, keys), shown.by_number(frame[frame["published"].notna()], keys)
    rows = []
    for method in dict.fromkeys(measured["method"]):
        row: dict[str, Any] = {"method": method_title(str(method))}
        for dataset in CIFAR:
            for size in SIZES:
                row[f"{dataset}_{size}"] = shown.cell(known.get((dataset, size, method)))
                there = printed.get((dataset, size, method))
                row[f"{dataset}_{size}_published"] = formats.spread(there["published"], None, 1) if there else None
        rows.append(row)
    return pd.DataFrame(rows, columns=[column.key for column in _LENET], dtype=object).fillna(formats.NOTHING)
