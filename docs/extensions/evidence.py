"""What lies behind a claim: the tables, figures, records and measurements that its rule read, and how many runs these are.

A verdict names what its rule read. Some of it are tables and figures, some experiments or measurements, and some a frame
of all runs of the study; of these the tables and figures that the claim's place in print names are taken, where it names
any.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from truly_sparse.analysis.study import Entry, Study

RESULTS = Path(__file__).parents[2] / "results"
#: "Tables VII to IX", "figure 4.2", "Tables VI and XII".
_NAMED = re.compile(
    r"\b(tables?|figures?) ((?:[IVX]+|[\d.]+\d|\d)(?:(?: to |, | and )(?:[IVX]+|[\d.]+\d|\d))*)",
    re.I,
)
_ROMAN = {"I": 1, "V": 5, "X": 10}
#: An interval in brackets after our number, or in the words of a note.
_BESIDE = re.compile(r" \(([−+]?[\d.]+×? to [−+]?[\d.]+×?)\)")
_NOTED = re.compile(r"(?:95 % interval |^mean [−+]?[\d.]+ \()([−+]?[\d.]+ to [−+]?[\d.]+)")


class Behind(NamedTuple):
    """What lies behind a claim.

    Attributes
    ----------
    links : tuple of (str, Path)
        Words, and a file below results/.
    runs : int
        Committed runs, each once; of the claim's dataset, where it has one.
    measured : int
        Rows of measurements, likewise.
    """

    links: tuple[tuple[str, Path], ...]
    runs: int
    measured: int


def behind(study: Study, row: Mapping[str, str]) -> Behind:
    """Return what lies behind a claim.

    Parameters
    ----------
    study : Study
    row : mapping
        Its row of the table of verdicts.
    """
    names = [name for name in row["read"].split(", ") if name]
    if not names:
        return Behind((), 0, 0)
    (verdicts,) = (name for name in study.tables if name.endswith("verdicts"))
    every = {*study.tables[verdicts].experiments, *study.tables[verdicts].optional}
    if every <= {*names}:  # experiments, and no tables that are called like them
        names = ["runs", *(name for name in names if name not in every)]
    tables, figures = (
        {
            name: entry
            for name, entry in entries.items()
            if name != verdicts and _made(study, kind, name)
        }
        for kind, entries in (("tables", study.tables), ("figures", study.figures))
    )
    read = {name: entry for one in names for name, entry in _called(study, one, tables | figures)}
    printed = {
        name: entry
        for kind, numbers in _numbers(row["where"])
        for name, entry in _called(study, f"{kind}{numbers}", tables | figures)
    }
    sources = _sources(study.tables[verdicts], names, read, printed)
    shown = {
        name: entry
        for name, entry in figures.items()
        if sources & {*entry.experiments, *entry.measurements}
    }
    chosen = [*dict.fromkeys([*read, *printed])]
    drawn = [*dict.fromkeys([*(name for name in chosen if name in figures), *shown])]
    listed = [name for name in chosen if name in tables] or [
        name
        for name, entry in tables.items()
        if sources & {*entry.experiments, *entry.measurements}
    ]
    folder = Path(study.name)
    links = [(_titled(study, "table", name), folder / "tables" / f"{name}.csv") for name in listed]
    numbers = [name for name in drawn if name in read or not listed]
    links += [
        (f"numbers of {_titled(study, 'figure', name)}", folder / "figures" / f"{name}.csv")
        for name in numbers
    ]
    if not links:
        links = [("table of verdicts", folder / "tables" / f"{verdicts}.csv")]
    links += [
        (_titled(study, "figure", name), folder / "figures" / f"{name}.png") for name in drawn
    ]
    runs, measured = set(), 0
    for name in sorted(sources):
        path = folder / "records" / f"{name}.jsonl"
        if (RESULTS / path).exists():
            own = _runs(RESULTS / path)
            runs |= {run for run, dataset in own if row["dataset"] in ("", dataset)}
            links.append((f"{len(own):,} runs of {_plain(study, name)}", path))
        path = path.with_suffix(".csv")
        if (RESULTS / path).exists():
            own = _measured(RESULTS / path)
            measured += sum(row["dataset"] in ("", dataset) for dataset in own)
            links.append((f"measurement {_plain(study, name)}", path))
    return Behind(tuple(links), len(runs), measured)


def interval(row: Mapping[str, str]) -> tuple[str, str]:
    """Return (our number without an interval beside it, the interval or nothing)."""
    beside = _BESIDE.search(row["ours"])
    if beside:
        return row["ours"].replace(beside[0], ""), beside[1]
    noted = _NOTED.search(row["note"])
    return row["ours"], noted[1] if noted else ""


def _made(study: Study, kind: str, name: str) -> bool:
    return (RESULTS / study.name / kind / f"{name}.csv").exists()


def _called(study: Study, name: str, entries: Mapping[str, Entry]) -> Iterator[tuple[str, Entry]]:
    """Yield the entry of a table or figure that is called so, with or without the name of its study."""
    for full in (name, f"{study.name}_{name}"):
        if full in entries:
            yield full, entries[full]


def _sources(
    verdicts: Entry, names: list[str], read: Mapping[str, Entry], printed: Mapping[str, Entry]
) -> set[str]:
    """Return the experiments and measurements behind what was read."""
    every = {*verdicts.experiments, *verdicts.optional}
    found = {name for name in names if name in every or name in verdicts.optional_measurements}
    if "runs" in names:  # the frame of all
        found |= (every & set().union(*map(_drawn_on, printed.values()))) or every
    return found.union(*map(_drawn_on, [*read.values(), *printed.values()]))


def _drawn_on(entry: Entry) -> set[str]:
    return {*entry.experiments, *entry.optional, *entry.measurements, *entry.optional_measurements}


def _numbers(where: str) -> Iterator[tuple[str, str]]:
    """Yield the tables and figures that a place in print names, such as ("table", "5_1")."""
    for kind, listed in _NAMED.findall(where):
        parts = re.split(r"( to |, | and )", listed)
        numbers = [parts[0]]
        for between, number in zip(parts[1::2], parts[2::2], strict=True):
            if between == " to ":
                numbers += map(str, range(int(_arabic(numbers[-1])) + 1, int(_arabic(number))))
            numbers.append(number)
        yield from (
            (kind.lower().rstrip("s"), _arabic(number).replace(".", "_")) for number in numbers
        )


def _arabic(number: str) -> str:
    """Return a Roman number in digits, and any other as it is."""
    if not set(number) <= _ROMAN.keys():
        return number
    values = [_ROMAN[letter] for letter in number]
    after = [*values[1:], 0]
    return str(sum(-one if one < other else one for one, other in zip(values, after, strict=True)))


@cache
def _runs(path: Path) -> tuple[tuple[str, str], ...]:
    """Return what tells each run of a file of records from all others, and its dataset."""
    records = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return tuple((record["settings_hash"], record["dataset"]) for record in records)


@cache
def _measured(path: Path) -> tuple[str, ...]:
    """Return the dataset of each row of a measurement."""
    with path.open(encoding="utf-8", newline="") as stream:
        return tuple(row.get("dataset", "") for row in csv.DictReader(stream))


def _titled(study: Study, kind: str, name: str) -> str:
    """Return what a link to a table or figure is called: "table1", "figure accuracy"."""
    plain = _plain(study, name)
    return plain if plain.startswith(kind) else f"{kind} {plain}"


def _plain(study: Study, name: str) -> str:
    return re.sub(r"(\d)_(\d)", r"\1.\2", name.removeprefix(f"{study.name}_")).replace("_", " ")
