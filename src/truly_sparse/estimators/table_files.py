"""CSV and Parquet files, read in pieces into a temporary file: tables that memory does not hold."""

import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from truly_sparse.errors import UserError, one_line
from truly_sparse.estimators import tables
from truly_sparse.estimators.stored import BlockFile, Floats, StoredRows

try:
    import pandas as pd
except ModuleNotFoundError:
    raise UserError('reading tables needs pandas; pip install "truly-sparse[tables]"') from None

#: Endings of names that are read.
PARQUET, CSV = (".parquet", ".pq"), (".csv", ".csv.gz")
#: Rows that are read at a time, and bytes of a Parquet file.
PIECE, BUFFER = 1 << 16, 1 << 20
#: A text column with more categories, each for less than two rows, is a name or an identifier, not a feature.
MOST_CATEGORIES = 100
#: Arrow's types of which a float32 holds every value.
_SINGLE = ("bool", "int8", "uint8", "int16", "uint16", "halffloat", "float")
#: What pandas calls dates and times.
_DATES = ("datetime64", "datetime", "date", "timedelta64", "timedelta", "time", "period")


@contextmanager
def open_table(
    path: str | Path, target: str, folder: str | Path | None = None
) -> Iterator[tuple[StoredRows, npt.NDArray[Any]]]:
    """Read a table that need not fit in memory; estimators learn from it what they learn from a data frame.

    The columns go into a temporary file, float32 where that holds all their values, else float64; memory holds the
    target, and each different text once. Columns that are empty are left out.

    Parameters
    ----------
    path : str or Path
        .csv, .csv.gz (both are read twice) or .parquet.
    target : str
        Name of the column to predict.
    folder : str or Path, optional
        Where the temporary file lies until the context ends; by default that of temporary files.

    Yields
    ------
    X : StoredRows
        For `fit` (and `predict`, which holds in memory what it predicts); ``X[a:b]`` and ``X[places]`` are some rows.
    y : ndarray, shape (rows,)

    Raises
    ------
    UserError
        If the file is missing, of an unknown kind or cannot be read; has no such column, or gaps, infinite values or
        dates in it; or a column holds infinite values, names or identifiers.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.datasets import load_iris
    >>> from truly_sparse import SparseMLPClassifier, open_table
    >>> load_iris(as_frame=True).frame.to_csv("iris.csv", index=False)
    >>> with open_table("iris.csv", target="target") as (X, y):
    ...     model = SparseMLPClassifier(hidden_layer_sizes=(20,), epochs=5).fit(X, y)
    """
    with reading(path):
        table = _Reading(path, target, folder)
        for single, piece in pieces_of(path):
            table.add(piece, single)
        rows, y = table.end()
    try:
        yield rows, y
    finally:
        rows.file.close()


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Say in one line why a table cannot be read."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    except UserError:
        raise
    except ImportError:
        raise UserError(f'{path} needs pyarrow; pip install "truly-sparse[tables]", or give a .csv file') from None
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read: {one_line(error)}") from None


def is_parquet(path: str | Path) -> bool:
    """Return whether a table is Parquet, not CSV; refuse what is neither, by its name."""
    name = Path(path).name.lower()
    if not name.endswith((*PARQUET, *CSV)):
        raise UserError(f"{path} is of an unknown kind; give a .csv, .csv.gz or .parquet file")
    return name.endswith(PARQUET)


def refuse_missing(target: str, columns: Iterable[str], path: str | Path) -> None:
    """Refuse a table that has no column of the name of the target."""
    names = list(columns)
    if target not in names:
        some = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        raise UserError(f"{path} has no column {target!r}; it has {some}")


