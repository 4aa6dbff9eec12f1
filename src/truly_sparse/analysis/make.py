"""Making one table or figure of the catalogue: CSV beside the results, LaTeX and PDF beside the paper."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from truly_sparse.analysis import names
from truly_sparse.analysis.catalogue import FIGURES, TABLES, Entry, offered
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.rounding import DIGITS, rounded
from truly_sparse.analysis.table import Table, to_latex
from truly_sparse.errors import UserError
from truly_sparse.files import atomic_path, write_text
from truly_sparse.schema import suggest


def table(config: dict[str, Any], name: str) -> tuple[Path, Path]:
    """Write results/<preset>/tables/<name>.csv and paper/<preset>/tables/<name>.tex; return both paths.

    Raises
    ------
    UserError
        For an unknown table, or one of which nothing has finished.
    """
    preset, made = config["preset"], build(config, name)
    csv, tex = names.table_csv(preset, name), names.paper_folder(preset) / "tables" / f"{name}.tex"
    write_csv(made.frame, csv)
    write_text(tex, to_latex(name, made, preset))
    return csv, tex


def build(config: dict[str, Any], name: str) -> Table:
    """Return a table of the catalogue, with a column `preset` in its tidy rows."""
    entry = _entry("table", TABLES, config, name)
    made: Table = _module(entry, "tables").make(Inputs(config, entry))
    return Table(rounded(made.frame).assign(preset=config["preset"]), made.parts, made.terminal)


def figure(config: dict[str, Any], name: str) -> tuple[Path, Path, Path]:
    """Write a figure as PDF for the paper, as PNG for people, and its numbers as CSV; return the three paths.

    The PDF goes to paper/<preset>/figures, the others lie side by side in results/<preset>/figures.

    Raises
    ------
    UserError
        For an unknown figure, or one without a single number to show.
    """
    from truly_sparse.analysis.raster import CANVAS  # Matplotlib; tables do without
    from truly_sparse.analysis.style import style

    preset, frame = config["preset"], numbers(config, name)
    pdf, csv = names.paper_folder(preset) / "figures" / f"{name}.pdf", names.figure_csv(preset, name)
    png = csv.with_suffix(".png")
    with style():
        drawn = _module(FIGURES[name], "figures").draw(frame, preset)
        # No date inside: the same numbers give the same bytes.
        for path, options in (
            (pdf, {"metadata": {"CreationDate": None}}),
            (png, {"metadata": {"Software": None}, "backend": CANVAS}),
        ):
            with atomic_path(path) as temporary:
                drawn.savefig(temporary, **options)
    write_csv(frame, csv)
    return pdf, png, csv


def numbers(config: dict[str, Any], name: str) -> pd.DataFrame:
    """Return the numbers a figure of the catalogue shows.

    Raises
    ------
    UserError
        For an unknown figure, or one without a single number to show.
    """
    entry = _entry("figure", FIGURES, config, name)
    frame: pd.DataFrame = _module(entry, "figures").data(Inputs(config, entry))
    if frame.empty:
        raise UserError(f'figure "{name}" of preset {config["preset"]} has nothing to show: every run diverged')
    return rounded(frame)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV, atomically; fractions in `DIGITS` digits, an empty cell for what is missing."""
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format=f"%.{DIGITS}g", lineterminator="\n")


def _entry(kind: str, entries: Mapping[str, Entry], config: dict[str, Any], name: str) -> Entry:
    if name not in entries:
        raise UserError(f'unknown {kind} "{name}"{suggest(name, entries)}')
    if name not in offered(entries, config):
        entry = entries[name]
        needs = ", ".join([*entry.experiments, *entry.measurements])
        raise UserError(f'{kind} "{name}" needs {needs}, which preset {config["preset"]} lacks')
    return entries[name]


def _module(entry: Entry, folder: str) -> Any:
    return import_module(f"truly_sparse.analysis.{folder}.{entry.module}")
