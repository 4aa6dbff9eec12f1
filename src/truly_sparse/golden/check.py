"""The committed digests: comparing with them, and making them anew.

Processors without fused multiply-adds round more often and have a file of their own. `digests.json` counts generations:
a case holds the number of the one in which its digests last changed, and a record the number of the one it was stored
in. Cases that are added change nothing that was there.
"""

import json
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from math import isclose
from pathlib import Path
from typing import Any

from tqdm import tqdm

from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration_schema import suggest
from truly_sparse.files import write_text
from truly_sparse.golden.cases import Case, cases
from truly_sparse.golden.outputs import Outputs, outputs
from truly_sparse.golden.processors import environment
from truly_sparse.measure import host

FILE = Path(__file__).with_name("digests.json")
WITHOUT_FMA = Path(__file__).with_name("digests_without_fma.json")
#: In a log, every so many golden runs are told.
TOLD = 50
#: Of numbers that depend on the BLAS library, relative.
TOLERANCE = 1e-4


def committed() -> dict[str, Any]:
    """Return what digests.json holds."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def expected() -> dict[str, Outputs]:
    """Return the committed outputs of every case for the processor at hand."""
    if host.instructions() == "plain":
        found: dict[str, Outputs] = json.loads(WITHOUT_FMA.read_text(encoding="utf-8"))
        return found
    return {name: entry["outputs"] for name, entry in committed()["cases"].items()}


def choose(names: Sequence[str]) -> list[Case]:
    """Return the named cases, or all where none is named.

    Raises
    ------
    UserError
        For a name that no case has.
    """
    every = {case.name: case for case in cases()}
    for name in names:
        if name not in every:
            raise UserError(f'no golden run "{name}"{suggest(name, every)}')
    return [every[name] for name in names or every]


def differences(chosen: Iterable[Case]) -> list[str]:
    """Run cases and return one line for each whose outputs are not the committed ones."""
    known, found = expected(), []
    for case in chosen:
        other = _differing(outputs(case), known.get(case.name, {}))
        if other:
            found.append(f"{case.name}: other {', '.join(other)}")
    return found


def _differing(made: Outputs, before: Outputs) -> list[str]:
    """Return the names of outputs that differ; numbers, which the BLAS library rounds, may do so in the last digits."""
    return [
        name
        for name in {**before, **made}
        if made.get(name) != before.get(name) and not _near(made.get(name), before.get(name))
    ]


def _near(one: Any, other: Any) -> bool:
    if not isinstance(one, list) or not isinstance(other, list) or len(one) != len(other):
        return False
    return all(isclose(x, y, rel_tol=TOLERANCE) for x, y in zip(one, other, strict=True))


def make(reason: str) -> list[str]:
    """Run all cases, write their digests, and return the names of cases whose digests changed."""
    before = committed()
    generation, known = before["generation"], before["cases"]
    made = {case.name: outputs(case) for case in _told(cases())}
    changed = [name for name in made if name in known and _differing(made[name], known[name]["outputs"])]
    if changed:
        generation += 1
        before["changes"].append({"generation": generation, "reason": reason, "cases": changed})
    entries = {}
    for case in cases():
        same = known.get(case.name, {}) if case.name not in changed else {"generation": generation}
        entries[case.name] = {
            "features": sorted(case.features),
            "generation": same.get("generation", 0),
            "outputs": same.get("outputs", made[case.name]),
        }
    content = {"generation": generation, "changes": before["changes"], "cases": entries}
    write_text(FILE, json.dumps(content, indent=1) + "\n")
    return changed


def make_without_fma() -> None:
    """Run all cases on a processor without FMA and write what they gave where it is not what was there."""
    known = expected() if WITHOUT_FMA.exists() else {}
    made = {case.name: outputs(case) for case in _told(cases())}
    kept = {name: known[name] if not _differing(given, known.get(name, {})) else given for name, given in made.items()}
    write_text(WITHOUT_FMA, json.dumps(kept, indent=1) + "\n")


def _told(chosen: Sequence[Case]) -> Iterator[Case]:
    """Yield cases and say how far they are: a bar in a terminal, a plain line now and then in a log."""
    if sys.stderr.isatty():
        yield from tqdm(chosen, unit="run", leave=False)
        return
    for number, case in enumerate(chosen):
        if number % TOLD == 0:
            print(f"{number} of {len(chosen)} golden runs done", file=sys.stderr, flush=True)
        yield case


def _make_all(reason: str) -> str:
    """Make both files anew as far as this processor can, and return what came out."""
    if host.instructions() == "plain":
        make_without_fma()
        return f"{WITHOUT_FMA.name} made; {FILE.name} needs a processor with fused multiply-adds"
    changed = make(reason)
    told = f"{FILE.name}: {len(changed)} golden runs changed{': ' if changed else ''}{', '.join(changed)}"
    if platform.machine() not in ("x86_64", "AMD64"):
        return f"{told}; {WITHOUT_FMA.name} needs an x86-64 processor"
    command = [sys.executable, "-m", "truly_sparse", "golden", "--make", reason]
    subprocess.run(command, env=environment("plain"), stdout=subprocess.DEVNULL, check=True)
    return told


def main(names: Sequence[str], reason: str | None) -> None:
    """Compare the named cases (or all), or make all anew for a reason; say what came out.

    Raises
    ------
    UserError
        Where a case gives other digests than the committed ones.
    """
    if reason is not None:
        print(_make_all(reason))
        return
    chosen = choose(names)
    found = differences(_told(chosen))
    for line in found:
        print(line, file=sys.stderr)
    if found:
        raise UserError(f"{len(found)} of {len(chosen)} golden runs gave other digests")
    of = "" if host.instructions() != "plain" else " of processors without fused multiply-adds"
    print(f"{len(chosen)} golden runs gave the committed digests{of}")
