"""Measure the engine beside its peers, and how it scales; write JSON, tables and figures.

    python benchmarks/bench.py [--rounds 12] [--largest 2e7] [--only avx2]

About ten minutes for each instruction set: the processor's own and, where that is AVX-512, AVX2 as well. Each is
measured by a process of its own, with the environment that `machine.py` gives it, and kept as a file below
benchmarks/results/machines; the report shows all of them side by side, those of other machines, too.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import columns
import machine


def main() -> None:
    """Measure every instruction set that is asked for, then write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", default="12", help="interleaved rounds (default 12)")
    parser.add_argument("--largest", default="2e7", help="links of the largest network (default 2e7)")
    parser.add_argument("--only", choices=machine.available(), help="one instruction set")
    arguments = parser.parse_args()
    here = Path(__file__).parent
    for instructions in [arguments.only] if arguments.only else machine.available():
        name = columns.stem({**machine.processor(), "instructions": instructions})
        command = [here / "measure.py", here / f"results/machines/{name}.json"]
        more = ["--rounds", arguments.rounds, "--largest", arguments.largest]
        print(f"{name}: about ten minutes", file=sys.stderr)
        subprocess.run([sys.executable, *command, *more], env=machine.environment(instructions), check=True)
    print("sparse rows: about ten minutes", file=sys.stderr)
    subprocess.run([sys.executable, here / "text.py"], env=machine.environment(machine.available()[0]), check=True)
    subprocess.run([sys.executable, here / "report.py"], check=True)


if __name__ == "__main__":
    main()
