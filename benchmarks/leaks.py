"""Do the tables give labels away: by twins, by neighbours in one column, by groups, by the order of rows?

    python benchmarks/leaks.py [--data data]     # measure the tables that are missing, then write leaks.md

Of each table, split at random (seed 0) and, where that is another split, honestly (`splits.py`), in percent:

* majority: test rows that have the most frequent class of the training rows;
* twins: test rows whose features are those of a training row; of these, those that have its label;
* nearest: test rows with the label of the training row that is nearest in one column; beside it the vote of the 101
  nearest, which is better wherever the column says something about the label, and worse where single rows know it;
* order: rows with the label of the row before, the whole table ordered by a column and then by those after it; beside
  it the vote of the 100 rows around each;
* pair: of test rows that share the values of two columns with training rows, those that have the usual label of these;
  beside it how many such rows there are;
* file: the largest rank correlation of a feature in successive rows of a class, as the file has them; beside it
  successive rows with the same label.

Of each check the three columns are kept that give most away. Prepare the datasets first:
`python -m truly_sparse data --all`.
"""

import single_core  # noqa: F401, I001  (before NumPy)

import argparse
import csv
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import columns

import numpy as np
import numpy.typing as npt
from defaults_tables import TABULAR
from lines import write_csv
from splits import HONEST, HONEST_SPLITS, RANDOM, Table, read, rows_of

from truly_sparse.files import write_text

RESULTS = Path(__file__).parent / "results"
COLUMNS = ("protocol", "dataset", "check", "column", "value", "beside")
DATASETS = (*TABULAR, "gesture", "higgs")
#: Rows that vote: what is left of a column is what it says about the label, and nothing of single neighbours.
VOTERS = 101
#: Two columns make groups where this part of the test rows shares both values with a training row ...
SHARED = 0.5
#: ... and a group has at most so many rows in the mean; larger ones are what two columns say about the label.
MATES = 10
KEPT = 3

Rows = npt.NDArray[np.int64]


class Found(NamedTuple):
    """One number of a table, and the one to look at beside it."""

    check: str
    column: str
    value: float
    beside: float


def checks(table: Table, train: Rows, test: Rows) -> Iterator[Found]:
    """Yield all that is measured of a table and a split."""
    yield Found("majority", "", share(table.y[test] == np.bincount(table.y[train]).argmax()), 100 / len(table.classes))
    yield twins(table, train, test)
    yield from strongest(nearest(table, name, train, test) for name in table.names)
    yield from strongest(order(table, name) for name in table.names)
    yield from sorted(pairs(table, train, test), key=lambda one: -one.value)[:KEPT]
    yield file_order(table)


def strongest(found: Iterable[Found]) -> list[Found]:
    """Return those that are furthest above what is beside them."""
    return sorted(found, key=lambda one: one.beside - one.value)[:KEPT]


def share(right: npt.NDArray[np.bool_]) -> float:
    """Return the part that is true, in percent; 0 of nothing."""
    return 100 * float(right.mean()) if right.size else 0.0


def twins(table: Table, train: Rows, test: Rows) -> Found:
    """Return how many test rows have the features of training rows, and how many of these their usual label."""
    known, right = matched(np.unique(table.x, axis=0, return_inverse=True)[1].ravel(), table.y, train, test)
    return Found("twins", "", known, right)


def matched(groups: Rows, y: Rows, train: Rows, test: Rows) -> tuple[float, float]:
    """Return how many test rows have training rows in their group, and how many of these have their usual label.

    Of labels that are equally usual the first counts.
    """
    votes = np.zeros((groups.max() + 1, y.max() + 1), np.int64)
    np.add.at(votes, (groups[train], y[train]), 1)
    own = votes[groups[test]]
    known = own.any(axis=1)
    return share(known), share((own.argmax(axis=1) == y[test])[known])


def nearest(table: Table, name: str, train: Rows, test: Rows) -> Found:
    """Return how often the nearest training row in one column has the label, and the vote of the nearest 101.

    All that are equally near vote, so that a column of few values says what its values say.
    """
    values = table.column(name).astype(np.float64)
    sorted_rows = train[np.argsort(values[train], kind="stable")]
    counts = np.zeros((len(train) + 1, table.y.max() + 1), np.int64)
    counts[1:] = np.cumsum(table.y[sorted_rows][:, None] == np.arange(table.y.max() + 1), axis=0)
    right = []
    for voters in (1, min(VOTERS, len(train))):
        first, last = window(values[sorted_rows], values[test], voters)
        right.append(share((counts[last] - counts[first]).argmax(axis=1) == table.y[test]))
    return Found("nearest", name, *right)


def window(known: npt.NDArray[np.float64], values: npt.NDArray[np.float64], voters: int) -> tuple[Rows, Rows]:
    """Return, for each value, where the nearest of the ascending `known` begin and end, all that are equally near."""
    padded = np.concatenate((np.full(voters, -np.inf), known, np.full(voters, np.inf)))
    around = padded[np.searchsorted(known, values)[:, None] + np.arange(2 * voters)]
    distance = abs(around - values[:, None])
    near = distance <= np.partition(distance, voters - 1, axis=1)[:, voters - 1 : voters]
    low, high = np.where(near, around, np.inf).min(axis=1), np.where(near, around, -np.inf).max(axis=1)
    return np.searchsorted(known, low), np.searchsorted(known, high, side="right")


