"""How many changes of the sources the tests notice, of mutants drawn by a seed.

    pip install mutmut
    python tests/mutation.py --mutants 2000 --outcome tests/mutation.json
    python tests/mutation.py --mutants 2000 --outcome tests/mutation.json --again  after tests were added

mutmut (`[tool.mutmut]` in pyproject.toml says where) writes a copy of the sources with every changed form of every
function that is Python and bears no decorator, and runs the tests that come by a function, the quickest first, with
one form after another, until one fails. Compiled functions have `tests/golden` and `tests/engine/oracle.py`. mutmut
keeps what it has tested in `mutants/`, so that the same command goes on where it was stopped. The outcome says what was
changed where no test failed.
"""

import argparse
import json
import os
import random
import subprocess
import sys
from pathlib import Path

from truly_sparse.files import write_text

ROOT = Path(__file__).parents[1]
MUTANTS = ROOT / "mutants"
#: How tests end that have noticed nothing, or of which there are none (pytest's code and mutmut's). Other codes are of
#: tests that failed, crashed or did not end.
NOTICED_BY_NONE = {0, 5, 33}
#: The share of mutants to be noticed.
LEAST = 0.9
#: Mutants of a small file, run so that all are written.
FIRST = "truly_sparse.files.*__mutmut_1"


def mutmut(*arguments: str) -> str:
    """Run a command of mutmut in the checkout; return what it says, or end with it."""
    # mutmut forks from the process that tested the tests, with its kernels, and has to be its only parent of others.
    environment = os.environ | {"JOBLIB_MULTIPROCESSING": "0"}
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"error: mutmut {arguments[0]}: {done.stdout[-2000:]}{done.stderr[-500:]}")
    return done.stdout


def codes() -> dict[str, int | None]:
    """Return how the tests of every mutant ended."""
    files = sorted(MUTANTS.glob("src/**/*.meta"))
    return {name: code for file in files for name, code in json.loads(file.read_text())["exit_code_by_key"].items()}


def changed(name: str) -> list[str]:
    """Return the lines that a mutant changes, and what it makes of them."""
    lines = mutmut("show", name).splitlines()
    return [line for line in lines if line[:1] in "+-" and not line.startswith(("+++", "---"))]


def main(arguments: list[str]) -> int:
    """Test mutants; return 1 where too few of them were noticed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mutants", type=int, default=2000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--again", action="store_true", help="test those again that no test had noticed")
    options.add_argument("--outcome", type=Path, required=True)
    asked = options.parse_args(arguments)
    mutmut("run", "--max-children", "1", FIRST)
    before = codes()
    chosen = random.Random(asked.seed).sample(sorted(before), len(before))[: asked.mutants]
    untested = {None, *NOTICED_BY_NONE} if asked.again else {None}
    if left := [name for name in chosen if before[name] in untested]:
        mutmut("run", "--max-children", "1", *left)
    after = codes()
    assert all(after[name] is not None for name in chosen), "mutmut has left some out"
    survived = {name: changed(name) for name in sorted(chosen) if after[name] in NOTICED_BY_NONE}
    noticed = 1 - len(survived) / len(chosen)
    outcome = {"seed": asked.seed, "of": len(before), "mutants": len(chosen), "noticed": round(noticed, 4)}
    write_text(asked.outcome, json.dumps(outcome | {"survived": survived}, indent=1, ensure_ascii=False) + "\n")
    print(f"{noticed:.1%} of {len(chosen)} mutants were noticed, of {len(before)} that there are")
    return 1 if noticed < LEAST else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
