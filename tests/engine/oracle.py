"""Draw small random networks by the million, and hold the kernels against the slow float64 network.

    python tests/engine/oracle.py --seed 1 --networks 1000000    so many of them
    python tests/engine/oracle.py --seed 1 --only 123456         one of them again
    python tests/engine/oracle.py --mutants                      whether a constant that is a little off is noticed

What is drawn, and for what kernels are compiled, `random_networks.py` says; how far off kernels may be, `rounding.py`.
A part of the networks is a process, with the vector instructions of its turn: those of this processor, or of a lesser
one, so that all are tried; `--processes` run at a time. With --outcome FILE, what was found is kept there, a line for
each stretch of networks that share what is compiled, and the same command goes on after what is there.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
#: Networks of a stretch, as in `random_networks`, and of a part.
STRETCH, PART = 5_000, 20_000
#: Vector instructions that the parts have in turn.
TURNS = ("AVX-512", "AVX2 and FMA", "plain")
#: Networks of each kind that are shown a mutant.
FEW = 60
#: Constants as they stand in files of the engine, and as they would be a little off.
MUTANTS = (
    ("activations.py", "splat(np.float32(2), LANES)", "splat(np.float32(2.00001), LANES)"),
    ("activations.py", "splat(np.float32(4), LANES)", "splat(np.float32(4.00004), LANES)"),
    ("vector.py", "5.0000001201e-1", "5.0001001201e-1"),
    ("vector.py", "0.693359375", "0.693360375"),
    ("libm.py", "0x1.62e42ff0c52d6p-6", "0x1.62e52ff0c52d6p-6"),
    ("libm.py", "0x1.62e42fefa39efp-1", "0x1.62e52fefa39efp-1"),
    ("dropout.py", "np.uint32(0x846CA68B)", "np.uint32(0x846CA68F)"),
    ("optimisers.py", "np.float32(1.0 - rates.beta1)", "np.float32(1.00001 - rates.beta1)"),
    ("optimisers.py", "np.float32(1.0 / (1.0 - powers[1]))", "np.float32(1.00002 / (1.0 - powers[1]))"),
    ("optimisers.py", "multiply(splat(rates.lookahead, lanes), speed)",
     "multiply(splat(np.float32(1.00001) * rates.lookahead, lanes), speed)"),
    ("kernels.py", "/ np.float32(batch)", "/ (np.float32(batch) * np.float32(1.00001))"),
    ("kernels.py", "np.float32(clip / norm)", "np.float32(1.00001 * clip / norm)"),
)  # fmt: skip

Finding = dict[str, Any]


def look(arguments: list[str], environment: dict[str, str]) -> Iterator[Finding]:
    """Look at networks in a process of their own; yield what it says of each stretch."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.engine.random_networks", *arguments]
    environment = environment | {"OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: exit code {process.returncode}")


def environment_of(number: int, cache: str) -> dict[str, str]:
    """Return the environment of a network's process: its instructions, or this processor's where it has them not."""
    from truly_sparse.golden.processors import environment
    from truly_sparse.measure.host import instructions

    turn, own = TURNS[number // PART % len(TURNS)], instructions()
    lesser = own in TURNS and TURNS.index(turn) > TURNS.index(own)
    return (environment(turn) if lesser else dict(os.environ)) | {"NUMBA_CACHE_DIR": cache}


def left(networks: int, done: set[int]) -> Iterator[tuple[int, int]]:
    """Yield the first number and how many, for what each part has left."""
    for first in range(0, networks, PART):
        end = min(first + PART, networks)
        rest = [number for number in range(first, end, STRETCH) if number not in done]
        if rest:
            yield rest[0], end - rest[0]


def draw(asked: argparse.Namespace, cache: str) -> list[Finding]:
    """Look at all networks that are asked for; return what was found, what had been found before included."""
    there = asked.outcome is not None and asked.outcome.exists()
    found = [json.loads(line) for line in asked.outcome.read_text().splitlines()] if there else []
    if any(part["seed"] != asked.seed for part in found):
        raise SystemExit(f"error: {asked.outcome} is of another seed")

    def part(first_and_count: tuple[int, int]) -> None:
        first, count = first_and_count
        numbers = ["--seed", str(asked.seed), "--first", str(first), "--count", str(count)]
        for finding in look(numbers, environment_of(first, cache)):
            found.append(finding)
            for failure in finding["failures"]:
                print(f"{failure} of {finding['kind']}", flush=True)
            if asked.outcome is not None:
                with asked.outcome.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(finding) + "\n")

    with ThreadPoolExecutor(asked.processes) as pool:
        list(pool.map(part, left(asked.networks, {finding["first"] for finding in found})))
    return found


def noticed(mutant: tuple[str, str, str]) -> int:
    """Return how many networks notice a mutant."""
    file, before, after = mutant
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder) / "src"
        shutil.copytree(ROOT / "src", sources, ignore=shutil.ignore_patterns("__pycache__"))
        path = sources / "truly_sparse/engine" / file
        text = path.read_text(encoding="utf-8")
        if before not in text:
            raise SystemExit(f"error: {file} has no {before}")
        path.write_text(text.replace(before, after), encoding="utf-8")
        own = os.environ | {"NUMBA_CACHE_DIR": folder, "PYTHONPATH": str(sources)}
        return sum(len(finding["failures"]) for finding in look(["--few", str(FEW)], own))


def main() -> int:
    """Look at networks, or at mutants; return 1 where kernels were off, or a mutant was not noticed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--networks", type=int, default=STRETCH)
    options.add_argument("--processes", type=int, default=1)
    options.add_argument("--outcome", type=Path)
    options.add_argument("--only", type=int, help="number of one network")
    options.add_argument("--mutants", action="store_true")
    asked = options.parse_args()
    if asked.mutants:
        counts = []
        for mutant in MUTANTS:
            counts.append(noticed(mutant))
            print(f"{mutant[0]}: {mutant[2]} for {mutant[1]}: {counts[-1]} networks notice", flush=True)
        return 0 if all(counts) else 1
    with tempfile.TemporaryDirectory() as cache:
        if asked.only is not None:
            numbers = ["--seed", str(asked.seed), "--first", str(asked.only)]
            found = list(look(numbers, environment_of(asked.only, cache)))
            print(found[0])
        else:
            found = draw(asked, cache)
    networks, failures = sum(one["networks"] for one in found), sum(len(one["failures"]) for one in found)
    for storage in ("float32", "bfloat16"):
        worst = max((one["worst"] for one in found if one["kind"]["storage"] == storage), default=0.0)
        print(f"{storage}: the worst error is {worst:.3f} of what rounding allows")
    print(f"{networks} networks, {failures} beyond it")
    return 1 if failures or not networks else 0


if __name__ == "__main__":
    sys.exit(main())
