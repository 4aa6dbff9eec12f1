"""Your own data: what happens to text columns and to missing values is a choice stated in the configuration."""

import numpy as np
import pandas as pd

from truly_sparse.data.arrays import NOT_FEATURES
from truly_sparse.data.fetch import SourceFailed


def numeric(table: pd.DataFrame, name: str, categorical: str, missing: str) -> pd.DataFrame:
    """Return a table of numbers: categories encoded, rows with missing values dropped where that is the choice.

    Parameters
    ----------
    table : DataFrame
        Features and `target`.
    name : str
        Dataset, for messages.
    categorical : {"refuse", "one_hot", "ordinal"}
        For columns of text: a column of 0 and 1 per category, or the category's place in sorted order. A missing
        category is a row of zeros under "one_hot" and a missing value under "ordinal".
    missing : {"refuse", "drop_rows", "median"}
        "median" leaves gaps in the table; they are filled by the median of the training rows when it is split.

    Raises
    ------
    SourceFailed
        For a column that the choices do not cover; names it and what can be chosen.
    """
    features = [column for column in table.columns if column not in NOT_FEATURES]
    empty = [column for column in features if table[column].isna().all()]
    if empty:
        raise SourceFailed(f"column {empty[0]} is empty; leave it out of the file")
    gaps = table[features].isna()
    if missing == "refuse" and gaps.to_numpy().any():
        column = gaps.any().idxmax()
        raise SourceFailed(
            f"column {column}, row {int(np.flatnonzero(gaps[column])[0])} is missing ({int(gaps.to_numpy().sum())} "
            f"such values); set datasets.{name}.missing to drop_rows or median"
        )
    if missing == "drop_rows":
        table = table.dropna().reset_index(drop=True)
        if table.empty:
            raise SourceFailed(f"every row has a missing value; set datasets.{name}.missing to median")
    columns: list[pd.Series | pd.DataFrame] = [_encoded(table[column], name, categorical) for column in features]
    result = pd.concat([*columns, table["target"]], axis=1)
    twice = result.columns[result.columns.duplicated()]
    if len(twice):
        raise SourceFailed(f"two columns would be called {twice[0]}; rename one")
    return result


def _encoded(column: pd.Series, name: str, categorical: str) -> pd.Series | pd.DataFrame:
    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        raise SourceFailed(f"column {column.name} holds dates; turn it into numbers or leave it out")
    if pd.api.types.is_numeric_dtype(column):
        return column.astype("Float64").astype(np.float64) if column.hasnans else column.astype(np.float64)
    texts = column.astype("object").where(column.isna(), column.astype(str))
    categories = sorted(texts.dropna().unique())
    if categorical == "refuse":
        raise SourceFailed(
            f'column {column.name} is not numeric (it holds "{categories[0]}"); set datasets.{name}.categorical to '
            f"one_hot or ordinal, or leave the column out"
        )
    if categorical == "ordinal":
        return texts.map({category: place for place, category in enumerate(categories)}).astype(np.float64)
    return pd.DataFrame(
        {f"{column.name}={category}": (texts == category).astype(np.float64) for category in categories}
    )
