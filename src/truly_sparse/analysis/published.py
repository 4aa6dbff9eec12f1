"""The printed numbers of the sources, kept in config/published/<study>_<table>.csv."""

from pathlib import Path

import pandas as pd

from truly_sparse.errors import UserError, one_line

NEEDED = ("dataset", "method", "setting", "metric", "published", "published_std", "note", "published_runs", "source")


def find(table: str) -> Path:
    """Return the path of printed numbers ("journal_table1"), from the working folder or else from the checkout.

    Raises
    ------
    UserError
        Where there is no such file.
    """
    name = Path("config") / "published" / f"{table}.csv"
    for folder in (Path(), *Path(__file__).resolve().parents):
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"{name} not found: run from the root of the repository, which holds the published numbers")


def load(table: str) -> pd.DataFrame:
    """Return the printed numbers of one table, one row per (dataset, method, setting, metric).

    Raises
    ------
    UserError
        For a file that is absent, not a CSV, lacks a column, or says the same thing twice.
    """
    path = find(table)
    try:
        frame = pd.read_csv(path, dtype={"setting": str, "note": str, "source": str})
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: cannot read the published numbers ({one_line(error)})") from error
    lacking = [column for column in NEEDED if column not in frame.columns]
    if lacking:
        raise UserError(f'{path}: column "{lacking[0]}" is missing; restore the file')
    for column in ("published", "published_std", "published_runs"):
        if not pd.api.types.is_numeric_dtype(frame[column]):
            raise UserError(f'{path}: column "{column}" holds something that is not a number; restore the file')
    twice = frame[frame.duplicated(["dataset", "method", "setting", "metric"])]
    if len(twice):
        raise UserError(f"{path}: line {int(twice.index[0]) + 2} repeats an earlier line; keep one of them")
    return frame


def read_text(name: str) -> pd.DataFrame:
    """Return a file of config/published whose cells are all text."""
    return pd.read_csv(find(name), dtype=str)
