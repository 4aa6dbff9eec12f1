"""Made-up runs of the study: frames of runs from printed numbers or from a formula, and records."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from truly_sparse.analysis.evidence import Evidence
from truly_sparse.studies.whitaker.runs import MEASURED, SETTINGS
from truly_sparse.studies.whitaker.verdicts.comparing import PRINTED, RUNS, printed_numbers

#: Of seeds, in the unit of the measure; their mean is none.
SPREAD = (-0.001, 0.0, 0.001)
#: Printed scores of a table, and what they are here.
SCORES = {"test_accuracy": "accuracy", "nll": "nll", "ece": "ece", "operations": "operations"}


def frame(rows: Iterable[Mapping[str, Any]], spread: Iterable[float] = SPREAD) -> pd.DataFrame:
    """Return a frame of runs, each row once for every seed, with `spread` on all that is measured."""
    made = []
    for row in rows:
        for seed, more in enumerate(spread):
            numbers = {name: row[name] + more for name in MEASURED if name in row}
            made.append({**SETTINGS, "judged": True, "rate": "one_cycle", "total": 200, **row, **numbers, "seed": seed})
    columns = list(dict.fromkeys([*MEASURED, *(name for row in made for name in row)]))
    return pd.DataFrame(made, columns=columns).astype(dict.fromkeys(MEASURED, float))


def evidence(rows: Iterable[Mapping[str, Any]], spread: Iterable[float] = SPREAD) -> Evidence:
    """Return such a frame beside all printed numbers."""
    return Evidence({RUNS: frame(rows, spread), PRINTED: printed_numbers()})


def from_print(table: str, **keys: Any) -> list[dict[str, Any]]:
    """Return a row for every method, dataset and network of a printed table, which count as datasets of their own."""
    rows = printed_numbers()
    rows = rows[(rows["table"] == f"whitaker_{table}") & rows["metric"].isin(SCORES)]
    found = []
    for (dataset, setting, method), own in rows.groupby(["dataset", "setting", "method"], sort=False):
        scores = {SCORES[row["metric"]]: float(row["published"]) for row in own.to_dict("records")}
        found.append({"dataset": f"{dataset} {setting}", "method": method, **scores, **keys})
    return found
