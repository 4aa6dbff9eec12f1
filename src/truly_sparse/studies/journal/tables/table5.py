"""Journal Table 5: the authors' bootstrap test as they ran it, and beside it tests over seeds and over datasets."""

import base64
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title, row_order
from truly_sparse.analysis.origin import marked_title, partial_note, parts_of
from truly_sparse.analysis.rounding import differences
from truly_sparse.analysis.runs import frame_of
from truly_sparse.analysis.statistics.paired import compare_all
from truly_sparse.analysis.table import COLUMNS, Part, Table
from truly_sparse.errors import UserError
from truly_sparse.experiments.records import Record
from truly_sparse.studies.journal.authors import bootstrap_test
from truly_sparse.studies.journal.tables import table5_datasets

EXPERIMENT = "table1"
BASELINE = "edst_rg"
METHODS = ("edst_rg", "rd_tse", "fd_tse", "dist_tse")
LAMBDA = 1.5
#: The seed whose members the authors' test resamples; theirs was one training, too.
SEED = 0
_AUTHORS = {
    "test_accuracy": "accuracy",
    "wilcoxon_statistic": "statistic",
    "p_value": "p_value",
    "shapiro_p": "shapiro_p",
}
_PAIRED = (
    "difference",
    "low",
    "high",
    "bootstrap_low",
    "bootstrap_high",
    "t_p",
    "t_p_holm",
    "wilcoxon_p",
    "dz",
    "rank_biserial",
)
_ROW = (Column("method", "Method", align="l"), Column("epsilon", "ε"))
_COLUMNS_A = (
    *_ROW,
    Column("accuracy_published", "published", "Accuracy (%)"),
    Column("accuracy", "here", "Accuracy (%)"),
    Column("statistic_published", "publ.", "W"),
    Column("statistic", "here", "W"),
    Column("p_published", "published", "p"),
    Column("p", "here", "p"),
    Column("shapiro", "Shapiro–Wilk p"),
)
_COLUMNS_B = (
    *_ROW,
    Column("difference", "points", "Better by"),
    Column("interval", "95 %, t", "Better by"),
    Column("bootstrap", "95 %, BCa", "Better by"),
    Column("t_p", "t", "p"),
    Column("t_p_holm", "t, Holm", "p"),
    Column("wilcoxon_p", "Wilcoxon", "p"),
    Column("dz", "d_z"),
    Column("rank_biserial", "r_rb"),
    Column("pairs", "seeds"),
)


def make(inputs: Inputs) -> Table:
    """Return 5a, the authors' test, 5b, the comparison over training seeds, and 5c, that over datasets."""
    frame = pd.concat([_authors(inputs), _paired(inputs)], ignore_index=True)
    order = sorted(frame.index, key=lambda i: _order(cast(Any, frame.loc[i])))
    frame = frame.loc[order].reset_index(drop=True)
    over = table5_datasets.tidy(inputs, METHODS, BASELINE)
    origin = inputs.origin(EXPERIMENT)
    authors = (
        "The authors' significance test, as they ran it: 30 bootstrap resamples of the test rows, the same for every "
        "model; mean ± standard deviation of the accuracy over resamples; W and one-tailed p of Wilcoxon's signed-rank "
        "test against EDST_RG on accuracies rounded to three decimals, zeros dropped, by the normal approximation. It "
        "compares two trained ensembles on one test set and says nothing about training again; with more resamples, p "
        f"falls as far as one likes. Here seed {SEED}, λ = {LAMBDA}. {origin.closing()}"
    )
    paired = (
        "Significance over training seeds: accuracy less that of EDST_RG with the same seed, in points, with "
        "Student's 95 % interval and, from five seeds on, the bootstrap's (BCa); two-sided p "
        "of the paired t test, also by Holm's correction over the three methods, "
        "and of the exact Wilcoxon test, which with five seeds cannot fall below 0.0625 and with three not "
        "below 0.25; effect sizes of pairs (d_z, and rank-biserial r_rb). It says whether the difference would be "
        "there again with other seeds on "
        f"these test rows; EDST_RG trains without the comprehensive refinement, the others with it. {origin.closing()}"
    )
    notes = [origin.line()]
    parts = [
        Part("5a", authors, _cells_a(frame), _COLUMNS_A, notes, group="dataset", block="method"),
        Part("5b", paired, _cells_b(frame), _COLUMNS_B, notes, group="dataset", block="method"),
    ]
    if over.empty:
        return Table(frame, parts)
    both = pd.concat([frame, over.assign(commit=inputs.origin(table5_datasets.EXPERIMENT).commits)], ignore_index=True)
    return Table(both.reindex(columns=list(COLUMNS)), [*parts, table5_datasets.part(inputs, over, METHODS)])


def correct_rows(record: Record) -> npt.NDArray[np.bool_]:
    """Return which test rows the ensemble of a run got right, from the bits in its record."""
    bits = np.frombuffer(base64.b64decode(record["correct"]), np.uint8)
    return np.unpackbits(bits, count=record["data"]["test_rows"]).astype(bool)


def _wanted(record: Record) -> bool:
    factor = record["settings"]["training"]["distance_factor"]
    ours = record["method"] in METHODS and (record["method"] != "dist_tse" or factor == LAMBDA)
    return record["status"] == "ok" and ours


