"""Shortcuts in truly sparse ensembles, at equal numbers of links: what no source has."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.statistics.paired import compare
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.spas import shown
from truly_sparse.studies.spas.runs import accuracies, counted

EXPERIMENT = "spas_ensembles"
#: Stands for the mean over datasets.
ALL = "all"
#: Refinements, in words.
REFINEMENTS = {"eta": "EDST (η)", "comprehensive": "comprehensive"}
#: Columns of the CSV beside those of every results CSV: refinement, part of shortcuts, interval over datasets, p.
MORE = ("refinement", "shortcut_ratio", "low", "high", "p", "asked")
_KEYS = ("dataset", "method", "refinement")
_PRINTED = (
    Column("method", "Method", align="l"),
    Column("refinement", "refinement", align="l"),
    Column("without", "without"),
    Column("with", "with"),
    Column("gain", "difference"),
    Column("interval", "95 % interval"),
    Column("p", "p"),
)


def make(inputs: Inputs) -> Table:
    """Return Table E: test accuracy of ensembles without and with shortcuts."""
    frame, origin = tidy(inputs), inputs.origin()
    caption = (
        "Ensembles of five without and with shortcuts. These are half of the links, of which there are as many in "
        "expectation "
        "(ε = 20) and all else as in the journal: accuracy (%) on the test rows, mean ± standard deviation over seeds, "
        "and the mean difference of pairs with the same seed. Over all datasets: the mean of their differences with "
        f"its 95 % interval by Student's t, each dataset counted once. {origin.closing()}"
    )
    return Table(frame, [Part("E", caption, _cells(frame), _PRINTED, shown.notes(frame, origin), group="dataset")])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return rows by (dataset, method, refinement): an accuracy for each shortcut ratio, and their difference, `gain`.

    Rows of the dataset `ALL` have the mean difference over datasets with `low`, `high` and `p` (Student's t).
    """
    runs = accuracies(inputs, _chosen)
    places = {name: place for place, name in enumerate(dict.fromkeys(runs["dataset"]))}
    runs = runs.sort_values("dataset", key=lambda column: column.map(places), kind="stable")
    lines: list[dict[str, Any]] = []
    gains: dict[tuple[str, str], list[float]] = {}
    for key, part in runs.groupby(list(_KEYS), sort=False):
        head = dict(zip(_KEYS, key, strict=True)) | {"setting": "eps20", "epsilon": 20.0}
        for ratio, own in part.groupby("shortcut_ratio"):
            lines.append(head | {"metric": "test_accuracy", "shortcut_ratio": ratio} | counted(own))
        pairs = part.pivot_table("accuracy", "seed", "shortcut_ratio").dropna()
        if pairs.shape[1] == 2 and len(pairs):
            points = pd.Series([less(*pair) for pair in zip(pairs.iloc[:, 1], pairs.iloc[:, 0], strict=True)])
            row = {"metric": "gain", "value": points.mean(), "std": points.std(), "seeds": len(points)}
            lines.append(head | row | {"note": lines[-1]["note"], "commit": lines[-1]["commit"]})
            gains.setdefault((str(key[1]), str(key[2])), []).append(float(points.mean()))
    for (method, refinement), points_of in gains.items():
        values = np.array(points_of, np.float64)
        found = compare(values, np.zeros(len(values)))
        lines.append(
            {
                **dict(zip(_KEYS, (ALL, method, refinement), strict=True)),
                "metric": "gain",
                "value": found["difference"],
                "seeds": len(values),
                **{name: found[name] for name in ("low", "high")},
                "p": found["t_p"],
                "note": f"over {len(values)} datasets",
            }
        )
    return shown.tidy(pd.DataFrame(lines), "spas_ensembles", MORE)


def _chosen(training: Mapping[str, Any]) -> dict[str, Any]:
    return {"refinement": training["refinement"], "shortcut_ratio": training.get("shortcut_ratio", 0.0)}


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (dataset, method, refinement), found in frame.groupby(list(_KEYS), sort=False):
        title = "All datasets" if dataset == ALL else marked_title(str(dataset), found["note"])
        cells = {"dataset": title, "method": method_title(str(method)), "refinement": REFINEMENTS[str(refinement)]}
        for row in found.to_dict("records"):
            if row["metric"] == "test_accuracy":
                text = shown.accuracy(row | {"random": False})
                cells["with" if row["shortcut_ratio"] else "without"] = text
            else:
                spread = "" if formats.missing(row["std"]) else f" ± {row['std']:.2f}"
                cells["gain"] = formats.difference(row["value"], 2) + spread
                cells |= {"interval": formats.interval(row["low"], row["high"]), "p": formats.p_value(row["p"])}
        rows.append(cells)
    columns = ["dataset", *(column.key for column in _PRINTED)]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna(formats.NOTHING)