def refuse_twice(names: Iterable[str], path: str | Path) -> None:
    """Refuse a table in which two columns share a name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UserError(f"column {name} of {path} is there twice; rename one")
        seen.add(name)


def refuse_gaps(target: str, gaps: int, path: str | Path) -> None:
    """Refuse a target that is missing in some rows."""
    if gaps:
        raise UserError(f"column {target} of {path} is empty in {gaps} row(s); leave them out")


def refuse_target(own: pd.Series, path: str | Path) -> None:
    """Refuse a target, or a piece of one, that holds infinite values or dates; gaps are left to `refuse_gaps`."""
    if is_numeric(own) and np.isinf(own.to_numpy(float, na_value=np.nan)).any():
        raise UserError(f"column {own.name} of {path} holds infinite values; replace them or leave the rows out")
    if pd.api.types.infer_dtype(own, skipna=True) in _DATES:
        raise UserError(f"column {own.name} of {path} holds dates or times; turn it into numbers or text")


def bytes_of(path: str | Path) -> float:
    """Return about how many bytes the numbers of a table take in memory, 0 for what cannot be read."""
    name = Path(path).name.lower()
    try:
        if name.endswith(PARQUET):
            import pyarrow.parquet as pq

            found = pq.read_metadata(path)
            return 8.0 * found.num_rows * found.num_columns
        # A number is about 8 characters, and text packs to a fourth.
        return Path(path).stat().st_size * (4.0 if name.endswith(".gz") else 1.0)
    except (OSError, ImportError, ValueError):
        return 0.0


def is_numeric(column: pd.Series) -> bool:
    """Return whether a column holds numbers, or yes and no."""
    return pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column)


def refuse_identifiers(name: str, different: int, rows: int) -> None:
    """Refuse a column that is not of numbers and has so many different values in so many rows that it names them."""
    if different > max(MOST_CATEGORIES, rows / 2):
        raise UserError(f"column {name} holds {different} different texts; leave it out, or turn it into numbers")


def refuse_infinite(x: pd.DataFrame, path: str | Path) -> None:
    """Refuse infinite values in the columns of numbers of a table."""
    for name in x:
        if is_numeric(x[name]) and np.isinf(x[name].to_numpy(float, na_value=np.nan)).any():
            raise UserError(f"{path} holds infinite values in column {name}; replace or remove them")


def with_numbers(x: pd.DataFrame) -> pd.DataFrame:
    """Return a table with decimals, which pandas takes for objects, as numbers."""
    decimal = [name for name in x if x[name].dtype == object and pd.api.types.infer_dtype(x[name]) == "decimal"]
    return x.astype(dict.fromkeys(decimal, float)) if decimal else x


def pieces_of(path: str | Path, texts: Mapping[str, frozenset[str]] = {}) -> Iterator[tuple[bool, pd.DataFrame]]:
    """Yield whether float32 holds all columns, and some rows of the table at a time.

    Parameters
    ----------
    path : str or Path
    texts : dict of str to frozenset of str
        Columns that are text whatever their values look like, with the texts that are known of them. Those of a CSV
        file are read as they are written; whole numbers and booleans of Parquet become text where all are known.
    """
    return _parquet(path, texts) if is_parquet(path) else _csv(path, texts)


def _parquet(path: str | Path, texts: Mapping[str, frozenset[str]]) -> Iterator[tuple[bool, pd.DataFrame]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file:
        refuse_twice(file.schema_arrow.names, path)
        single = all(str(kind) in _SINGLE for kind in file.schema_arrow.types)
        for batch in file.iter_batches(PIECE):
            piece = with_numbers(batch.to_pandas())
            piece.columns = [str(name) for name in piece]
            for name in texts.keys() & set(piece):
                kind = batch.schema.field(name).type
                if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
                    values = [None if value is None else str(value) for value in batch.column(name).to_pylist()]
                    if texts[name] >= {*values} - {None}:
                        piece[name] = pd.Series(values, piece.index, object)
            yield single, piece
    pa.default_memory_pool().release_unused()


def _csv(path: str | Path, texts: Mapping[str, frozenset[str]]) -> Iterator[tuple[bool, pd.DataFrame]]:
    """Do so; columns have in all pieces the type that they have in the whole table."""
    kinds: dict[str, set[str]] = {}
    for piece in _pieces(path):
        for name in piece:
            kinds.setdefault(str(name), set()).update(_kind(piece[name]))
    types = {name: str if name in texts else _type_of(own) for name, own in kinds.items()}
    for piece in _pieces(path, dtype={name: own for name, own in types.items() if own}):
        yield False, piece


def _pieces(path: str | Path, **options: Any) -> Iterator[pd.DataFrame]:
    """Yield some rows of a CSV file at a time; values beyond the last column are refused, and no column is an index."""
    with pd.read_csv(path, chunksize=PIECE, index_col=False, low_memory=False, **options) as reader:
        while True:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)
                try:
                    piece = next(reader)
                except StopIteration:
                    return
                except pd.errors.ParserWarning:
                    raise UserError(f"{path} has rows with more values than it has columns; correct these") from None
            yield piece


def _kind(values: pd.Series) -> set[str]:
    """Return of what kind the values of a piece are, if there are any."""
    if values.isna().all():
        return set()
    if pd.api.types.is_bool_dtype(values) or pd.api.types.infer_dtype(values, skipna=True) == "boolean":
        return {"truth"}
    return {"text" if not is_numeric(values) else "whole" if pd.api.types.is_integer_dtype(values) else "number"}


def _type_of(kinds: set[str]) -> Any:
    """Return the type in which a column is read; None where pandas finds it in every piece."""
    if "text" in kinds or ("truth" in kinds and len(kinds) > 1):
        return str
    return float if len(kinds) > 1 else None


class _Reading:
    """A table on its way into a file, with what its columns held so far."""

    def __init__(self, path: str | Path, target: str, folder: str | Path | None) -> None:
        self.path, self.target, self.folder = path, target, folder
        self.file: BlockFile | None = None
        self.names: list[str] = []
        self.typed: set[int] = set()
        self.loose: set[int] = set()
        self.texts: dict[int, dict[str, int]] = {}
        self.numbers: set[int] = set()
        self.labels: dict[Any, Any] = {}
        self.targets: list[npt.NDArray[Any]] = []
        self.gaps = 0

    def add(self, piece: pd.DataFrame, single: bool) -> None:
        """Take more rows; `single` says whether float32 holds them."""
        refuse_missing(self.target, piece.columns, self.path)
        own, x = piece[self.target], piece.drop(columns=self.target)
        refuse_target(own, self.path)
        if self.file is None:
            self.names = list(x.columns)
            self.file = BlockFile(x.shape[1], np.float32 if single else np.float64, self.folder)
        self.gaps += int(own.isna().sum())
        values = own.to_numpy()
        if values.dtype == object:  # each text once
            self.targets.append(np.array([self.labels.setdefault(value, value) for value in values], object))
        else:  # a copy, since the original may hold on to all columns of the piece
            self.targets.append(values.copy())
        refuse_infinite(x, self.path)
        self.loose |= {place for place, name in enumerate(x) if not is_numeric(x[name])}
        self.file.append(self._coded(tables.read(x)))

    def _coded(self, rows: tables.Rows) -> Floats:
        """Return rows with the places of texts among those that there were."""
        x: Floats = np.array(rows.values)
        self.typed |= rows.typed
        for place, own in rows.texts.items():
            known = self.texts.setdefault(place, {})
            x[:, place] = [np.nan if text is None else known.setdefault(str(text), len(known)) for text in own]
        self.numbers |= {
            int(place) for place in np.flatnonzero(~np.isnan(x).all(axis=0)) if int(place) not in rows.texts
        }
        for place in self.numbers & self.texts.keys():
            some = next(iter(self.texts[place]))
            raise UserError(f"column {self.names[place]} of X holds text ({some!r}) among its numbers; correct that")
        return x

    def end(self) -> tuple[StoredRows, npt.NDArray[Any]]:
        """Return rows and targets of the whole table."""
        if self.file is None or not self.file.rows:
            raise UserError(f"{self.path} has no rows")
        refuse_gaps(self.target, self.gaps, self.path)
        self.file.end()
        places = sorted(self.numbers | {place for place, own in self.texts.items() if own})
        if not places:
            raise UserError("no column is left to learn from")
        now = {place: number for number, place in enumerate(places)}
        every: npt.NDArray[Any] = np.arange(self.file.rows).astype(np.uint32 if self.file.rows < 2**32 else np.uint64)
        texts: Mapping[int, list[str]] = {now[place]: list(own) for place, own in self.texts.items() if own}
        typed = frozenset(now[place] for place in self.typed if place in now)
        names = [self.names[place] for place in places]
        rows = StoredRows(self.file, every, np.array(places), names, texts, typed)
        for place in sorted(now[place] for place in self.loose if place in now):
            values = rows.column(place)
            different = len(texts[place]) if place in texts else len(np.unique(values[~np.isnan(values)]))
            refuse_identifiers(names[place], different + int(np.isnan(values).any()), len(rows))
        return rows, np.concatenate(self.targets)