def order(table: Table, name: str) -> Found:
    """Return how often successive rows have the same label, ordered by a column, then by those after it.

    Beside it: how often the vote of the 100 rows around a row has its label.
    """
    place = table.names.index(name)
    keys = [*table.names[place:], *table.names[:place]]
    labels = table.y[np.lexsort([table.column(key) for key in reversed(keys)])]
    own = labels[:, None] == np.arange(labels.max() + 1)
    counts = np.concatenate((np.zeros((1, own.shape[1]), np.int64), np.cumsum(own, axis=0)))
    rows = np.arange(len(labels))
    last = np.minimum(rows + VOTERS // 2 + 1, len(labels))
    vote = (counts[last] - counts[np.maximum(rows - VOTERS // 2, 0)] - own).argmax(axis=1)
    return Found("order", name, share(labels[1:] == labels[:-1]), share(vote == labels))


def pairs(table: Table, train: Rows, test: Rows) -> Iterator[Found]:
    """Yield, for two columns that make groups, how often test rows have the usual label of their group."""
    codes = [np.unique(table.column(name), return_inverse=True)[1].ravel() for name in table.names]
    for one, other in itertools.combinations(range(len(codes)), 2):
        groups = np.unique(codes[one] * (codes[other].max() + 1) + codes[other], return_inverse=True)[1].ravel()
        if len(table.y) <= MATES * (groups.max() + 1):
            known, right = matched(groups, table.y, train, test)
            if known >= 100 * SHARED:
                yield Found("pair", f"{table.names[one]} and {table.names[other]}", right, known)


def file_order(table: Table) -> Found:
    """Return how alike successive rows of a class are in the feature that shows it most, and successive labels.

    Many files hold one class after the other, which by itself says nothing about a row.
    """
    found = [("", 0.0)]
    for name, values in zip(table.names, table.x.T, strict=True):
        ranks = np.unique(values, return_inverse=True)[1].ravel()
        for label in range(table.y.max() + 1):
            own = ranks[table.y == label]
            if len(own) > 2 and np.ptp(own[1:]) and np.ptp(own[:-1]):
                found.append((name, 100 * float(np.corrcoef(own[1:], own[:-1])[0, 1])))
    column, most = max(found, key=lambda one: one[1])
    return Found("file", column, most, share(table.y[1:] == table.y[:-1]))


def measure(name: str, folder: str) -> list[dict[str, str]]:
    """Return the lines of a dataset."""
    table, lines = read(name, folder), []
    for protocol in (RANDOM, HONEST) if name in HONEST_SPLITS else (RANDOM,):
        train, validation, test = rows_of(name, table, 0, protocol)
        for check, column, *numbers in checks(table, np.sort(np.concatenate((train, validation))), test):
            values = [f"{number:.2f}" for number in numbers]
            lines.append(dict(zip(COLUMNS, (protocol, name, check, column, *values), strict=True)))
    return lines


def markdown(rows: Sequence[dict[str, str]]) -> str:
    """Return a line for each dataset and protocol, with the column of each check that gives most away."""
    found: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
    for row in rows:
        found.setdefault((row["dataset"], row["protocol"]), {}).setdefault(row["check"], row)
    head = ["set", "split", "majority", "twins (label right)", "nearest in one column (vote of 101)",
            "row before, ordered by one column (vote of 100 around)", "mates in two columns (test rows with mates)",
            "file: correlation of successive rows"]  # fmt: skip
    lines = []
    for (name, protocol), own in found.items():
        cells = [_cell(own.get(check), named) for check, named in
                 (("twins", False), ("nearest", True), ("order", True), ("pair", True))]  # fmt: skip
        file = own["file"]
        last = f"{float(file['value']) / 100:.2f}, {file['column']}"
        lines.append([name, protocol, f"{float(own['majority']['value']):.1f}", *cells, last])
    return columns.markdown(head, lines)


def _cell(row: dict[str, str] | None, named: bool) -> str:
    if row is None:
        return "–"
    return f"{float(row['value']):.1f} ({float(row['beside']):.1f})" + (f", {row['column']}" if named else "")


def page(rows: Sequence[dict[str, str]]) -> str:
    """Return everything as Markdown."""
    return (
        "# What tables give away\n\nMade by `benchmarks/leaks.py`, which says what the columns are; in percent, of "
        "each check the column that gives most away.\n\n## Every set\n\n" + markdown(rows) + "\n"
    )


def main() -> None:
    """Measure what is missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data", help="folder of the prepared datasets (default: data)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the CSV file and the table")
    arguments = parser.parse_args()
    path = arguments.results / "leaks.csv"
    rows = list(csv.DictReader(path.open(newline="", encoding="utf-8"))) if path.exists() else []
    for name in DATASETS:
        if not any(row["dataset"] == name for row in rows):
            rows += measure(name, arguments.data)
            write_csv(path, COLUMNS, rows)
            print(name, flush=True)
    write_text(arguments.results / "leaks.md", page(rows))


if __name__ == "__main__":
    main()
