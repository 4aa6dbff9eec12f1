"""What verdicts and sentences rest on: tidy frames by name, as tables and figures write them to CSV."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.analysis import places
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.study import Config, Study


class Missing(Exception):
    """What a rule or a sentence needs is not there (yet); the message says what."""


class Evidence:
    """Tidy frames by name ("table1", "figure4", ...), as tables and figures write them to CSV.

    Attributes
    ----------
    read : dict of str to None
        What has been read of them, in order: names of frames, or the experiments of rows that say theirs.
    """

    def __init__(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self.frames = frames
        self.read: dict[str, None] = {}

    def rows(self, name: str, **keys: Any) -> pd.DataFrame:
        """Return the rows of a frame in which every column of `keys` has that value.

        Raises
        ------
        Missing
            Without the frame, or such rows.
        """
        if name not in self.frames:
            raise Missing(f"nothing of {name} has been run or measured")
        frame = self.frames[name]
        for column in keys:
            if column not in frame.columns:
                raise Missing(f"{name} has no column {column}")
        frame = rows_with(frame, keys)
        if frame.empty:
            raise Missing(f"no run of {_titles(keys)} in {name}")
        self.read |= dict.fromkeys(frame["experiment"].unique() if "experiment" in frame.columns else [name])
        return frame

    def cell(self, name: str, **keys: Any) -> pd.Series:
        """Return the one row for `keys` that has a value measured here; Missing without."""
        found = self.rows(name, **keys)
        found = found[found["value"].notna()]
        if found.empty:
            raise Missing(f"no finished run of {_titles(keys)}")
        return found.iloc[0]

    def has(self, name: str, **keys: Any) -> bool:
        """Say whether `cell` finds something."""
        try:
            self.cell(name, **keys)
        except Missing:
            return False
        return True


def rows_with(frame: pd.DataFrame, keys: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of a frame in which every column of `keys` has that value, or one of those of a tuple."""
    chosen = np.ones(len(frame), bool)
    for column, wanted in keys.items():
        same = frame[column].isin(wanted) if isinstance(wanted, tuple) else frame[column] == wanted
        chosen &= same.to_numpy(bool, na_value=False)
    return frame[chosen]


def _titles(keys: Mapping[str, Any]) -> str:
    """Return the keys of a row as they are printed; what is measured is the rule's business."""
    titles = {"dataset": dataset_title, "method": method_title, "epsilon": lambda value: f"ε = {value:g}"}
    named = [titles.get(key, str)(value) for key, value in keys.items() if key not in ("metric", "effect", "kind")]
    return ", ".join(named)


def written(study: Study, config: Config) -> Evidence:
    """Return all tables and figures of a study as they lie in its results; what has not been made is not there."""
    files = {name: places.table_csv(config, name) for name in study.offered_tables(config)}
    files |= {name: places.figure_csv(config, name) for name in study.offered_figures(config)}
    return Evidence({name: pd.read_csv(path, low_memory=False) for name, path in files.items() if path.exists()})
