"""The committed digests: comparing with them, and making them anew.

`digests.json` counts generations: a case holds the number of the one in which its digests last changed, and a record
the number of the one it was stored in. Cases that are added change nothing that was there.
"""

import json
import sys
from collections.abc import Sequence
from math import isclose
from pathlib import Path
from typing import Any

from truly_sparse.errors import UserError
from truly_sparse.experiments.schema import suggest
from truly_sparse.files import write_text
from truly_sparse.golden.cases import Case, cases
from truly_sparse.golden.outputs import Outputs, outputs

FILE = Path(__file__).with_name("digests.json")
#: Of numbers that depend on the BLAS library, relative.
TOLERANCE = 1e-4


def committed() -> dict[str, Any]:
    """Return what digests.json holds."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


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


def differences(chosen: Sequence[Case]) -> list[str]:
    """Run cases and return one line for each whose outputs are not the committed ones."""
    known, found = committed()["cases"], []
    for case in chosen:
        made, expected = outputs(case), known.get(case.name, {}).get("outputs", {})
        other = _differing(made, expected)
        if other:
            found.append(f"{case.name}: other {', '.join(other)}")
    return found


def _differing(made: Outputs, expected: Outputs) -> list[str]:
    """Return the names of outputs that differ; numbers, which the BLAS library rounds, may do so in the last digits."""
    return [
        name
        for name in {**expected, **made}
        if made.get(name) != expected.get(name) and not _near(made.get(name), expected.get(name))
    ]


def _near(one: Any, other: Any) -> bool:
    if not isinstance(one, list) or not isinstance(other, list) or len(one) != len(other):
        return False
    return all(isclose(x, y, rel_tol=TOLERANCE) for x, y in zip(one, other, strict=True))


def make(reason: str) -> list[str]:
    """Run all cases, write their digests, and return the names of cases whose digests changed."""
    before = committed()
    generation, known = before["generation"], before["cases"]
    made = {case.name: outputs(case) for case in cases()}
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


def main(names: Sequence[str], reason: str | None) -> None:
    """Compare the named cases (or all), or make all anew for a reason; say what came out.

    Raises
    ------
    UserError
        Where a case gives other digests than the committed ones.
    """
    if reason is not None:
        changed = make(reason)
        print(f"{FILE.name}: {len(changed)} golden runs changed{': ' if changed else ''}{', '.join(changed)}")
        return
    chosen = choose(names)
    found = differences(chosen)
    for line in found:
        print(line, file=sys.stderr)
    if found:
        raise UserError(f"{len(found)} of {len(chosen)} golden runs gave other digests")
    print(f"{len(chosen)} golden runs gave the committed digests")
