"""How the benchmarks split a prepared table: at random, and honestly where a random split gives labels away.

`leaks.py` measures which tables these are.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from truly_sparse.data.arrays import NOT_FEATURES, Arrays, load, split_rows

FIFTH = {"test_fraction": 0.2, "validation_fraction": 0.2, "stratify": True}
RANDOM, HONEST = "random", "honest"
#: Honestly, what is held out comes after all that is trained on, or is of other groups: the columns that say so.
DAYS = {"electricity": "date"}
GROUPS = {"eye_movements": "assgNo", "gesture": "video"}
#: The tables that each protocol splits in a way of its own; all others are split at random in both.
HONEST_SPLITS = (*DAYS, *GROUPS)
HELD_OUT = {"electricity": "last days", "eye_movements": "whole assignments", "gesture": "whole videos"}

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """A whole prepared table, in the order of its file: features [row][feature] float32, and what is none."""

    names: list[str]
    x: npt.NDArray[np.float32]
    y: Rows
    others: dict[str, npt.NDArray[Any]]
    classes: list[str]
    partial: str | None

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return a column, whether it is a feature or not."""
        return self.others[name] if name in self.others else self.x[:, self.names.index(name)]


def read(name: str, folder: str) -> Table:
    """Return a prepared table."""
    path = Path(folder) / f"{name}.parquet"
    frame, about = pq.read_table(path), json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    columns = {column: frame[column].to_numpy() for column in frame.column_names}
    names = [column for column in columns if column not in NOT_FEATURES]
    x = np.stack([columns[column] for column in names], axis=1).astype(np.float32)
    y = columns["target"].astype(np.int64)
    others = {column: columns[column] for column in columns if column not in names}
    return Table(names, x, y, others, about["classes"], about["partial"])


def dataset(name: str, folder: str, seed: int, protocol: str = RANDOM) -> Arrays:
    """Return one split: a fifth for test, and of the rest a fifth for validation; see `rows_of`."""
    if protocol == HONEST and name in HONEST_SPLITS:
        table = read(name, folder)
        parts = [part for rows in rows_of(name, table, seed, protocol) for part in (table.x[rows], table.y[rows])]
        return Arrays(*parts, table.classes, {"partial": table.partial})
    return load(name, {"folder": folder}, _settings(name), seed)


def rows_of(name: str, table: Table, seed: int, protocol: str) -> tuple[Rows, Rows, Rows]:
    """Return the row numbers of (training, validation, test).

    They are drawn at random, but for Gesture's test rows, which are the authors'. Under the honest protocol whole
    groups are drawn, or the last days are taken, which are the same for every seed.
    """
    if protocol == HONEST and name in DAYS:
        days = table.column(DAYS[name])
        rest, test = _last(days, np.arange(len(days)))
        return *_last(days, rest), test
    if protocol == HONEST and name in GROUPS:
        return split_rows(name, table.y, {**FIFTH, "split": "videos"}, seed, table.column(GROUPS[name]))
    return split_rows(name, table.y, _settings(name), seed)


def _settings(name: str) -> dict[str, Any]:
    """Return the settings of the random split."""
    settings = {"split": "authors" if name == "gesture" else "random", "scaling": "none", **FIFTH}
    return settings | {"test_fraction": 0.3225806} if name == "higgs" else settings


def _last(days: npt.NDArray[Any], rows: Rows) -> tuple[Rows, Rows]:
    """Return (the others, the rows of the last fifth of days)."""
    known = np.unique(days[rows])
    late = days[rows] >= known[-round(len(known) / 5)]
    return rows[~late], rows[late]
