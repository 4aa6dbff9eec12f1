"""A blind re-check: a random sample of the committed runs of all studies, trained again and compared.

Every run has a digest, the SHA-256 of "<seed>/<study>/<run path>" ("7/journal/table1/gesture/fd_tse/eps20/seed3"). A
kind is a study, a model (sparse, dense, reference) and a strategy. The run of the smallest digest of each kind comes
first, then the second of each, and so on; of these, the first of each study before the second of each. The sample is
where this order begins, so that whoever has the records and the seed draws the same.
"""

import hashlib
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from truly_sparse.data.prepare import is_prepared, prepare
from truly_sparse.errors import UserError
from truly_sparse.experiments import probabilities
from truly_sparse.experiments.comparison import Expected, expected
from truly_sparse.experiments.configuration import results_folder
from truly_sparse.experiments.grid import RunSpec, runs
from truly_sparse.experiments.jobs.run_job import train
from truly_sparse.experiments.records import Record, holds, path_of, read, read_run, records_file, run_folder


class Candidate(NamedTuple):
    """A committed run: the configuration of its study, its record and its settings."""

    config: dict[str, Any]
    record: Record
    spec: RunSpec

    @property
    def name(self) -> str:
        """The run's path with its study before it."""
        return f"{self.config['study']}/{self.spec.path}"

    @property
    def kind(self) -> tuple[str, str, str]:
        """Study, model and strategy."""
        return self.config["study"], self.spec.settings["model"], self.spec.settings["strategy"]

    @property
    def seconds(self) -> float:
        """CPU seconds of the run alone; where another run may have trained its parent, at most those of the clock."""
        children = (self.record.get("children") or {}).get("seconds", {})
        return float(max(self.record["seconds"]["cpu"], sum(children.values())))


class Outcome(NamedTuple):
    """What came of a run: why it could not be trained here, or where it missed; both empty where all is well."""

    candidate: Candidate
    expected: Expected
    absent: str
    missed: str
    #: Whether every byte of the results was the same.
    same: bool
    #: The record that came of the run; None where it could not be trained.
    again: Record | None = None

    @property
    def well(self) -> bool:
        """Whether the run was trained and came out as it must."""
        return not self.absent and not self.missed


def candidates(configs: Iterable[dict[str, Any]]) -> list[Candidate]:
    """Return every committed run whose record holds, each once: where others stand for it, they are not taken."""
    found = []
    for config in configs:
        for experiment in config["experiments"]:
            records = {path_of(record): record for record in read(records_file(config, experiment))}
            for spec in runs(config, experiment):
                record = records.get(spec.path)
                if record is not None and "same_as" not in record and holds(record, spec):
                    found.append(Candidate(config, record, spec))
    return found


def digest(seed: str, name: str) -> str:
    """Return the digest of a run, by which it is drawn."""
    return hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()


def draw(found: Iterable[Candidate], number: int, seed: str) -> list[Candidate]:
    """Return the sample: the first `number` runs in the order that the module states, or all where there are fewer."""
    of_kind: defaultdict[object, Iterator[int]] = defaultdict(count)
    of_study: defaultdict[object, Iterator[int]] = defaultdict(count)
    places = []
    for one in sorted(found, key=lambda one: digest(seed, one.name)):
        turn = next(of_kind[one.kind])
        places.append(((turn, next(of_study[one.kind[0], turn])), one))
    return [one for _, one in sorted(places, key=lambda place: place[0])][:number]


