"""How many changes of the sources the tests notice, of mutants drawn by a seed.

    pip install mutmut
    python tests/mutation.py --mutants 2000 --outcome tests/mutation.jsonl

mutmut (`[tool.mutmut]` in pyproject.toml says where) writes a copy of the sources with every changed form of every
function that is Python and bears no decorator, and runs the tests that come by a function, the quickest first, with
one form after another, until one fails. Compiled functions have `tests/golden` and `tests/engine/oracle.py`. An outcome
holds a line for each stretch of mutants, with what was changed where no test failed; the same command goes on from it.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
MUTANTS = ROOT / "mutants"
#: Mutants that mutmut is started for at a time: it tests the tests themselves before them.
STRETCH = 1000
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
    options.add_argument("--outcome", type=Path, required=True)
    asked = options.parse_args(arguments)
    mutmut("run", "--max-children", "1", FIRST)
    every = sorted(codes())
    chosen = random.Random(asked.seed).sample(every, len(every))[: asked.mutants]
    lines = asked.outcome.read_text(encoding="utf-8").splitlines() if asked.outcome.exists() else []
    found = [json.loads(line) for line in lines]
    if any((line["seed"], line["of"]) != (asked.seed, len(every)) for line in found):
        raise SystemExit(f"error: {asked.outcome} is of another seed or of other sources")
    while (done := sum(line["mutants"] for line in found)) < len(chosen):
        begun, names, before = time.monotonic(), chosen[done : done + STRETCH], codes()
        if left := [name for name in names if before[name] is None]:
            mutmut("run", "--max-children", "1", *left)
        after = codes()
        assert all(after[name] is not None for name in names), "mutmut has left some out"
        survived = {name: changed(name) for name in names if after[name] in NOTICED_BY_NONE}
        line = {"seed": asked.seed, "of": len(every), "mutants": len(names), "survived": survived}
        found.append(line | {"seconds": round(time.monotonic() - begun)})
        with asked.outcome.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(found[-1], ensure_ascii=False) + "\n")
    noticed = 1 - sum(len(line["survived"]) for line in found) / len(chosen)
    print(f"{noticed:.1%} of {len(chosen)} mutants were noticed, of {len(every)} that there are")
    return 1 if noticed < LEAST else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
