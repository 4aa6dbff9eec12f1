"""Where results come from: preset, runs, seeds, commits and machine, in words for captions and text."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from truly_sparse.analysis.names import METHODS, dataset_title, method_title, separator
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import Record

#: How the note of a row begins of whose dataset only a part was there.
PARTIAL = "partial data: "


@dataclass(frozen=True)
class Origin:
    """What a caption must say about the runs behind a table or figure.

    Attributes
    ----------
    seeds : str
        Finished runs per row, such as "5 (Dense, Dense ensemble: 1)".
    cpu_hours : float
        CPU time of all runs together, on one core each.
    parts : str
        Datasets of which only a part was there, such as "HIGGS (51370 of 155000 rows)"; empty for none.
    """

    preset: str
    runs: int
    diverged: int
    absent: int
    seeds: str
    commits: str
    cpu: str
    blas: str
    versions: str
    convention: str
    cpu_hours: float
    pinned: int
    cpu_per_wall: float
    parts: str = ""

    def warning(self) -> str:
        """Return a sentence for captions where a dataset was not there as a whole, with a space before it."""
        return f" Only a part of the rows: {self.parts}." if self.parts else ""

    def stamp(self, seeds: bool = False) -> str:
        """Return preset, commit and, if asked for, finished runs per row."""
        per_row = f"seeds per row: {self.seeds}; " if seeds else ""
        return f"Preset {self.preset}; {per_row}commit {self.commits}."

    def closing(self, seeds: bool = False) -> str:
        """Return the end of a caption of results: `stamp` and `warning`."""
        return self.stamp(seeds) + self.warning()

    def line(self) -> str:
        """Return the closing line of a table: preset, seeds, runs and commit."""
        runs = f"{self.runs} runs"
        if self.diverged:
            runs += f", {self.diverged} diverged"
        if self.absent:
            runs += f", {self.absent} missing"
        return f"Preset {self.preset}; seeds per row: {self.seeds}; {runs}; commit {self.commits}." + self.warning()


@dataclass(frozen=True)
class Measured:
    """What a caption must say about a measurement that is no training run."""

    preset: str
    commit: str
    cpu: str
    seconds: float

    def line(self) -> str:
        """Return the closing line of a table: preset, machine and commit."""
        return f"Preset {self.preset}; measured in {self.seconds:.0f} s on {self.cpu}; commit {self.commit}."


def measured_of(preset: str, about: dict[str, Any]) -> Measured:
    """Return where a measurement comes from, by its sidecar."""
    return Measured(preset, join(commits_of([about])), about["host"]["cpu"], about["seconds"])


def origin_of(preset: str, records: Sequence[Record], absent: Sequence[RunSpec] = ()) -> Origin:
    """Return where `records` come from; what a record does not say is "unknown"."""
    hosts = [record.get("host", {}) for record in records]
    threads = [record.get("threads", {}) for record in records]
    return Origin(
        preset=preset,
        runs=len(records),
        diverged=sum(record["status"] != "ok" for record in records),
        absent=len(absent),
        seeds=seeds_per_row(records),
        commits=join(commits_of(records)),
        cpu=join(host.get("cpu") for host in hosts),
        blas=join(name for block in threads for name in _blas(block)),
        versions=join(_versions(host) for host in hosts),
        convention=join((record.get("operations", {}).get("convention") for record in records), "; "),
        cpu_hours=sum(record["seconds"]["cpu"] for record in records) / 3600,
        pinned=sum(bool(block.get("pinned")) for block in threads),
        cpu_per_wall=max((block.get("cpu_per_wall") or 0.0 for block in threads), default=0.0),
        parts=", ".join(f"{dataset_title(name)} ({part})" for name, part in parts_of(records).items()),
    )


def parts_of(records: Iterable[Record]) -> dict[str, str]:
    """Return {dataset: "n of N rows"} of the datasets of which some run had only a part."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        part = record.get("data", {}).get("partial")
        if part:
            found.setdefault(record["dataset"], {})[part] = None
    return {name: ", ".join(parts) for name, parts in found.items()}


def partial_note(part: str | None) -> str:
    """Return a row's note about what there was of its dataset; empty for all of it."""
    return PARTIAL + part if part else ""


def marked_title(dataset: str, notes: Iterable[Any]) -> str:
    """Return a dataset's printed name, with what was there of it where a row's note says it was a part."""
    said = (str(note).split("; ")[0] for note in notes)
    parts = [note.removeprefix(PARTIAL) for note in said if note.startswith(PARTIAL)]
    return dataset_title(dataset) + (f" ({parts[0]})" if parts else "")


def join(values: Iterable[Any], between: str = "") -> str:
    """Return the distinct values in order of appearance, joined as `separator` says; "unknown" for none at all."""
    words = dict.fromkeys(str(value) for value in values if value)
    return (between or separator(words)).join(words) or "unknown"


def commits_of(records: Iterable[Record]) -> list[str]:
    """Return the distinct commits (10 digits) of the runs; "+" marks uncommitted changes."""
    found: dict[str, None] = {}
    for record in records:
        code = record.get("code", {})
        commit = code.get("commit")
        found[f"{commit[:10]}{'+' if code.get('dirty') else ''}" if commit else "unknown"] = None
    return list(found)


def seeds_per_row(records: Iterable[Record]) -> str:
    """Return how many finished runs a row has, exceptions named: "5 (Dense, Dense ensemble: 1)".

    Where a name has a comma, names are told apart by semicolons, and numbers by strokes.
    """
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    for record in records:
        counts[record["dataset"], record["method"], record["setting"]] += record["status"] == "ok"
    by_method: dict[str, set[int]] = defaultdict(set)
    for (_, method, _), count in counts.items():
        by_method[method].add(count)
    methods: dict[str, list[str]] = defaultdict(list)
    for method in sorted(by_method, key=lambda name: (list(METHODS).index(name) if name in METHODS else 99, name)):
        low, high = min(by_method[method]), max(by_method[method])
        methods[f"{low}" if low == high else f"{low} to {high}"].append(method_title(method))
    if not methods:
        return "0"
    usual = max(methods, key=lambda text: len(methods[text]))
    others = {text: names for text, names in methods.items() if text != usual}
    between = separator(name for names in others.values() for name in names)
    rest = ("; " if between == ", " else " | ").join(f"{between.join(names)}: {text}" for text, names in others.items())
    return f"{usual} ({rest})" if rest else usual


def _blas(threads: dict[str, Any]) -> list[str]:
    return [
        f"{pool.get('internal_api')} {pool.get('version')} ({pool.get('architecture')} kernels)"
        for pool in threads.get("threadpools", [])
        if pool.get("user_api") == "blas"
    ]


def _versions(host: dict[str, Any]) -> str:
    packages = host.get("packages", {})
    named = [f"Python {host['python']}"] if host.get("python") else []
    return ", ".join(named + [f"{name} {packages[name]}" for name in ("numpy", "numba") if name in packages])
