"""A user's table: reading it, and the columns that a model learns from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from truly_sparse.errors import UserError
from truly_sparse.estimators.table_files import (
    is_numeric,
    pd,
    pieces_of,
    reading,
    refuse_gaps,
    refuse_identifiers,
    refuse_infinite,
    refuse_missing,
    refuse_target,
)


def read(path: str) -> pd.DataFrame:
    """Read a table.

    Raises
    ------
    UserError
        If the file is missing, of an unknown kind, or cannot be read.
    """
    with reading(path):
        table = pd.concat([piece for _, piece in pieces_of(path)], ignore_index=True)
    table.columns = [str(column) for column in table.columns]
    if table.empty:
        raise UserError(f"{path} has no rows")
    return table


def pieces(path: str, texts: Mapping[str, frozenset[str]]) -> Iterator[pd.DataFrame]:
    """Yield a table some rows at a time, with the types of the whole; `texts` are as in `pieces_of`.

    Raises
    ------
    UserError
        As `read`.
    """
    rows = 0
    with reading(path):
        for _, piece in pieces_of(path, texts):
            if not piece.empty:
                yield piece
            rows += len(piece)
    if not rows:
        raise UserError(f"{path} has no rows")


def target_of(table: pd.DataFrame, name: str, path: str) -> pd.Series:
    """Return the column to predict.

    Raises
    ------
    UserError
        If there is no such column, or it has gaps, infinite values or dates.
    """
    refuse_missing(name, table.columns, path)
    refuse_gaps(name, int(table[name].isna().sum()), path)
    refuse_target(table[name], path)
    return table[name]


def features(table: pd.DataFrame, target: str, path: str) -> pd.DataFrame:
    """Return the columns to learn from: all but the target and those that are empty.

    Raises
    ------
    UserError
        If none is left, or one holds infinite values, names or identifiers.
    """
    x = table.drop(columns=target).dropna(axis="columns", how="all")
    for name in x:
        if not is_numeric(x[name]):
            refuse_identifiers(str(name), x[name].astype(str).nunique(), len(x))
    if x.columns.empty:
        raise UserError("no column is left to learn from")
    return _finite(x, path)


def as_trained(table: pd.DataFrame, columns: Sequence[Any], path: str) -> pd.DataFrame:
    """Return the columns of a table that a model was trained on.

    Parameters
    ----------
    table : DataFrame
    columns : sequence of str or dict
        Their names; or, of a model that took numbers alone, how each became numbers.
    path : str
        For messages.

    Raises
    ------
    UserError
        If a column is missing, or holds infinite values or text where training had numbers.
    """
    names = [column if isinstance(column, str) else column["name"] for column in columns]
    missing = [name for name in names if name not in table]
    if missing:
        raise UserError(f"{path} lacks {len(missing)} column(s) of training: {', '.join(missing[:8])}")
    if all(isinstance(column, str) for column in columns):
        return _finite(table[names], path)
    return _finite(_numbers(table, columns, path), path)


def _numbers(table: pd.DataFrame, columns: Sequence[dict[str, Any]], path: str) -> pd.DataFrame:
    """Return a table for a model of format 1: gaps filled by `fill`, a column of 0 and 1 for each of `categories`."""
    made: dict[str, Any] = {}
    for column in columns:
        name, values = column["name"], table[column["name"]]
        if "fill" in column:
            try:
                made[name] = pd.to_numeric(values).astype("Float64").fillna(column["fill"]).astype(float)
            except (ValueError, TypeError):
                raise UserError(f"column {name} of {path} holds text, but was numbers in training") from None
        else:
            texts = values.astype("object").where(values.isna(), values.astype(str))
            made |= {f"{name}={category}": (texts == category).astype(float) for category in column["categories"]}
    return pd.DataFrame(made)


def _finite(x: pd.DataFrame, path: str) -> pd.DataFrame:
    """Return a table, or refuse infinite values in it."""
    refuse_infinite(x, path)
    return x
