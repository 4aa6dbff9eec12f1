"""What hangs on the choices that the source leaves open, each taken the other way on its own; a table of ours."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import METHODS, method_title
from truly_sparse.analysis.origin import marked_title, partial_note
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.runs import summarise
from truly_sparse.analysis.table import Part, Table
from truly_sparse.errors import UserError
from truly_sparse.experiments.records import Record
from truly_sparse.studies.spas import shown
from truly_sparse.studies.spas.runs import setting_of

EXPERIMENT = "spas_choices"
AS_PRINTED = ("spas_cifar", "spas_tabular")
#: A setting, its value in the printed experiments, and the other one.
CHOICE = ("choice", "as_run", "instead")
#: Columns of the CSV beside those of every results CSV: the choice, and what it adds to the accuracy in points.
MORE = (*CHOICE, "points", "points_std")
_WORDS = {
    "keep_shortcut_ratio": "R fixed",
    "prune_fraction": "pruned fraction ξ",
    "learning_rate": "learning rate",
    "validation": "chosen on",
    "scaling": "features",
    "start": "start",
    "init": "start values",
}
_VALUES = {"test": "test rows", "held_out": "held-out rows", "torch": "of a dense layer", "torch_links": "by links"}
_DEFAULTS: dict[str, Any] = {"validation": "held_out", "keep_shortcut_ratio": True}


def make(inputs: Inputs) -> Table:
    """Return Table B: what another choice of a setting adds to the accuracy of each model."""
    frame, origin = tidy(inputs), inputs.origin(EXPERIMENT)
    caption = (
        "Where the source is silent. What another choice adds to the accuracy on the test rows, in points, mean ± "
        "standard deviation over pairs of runs with the same seed and as many links. Chosen on held-out rows: a tenth "
        "of the training rows decides when to stop and which epoch is kept, so that the difference is what choosing on "
        "the test rows flatters. The Erdos-Renyi start gives small blocks more of the links. "
        f"{inputs.origin().stamp()}{origin.warning()}"
    )
    columns = [Column(name, header, align="l") for name, header in (("choice", "Setting"), ("instead", "instead"))]
    columns += [Column("setting", "links", align="l")]
    methods = sorted(set(frame["method"]), key=list(METHODS).index)
    columns += [Column(method, method_title(method)) for method in methods]
    return Table(frame, [Part("B", caption, _cells(frame), columns, [origin.line()], group="dataset", block="choice")])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return one row per (dataset, method, setting, choice), with the columns of every results CSV and `MORE`.

    `value` is the mean accuracy with the other choice, `points` what it adds to that of the same seeds.
    """
    pairs = _pairs(inputs.of(EXPERIMENT), inputs.of(*AS_PRINTED))
    keys = ["dataset", "method", "setting", *CHOICE]
    rows, points = summarise(pairs, keys), summarise(pairs, keys, "points")
    rows = rows.assign(points=points["value"], points_std=points["std"], metric="test_accuracy")
    rows = rows.merge(pairs.drop_duplicates(keys)[[*keys, "note", "commit"]], on=keys, how="left")
    return shown.tidy(rows, "spas_choices", MORE)


def _pairs(changed: Iterable[Record], as_printed: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run and the run of the printed experiments from which it differs in one choice."""
    others: dict[tuple[Any, ...], list[Record]] = {}
    for record in as_printed:
        if record["status"] == "ok":
            others.setdefault(_key(record), []).append(record)
    rows = []
    for record in changed:
        if record["status"] != "ok" or _key(record) not in others:
            continue
        links = sum(record["links"]["start"])
        other = min(others[_key(record)], key=lambda run: abs(sum(run["links"]["start"]) - links))
        choice = _choice(other["settings"], record["settings"])
        accuracy, before = (100 * run["accuracy"]["test"] for run in (record, other))
        rows.append(
            {
                **{name: record[name] for name in ("dataset", "method", "seed")},
                "setting": setting_of(other["settings"]["training"]),
                **dict(zip(CHOICE, choice, strict=True)),
                "accuracy": accuracy,
                "points": less(accuracy, before),
                "note": partial_note(record["data"]["partial"]),
                "commit": (record["code"]["commit"] or "unknown")[:10],
            }
        )
    if not rows:
        raise UserError(
            f"{EXPERIMENT}: no run has a counterpart in the printed experiments yet; run `snakemake --cores 1 "
            "spas_table3`"
        )
    return pd.DataFrame(rows)


def _key(record: Record) -> tuple[Any, ...]:
    return record["dataset"], record["method"], record["seed"]


def _choice(one: dict[str, Any], other: dict[str, Any]) -> tuple[str, str, str]:
    """Return what two runs differ in: the name of a setting, and both values in words."""
    if (one["training"].get("epsilon") is None) != (other["training"].get("epsilon") is None):
        return "start", "uniform", "Erdos-Renyi"
    for part in ("data", "training"):
        for name in _WORDS:
            values = [settings[part].get(name, _DEFAULTS.get(name)) for settings in (one, other)]
            if values[0] != values[1]:
                as_run, instead = (_VALUES.get(str(value), formats.setting(value)) for value in values)
                return name, as_run, instead
    raise UserError(
        f"{EXPERIMENT}: a run of {other['dataset']}, {other['method']} differs in nothing that is known here"
    )


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for dataset, found in frame.groupby("dataset", sort=False):
        for (choice, as_run, instead), of_choice in found.groupby(list(CHOICE), sort=False):
            for place, (setting, part) in enumerate(of_choice.groupby("setting", sort=False)):
                words = f"{_WORDS[str(choice)]}: {as_run}"
                cells = {"dataset": marked_title(str(dataset), part["note"]), "setting": str(setting)}
                cells |= {"choice": "" if place else words, "instead": "" if place else str(instead)}
                cells |= {row["method"]: _gain(row) for row in part.to_dict("records")}
                rows.append(cells)
    return pd.DataFrame(rows).fillna(formats.NOTHING)


def _gain(row: dict[Any, Any]) -> str:
    text = formats.difference(row["points"])
    return text if formats.missing(row["points_std"]) else f"{text} ± {row['points_std']:.1f}"