def separate(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration whose runs lie apart from those of the study, in results/<preset>-recheck/<study>."""
    return {**config, "preset": f"{config['preset']}-recheck", "reuse_records": False}


def clear(configs: Iterable[dict[str, Any]]) -> None:
    """Remove what an earlier re-check left: a run begins with nothing, its parent too."""
    for config in configs:
        for name in ("runs", "parents"):
            shutil.rmtree(results_folder(separate(config)) / name, ignore_errors=True)


def check(sample: Sequence[Candidate], found: Iterable[Candidate]) -> Iterator[Outcome]:
    """Train the runs of a sample again, and yield what came of each; folders of runs that miss stay where they are.

    Parameters
    ----------
    sample : sequence of Candidate
    found : iterable of Candidate
        All runs; those over other seeds say how far one may lie from its record.
    """
    for one, must in zip(sample, expectations(sample, found), strict=True):
        outcome = _outcome(one, must, restart=True)
        if outcome.well:
            shutil.rmtree(run_folder(separate(one.config), one.spec))
        yield outcome


def lacking(found: Iterable[Candidate], experiments: Iterable[str]) -> list[Candidate]:
    """Return the runs of some experiments that predict something of which no test probabilities are kept."""
    codes = cache(probabilities.codes)
    return [
        one
        for one in found
        if one.spec.experiment in experiments
        and one.record["status"] == "ok"
        and one.spec.path not in codes(probabilities.file_of(one.config, one.spec.experiment))
    ]


def regain(wanted: Sequence[Candidate], found: Sequence[Candidate]) -> Iterator[Outcome]:
    """Train runs again and keep their test probabilities, run by run; yield what came of each.

    What is kept belongs to its record: the same test rows are right, and a sparse run gave the same bytes. A run that
    was stopped is taken up again from its checkpoint.

    Parameters
    ----------
    wanted : sequence of Candidate
    found : sequence of Candidate
        All runs; see `check`.
    """
    for one, must in zip(wanted, expectations(wanted, found), strict=True):
        outcome = _outcome(one, must, restart=False)
        if outcome.well and outcome.again is not None:
            if outcome.again["correct"] == one.record["correct"]:
                experiment, folder = one.spec.experiment, run_folder(separate(one.config), one.spec)
                committed = {path_of(record) for record in read(records_file(one.config, experiment))}
                probabilities.keep(one.config, experiment, committed, {one.spec.path: folder / "predictions.npz"})
                shutil.rmtree(folder)
            else:
                outcome = outcome._replace(missed="other test rows are right, so that nothing is kept", same=False)
        yield outcome


def _outcome(one: Candidate, must: Expected, restart: bool) -> Outcome:
    """Train a run again, from the start with `restart`, and compare it."""
    absent = _data(one) or _train(one, restart)
    if absent:
        return Outcome(one, must, absent, "", False)
    again, codes = _again(one)
    return Outcome(one, must, "", *must.compare(again, codes), again)


def expectations(sample: Iterable[Candidate], found: Iterable[Candidate]) -> list[Expected]:
    """Return what each run of a sample must come to."""
    alike: dict[tuple[str, ...], list[Record]] = {}
    for one in found:
        alike.setdefault(_method(one), []).append(one.record)
    codes = cache(probabilities.codes)
    stated = []
    for one in sample:
        kept = codes(probabilities.file_of(one.config, one.spec.experiment))
        stated.append(expected(one.record, alike[_method(one)], kept.get(one.spec.path)))
    return stated


def _method(one: Candidate) -> tuple[str, ...]:
    """Return what runs have in common whose seeds tell how far one may lie from another."""
    spec = one.spec
    return one.config["study"], spec.experiment, spec.dataset, spec.method, spec.settings["data"]["split"]


def _data(one: Candidate) -> str:
    """Make sure that the prepared dataset is the one of the record; return why it is not."""
    config, name = one.config, one.spec.dataset
    path, wanted = Path(config["data"]["folder"]) / f"{name}.parquet", one.record["data"]["sha256"]
    try:
        if not is_prepared(path, wanted):
            prepare(name, config["data"], config["datasets"][name])
    except UserError as error:
        return str(error)
    if not is_prepared(path, wanted):
        part = one.record["data"]["partial"]
        return f"{path} is another file than the record's" + (f", which is a part ({part})" if part else "")
    return ""


def _train(one: Candidate, restart: bool) -> str:
    """Train a run; return why it could not be."""
    try:
        train(separate(one.config), one.spec.path, restart=restart)
    except UserError as error:
        return str(error)
    return ""


def _again(one: Candidate) -> tuple[Record, probabilities.Codes | None]:
    """Return record and coded test probabilities of a run that has been trained again."""
    config = separate(one.config)
    again = read_run(config, one.spec)
    assert again is not None
    return again, probabilities.coded(run_folder(config, one.spec) / "predictions.npz")
