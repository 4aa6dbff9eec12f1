"""A user's table as numbers, the same way in training and in prediction.

Numbers stay; gaps in them become the median of training. Text becomes a column of 0 and 1 for each category that
training saw; another category, or none, is a row of zeros.
"""

from pathlib import Path
from typing import Any

import numpy as np

from truly_sparse.errors import UserError

try:
    import pandas as pd
except ModuleNotFoundError:
    raise UserError('reading tables needs pandas; pip install "truly-sparse[tables]"') from None

#: A text column with more categories is a name or an identifier, not a feature.
MOST_CATEGORIES = 100


def read(path: str) -> pd.DataFrame:
    """Read a table.

    Raises
    ------
    UserError
        If the file is missing, of an unknown kind, or cannot be read.
    """
    name = Path(path).name.lower()
    try:
        if name.endswith((".parquet", ".pq")):
            table = pd.read_parquet(path)
        elif name.endswith((".csv", ".csv.gz")):
            table = pd.read_csv(path)
        else:
            raise UserError(f"{path} is of an unknown kind; give a .csv, .csv.gz or .parquet file")
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    except UserError:
        raise
    except ImportError:
        raise UserError(f'{path} needs pyarrow; pip install "truly-sparse[tables]", or give a .csv file') from None
    except (ValueError, OSError) as error:
        raise UserError(f"{path} cannot be read: {' '.join(str(error).split())}") from None
    table.columns = [str(column) for column in table.columns]
    if table.empty:
        raise UserError(f"{path} has no rows")
    return table


def target_of(table: pd.DataFrame, name: str, path: str) -> pd.Series:
    """Return the column to predict.

    Raises
    ------
    UserError
        If there is no such column, or it has gaps.
    """
    if name not in table:
        some = ", ".join(list(table.columns)[:8]) + (", ..." if len(table.columns) > 8 else "")
        raise UserError(f"{path} has no column {name!r}; it has {some}")
    gaps = int(table[name].isna().sum())
    if gaps:
        raise UserError(f"column {name} of {path} is empty in {gaps} row(s); leave them out")
    return table[name]


def plan(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return how each feature column becomes numbers, as JSON holds it."""
    columns: list[dict[str, Any]] = []
    for name in table.columns:
        column = table[name]
        if column.isna().all():
            continue
        if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
            columns.append({"name": name, "fill": float(column.astype("Float64").median())})
            continue
        categories = sorted(column.dropna().astype(str).unique())
        if len(categories) > MOST_CATEGORIES:
            raise UserError(
                f"column {name} holds {len(categories)} different texts; leave it out, or turn it into numbers"
            )
        columns.append({"name": name, "categories": categories})
    if not columns:
        raise UserError("no column is left to learn from")
    return columns


def numbers(table: pd.DataFrame, columns: list[dict[str, Any]], path: str) -> pd.DataFrame:
    """Return the features of a table as numbers by a `plan`.

    Raises
    ------
    UserError
        If a column is missing, holds infinite values, or text where training had numbers.
    """
    missing = [column["name"] for column in columns if column["name"] not in table]
    if missing:
        raise UserError(f"{path} lacks {len(missing)} column(s) of training: {', '.join(missing[:8])}")
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
    frame = pd.DataFrame(made)
    endless = [str(name) for name in frame.columns[np.isinf(frame.to_numpy()).any(axis=0)]]
    if endless:
        raise UserError(f"{path} holds infinite values in column {endless[0]}; replace or remove them")
    return frame
