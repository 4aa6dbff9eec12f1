"""Run records: run.json in every run folder, and the committed copies, one line per run.

Experiments overlap: a run of one may have the very settings of another's, of this or another study. It is trained once,
and counts for both.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from truly_sparse.errors import UserError
from truly_sparse.experiments import golden
from truly_sparse.experiments.configuration import results_folder, study_names
from truly_sparse.experiments.grid import RunSpec, runs
from truly_sparse.files import write_text

Record = dict[str, Any]
_NEEDED = ("experiment", "dataset", "method", "setting", "seed", "status", "settings_hash", "source_hash")


def run_folder(config: dict[str, Any], spec: RunSpec) -> Path:
    """Return the folder of a run, below runs/ beside the results."""
    return results_folder(config) / "runs" / spec.path


def records_file(config: dict[str, Any], experiment: str) -> Path:
    """Return the file of an experiment's committed records."""
    return results_folder(config) / "records" / f"{experiment}.jsonl"


def path_of(record: Record) -> str:
    """Return the run path of a record, such as "table1/gesture/fd_tse/eps20/seed3"."""
    return "{experiment}/{dataset}/{method}/{setting}/seed{seed}".format(**record)


def is_current(record: Record, spec: RunSpec) -> bool:
    """Say whether a record was made with today's settings and today's sources."""
    hashes = spec.hashes
    return path_of(record) == spec.path and all(record[key] == hashes[key] for key in hashes)


def holds(record: Record, spec: RunSpec) -> bool:
    """Say whether a committed record counts: of today's settings, and by golden runs or today's sources.

    A record without `golden` was stored before there were golden runs; the first ones were made with its sources.
    """
    if path_of(record) != spec.path or record["settings_hash"] != spec.settings_hash:
        return False
    return golden.holds(record.get("golden", 0), spec.features) or is_current(record, spec)


