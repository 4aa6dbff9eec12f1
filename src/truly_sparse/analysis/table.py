"""A table as it is handed on: tidy rows for the CSV, and the parts in which it is printed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from truly_sparse.analysis import latex, text
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.places import banner

#: Columns of every results CSV; a table may have more.
COLUMNS = (
    "table",
    "dataset",
    "method",
    "epsilon",
    "setting",
    "metric",
    "value",
    "std",
    "seeds",
    "published",
    "published_std",
    "note",
    "difference",
    "published_runs",
    "source",
    "commit",
)


@dataclass(frozen=True)
class Part:
    """One printed table.

    Attributes
    ----------
    number : str
        Its number, such as "1a".
    caption : str
        What LaTeX prints; the terminal shows its first sentence.
    cells : DataFrame of str
    columns : sequence of Column
    notes : sequence of str
        Lines under the table; the last says where the numbers come from.
    group, block : str, optional
        As `latex.booktabs` takes them.
    """

    number: str
    caption: str
    cells: pd.DataFrame
    columns: Sequence[Column]
    notes: Sequence[str]
    group: str | None = None
    block: str | None = None


@dataclass(frozen=True)
class Table:
    """Tidy rows, the printed parts, and the parts for a terminal where those differ."""

    frame: pd.DataFrame
    parts: Sequence[Part]
    terminal: Sequence[Part] = field(default=())


def to_latex(name: str, table: Table, preset: str) -> str:
    """Return all parts as LaTeX."""
    return "\n".join(
        latex.booktabs(
            part.cells,
            part.columns,
            caption=part.caption,
            label=name if len(table.parts) == 1 else f"{name}-{part.number}",
            number=part.number,
            banner=banner(preset),
            group=part.group,
            block=part.block,
            notes=part.notes,
        )
        for part in table.parts
    )


def to_text(table: Table, preset: str, encoding: str = "utf-8") -> str:
    """Return all parts for the terminal."""
    return "\n\n".join(
        text.plain(
            part.cells,
            part.columns,
            title=f"Table {part.number}: {latex.first_sentence(part.caption)}",
            banner=banner(preset),
            group=part.group,
            notes=part.notes,
            encoding=encoding,
        )
        for part in table.terminal or table.parts
    )
