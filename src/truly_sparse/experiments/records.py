"""Run records: run.json in every run folder, and the committed copies, one line per run."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from truly_sparse.errors import UserError
from truly_sparse.experiments.config import results_folder
from truly_sparse.experiments.grid import RunSpec, runs
from truly_sparse.files import write_text

Record = dict[str, Any]
_NEEDED = ("experiment", "dataset", "method", "setting", "seed", "status", "settings_hash", "source_hash")


def run_folder(config: dict[str, Any], spec: RunSpec) -> Path:
    """Return results/<preset>/runs/<run path>."""
    return results_folder(config) / "runs" / spec.path


def records_file(config: dict[str, Any], experiment: str) -> Path:
    """Return results/<preset>/records/<experiment>.jsonl."""
    return results_folder(config) / "records" / f"{experiment}.jsonl"


def path_of(record: Record) -> str:
    """Return the run path of a record, such as "table1/gesture/fd_tse/eps20/seed3"."""
    return "{experiment}/{dataset}/{method}/{setting}/seed{seed}".format(**record)


def verified_file(config: dict[str, Any]) -> Path:
    """Return results/<preset>/records/verified.json."""
    return results_folder(config) / "records" / "verified.json"


def verified(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return {today's source hash: {earlier one: the run that gave the same bits with both}}, as `verify` wrote it.

    Raises
    ------
    UserError
        For a damaged file.
    """
    file = verified_file(config)
    if not file.exists():
        return {}
    try:
        known: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        return {today: dict(earlier) for today, earlier in known.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise UserError(f"{file}: not readable ({' '.join(str(error).split())}); restore or delete it") from None


def is_current(record: Record, spec: RunSpec, known: dict[str, dict[str, Any]]) -> bool:
    """Say whether a record was made with today's settings, and with today's sources or verified earlier ones."""
    settings, source = spec.hashes["settings_hash"], spec.hashes["source_hash"]
    same_source = record["source_hash"] == source or record["source_hash"] in known.get(source, {})
    return path_of(record) == spec.path and record["settings_hash"] == settings and same_source


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

    A record holds while its settings and the sources of its stage are today's, and `reuse_records` is true.
    """
    committed = {}
    if config["reuse_records"]:
        committed = {path_of(record): record for record in read(records_file(config, experiment))}
    recorded, missing, known = [], [], verified(config)
    for spec in runs(config, experiment):
        record = committed.get(spec.path)
        if record is not None and is_current(record, spec, known):
            recorded.append(record)
        else:
            missing.append(spec)
    return recorded, missing


def gather(config: dict[str, Any], experiment: str) -> tuple[list[Record], list[RunSpec]]:
    """Return (records of all finished runs, runs not finished), each in the order of the grid.

    Committed records come first; run.json files fill in where none holds. A run.json of other settings or
    other sources does not count as finished.
    """
    recorded, missing = split(config, experiment)
    finished = {path_of(record): record for record in recorded}
    absent, known = [], verified(config)
    for spec in missing:
        record = read_run(config, spec)
        if record is not None and is_current(record, spec, known):
            finished[spec.path] = record
        else:
            absent.append(spec)
    return [finished[spec.path] for spec in runs(config, experiment) if spec.path in finished], absent


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


def store(config: dict[str, Any], experiment: str) -> Stored:
    """Merge the finished runs of an experiment into its committed records.

    Finished runs of this machine replace committed ones of the same path where they are current; lines of runs
    that left the grid are dropped.
    """
    file = records_file(config, experiment)
    specs = {spec.path: spec for spec in runs(config, experiment)}
    kept = {path_of(record): record for record in read(file) if path_of(record) in specs}
    found = {path: read_run(config, spec) for path, spec in specs.items()}
    known = verified(config)
    fresh = {path: record for path, record in found.items() if record and is_current(record, specs[path], known)}
    merged = kept | fresh
    lines = [json.dumps(merged[path], separators=(",", ":"), allow_nan=False) for path in sorted(merged)]
    text = "".join(f"{line}\n" for line in lines)
    if lines and (not file.exists() or file.read_text(encoding="utf-8") != text):
        write_text(file, text)
    return Stored(file, len(fresh), len(merged), len(specs))


def _parse(text: str, where: str) -> Record:
    advice = "restore the file or delete it and run again"
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{where}: not valid JSON ({error.msg}); {advice}") from error
    lacking = [key for key in _NEEDED if not isinstance(record, dict) or key not in record]
    if lacking:
        raise UserError(f'{where}: not a run record, "{lacking[0]}" is missing; {advice}')
    return dict(record)
