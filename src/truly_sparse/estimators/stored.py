"""Rows of a table in a temporary file, for tables that memory does not hold.

The file is a list of blocks of `BLOCK` rows, and a block has one column after the other: a column is read without the
others, and rows, in any order, by a walk along the file that takes `GATHERED` bytes of them. It is read, not mapped, so
that no page of it counts as memory of the process, and has no name: it goes when the process ends, however that ends.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from truly_sparse.errors import UserError
from truly_sparse.estimators import tables

Floats = npt.NDArray[np.floating]
Indices = npt.NDArray[np.int64]
#: Rows of a block.
BLOCK = 8192
#: Bytes of rows that one walk along the file brings.
GATHERED = 1 << 27


class BlockFile:
    """A file of blocks, written from its beginning to its end, then read.

    Parameters
    ----------
    columns : int
    dtype : dtype
        float32 or float64.
    folder : str or Path, optional
        Where the file lies; by default that of temporary files.
    """

    def __init__(self, columns: int, dtype: npt.DTypeLike, folder: str | Path | None = None) -> None:
        self.columns, self.dtype, self.rows = columns, np.dtype(dtype), 0
        handle, name = tempfile.mkstemp(dir=folder, prefix=".truly-sparse-")
        os.unlink(name)
        self._file: IO[bytes] = os.fdopen(handle, "w+b", buffering=0)
        self._block = np.zeros((columns, BLOCK), self.dtype)

    def append(self, x: Floats) -> None:
        """Write rows, shape (rows, columns), after those that there are."""
        while len(x):
            filled = self.rows % BLOCK
            some = min(len(x), BLOCK - filled)
            self._block[:, filled : filled + some] = x[:some].T
            self.rows, x = self.rows + some, x[some:]
            if filled + some == BLOCK:
                self._write()

    def end(self) -> None:
        """Write what is left; nothing is appended later."""
        if self.rows % BLOCK:
            self._write()

    def _write(self) -> None:
        data = self._block.reshape(-1).view(np.uint8).data
        while len(data):
            data = data[self._file.write(data) :]

    def close(self) -> None:
        """Give the file back to the disk."""
        self._file.close()

    def column(self, place: int) -> Floats:
        """Return a column, shape (rows,)."""
        found = np.empty(-(-self.rows // BLOCK) * BLOCK, self.dtype)
        for block in range(len(found) // BLOCK):
            self._read(found[block * BLOCK : (block + 1) * BLOCK], block, place)
        return found[: self.rows]

    def gathered(self, rows: npt.NDArray[np.integer]) -> Floats:
        """Return rows in any order, shape (rows, columns)."""
        found, block = np.empty((len(rows), self.columns), self.dtype), np.empty((self.columns, BLOCK), self.dtype)
        order = np.argsort(rows, kind="stable")
        ascending = rows[order].astype(np.int64)
        ends = np.searchsorted(ascending, np.arange(0, self.rows + BLOCK, BLOCK))
        for number in np.flatnonzero(np.diff(ends)):
            own = slice(ends[number], ends[number + 1])
            self._read(block, int(number), 0)
            found[order[own]] = block[:, ascending[own] - number * BLOCK].T
        return found

    def _read(self, into: Floats, block: int, place: int) -> None:
        """Read from a column of a block on."""
        data, at = into.reshape(-1).view(np.uint8).data, (block * self.columns + place) * BLOCK * self.dtype.itemsize
        while len(data):
            some = os.preadv(self._file.fileno(), [data], at)
            if not some:
                raise UserError("the temporary file of the table is shorter than it was written")
            data, at = data[some:], at + some

    def __reduce__(self) -> Any:
        raise UserError("a table in a temporary file cannot be given to other processes; set n_jobs=1")


@dataclass(frozen=True, eq=False)
class StoredRows:
    """Rows of a file of blocks, in some order; what estimators take as X.

    Attributes
    ----------
    file : BlockFile
    rows : ndarray of unsigned int, shape (rows,)
        Their places in the file.
    places : ndarray of int64, shape (columns,)
        The columns' places in the file.
    names : sequence of str
        Of the columns.
    texts : dict of int to list of str
        By place among the columns, the texts of those that hold text; in the file is the place in this list.
    typed : frozenset of int
        Columns whose type says that they are categories.
    categories : dict of int to ndarray, optional
        Once they are settled, columns hold places among these; see `tables.coded`.
    """

    file: BlockFile
    rows: npt.NDArray[np.unsignedinteger]
    places: Indices
    names: Sequence[str]
    texts: Mapping[int, Sequence[str]] = field(default_factory=dict)
    typed: frozenset[int] = frozenset()
    categories: tables.Categories = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.places)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[str]:
        """Yield the names, as a data frame does."""
        return iter(self.names)

    def __getitem__(self, rows: Any) -> "StoredRows":
        """Return some rows, by their places or a slice."""
        return replace(self, rows=self.rows[rows])

    def of_columns(self, places: Indices) -> "StoredRows":
        """Return the rows with some of the columns, of which none has categories."""
        return replace(self, places=self.places[places], names=[self.names[place] for place in places], categories={})

    def column(self, place: int) -> Floats:
        """Return a column, shape (rows,)."""
        return self._settled(self.file.column(int(self.places[place]))[self.rows], place)

    def matrix(self) -> Floats:
        """Return all rows, shape (rows, columns)."""
        found = self.file.gathered(self.rows)
        if len(self.places) < self.file.columns:
            found = np.ascontiguousarray(found[:, self.places])
        for place in self.categories:
            found[:, place] = self._settled(found[:, place], place)
        return found

    def matrices(self, order: Indices, unit: int) -> Iterator[Floats]:
        """Yield the rows of an order, as many whole units of rows at a time as `GATHERED` bytes hold, at least one."""
        some = max(1, GATHERED // (self.file.columns * self.file.dtype.itemsize * unit)) * unit
        for start in range(0, len(order), some):
            yield self[order[start : start + some]].matrix()

    def _settled(self, values: Floats, place: int) -> Floats:
        """Return values of a column with categories as places among those that are settled."""
        known = self.categories.get(place)
        if known is None:
            return values
        if place not in self.texts:
            return tables.places_of_numbers(values, known)
        among = {text: number for number, text in enumerate(known)}
        new = np.array([*(among.get(text, tables.UNSEEN) for text in self.texts[place]), np.nan])
        return new[np.where(np.isnan(values), len(new) - 1, values).astype(np.int64)]

    def learned(self, named: frozenset[int]) -> tables.Categories:
        """Return the categories that the rows hold, those of columns of numbers that are named included."""
        found: tables.Categories = {}
        for place in sorted(self.typed | self.texts.keys() | named):
            values = self.column(place)
            if place in self.texts:
                held = np.unique(values[~np.isnan(values)])
                found[place] = np.array(sorted(self.texts[place][int(number)] for number in held), object)
            else:
                found[place] = tables.categories_of_numbers(values, f"column {self.names[place]} of X")
        return found

    def coded(self, categories: tables.Categories) -> "StoredRows":
        """Return the rows with places among some categories; see `tables.coded`.

        Raises
        ------
        UserError
            For text where there were numbers, and numbers where there was text.
        """
        for place in range(self.shape[1]):
            known = categories.get(place)
            text = known is not None and len(known) > 0 and known.dtype == object
            if place in self.texts:
                tables.refuse_text(known, self.texts[place], f"column {self.names[place]} of X")
            elif text and not np.isnan(self.column(place)).all():
                raise UserError(
                    f"column {self.names[place]} of X holds numbers, but held text when the model was fitted"
                )
        return replace(self, categories=categories)


def column_of(x: Floats | StoredRows, place: int) -> Floats:
    """Return a column of rows in memory or in a file, shape (rows,)."""
    return x.column(place) if isinstance(x, StoredRows) else x[:, place]


def matrix_of(x: Floats | StoredRows) -> Floats:
    """Return rows in memory, shape (rows, columns)."""
    return x.matrix() if isinstance(x, StoredRows) else x
