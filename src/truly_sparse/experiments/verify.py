"""Running committed runs again: the same bits on the same kind of processor, the same within tolerance on another.

Where the code of a run has changed since its record was made, records that come out bit by bit the same show that the
change did not concern them: the pair of source hashes is then noted, and records of the older one keep counting.
"""

import random
import sys
from datetime import UTC, datetime
from typing import Any

from truly_sparse.experiments.grid import RunSpec, runs
from truly_sparse.experiments.records import Record, path_of, read, read_run, records_file, verified, verified_file
from truly_sparse.experiments.run import run
from truly_sparse.files import write_json
from truly_sparse.measure import host

#: What must be the same bit by bit on the same processor.
EXACT = ("accuracy", "correct", "metrics", "diversity", "links", "loss", "operations")
#: Largest difference of the test accuracy on another processor, where sums round differently and training diverges
#: from the first step on.
TOLERANCE = 0.03


def verify(config: dict[str, Any], count: int, seed: int) -> list[str]:
    """Run at least `count` committed runs again, and one of every pair of (today's, recorded) source hashes.

    Returns
    -------
    list of str
        One line per run that came out differently; none where all is well. Pairs of hashes whose runs were the same
        are added to results/<preset>/records/verified.json.
    """
    found = _candidates(config)
    chosen = _choose(found, count, random.Random(seed))
    elsewhere = {**config, "preset": f"{config['preset']}-verify", "reuse_records": False}
    failures: list[str] = []
    proved: list[tuple[Record, RunSpec]] = []
    broken: set[tuple[str, str]] = set()
    for number, (record, spec) in enumerate(chosen, 1):
        run(elsewhere, spec, restart=True)
        again = read_run(elsewhere, spec)
        assert again is not None
        difference = compare(record, again)
        print(f"{number} of {len(chosen)}: {spec.path}: {difference or 'the same'}", file=sys.stderr)
        if difference:
            failures.append(f"{spec.path}: {difference}")
            broken.add(_pair(record, spec))
        elif record["source_hash"] != spec.hashes["source_hash"] and record["host"]["cpu"] == host.processor():
            proved.append((record, spec))
    _note(config, [(record, spec) for record, spec in proved if _pair(record, spec) not in broken])
    return failures


def compare(record: Record, again: Record) -> str:
    """Return in which part two records of the same run differ; empty for none."""
    if record["data"]["sha256"] != again["data"]["sha256"]:
        return "its data are another file"
    if record["host"]["cpu"] == again["host"]["cpu"]:
        differing = [name for name in EXACT if record.get(name) != again.get(name)]
        return f"other {', '.join(differing)}" if differing else ""
    before, after = (one["accuracy"]["test"] for one in (record, again))
    if (before is None) != (after is None):
        return "diverged on one processor only"
    apart = abs((before or 0.0) - (after or 0.0))
    return f"test accuracy apart by {apart:.3f} on another processor" if apart > TOLERANCE else ""


def _candidates(config: dict[str, Any]) -> list[tuple[Record, RunSpec]]:
    """Return committed records of today's settings with their runs."""
    found = []
    for experiment in config["experiments"]:
        records = {path_of(record): record for record in read(records_file(config, experiment))}
        for spec in runs(config, experiment):
            record = records.get(spec.path)
            if record is not None and record["settings_hash"] == spec.settings_hash:
                found.append((record, spec))
    return found


def _pair(record: Record, spec: RunSpec) -> tuple[str, str]:
    return spec.hashes["source_hash"], record["source_hash"]


def _choose(found: list[tuple[Record, RunSpec]], count: int, rng: random.Random) -> list[tuple[Record, RunSpec]]:
    """Return one random run of every pair of hashes, the shorter half only, and others at random up to `count`."""
    by_pair: dict[tuple[str, str], list[tuple[Record, RunSpec]]] = {}
    for record, spec in found:
        by_pair.setdefault(_pair(record, spec), []).append((record, spec))
    chosen = []
    for members in by_pair.values():
        members.sort(key=lambda item: item[0]["seconds"]["cpu"])
        chosen.append(rng.choice(members[: max(1, len(members) // 2)]))
    rest = [item for item in found if item not in chosen]
    return chosen + rng.sample(rest, max(0, min(count - len(chosen), len(rest))))


def _note(config: dict[str, Any], proved: list[tuple[Record, RunSpec]]) -> None:
    known = verified(config)
    for record, spec in proved:
        today, earlier = _pair(record, spec)
        entry = {"run": spec.path, "cpu": record["host"]["cpu"], "date": datetime.now(UTC).date().isoformat()}
        known.setdefault(today, {})[earlier] = entry
    if proved:
        write_json(verified_file(config), known)
