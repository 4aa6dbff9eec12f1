"""Shortcuts in truly sparse ensembles, at equal numbers of links: what no source has."""

from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.origin import marked_title, partial_note
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.statistics.paired import compare
from truly_sparse.analysis.table import Part, Table
from truly_sparse.experiments.records import Record
from truly_sparse.studies.spas import shown

EXPERIMENT = "spas_ensembles"
#: Stands for the mean over datasets.
ALL = "all"
#: What is compared: a method and its refinement.
VARIANTS = {
    ("edst_rg", "eta"): "EDST refinement",
    ("edst_rg", "comprehensive"): "comprehensive",
    ("fd_tse", "comprehensive"): "",
}
#: Columns of the CSV beside those of every results CSV: refinement, part of shortcuts, interval over datasets, p.
MORE = ("refinement", "shortcut_ratio", "low", "high", "p", "asked")
_KEYS = ("dataset", "method", "refinement")


def make(inputs: Inputs) -> Table:
    """Return Table E: test accuracy of ensembles without and with shortcuts."""
    frame, origin = tidy(inputs), inputs.origin()
    caption = (
        "Ensembles of five without and with shortcuts, which are half of the links, at as many links in expectation "
        "(ε = 20) and all else as in the journal: accuracy (%) on the test rows, mean ± standard deviation over seeds, "
        "and the mean difference of pairs with the same seed. Over all datasets: the mean of their differences with "
        f"its 95 % interval by Student's t, each dataset counted once. Preset {inputs.preset}; commit {origin.commits}."
        f"{origin.warning()}"
    )
    columns = [Column("dataset", "Dataset", align="l")]
    for method, refinement in _variants(frame):
        over = ", ".join(filter(None, (method_title(method), VARIANTS[method, refinement])))
        columns += [
            Column(f"{method}/{refinement}/{key}", header, over)
            for key, header in (("without", "without"), ("with", "with"), ("gain", "difference"))
        ]
    return Table(frame, [Part("E", caption, _cells(frame), columns, [origin.line()])])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return rows by (dataset, method, refinement): an accuracy for each shortcut ratio, and their difference, `gain`.

    Rows of the dataset `ALL` have the mean difference over datasets with `low`, `high` and `p` (Student's t).
    """
    runs = _frame(inputs)
    lines: list[dict[str, Any]] = []
    gains: dict[tuple[str, str], list[float]] = {}
    for key, part in runs.groupby(list(_KEYS), sort=False):
        head = dict(zip(_KEYS, key, strict=True)) | {"setting": "eps20", "epsilon": 20.0}
        for ratio, own in part.groupby("shortcut_ratio"):
            done = own.dropna(subset="accuracy")
            lines.append(
                {
                    **head,
                    "metric": "test_accuracy",
                    "shortcut_ratio": ratio,
                    "value": done["accuracy"].mean(),
                    "std": done["accuracy"].std(),
                    "seeds": len(done),
                    "asked": len(own),
                    "note": next(iter(done["note"]), ""),
                    "commit": ", ".join(dict.fromkeys(done["commit"])),
                }
            )
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


def _frame(inputs: Inputs) -> pd.DataFrame:
    """Return one row per run, finished or not."""
    rows = [_row(record, record["settings"], record) for record in inputs.records]
    for spec in inputs.absent:
        rows.append(_row({"dataset": spec.dataset, "method": spec.method, "seed": spec.seed}, spec.settings, None))
    return pd.DataFrame(rows).astype({"accuracy": float})


def _row(head: Record, settings: dict[str, Any], record: Record | None) -> dict[str, Any]:
    training = settings["training"]
    row = {name: head[name] for name in ("dataset", "method", "seed")}
    row |= {"refinement": training["refinement"], "shortcut_ratio": training.get("shortcut_ratio", 0.0)}
    if record is None or record["status"] != "ok":
        return row | {"accuracy": None, "note": "", "commit": ""}
    return row | {
        "accuracy": 100 * record["accuracy"]["test"],
        "note": partial_note(record["data"]["partial"]),
        "commit": (record["code"]["commit"] or "unknown")[:10],
    }


def _variants(frame: pd.DataFrame) -> list[tuple[str, str]]:
    present = set(zip(frame["method"], frame["refinement"], strict=True))
    return [variant for variant in VARIANTS if variant in present]


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for dataset, found in frame.groupby("dataset", sort=False):
        over = (
            f"mean of {found['seeds'].max()} datasets" if dataset == ALL else marked_title(str(dataset), found["note"])
        )
        cells = {"dataset": over}
        for row in found.to_dict("records"):
            column = f"{row['method']}/{row['refinement']}"
            if row["metric"] == "test_accuracy":
                text = shown.accuracy(row | {"random": False})
                cells[f"{column}/{'with' if row['shortcut_ratio'] else 'without'}"] = text
            else:
                interval = formats.interval(row["low"], row["high"])
                text = formats.difference(row["value"], 2)
                spread = "" if formats.missing(row["std"]) else f" ± {row['std']:.2f}"
                cells[f"{column}/gain"] = f"{text} ({interval})" if dataset == ALL else text + spread
        rows.append(cells)
    return pd.DataFrame(rows).fillna(formats.NOTHING)
