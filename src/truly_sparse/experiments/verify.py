"""Running committed runs again: sparse ones give the same bits on every processor with a fused multiply-add.

What the BLAS library computes (dense networks, scikit-learn's models) gives them with the same library on the same
processor, elsewhere the same within a tolerance; so do sparse runs on a processor without fused multiply-add.
"""

import random
import sys
from collections import Counter
from math import isclose
from typing import Any

from truly_sparse.experiments.grid import RunSpec, runs
from truly_sparse.experiments.records import Record, path_of, read, read_run, records_file
from truly_sparse.experiments.run import run

#: What must be the same bit by bit.
EXACT = (
    "status",
    "accuracy",
    "correct",
    "links",
    "loss",
    "operations",
    "members_epoch",
    "blocked_fallbacks",
    "distance_draws",
)
#: What must be the same to 12 digits: earlier records have sums in another order, and logarithms of another library.
ROUNDED = ("metrics", "diversity")
DIGITS = 1e-12
#: Largest difference of the test accuracy where sums round differently, and training diverges from the first step on.
TOLERANCE = 0.03


def verify(config: dict[str, Any], count: int, seed: int, longest: float | None = None) -> list[str]:
    """Run committed runs again, and return one line per run that came out differently; none where all is well.

    Parameters
    ----------
    config : dict
    count : int
        How many, spread over experiments and methods.
    seed : int
        Of the choice.
    longest : float, optional
        Leave out runs whose records say more CPU seconds.
    """
    found = [one for one in _candidates(config) if longest is None or one[0]["seconds"]["cpu"] <= longest]
    chosen = choose(found, count, random.Random(seed))
    elsewhere = {**config, "preset": f"{config['preset']}-verify", "reuse_records": False}
    failures: list[str] = []
    for number, (record, spec) in enumerate(chosen, 1):
        run(elsewhere, spec, restart=True)
        again = read_run(elsewhere, spec)
        assert again is not None
        difference = compare(record, again)
        same = "the same bits" if _must_be_exact(record, again) else "the same within the tolerance"
        print(f"{number} of {len(chosen)}: {spec.path}: {difference or same}", file=sys.stderr)
        if difference:
            failures.append(f"{spec.path}: {difference}")
    return failures


def compare(record: Record, again: Record) -> str:
    """Return in which part two records of the same run differ; empty for none."""
    if record["data"]["sha256"] != again["data"]["sha256"]:
        return "its data are another file"
    if _must_be_exact(record, again):
        differing = [name for name in EXACT if record.get(name) != again.get(name)]
        differing += [name for name in ROUNDED if not _near(record.get(name), again.get(name))]
        return f"other {', '.join(differing)}" if differing else ""
    before, after = (one["accuracy"]["test"] for one in (record, again))
    if (before is None) != (after is None):
        return "diverged on one processor only"
    apart = abs((before or 0.0) - (after or 0.0))
    return f"test accuracy apart by {apart:.3f} where sums round differently" if apart > TOLERANCE else ""


def _must_be_exact(record: Record, again: Record) -> bool:
    """Say whether two records of a run were made where its sums round alike."""
    hosts = record["host"], again["host"]
    if record["settings"]["model"] == "sparse":
        # Records without `processor` are of a processor with AVX-512.
        return all(host.get("processor", {}).get("instructions") != "plain" for host in hosts)
    known = [host.get("processor") for host in hosts]
    same = known[0] == known[1] if all(known) else hosts[0]["cpu"] == hosts[1]["cpu"]
    return same and _blas(record) == _blas(again)


def _blas(record: Record) -> set[tuple[str, str]]:
    """Return version and kernels of the BLAS libraries of a run."""
    pools = record["threads"]["threadpools"]
    return {(pool["version"], pool.get("architecture", "")) for pool in pools if pool["user_api"] == "blas"}


def _near(one: Any, other: Any) -> bool:
    """Say whether two mappings of numbers (or nothing) are the same to 12 digits."""
    if not isinstance(one, dict) or not isinstance(other, dict) or one.keys() != other.keys():
        return bool(one == other)
    pairs = [(one[name], other[name]) for name in one]
    return all(x == y if None in (x, y) else isclose(x, y, rel_tol=DIGITS, abs_tol=DIGITS) for x, y in pairs)


def _candidates(config: dict[str, Any]) -> list[tuple[Record, RunSpec]]:
    """Return committed records of today's settings with their runs, each run once."""
    found = []
    for experiment in config["experiments"]:
        records = {path_of(record): record for record in read(records_file(config, experiment))}
        for spec in runs(config, experiment):
            record = records.get(spec.path, {"same_as": None})
            if "same_as" not in record and record["settings_hash"] == spec.settings_hash:
                found.append((record, spec))
    return found


def choose(found: list[tuple[Record, RunSpec]], count: int, rng: random.Random) -> list[tuple[Record, RunSpec]]:
    """Return `count` runs at random, each time of the experiment and the method that were chosen least often."""
    left = rng.sample(found, len(found))
    chosen: list[tuple[Record, RunSpec]] = []
    experiments: Counter[str] = Counter()
    methods: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()

    def often(one: tuple[Record, RunSpec]) -> tuple[int, int]:
        spec = one[1]
        return pairs[spec.experiment, spec.method], experiments[spec.experiment] + methods[spec.method]

    while left and len(chosen) < count:
        one = min(left, key=often)
        spec = one[1]
        left.remove(one)
        chosen.append(one)
        experiments[spec.experiment] += 1
        methods[spec.method] += 1
        pairs[spec.experiment, spec.method] += 1
    return chosen
