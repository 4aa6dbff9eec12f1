"""What a table must be before anything is trained on it, checked while it is read, and a fingerprint of its rows."""

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from truly_sparse.data import pixels
from truly_sparse.data.arrays import NOT_FEATURES
from truly_sparse.data.fetch import Partial, SourceFailed
from truly_sparse.data.images import Images

#: More rows are not fingerprinted: streams have a checksum of what was read.
FINGERPRINTED = 1_000_000


class Checker:
    """Checks a table piece by piece against its registry entry and numbers its classes.

    Parameters
    ----------
    entry : dict
        What `registry.entry` returns; numbers that are None are not known and not checked.
    allow_partial : bool
        Whether fewer rows than registered are enough.

    Attributes
    ----------
    classes : list of str
        Classes in the order of their numbers.
    counts : dict
        Rows of every class so far.
    rows, features : int
        Size of what was read.
    """

    def __init__(self, entry: dict[str, Any], allow_partial: bool) -> None:
        self._entry, self._allow_partial = entry, allow_partial
        self.classes: list[str] = list(map(str, entry["class_counts"] or ()))
        self.counts = dict.fromkeys(self.classes, 0)
        self.rows = self.features = self._test_rows = 0
        self._in_order, self._digests = hashlib.sha256(), bytearray()

    def piece(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return some rows with the classes as int32 numbers, after checking features and labels.

        Raises
        ------
        SourceFailed
            For a feature that is not numeric, a value that is missing where that is not allowed or not finite, and a
            label that is missing or unknown.
        """
        features = [column for column in table.columns if column not in NOT_FEATURES]
        self.features = len(features)
        for column in features:
            self._check_feature(table[column])
        numbers = self._numbers(table["target"])
        checked = table.assign(target=numbers)
        wide = [column for column in features if checked[column].dtype != np.float32]
        checked = checked.astype(dict.fromkeys(wide, np.float64))
        self._fingerprint(checked[features], numbers)
        self._add(len(table))
        return checked

    def images(self, piece: Images) -> pa.Table:
        """Return some images as rows of the prepared table, after checking labels.

        Raises
        ------
        SourceFailed
            For a label that no class has.
        """
        count, self.features = piece.pixels.shape
        unknown = np.flatnonzero(piece.labels >= len(self.classes))
        if len(unknown):
            label = piece.labels[unknown[0]]
            raise SourceFailed(
                f"image {self.rows + int(unknown[0])} has the label {label}, but there are {len(self.classes)} classes"
            )
        for number, found in enumerate(np.bincount(piece.labels, minlength=len(self.classes))):
            self.counts[self.classes[number]] += int(found)
        part = np.full(count, piece.part, np.uint8)
        self._digest(np.column_stack([piece.pixels, piece.labels, part]))
        self._add(count)
        self._test_rows += count * piece.part
        packed = pa.py_buffer(np.ascontiguousarray(piece.pixels))
        column = pa.Array.from_buffers(pa.binary(self.features), count, [None, packed])
        return pa.table(
            {pixels.COLUMN: column, "target": pa.array(piece.labels.astype(np.int32)), "part": pa.array(part)}
        )

    def _add(self, rows: int) -> None:
        """Count rows; more than there are to be end the reading, since a packed file may hold any number."""
        self.rows += rows
        wanted = self._entry["take"] or self._entry["rows"]
        if wanted is not None and self.rows > wanted:
            raise SourceFailed(f"has more rows than the {wanted} that the registry says; the source has changed")

    def _check_feature(self, column: pd.Series) -> None:
        if not pd.api.types.is_numeric_dtype(column):
            raise SourceFailed(f"column {column.name} is not numeric")
        values = column.to_numpy(np.float64, na_value=np.nan)
        bad = ~np.isfinite(values) if self._entry["missing"] == "refuse" else np.isinf(values)
        if bad.any():
            first = self.rows + int(np.flatnonzero(bad)[0])
            raise SourceFailed(
                f"column {column.name}, row {first} is missing or not finite ({int(bad.sum())} such values); "
                f"clean the source file"
            )

    def _numbers(self, labels: pd.Series) -> "np.ndarray[Any, np.dtype[np.int32]]":
        missing = np.flatnonzero(labels.isna().to_numpy())
        if len(missing):
            raise SourceFailed(f"row {self.rows + int(missing[0])} has no label")
        names = label_texts(labels).replace(self._entry.get("labels") or {})
        found = names.value_counts()
        if not self.classes:  # your own data, which comes in one piece
            self.classes = sorted(found.index, key=_natural)
            self.counts = dict.fromkeys(self.classes, 0)
        unknown = [name for name in found.index if name not in self.counts]
        if unknown:
            raise SourceFailed(
                f"has a class {unknown[0]!r} where the registry knows the classes {', '.join(self.classes)}"
            )
        for name, count in found.items():
            self.counts[str(name)] += int(count)
        return names.map({name: number for number, name in enumerate(self.classes)}).to_numpy().astype(np.int32)

    def _fingerprint(self, features: pd.DataFrame, numbers: "np.ndarray[Any, np.dtype[np.int32]]") -> None:
        if self.rows + len(features) > FINGERPRINTED:
            return
        for start in range(0, len(features), 4096):
            part = slice(start, start + 4096)
            # Adding 0 makes one zero of the two.
            rows = np.column_stack([features.iloc[part].to_numpy(np.float32) + 0, numbers[part].astype(np.float32)])
            self._digest(np.ascontiguousarray(rows))

    def _digest(self, rows: "np.ndarray[Any, Any]") -> None:
        self._in_order.update(rows.tobytes())
        self._digests += b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in rows)

    def fingerprint(self) -> dict[str, str] | None:
        """Return hashes of the rows: in their order, and whatever their order; None for a huge table.

        A row is its features and class number as float32; of an image, its pixels, class number and part as bytes.
        """
        if self.rows > FINGERPRINTED:
            return None
        digests = np.sort(np.frombuffer(bytes(self._digests), np.uint64))
        return {"in_order": self._in_order.hexdigest(), "any_order": hashlib.sha256(digests.tobytes()).hexdigest()}

    def finish(self) -> str | None:
        """Check the sizes; return "n of N rows" where a part was read and is allowed, else None.

        Raises
        ------
        Partial
            Where there are fewer rows than registered.
        SourceFailed
            For other numbers of rows, features or classes than registered.
        """
        entry = self._entry
        present = {name: count for name, count in self.counts.items() if count}
        if len(present) < 2:
            raise SourceFailed(f"has labels of {len(present)} class; a classifier needs at least two")
        if entry["features"] not in (None, self.features):
            raise SourceFailed(f"has {self.features} features, the registry says {entry['features']}")
        wanted = entry["take"] or entry["rows"]
        if wanted is None:
            return None
        if self.rows < wanted:
            part = f"{self.rows} of {wanted} rows"
            if not self._allow_partial or len(present) < len(self.classes):
                raise Partial(f"has only {part}")
            return part
        expected = {str(name): count for name, count in entry["class_counts"].items()}
        if wanted == entry["rows"] and self.counts != expected:
            raise SourceFailed(f"has classes {self.counts}, the registry says {expected}; the source has changed")
        if entry.get("test_rows") not in (None, self._test_rows):
            raise SourceFailed(f"has {self._test_rows} images for testing, the registry says {entry['test_rows']}")
        return None


def order_of(found: dict[str, str] | None, registered: dict[str, str] | None) -> str:
    """Return in words how a table's rows compare with those of the registered file."""
    if found is None or registered is None:
        return "not compared"
    if found["in_order"] == registered["in_order"]:
        return "as registered"
    return "same rows, other order" if found["any_order"] == registered["any_order"] else "other values"


def label_texts(labels: pd.Series) -> pd.Series:
    """Return class labels as text; whole numbers without a decimal point."""
    if pd.api.types.is_bool_dtype(labels) or not pd.api.types.is_numeric_dtype(labels):
        return labels.astype(str).str.strip().str.removesuffix(".0")
    values = labels.to_numpy(np.float64)
    if not np.array_equal(values, np.floor(values)):
        raise SourceFailed("the target column holds fractions; a classifier needs classes")
    return pd.Series(values.astype(np.int64).astype(str), index=labels.index)


def _natural(name: str) -> tuple[int, float, str]:
    """Sort numbers by their value, before any text."""
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name
