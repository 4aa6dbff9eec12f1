"""Truly sparse ensembles of convolutional networks beside one network and five independent ones; a table of ours."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import METHODS, method_title
from truly_sparse.analysis.origin import marked_title, partial_note
from truly_sparse.analysis.runs import frame_of
from truly_sparse.analysis.statistics.paired import compare
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.spas import shown

#: What all are compared with, seed by seed.
BASELINE = "cnn_independent"
METRICS = ("accuracy", "log_loss", "ece", "disagreement", "operations", "cpu_seconds")
#: Columns of the CSV beside those of every results CSV: runs asked for, how many seeds the baseline has as well, the
#: mean difference from it over these, its interval and p by Student's t.
MORE = ("asked", "pairs", "gain", "low", "high", "p")
_KEYS = ["dataset", "method"]
_READ = ("seed", "accuracy", "log_loss", "ece", "disagreement", "operations", "cpu_minutes", "partial", "commit")
_PRINTED = (
    Column("method", "Method", align="l"),
    Column("setting", "links", align="l"),
    Column("accuracy", "accuracy"),
    Column("gain", "more", "Than five independent"),
    Column("interval", "95 % interval", "Than five independent"),
    Column("p", "p", "Than five independent"),
    Column("log_loss", "log loss"),
    Column("ece", "ECE"),
    Column("disagreement", "disagr."),
    Column("operations", "operations"),
    Column("cpu_seconds", "CPU s"),
)


def make(inputs: Inputs) -> Table:
    """Return Table G: accuracy, log loss, calibration, disagreement, operations and time of every method."""
    frame, origin = tidy(inputs), inputs.origin()
    caption = (
        "Truly sparse ensembles of convolutional networks. Every method spends about the operations that one network "
        "does, the parent of a neural partition, which has the links of two members, included. Links: compression of "
        "the first network. Means over seeds: accuracy (%) on the test rows ± standard deviation, what it is more than "
        "that of five independent networks over pairs with the same seed, in points, with its 95 % interval and p by "
        "Student's t, log loss (nats), expected calibration error (ECE), part of the rows on which two members "
        f"disagree, multiply-adds of training, CPU seconds. {origin.closing()}"
    )
    return Table(frame, [Part("G", caption, _cells(frame), _PRINTED, shown.notes(frame, origin), group="dataset")])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return one row per (dataset, method, metric), with the columns of every results CSV and `MORE`.

    Metrics are `METRICS`; accuracies are in percent. One network has no disagreement.
    """
    asked = Counter((record["dataset"], record["method"], record["setting"]) for record in inputs.records)
    asked += Counter((spec.dataset, spec.method, spec.setting) for spec in inputs.absent)
    runs = frame_of(inputs.records).reindex(columns=[*_KEYS, *_READ])
    runs = runs.assign(cpu_seconds=60 * runs["cpu_minutes"].astype(float))
    lines: list[dict[str, Any]] = []
    for (dataset, method, setting), count in sorted(asked.items(), key=_place):
        of_dataset = runs[runs["dataset"] == dataset]
        done, base = (of_dataset[of_dataset["method"] == name] for name in (method, BASELINE))
        head = {
            "dataset": dataset,
            "method": method,
            "setting": setting,
            "seeds": len(done),
            "asked": count,
            "note": partial_note(next(iter(done["partial"]), "")),
            "commit": ", ".join(dict.fromkeys(done["commit"])),
        }
        for metric in METRICS:
            values = done[metric].astype(float)
            row = head | {"metric": metric, "value": values.mean(), "std": values.std()}
            lines.append(row | (_compared(done, base, metric) if method != BASELINE else {}))
    return shown.tidy(pd.DataFrame(lines), "spas_cnn_ensembles", MORE).astype({"pairs": "Int64"})


def _place(cell: tuple[tuple[str, str, str], int]) -> tuple[str, int]:
    (dataset, method, _), _ = cell
    return dataset, list(METHODS).index(method) if method in METHODS else len(METHODS)


def _compared(done: pd.DataFrame, base: pd.DataFrame, metric: str) -> dict[str, Any]:
    """Return what runs have more of a metric than the baseline, over the seeds of both."""
    both = done.merge(base, on="seed", suffixes=("", "_base")).dropna(subset=[metric, f"{metric}_base"])
    if both.empty:
        return {"pairs": 0}
    values, others = (both[name].to_numpy(np.float64) for name in (metric, f"{metric}_base"))
    found = compare(values, others)
    return {"pairs": len(both), "gain": found["difference"], "p": found["t_p"]} | {
        name: found[name] for name in ("low", "high")
    }


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (dataset, method), found in frame.groupby(_KEYS, sort=False):
        by = found.set_index("metric")
        accuracy, value = by.loc["accuracy"].to_dict(), by["value"]
        rows.append(
            {
                "dataset": marked_title(str(dataset), found["note"]),
                "method": method_title(str(method)),
                "setting": found["setting"].iloc[0],
                "accuracy": shown.accuracy(accuracy | {"random": False}),
                "gain": formats.difference(accuracy["gain"], 2),
                "interval": formats.interval(accuracy["low"], accuracy["high"]),
                "p": formats.p_value(accuracy["p"]),
                **{name: formats.spread(value[name], None, 3) for name in ("log_loss", "ece", "disagreement")},
                "operations": formats.scientific(value["operations"]),
                "cpu_seconds": formats.count(value["cpu_seconds"]),
            }
        )
    return pd.DataFrame(rows)
