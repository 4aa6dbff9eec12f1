"""Table 6.2: ensembles of children that are annealed, printed, and beside others here."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.whitaker import shown
from truly_sparse.studies.whitaker.runs import cells, frame_of

EXPERIMENT = "whitaker_large"
REFERENCE = "sse_np"
METHODS = ("dense", "mc_dropout", "snapshot", "fge", "sse_np", "sse_longer", "stochastic")
METRICS = ("accuracy", "nll", "ece", "child_accuracy", "operations", "seconds")
SCORES = {"accuracy": "test_accuracy", "nll": "nll", "ece": "ece"}
#: Whose numbers in print are others'.
QUOTED = "*"
_TITLES = {"accuracy": "acc.", "nll": "NLL", "ece": "ECE"}
_PRINTED = (
    Column("method", "Method", align="l"),
    *(
        Column(f"{dataset}_{score}", title, words)
        for dataset, words in (("cifar10", "CIFAR-10, publ."), ("cifar100", "CIFAR-100, publ."))
        for score, title in _TITLES.items()
    ),
    *(Column(f"gain_{score}", title, "Gain here") for score, title in _TITLES.items()),
)
_HERE = (
    Column("method", "Method", align="l"),
    Column("accuracy", "accuracy"),
    Column("child_accuracy", "children"),
    Column("nll", "NLL"),
    Column("ece", "ECE"),
)


def make(inputs: Inputs) -> Table:
    """Return Table 6.2a, printed numbers and mean gains measured here, and 6.2b, every dataset."""
    frame, origin = tidy(inputs), inputs.origin()
    tail = f" {origin.closing()}"
    printed = (
        "Stochastic ensembles: printed accuracy (%), NLL (nats) and ECE, and what is gained here over children that "
        "lose their links at once, accuracy in points, means over datasets. Tuned longer: those, tuned for as many "
        f"link-steps as annealing takes. {QUOTED} quoted in print from others. {shown.OTHER_TASK}{tail}"
    )
    here = (
        "Stochastic ensembles on every dataset: accuracy (%) of parent and children, mean ± standard deviation over "
        f"seeds, and mean of children alone; NLL and ECE.{tail}"
    )
    notes = shown.notes(frame, origin)
    parts = [
        Part("6.2a", printed, _printed(frame), _PRINTED, notes),
        Part("6.2b", here, _here(frame), _HERE, notes, group="dataset"),
    ]
    return Table(frame, parts)


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return every metric by (dataset, method), gains over children that lose links at once, and printed numbers."""
    runs = frame_of(inputs, EXPERIMENT)
    runs = runs[runs["method"].isin(METHODS)]
    measured = cells(runs, ["dataset", "method"], METRICS)
    gained = shown.gains(runs, [name for name in METHODS if name != REFERENCE], REFERENCE, list(SCORES))
    rows = pd.concat([measured, gained, shown.printed_rows(inputs, "table6_2")])
    return shown.tidy(rows, "whitaker_table6_2", ("quoted",))


def _printed(frame: pd.DataFrame) -> pd.DataFrame:
    published = frame[frame["published"].notna()]
    known = shown.by_number(published, ("dataset", "method", "metric"))
    rows = []
    for method in dict.fromkeys([*METHODS, *published["method"]]):
        row: dict[str, Any] = {"method": method_title(method)}
        for dataset in ("cifar10", "cifar100"):
            for score, metric in SCORES.items():
                found = known.get((dataset, method, metric))
                if found:
                    decimals = shown.digits(score)
                    row[f"{dataset}_{score}"] = formats.spread(found["published"], None, decimals)
                    row["method"] = method_title(method) + (QUOTED if str(found["quoted"]).lower() == "true" else "")
        row |= {f"gain_{score}": shown.gain(frame, method, score)[0] for score in SCORES}
        rows.append(row)
    return pd.DataFrame(rows, columns=[column.key for column in _PRINTED], dtype=object).fillna(formats.NOTHING)


def _here(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    own = frame[frame["metric"].isin(METRICS) & frame["asked"].notna()]
    for dataset, found in own.groupby("dataset", sort=False):
        known = shown.by_number(found, ("method", "metric"))
        for method in METHODS:
            if (method, "accuracy") in known:
                row = {"dataset": marked_title(str(dataset), found["note"]), "method": method_title(method)}
                row |= {column.key: _text(known.get((method, column.key))) for column in _HERE[1:]}
                rows.append(row)
    return pd.DataFrame(rows, columns=["dataset", *(column.key for column in _HERE)], dtype=object)


def _text(cell: dict[Any, Any] | None) -> str:
    if cell is None or (not cell["seeds"] and cell["metric"] != "accuracy"):
        return formats.NOTHING
    return shown.cell(cell, spread=cell["metric"] == "accuracy")