def read(path: str | Path) -> list[Record]:
    """Return the records of a .jsonl file; none where there is no file.

    Raises
    ------
    UserError
        For a line that is not a run record; names file and line.
    """
    path = Path(path)
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [_parse(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def split(config: dict[str, Any], experiment: str) -> tuple[list[Record], list[RunSpec]]:
    """Return (committed records that still hold, runs that have none), in the order of the grid.

    See `holds`; none does where `reuse_records` is false. Where a run has none, that of a run of another experiment
    with the same settings stands for it, of this study or else of another.
    """
    committed = _committed(config) if config["reuse_records"] else {}
    recorded: list[Record] = []
    missing: list[RunSpec] = []
    for spec in runs(config, experiment):
        record = _standing_for(spec, committed.get(spec.settings_hash, ()), holds)
        if record is None:
            missing.append(spec)
        else:
            recorded.append(record)
    return recorded, missing


def gather(config: dict[str, Any], experiment: str) -> tuple[list[Record], list[RunSpec]]:
    """Return (records of all finished runs, runs not finished), each in the order of the grid.

    Committed records come first; run.json files fill in where none holds, its own or that of a run with the same
    settings, of this study or else of another. A run.json of other settings or other sources does not count as
    finished: nothing says that those sources gave the golden digests.
    """
    recorded, missing = split(config, experiment)
    finished = {path_of(record): record for record in recorded}
    absent, same, elsewhere = [], by_settings(runs(config)), Elsewhere(config)
    for spec in missing:
        found = filter(None, (read_run(config, other) for other in same[spec.settings_hash]))
        others = (record for _, record in elsewhere.finished(spec))
        record = _standing_for(spec, chain(found, others), is_current)
        if record is None:
            absent.append(spec)
        else:
            finished[spec.path] = record
    return [finished[spec.path] for spec in runs(config, experiment) if spec.path in finished], absent


def by_settings(specs: Iterable[RunSpec]) -> dict[str, list[RunSpec]]:
    """Return the runs of each settings hash, in their order; the first is the one that is trained."""
    found: dict[str, list[RunSpec]] = {}
    for spec in specs:
        found.setdefault(spec.settings_hash, []).append(spec)
    return found


def distinct(found: Iterable[Record]) -> list[Record]:
    """Return the records without those of settings that came before."""
    first: dict[str, Record] = {}
    for record in found:
        first.setdefault(record["settings_hash"], record)
    return list(first.values())


def read_run(config: dict[str, Any], spec: RunSpec) -> Record | None:
    """Return the run.json of a run; None where there is none.

    Raises
    ------
    UserError
        Where the file is not a run record.
    """
    file = run_folder(config, spec) / "run.json"
    if not file.exists():
        return None
    return _parse(file.read_text(encoding="utf-8", errors="replace"), str(file))


class Stored(NamedTuple):
    """What `store` did: the file, runs taken from run folders, lines in the file, runs in the grid."""

    file: Path
    fresh: int
    lines: int
    runs: int

    def __str__(self) -> str:
        return f"{self.file}: {self.lines} of {self.runs} runs, {self.fresh} of them from this machine"


def store(config: dict[str, Any], experiment: str, check: Callable[[], None]) -> Stored:
    """Merge the finished runs of an experiment into its committed records.

    Finished runs of this machine replace committed ones of the same path where they are current; lines of runs
    that left the grid are dropped. A run of another experiment that stands for one of this has a line here, too, whose
    `same_as` is its path, with the study before it where that is another. What comes from this machine is stored with
    today's generation of golden runs, its test probabilities beside it where the configuration keeps them
    (`probabilities`).

    Parameters
    ----------
    config : dict
    experiment : str
    check : callable
        Raises where today's sources do not give the committed digests; called where something comes from this machine.
    """
    file = records_file(config, experiment)
    specs = {spec.path: spec for spec in runs(config, experiment)}
    kept = {path_of(record): record for record in read(file) if path_of(record) in specs}
    committed = {path_of(record): record for record in split(config, experiment)[0]}
    found = {path: read_run(config, spec) for path, spec in specs.items()}
    fresh = {path: record for path, record in found.items() if record and is_current(record, specs[path])}
    local = {path_of(record): record for record in gather(config, experiment)[0] if path_of(record) not in committed}
    local |= fresh
    if local:
        check()
    stored = {path: {**record, "golden": golden.generation(specs[path].features)} for path, record in local.items()}
    merged = kept | committed | stored
    lines = [json.dumps(merged[path], separators=(",", ":"), allow_nan=False) for path in sorted(merged)]
    text = "".join(f"{line}\n" for line in lines)
    if lines and (not file.exists() or file.read_text(encoding="utf-8") != text):
        write_text(file, text)
    if stored:
        from truly_sparse.experiments import probabilities  # NumPy; the workflow reads this module each time it starts

        folders = {path: run_folder(config, specs[path]) for path, record in stored.items() if "same_as" not in record}
        predictions = {path: folder / "predictions.npz" for path, folder in folders.items()}
        here = {path: source for path, source in predictions.items() if source.exists()}
        probabilities.keep(config, experiment, set(merged), here)
    return Stored(file, len(fresh), len(merged), len(specs))


def _standing_for(spec: RunSpec, found: Iterable[Record], counts: Callable[[Record, RunSpec], bool]) -> Record | None:
    """Return the record of a run, else the one of a run with the same settings, under this run's name; None without."""
    named = [
        record
        if path_of(record) == spec.path
        else record | {"experiment": spec.experiment, "setting": spec.setting, "same_as": path_of(record)}
        for record in found
    ]
    current = [record for record in named if counts(record, spec)]
    return min(current, key=lambda record: "same_as" in record, default=None)


class Elsewhere:
    """The run.json files of other studies at the preset of one.

    Folders are listed once, when the first is asked for: a grid has thousands of runs, few of which lie there.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self._folders = other_studies(config)

    @cached_property
    def _files(self) -> dict[tuple[str, ...], list[Path]]:
        """By dataset, method and folder of the seed."""
        found: dict[tuple[str, ...], list[Path]] = {}
        for file in (file for folder in self._folders for file in sorted(folder.glob("runs/*/*/*/*/seed*/run.json"))):
            _, dataset, method, _, seed, _ = file.parts[-6:]
            found.setdefault((dataset, method, seed), []).append(file)
        return found

    def finished(self, spec: RunSpec) -> Iterator[tuple[Path, Record]]:
        """Yield the finished runs that have a run's settings, each with its file."""
        for file in self._files.get((spec.dataset, spec.method, f"seed{spec.seed}"), ()):
            record = _parse(file.read_text(encoding="utf-8", errors="replace"), str(file))
            if record["settings_hash"] == spec.settings_hash:
                yield file, _of_study(record, file.parents[6].name)

    def stands_for(self, spec: RunSpec) -> Path | None:
        """Return the run.json of another study that stands for a run; None where there is none."""
        hashes = spec.hashes
        found = self.finished(spec)
        return next((file for file, record in found if all(record[key] == hashes[key] for key in hashes)), None)


def other_studies(config: dict[str, Any]) -> list[Path]:
    """Return the results folders of other studies at the same preset."""
    own = results_folder(config)
    return sorted(folder for name in study_names() if (folder := own.with_name(name)) != own)


def _committed(config: dict[str, Any]) -> dict[str, list[Record]]:
    """Return all committed records by their settings: of the study, then of the others."""
    files = [(records_file(config, name), "") for name in config["experiments"]]
    for folder in other_studies(config):
        files += [(file, folder.name) for file in sorted(folder.glob("records/*.jsonl"))]
    there = [(file.resolve(), study, file.stat()) for file, study in files if file.exists()]
    return _lines_by_settings(tuple((file, study, at.st_mtime_ns, at.st_size) for file, study, at in there))


@lru_cache(maxsize=16)
def _lines_by_settings(versions: tuple[tuple[Path, str, int, int], ...]) -> dict[str, list[Record]]:
    """Return the lines of files by their settings hashes; they are read again where one has changed."""
    found: dict[str, list[Record]] = {}
    for path, study, written, size in versions:
        for line in _read_version(path, written, size):
            found.setdefault(line["settings_hash"], []).append(_of_study(line, study) if study else line)
    return found


def _of_study(record: Record, study: str) -> Record:
    """Return a record of another study under a name that says so, such as "journal/table1/gesture/..."."""
    return record | {"experiment": f"{study}/{record['experiment']}"}


@cache
def _read_version(path: Path, written: int, size: int) -> list[Record]:
    del written, size
    return read(path)


def _parse(text: str, where: str) -> Record:
    advice = "restore the file or delete it and run again"
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:  # a number may be too long, lists too deep
        raise UserError(f"{where}: not valid JSON ({getattr(error, 'msg', error)}); {advice}") from error
    lacking = [key for key in _NEEDED if not isinstance(record, dict) or key not in record]
    if lacking:
        raise UserError(f'{where}: not a run record, "{lacking[0]}" is missing; {advice}')
    return dict(record)
