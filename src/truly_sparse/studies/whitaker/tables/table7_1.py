"""Table 7.1 and figure 7.1: how much members of ensembles differ, printed and measured."""

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

EXPERIMENT = "whitaker_diversity"
METHODS = ("dense_ensemble", "snapshot", "sse_r", "sse_np", "sse_np_bag", "stochastic")
REFERENCE = "sse_np"
METRICS = ("disagreement", "kl_divergence", "output_correlation", "with_diagonal", "accuracy", "single_accuracy")
SCORES = {"disagreement": "disagreement", "kl_divergence": "kl_divergence", "accuracy": "test_accuracy"}
_TITLES = {"disagreement": "PDR", "kl_divergence": "KL", "accuracy": "acc."}
_PRINTED = (
    Column("method", "Method", align="l"),
    *(Column(f"published_{score}", title, "Published, CIFAR-10") for score, title in _TITLES.items()),
    Column("published_correlation", "corr.", "Published, CIFAR-10"),
    *(Column(score, title, "Mean here") for score, title in _TITLES.items()),
    Column("output_correlation", "corr.", "Mean here"),
    Column("with_diagonal", "with 1", "Mean here"),
)
_HERE = (
    Column("method", "Method", align="l"),
    Column("disagreement", "PDR"),
    Column("kl_divergence", "KL"),
    Column("output_correlation", "corr."),
    Column("with_diagonal", "with 1"),
    Column("single_accuracy", "member"),
    Column("accuracy", "ensemble"),
)


def make(inputs: Inputs) -> Table:
    """Return Table 7.1a, printed numbers beside means over datasets, and 7.1b, every dataset."""
    frame, origin = tidy(inputs), inputs.origin()
    tail = f" {origin.closing()}"
    about = (
        "PDR: part of test rows on which two members predict different classes; KL: divergence of two members (nats, "
        "mean over ordered pairs); corr.: correlation over rows of two members' outputs; with 1: the same with the "
        "diagonal of ones, as figure 7.1 prints its means"
    )
    datasets = frame.loc[frame["value"].notna(), "dataset"].nunique()
    printed = (
        f"How much members differ, printed and as means over {datasets} datasets. {about}. {shown.OTHER_TASK}{tail}"
    )
    here = f"How much members differ on every dataset, with accuracies (%): means over seeds. {about}.{tail}"
    notes = shown.notes(frame, origin)
    parts = [
        Part("7.1a", printed, _printed(frame), _PRINTED, notes),
        Part("7.1b", here, _here(frame), _HERE, notes, group="dataset"),
    ]
    return Table(frame, parts)


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return every metric by (dataset, method), and the numbers printed in Table 7.1 and in figure 7.1."""
    measured = cells(frame_of(inputs, EXPERIMENT), ["dataset", "method", "setting"], METRICS)
    printed = [shown.printed_rows(inputs, name) for name in ("table7_1", "figure7_1_summary")]
    return shown.tidy(pd.concat([measured, *printed]), "whitaker_table7_1")


def _printed(frame: pd.DataFrame) -> pd.DataFrame:
    published = frame[frame["published"].notna()]
    of_table = shown.by_number(published[published["setting"] != "resnet18"], ("method", "metric"))
    of_figure = shown.by_number(published[published["setting"] == "resnet18"], ("method", "metric"))
    means = frame[frame["value"].notna()].groupby(["method", "metric"])["value"].mean()
    rows = []
    for method in dict.fromkeys([*published["method"], *METHODS]):
        row: dict[str, Any] = {"method": method_title(method)}
        for score, metric in SCORES.items():
            found = of_table.get((method, metric))
            row[f"published_{score}"] = formats.spread(found["published"] if found else None, None, _digits(score))
        found = of_figure.get((method, "with_diagonal"))
        row["published_correlation"] = formats.spread(found["published"] if found else None, None, 3)
        for column in _PRINTED[-5:]:
            row[column.key] = formats.spread(means.get((method, column.key)), None, _digits(column.key))
        rows.append(row)
    return pd.DataFrame(rows, columns=[column.key for column in _PRINTED], dtype=object)


def _here(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for dataset, found in frame[frame["asked"].notna()].groupby("dataset", sort=False):
        known = shown.by_number(found, ("method", "metric"))
        for method in METHODS:
            if (method, "accuracy") in known:
                row = {"dataset": marked_title(str(dataset), found["note"]), "method": method_title(method)}
                row |= {column.key: _text(known[method, column.key]) for column in _HERE[1:]}
                rows.append(row)
    return pd.DataFrame(rows, columns=["dataset", *(column.key for column in _HERE)], dtype=object)


def _text(cell: dict[Any, Any]) -> str:
    if not cell["seeds"]:
        return shown.cell(cell) if cell["metric"] == "accuracy" else formats.NOTHING
    return formats.spread(cell["value"], None, _digits(cell["metric"]))


def _digits(metric: str) -> int:
    return 1 if "accuracy" in metric else 3
