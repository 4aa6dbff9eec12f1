"""A CSV file of results that grows line by line, so that a measurement goes on where it was stopped."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from truly_sparse.files import write_text


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Write a whole CSV file, with a line of its columns."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


class Lines:
    """A CSV file of results, each found again by its `key`, which are some of the columns."""

    def __init__(self, path: Path, columns: Sequence[str], key: Sequence[str]) -> None:
        self.path, self.columns, self.key = path, columns, key
        self.rows: list[dict[str, str]] = []
        if path.exists():
            with path.open(newline="", encoding="utf-8") as stream:
                self.rows = list(csv.DictReader(stream))
        self._known = {self._key(row) for row in self.rows}

    def has(self, about: Mapping[str, Any]) -> bool:
        """Return whether there is a line of this key."""
        return self._key(about) in self._known

    def compute(self, about: Mapping[str, Any], result: Callable[[], Mapping[str, Any]]) -> None:
        """Add the line of `about` and `result()`, as far as it has these columns, unless it is there."""
        if self.has(about):
            return
        row = {name: str(value) for name, value in (dict(about) | dict(result())).items()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, self.columns, restval="", extrasaction="ignore", lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)
        self.rows.append(dict.fromkeys(self.columns, "") | row)
        self._known.add(self._key(row))
        print(*self._key(row), *(row.get(name, "") for name in ("accuracy", "seconds", "error")), flush=True)

    def drop(self, unwanted: Callable[[Mapping[str, str]], bool]) -> None:
        """Take out lines, so that they are computed anew."""
        kept = [row for row in self.rows if not unwanted(row)]
        if len(kept) < len(self.rows):
            write_csv(self.path, self.columns, kept)
            self.rows, self._known = kept, {self._key(row) for row in kept}

    def _key(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in self.key)
