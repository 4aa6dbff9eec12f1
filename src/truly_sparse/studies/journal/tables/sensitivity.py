"""What hangs on the choices that the sources leave open, each taken the other way on its own."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title, row_order
from truly_sparse.analysis.origin import marked_title, partial_note, parts_of
from truly_sparse.analysis.rounding import differences, less
from truly_sparse.analysis.runs import summarise
from truly_sparse.analysis.table import COLUMNS, Part, Table
from truly_sparse.errors import UserError
from truly_sparse.experiments.records import Record

#: A setting, its value in Table 1, and the other one.
CHOICE = ("choice", "as_run", "instead")
#: Columns of the CSV beside those of every results CSV; the other value adds `points`, mean and spread over seeds.
MORE = (*CHOICE, "points", "points_std")
_WORDS = {
    "selection": "state of a member",
    "init": "start values",
    "decay_times_learning_rate": "decay times η",
    "prune_fraction": "ζ",
    "escape_input_block": "escape in input block",
    "distance": "distance of topologies",
}
_TABLE1 = "as in Table 1"


def make(inputs: Inputs) -> Table:
    """Return Table 6c: what another choice of a setting adds to the accuracy of each model of Table 1."""
    frame = tidy(inputs)
    origin = inputs.origin("sensitivity")
    caption = (
        "Where the sources are silent or say different things (Table 6b): what another choice adds to the test "
        f"accuracy, in points, mean ± standard deviation over pairs of runs with the same seed, at ε = 20; all else as "
        f"in Table 1. Above, the accuracy (%) as published and {_TABLE1}, over the same seeds. "
        f"{inputs.origin().stamp()}{origin.warning()}"
    )
    columns = [Column("choice", "Setting", align="l"), Column("instead", "instead", align="l")]
    columns += [Column(name, method_title(name)) for name in frame["method"].unique()]
    return Table(frame, [Part("6c", caption, _cells(frame), columns, [origin.line()], group="dataset")])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return one row per (dataset, method, choice), with the columns of every results CSV and `MORE`.

    The first row of a method has no choice: it is Table 1 over the same seeds.
    """
    pairs = _pairs(inputs.of("sensitivity"), inputs.of("table1"))
    keys = ["dataset", "method", "epsilon"]
    table1 = summarise(pairs.drop_duplicates([*keys, "seed"]), keys, "before")
    changed = summarise(pairs, [*keys, *CHOICE])
    gained = summarise(pairs, [*keys, *CHOICE], "points")
    rows = pd.concat([table1, changed.assign(points=gained["value"], points_std=gained["std"])], ignore_index=True)
    printed = inputs.published("table1")
    printed = printed[printed["metric"] == "test_accuracy"]
    settings = pairs.drop_duplicates(keys)[[*keys, "setting"]]
    rows = rows.merge(settings, on=keys, how="left").merge(
        printed[["dataset", "method", "setting", "published", "published_std", "published_runs", "source"]],
        on=["dataset", "method", "setting"],
        how="left",
    )
    parts = parts_of(inputs.records)
    rows = rows.assign(
        table="sensitivity",
        metric="test_accuracy",
        difference=differences(rows),
        note=rows["dataset"].map(lambda name: partial_note(parts.get(name))),
        commit=inputs.origin().commits,
    )
    order = sorted(rows.index, key=lambda i: (*row_order(rows["dataset"][i], rows["method"][i], None, ""), i))
    return rows.loc[order].reindex(columns=[*COLUMNS, *MORE]).reset_index(drop=True)


def _pairs(changed: Iterable[Record], as_run: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run and the run of Table 1 from which it differs in one setting only."""
    table1: dict[tuple[Any, ...], list[Record]] = {}
    for record in as_run:
        table1.setdefault(_key(record), []).append(record)
    rows = []
    for record in changed:
        for other in table1.get(_key(record), []):
            differs = _difference(other, record)
            if len(differs) == 1 and record["status"] == other["status"] == "ok":
                accuracy, before = (100 * run["accuracy"]["test"] for run in (record, other))
                rows.append(
                    {
                        **{key: other[key] for key in ("dataset", "method", "setting", "seed")},
                        "epsilon": other["settings"]["training"]["epsilon"],
                        "choice": differs[0],
                        "as_run": formats.setting(other["settings"]["training"][differs[0]]),
                        "instead": formats.setting(record["settings"]["training"][differs[0]]),
                        "accuracy": accuracy,
                        "before": before,
                        "points": less(accuracy, before),
                    }
                )
    if not rows:
        raise UserError("sensitivity: no run has a counterpart in Table 1 yet; run `snakemake --cores 1 table1`")
    return pd.DataFrame(rows)


def _key(record: Record) -> tuple[Any, ...]:
    return record["dataset"], record["method"], record["seed"], str(record["settings"]["data"])


def _difference(one: Record, other: Record) -> list[str]:
    first, second = one["settings"]["training"], other["settings"]["training"]
    return [key for key in first if first[key] != second[key]]


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows: list[dict[str, str]] = []
    for dataset, found in frame.groupby("dataset", sort=False):
        group = {"dataset": marked_title(str(dataset), found["note"]), "instead": ""}
        first = found[found["choice"].isna()].to_dict("records")
        for words, value, std in (("published", "published", "published_std"), (_TABLE1, "value", "std")):
            cells = {row["method"]: formats.spread(row[value], row[std]) for row in first}
            rows.append({**group, "choice": words, **cells})
        for _, part in found.groupby(list(CHOICE), sort=False):
            changed = part.to_dict("records")
            choice, as_run, instead = (str(changed[0][key]) for key in CHOICE)
            cells = {row["method"]: _gain(row["points"], row["points_std"]) for row in changed}
            words = _WORDS.get(choice, choice.replace("_", " "))
            rows.append({**group, "choice": f"{words}: {as_run}", "instead": instead, **cells})
    return pd.DataFrame(rows).fillna(formats.NOTHING)


def _gain(points: Any, std: Any) -> str:
    text = formats.difference(points)
    return text if formats.missing(std) else f"{text} ± {std:.1f}"
