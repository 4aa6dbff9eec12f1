"""How cells of the study's tables are printed, and how its printed numbers are put beside them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.origin import Origin
from truly_sparse.analysis.rounding import differences
from truly_sparse.analysis.table import COLUMNS

#: Behind an accuracy that is no better than guessing, and what a note says of it.
MARK = "†"
RANDOM = (
    f"{MARK} no better than guessing: below 15 % with ten classes, 2 % with a hundred, one point above the larger of "
    "two; a dash in print."
)
#: What the source prints there, in our tables.
PRINTED_RANDOM = "random"
#: Columns of a tidy table of the study beside those of every results CSV.
MORE = ("model", "mode", "compression", "budget", "mean", "asked", "random", "printed")
#: What stands for a printed cell that no run of the configuration has.
NOT_RUN = "not run"


def accuracy(row: Mapping[Any, Any], digits: int = 1, spread: bool = True) -> str:
    """Return an accuracy with its spread, a mark where it is random, and "(3/5)" where runs are missing."""
    if not row["seeds"]:
        return f"(0/{row['asked']})"
    text = formats.spread(row["value"], row["std"] if spread else None, digits)
    text += MARK if row["random"] else ""
    return text if row["seeds"] == row["asked"] else f"{text} ({row['seeds']}/{row['asked']})"


def notes(frame: pd.DataFrame, origin: Origin) -> list[str]:
    """Return the lines under a table: what brackets say where runs are missing, and where its numbers come from."""
    counted = frame.dropna(subset=["seeds", "asked"])
    lacking = bool((counted["seeds"] < counted["asked"]).any())
    return [*(["(n/m): n of m runs have finished."] if lacking else []), origin.line()]


def printed(row: Mapping[Any, Any]) -> str:
    """Return what the source prints, a word for a dash, and nothing where it has no such number."""
    text = row["printed"]
    if not isinstance(text, str):
        return formats.NOTHING
    return PRINTED_RANDOM if text == "-" else text


def beside_printed(inputs: Inputs, frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return tidy rows with the printed numbers of a table, such as "table3", beside them."""
    keys = ["dataset", "method", "setting", "metric"]
    columns = [*keys, "published", "published_std", "published_runs", "printed", "source"]
    rows = frame.merge(inputs.published(table)[columns], on=keys, how="left")
    return rows.assign(difference=differences(rows))


def tidy(rows: pd.DataFrame, name: str, more: Sequence[str] = MORE) -> pd.DataFrame:
    """Return rows with the columns of every results CSV, and `more`."""
    frame = rows.assign(table=name).reindex(columns=[*COLUMNS, *more])
    return frame.astype({column: "Int64" for column in ("seeds", "asked") if column in frame})
