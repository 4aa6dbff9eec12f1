"""What a table or figure holds, and how its numbers are written: every processor gives the same bytes."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pandas as pd

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.rounding import DIGITS, rounded
from truly_sparse.analysis.table import Table
from truly_sparse.errors import UserError
from truly_sparse.files import atomic_path


class TableModule(Protocol):
    """A file of a study's folder tables."""

    def make(self, inputs: Inputs) -> Table:
        """Return tidy rows and printed parts."""
        ...


class FigureModule(Protocol):
    """A file of a study's folder figures; it also has `draw(frame, preset)`."""

    def data(self, inputs: Inputs) -> pd.DataFrame:
        """Return the numbers that are drawn."""
        ...


def table(module: TableModule, inputs: Inputs) -> Table:
    """Return a table with its numbers rounded and a column `preset` in its tidy rows."""
    made = module.make(inputs)
    return Table(rounded(made.frame).assign(preset=inputs.preset), made.parts, made.terminal)


def numbers(module: FigureModule, inputs: Inputs, name: str) -> pd.DataFrame:
    """Return the numbers of a figure, rounded.

    Raises
    ------
    UserError
        Where there is not a single one.
    """
    frame = module.data(inputs)
    if frame.empty:
        raise UserError(f'figure "{name}" of preset {inputs.preset} has nothing to show: every run diverged')
    return rounded(frame)


def frames(
    inputs: Inputs, tables: Mapping[str, TableModule], figures: Mapping[str, FigureModule]
) -> dict[str, pd.DataFrame]:
    """Return the frames of tables and figures that can be made now, by the names of their targets."""
    found: dict[str, pd.DataFrame] = {}
    for name, of_table in tables.items():
        with suppress(UserError):  # not of this preset, or nothing of it has finished
            found[name] = table(of_table, inputs.of_table(name)).frame
    for name, of_figure in figures.items():
        with suppress(UserError):
            found[name] = numbers(of_figure, inputs.of_figure(name), name)
    return found


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV, atomically; fractions in `DIGITS` digits, an empty cell for what is missing."""
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format=f"%.{DIGITS}g", lineterminator="\n")
