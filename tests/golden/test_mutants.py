"""Golden runs cover what a record depends on: of every function of those files, a small change alters some digest."""

import subprocess
import sys
from pathlib import Path

import pytest

from truly_sparse.experiments.provenance import PACKAGE, stage_files

SCRIPT = Path(__file__).with_name("mutants.py")
STRATEGIES = ("edst_rg", "rd_tse", "fd_tse", "dist_tse")
REFERENCES = ("logistic_regression", "random_forest", "hist_gradient_boosting", "sklearn_mlp")
MEASUREMENTS = ("datasets", "scalability", "distances", "lambdas", "topology", "trajectories")
#: Files that a stage can use, and that change no result.
APART = {
    "errors.py": "one-line errors",
    "files.py": "files that are whole or absent",
    "schema.py": "reading of YAML; what settings mean shows in the settings of a record",
    "experiments/schema.py": "the same",
    "experiments/config.py": "the same",
    "experiments/progress.py": "what is printed",
    "measure/host.py": "what is said about the machine",
    "ensembles/checkpoint.py": "a run that was killed ends in the same bytes, which tests/faults shows",
}
#: Functions of which no change is noticed, or which have none.
EXCUSED: dict[str, str] = {}


def files():
    """Return the files that runs, references and measurements can use."""
    stages = [("run", name) for name in STRATEGIES]
    stages += [("reference", name) for name in REFERENCES] + [("measurement", name) for name in MEASUREMENTS]
    found = {file.relative_to(PACKAGE).as_posix() for stage in stages for file in stage_files(*stage)}
    return sorted(file for file in found if file.endswith(".py") and file not in APART)


@pytest.mark.slow
@pytest.mark.parametrize("file", files())
def test_a_change_of_any_function_is_noticed(file):
    done = subprocess.run([sys.executable, SCRIPT, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tried = {}
    for line in done.stdout.splitlines():
        function = " ".join(line.split()[:2])
        tried[function] = tried.get(function, False) or not line.endswith("NOT NOTICED")
    unnoticed = {function for function, seen in tried.items() if not seen}
    assert unnoticed == {function for function in EXCUSED if function.startswith(f"{file} ")}, done.stdout
