"""Tables by name: records in, tidy CSV and LaTeX out. A new table is one entry in `TABLES`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from truly_sparse.analysis import names, published, table1, table1_layout, table7
from truly_sparse.analysis.origin import Origin, origin_of
from truly_sparse.errors import UserError
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import Record, gather
from truly_sparse.files import atomic_path, write_text


@dataclass(frozen=True)
class Kind:
    """What makes one table: tidy rows from (records, printed numbers, absent runs), and its two printed forms."""

    tidy: Callable[[Sequence[Record], pd.DataFrame, Sequence[RunSpec]], pd.DataFrame]
    latex: Callable[[pd.DataFrame, Origin], str]
    text: Callable[[pd.DataFrame, Origin, str], str]


TABLES: dict[str, Kind] = {
    "table1": Kind(table1.table1, table1_layout.to_latex, table1_layout.to_text),
}


@dataclass(frozen=True)
class DataKind:
    """What makes a table of the data itself: tidy rows from (configuration, printed numbers), and its two forms."""

    tidy: Callable[[dict[str, Any], pd.DataFrame], pd.DataFrame]
    latex: Callable[[pd.DataFrame, str], str]
    text: Callable[[pd.DataFrame, str, str], str]


DATA_TABLES: dict[str, DataKind] = {
    "table7": DataKind(table7.table7, table7.to_latex, table7.to_text),
}


def kind_of(config: dict[str, Any], name: str) -> Kind:
    """Return what makes the table `name`.

    Raises
    ------
    UserError
        For a name that no table has, or that is no experiment of the configuration.
    """
    if name not in TABLES:
        raise UserError(f'unknown table "{name}"; there is {", ".join([*TABLES, *DATA_TABLES])}')
    if name not in config["experiments"]:
        raise UserError(f'table "{name}" needs an experiment of that name, which preset {config["preset"]} lacks')
    return TABLES[name]


def collect(config: dict[str, Any], name: str) -> tuple[list[Record], list[RunSpec]]:
    """Return the finished runs of an experiment and the ones not finished.

    Raises
    ------
    UserError
        Where none has finished.
    """
    records, absent = gather(config, name)
    if not records:
        raise UserError(f"no finished run of {name} in results/{config['preset']}; run `snakemake --cores 1 {name}`")
    return records, absent


def frame_of(config: dict[str, Any], name: str) -> tuple[pd.DataFrame, Origin]:
    """Return a table's tidy rows, with a column `preset`, and where they come from."""
    kind = kind_of(config, name)
    records, absent = collect(config, name)
    frame = kind.tidy(records, published.load(name), absent)
    return frame.assign(preset=config["preset"]), origin_of(config["preset"], records, absent)


def forms(config: dict[str, Any], name: str) -> tuple[pd.DataFrame, Callable[[], str], Callable[[str], str]]:
    """Return a table's tidy rows, and what makes its LaTeX and, for a terminal's encoding, its plain text.

    Raises
    ------
    UserError
        For an unknown table, or one without any finished run or prepared dataset.
    """
    preset = config["preset"]
    if name in DATA_TABLES:
        data = DATA_TABLES[name]
        rows = data.tidy(config, published.load(name)).assign(preset=preset)
        return rows, lambda: data.latex(rows, preset), lambda encoding: data.text(rows, preset, encoding)
    kind = kind_of(config, name)
    frame, origin = frame_of(config, name)
    return frame, lambda: kind.latex(frame, origin), lambda encoding: kind.text(frame, origin, encoding)


def make(config: dict[str, Any], name: str) -> tuple[Path, Path]:
    """Write results/<preset>/tables/<name>.csv and paper/<preset>/tables/<name>.tex; return both paths.

    Raises
    ------
    UserError
        For an unknown table, or one without any finished run.
    """
    frame, as_latex, _ = forms(config, name)
    csv = names.table_csv(config["preset"], name)
    tex = names.paper_folder(config["preset"]) / "tables" / f"{name}.tex"
    write_csv(frame, csv)
    write_text(tex, as_latex())
    return csv, tex


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV, atomically; ten digits, an empty cell for what is missing."""
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.10g", lineterminator="\n")
