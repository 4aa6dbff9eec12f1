"""Files with one table, CSV, Parquet or ARFF, to tables with the class in a column `target`."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from truly_sparse.data import openml_source
from truly_sparse.data.arrays import NOT_FEATURES
from truly_sparse.data.fetch import SourceFailed
from truly_sparse.errors import one_line

#: Rows read at a time; bounds the memory.
CHUNK = 16384


def read(path: Path, target: str) -> Iterator[pd.DataFrame]:
    """Yield a file's rows in pieces, features first and `target` last.

    A feature that has one of the names kept for other columns (`target`, `video`) gets "_" at its end.

    Raises
    ------
    SourceFailed
        Where the file cannot be read or has no column of the target's name.
    """
    for piece in _pieces(path):
        piece.columns = [str(column) for column in piece.columns]
        if target not in piece:
            raise SourceFailed(f"{path} has no column {target}; its columns are {_some(list(piece.columns))}")
        kept = {name: f"{name}_" for name in NOT_FEATURES}
        features = piece.drop(columns=target).rename(columns=kept)
        yield pd.concat([features, piece[target].rename("target")], axis=1)


def _pieces(path: Path) -> Iterator[pd.DataFrame]:
    name = path.name.lower()
    try:
        if name.endswith(".arff"):
            yield from openml_source.read_arff(path)
        elif name.endswith((".parquet", ".pq")):
            yield pd.read_parquet(path)
        elif name.endswith((".csv", ".csv.gz")):
            with pd.read_csv(path, na_values=["?"], chunksize=CHUNK) as pieces:
                yield from pieces
        else:
            raise SourceFailed(f"{path} is of an unknown kind; .csv, .csv.gz and .parquet can be read")
    except FileNotFoundError:
        raise SourceFailed(f"{path} is missing") from None
    except (OSError, EOFError, ValueError) as error:
        raise SourceFailed(f"{path} cannot be read ({one_line(error)})") from None


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