def _authors(inputs: Inputs) -> pd.DataFrame:
    cells: dict[tuple[str, float], dict[str, Record]] = {}
    for record in inputs.of(EXPERIMENT):
        if _wanted(record) and record["seed"] == SEED:
            key = record["dataset"], record["settings"]["training"]["epsilon"]
            cells.setdefault(key, {})[record["method"]] = record
    lines, parts = [], parts_of(inputs.records)
    for (dataset, epsilon), found in cells.items():
        if BASELINE not in found:
            continue
        tested = bootstrap_test({method: correct_rows(record) for method, record in found.items()}, BASELINE)
        for row in tested.to_dict("records"):
            head = {
                "table": "table5",
                "dataset": dataset,
                "method": row["model"],
                "epsilon": epsilon,
                "setting": found[row["model"]]["setting"],
                "seeds": 1,
                "note": partial_note(parts.get(dataset)),
            }
            for metric, name in _AUTHORS.items():
                std = row["accuracy_std"] if metric == "test_accuracy" else None
                lines.append({**head, "metric": metric, "value": row[name], "std": std})
    if not lines:
        raise UserError(f"table5 compares with {BASELINE}: no dataset has finished runs of it and of seed {SEED}")
    frame = pd.DataFrame(lines)
    printed = inputs.published("table5")[
        ["dataset", "method", "setting", "metric", "published", "published_std", "source"]
    ]
    frame = frame.merge(printed, on=["dataset", "method", "setting", "metric"], how="left")
    frame["difference"] = differences(frame)
    return frame.assign(commit=inputs.origin(EXPERIMENT).commits).reindex(columns=list(COLUMNS))


def _paired(inputs: Inputs) -> pd.DataFrame:
    runs = frame_of(record for record in inputs.of(EXPERIMENT) if _wanted(record))
    lines, parts = [], parts_of(inputs.records)
    for (dataset, epsilon), part in runs.groupby(["dataset", "epsilon"], sort=False):
        if BASELINE not in set(part["method"]):
            continue
        note = partial_note(parts.get(str(dataset)))
        found = compare_all(part.rename(columns={"seed": "pair", "accuracy": "value"}), BASELINE)
        settings = part.drop_duplicates("method").set_index("method")["setting"]
        for row in found.to_dict("records"):
            head = {
                "table": "table5",
                "dataset": dataset,
                "method": row["method"],
                "epsilon": epsilon,
                "setting": settings[row["method"]],
                "seeds": row["pairs"],
                "note": note,
            }
            lines += [{**head, "metric": f"paired_{name}", "value": row[name]} for name in _PAIRED]
    return pd.DataFrame(lines).assign(commit=inputs.origin(EXPERIMENT).commits).reindex(columns=list(COLUMNS))


def _order(row: Any) -> tuple[object, ...]:
    metrics = [*_AUTHORS, *(f"paired_{name}" for name in _PAIRED)]
    return (*row_order(row["dataset"], row["method"], row["epsilon"], ""), metrics.index(row["metric"]))


def _groups(frame: pd.DataFrame) -> list[tuple[dict[str, str], pd.DataFrame]]:
    """Return (cells that name the row, its metrics) of every (dataset, method, epsilon)."""
    found, last = [], None
    for (dataset, method, epsilon), part in frame.groupby(["dataset", "method", "epsilon"], sort=False):
        title = "" if (dataset, method) == last else method_title(str(method))
        head = {
            "dataset": marked_title(str(dataset), part["note"]),
            "method": title,
            "epsilon": formats.number(cast(Any, epsilon)),
        }
        found.append((head, part.set_index("metric").astype({"value": float})))
        last = dataset, method
    return found


def _cells_a(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for head, part in _groups(frame[frame["metric"].isin(_AUTHORS)]):
        value, published = part["value"].to_dict(), part["published"].to_dict()
        rows.append(
            {
                **head,
                "accuracy": formats.spread(value["test_accuracy"], part["std"]["test_accuracy"]),
                "accuracy_published": formats.spread(
                    published["test_accuracy"], part["published_std"]["test_accuracy"]
                ),
                "statistic": formats.spread(value["wilcoxon_statistic"], None, 0),
                "statistic_published": formats.spread(published["wilcoxon_statistic"], None, 0),
                "p": formats.p_value(value["p_value"]),
                "p_published": formats.p_value(published["p_value"]),
                "shapiro": formats.p_value(value["shapiro_p"]),
            }
        )
    return pd.DataFrame(rows)


def _cells_b(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for head, part in _groups(frame[frame["metric"].str.startswith("paired_")]):
        value = {str(name).removeprefix("paired_"): number for name, number in part["value"].to_dict().items()}
        rows.append(
            {
                **head,
                "difference": formats.difference(value["difference"], 2),
                "interval": formats.interval(value["low"], value["high"]),
                "bootstrap": formats.interval(value["bootstrap_low"], value["bootstrap_high"]),
                **{name: formats.p_value(value[name]) for name in ("t_p", "t_p_holm", "wilcoxon_p")},
                **{name: formats.difference(value[name], 2) for name in ("dz", "rank_biserial")},
                "pairs": formats.number(part["seeds"].iloc[0]),
            }
        )
    return pd.DataFrame(rows)
