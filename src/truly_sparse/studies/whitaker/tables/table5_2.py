"""Table 5.2: ensembles for the epochs of one network, printed and measured."""

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
#: In print and here, in the printed order; printed ones that others measured have no runs here.
METHODS = ("dense", "mc_dropout", "snapshot", "fge", "sse_np", "dense_ensemble")
#: Here only: other children of a parent.
MORE_METHODS = ("sse_r", "sse_np_bag", "stochastic", "noisy")
REFERENCE = "dense"
METRICS = ("accuracy", "nll", "ece", "accuracy_children", "accuracy_all_logits", "operations", "seconds")
SCORES = {"accuracy": "test_accuracy", "nll": "nll", "ece": "ece"}
#: Whose numbers in print are others'.
QUOTED = "*"
_TITLES = {"accuracy": "acc.", "nll": "NLL", "ece": "ECE"}
_PRINTED = (
    Column("method", "Method", align="l"),
    *(
        Column(f"{dataset}_{score}", _TITLES[score], title)
        for dataset, title in (("cifar10", "CIFAR-10, publ."), ("cifar100", "CIFAR-100, publ."))
        for score in SCORES
    ),
    Column("operations", "publ.", "Operations"),
    Column("operations_here", "here", "Operations"),
    *(Column(f"gain_{score}", _TITLES[score], "Gain here") for score in SCORES),
)
_HERE = (
    Column("method", "Method", align="l"),
    Column("accuracy", "accuracy"),
    Column("accuracy_children", "no parent"),
    Column("accuracy_all_logits", "logits"),
    Column("nll", "NLL"),
    Column("ece", "ECE"),
    Column("operations", "operations"),
    Column("seconds", "seconds"),
)


def make(inputs: Inputs) -> Table:
    """Return Table 5.2a, printed numbers and mean gains measured here, and 5.2b, every dataset."""
    frame, origin = tidy(inputs), inputs.origin()
    tail = f" {origin.closing()}"
    printed = (
        "The epochs of one network, 200 or three tenths of that on pictures: printed accuracy (%), NLL (nats) and ECE, "
        "and operations of training over those of one network. Gain here: accuracy in points, NLL and ECE less those "
        f"of one network, means over datasets. {QUOTED} quoted in print from others. {shown.OTHER_TASK}{tail}"
    )
    here = (
        "The epochs of one network on every dataset: accuracy (%) of the mean probabilities, with the parent where "
        "there is one, mean ± standard deviation over seeds; of children without their parent; of the mean logits; NLL "
        f"and ECE of the mean probabilities; operations and CPU seconds of training over those of one network.{tail}"
    )
    notes = shown.notes(frame, origin)
    parts = [
        Part("5.2a", printed, _printed(frame), _PRINTED, notes),
        Part("5.2b", here, _here(frame), _HERE, notes, group="dataset"),
    ]
    return Table(frame, parts)


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return every metric by (dataset, method), gains over all datasets, and the printed numbers."""
    runs = frame_of(inputs, EXPERIMENT)
    measured = cells(runs, ["dataset", "method", "setting"], METRICS)
    others = [name for name in dict.fromkeys(runs["method"]) if name != REFERENCE]
    gained = shown.gains(runs, others, REFERENCE, list(SCORES))
    rows = pd.concat([measured, gained, shown.printed_rows(inputs, "table5_2")])
    return shown.tidy(rows, "whitaker_table5_2", ("quoted",))


def _printed(frame: pd.DataFrame) -> pd.DataFrame:
    published = frame[frame["published"].notna()]
    known = shown.by_number(published, ("dataset", "method", "metric"))
    costs = _ratios(frame, "operations")
    methods = [*dict.fromkeys(published["method"]), *MORE_METHODS]
    rows = []
    for method in methods:
        row: dict[str, Any] = {"method": method_title(method)}
        for dataset in ("cifar10", "cifar100"):
            for score, metric in SCORES.items():
                found = known.get((dataset, method, metric))
                if found:
                    row[f"{dataset}_{score}"] = formats.spread(
                        found["published"], None, 1 if score == "accuracy" else 3
                    )
                    row["method"] = method_title(method) + (QUOTED if str(found["quoted"]).lower() == "true" else "")
        cost = known.get(("cifar10", method, "operations"))
        if cost and method != REFERENCE:
            row["operations"] = formats.printed_ratio(cost["published"])
        row["operations_here"] = formats.ratio(costs.get(method))
        row |= {f"gain_{score}": shown.gain(frame, method, score)[0] for score in SCORES}
        rows.append(row)
    columns = [column.key for column in _PRINTED]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna(formats.NOTHING)


def _ratios(frame: pd.DataFrame, metric: str) -> dict[str, float]:
    """Return by method the mean over datasets of a cost over that of one network."""
    wide = frame[(frame["metric"] == metric) & frame["value"].notna()].pivot_table("value", "dataset", "method")
    if REFERENCE not in wide:
        return {}
    means = wide.div(wide[REFERENCE], axis=0).mean()
    return {str(method): float(value) for method, value in means.items()}


def _here(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    measured = frame[frame["metric"].isin(METRICS) & frame["asked"].notna()]
    for dataset, found in measured.groupby("dataset", sort=False):
        known = shown.by_number(found, ("method", "metric"))
        for method in dict.fromkeys(found["method"]):
            row = {"dataset": marked_title(str(dataset), found["note"]), "method": method_title(str(method))}
            row |= {metric: _text(known, str(method), metric) for metric in METRICS}
            rows.append(row)
    columns = ["dataset", *(column.key for column in _HERE)]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna(formats.NOTHING)


def _text(known: dict[tuple[Any, ...], dict[Any, Any]], method: str, metric: str) -> str:
    own, base = known.get((method, metric)), known.get((REFERENCE, metric))
    if metric in ("operations", "seconds"):
        if own is None or base is None or formats.missing(own["value"]) or formats.missing(base["value"]):
            return formats.NOTHING
        return formats.ratio(own["value"] / base["value"])
    if own is None or (metric.startswith("accuracy_") and not own["seeds"]):
        return formats.NOTHING
    return shown.cell(own, spread=metric == "accuracy")
