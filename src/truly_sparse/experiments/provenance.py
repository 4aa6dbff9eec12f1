"""Which sources made a result: a hash per stage that only a change of meaning changes, and the commit."""

import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import truly_sparse
from truly_sparse.experiments.sources import digest, reached

PACKAGE = Path(truly_sparse.__file__).resolve().parent
# What counts as the code of a result; results and papers in the same repository do not.
SOURCES = ("src", "config", "workflow", "Snakefile", "envs", "pyproject.toml")
#: Where each stage begins; all else follows from what is imported.
ROOTS = {
    "data": "data/prepare.py",
    "run": "experiments/outcome.py",
    "reference": "experiments/outcome.py",
    "measurement": "experiments/measuring/{name}.py",
    "study": "studies/make.py",
}
#: Stages of which, among the modules that are imported by a name, only those of one strategy, reference or study count;
#: and those of the kind of model, which only a run knows.
CHOSEN: dict[str, set[str]] = {"run": {"networks"}, "reference": {"reference"}, "study": set()}


@cache
def source_hash(stage: str, name: str | None = None, package: Path = PACKAGE) -> str:
    """Return 16 hexadecimal digits that change when the code of a stage changes what it does.

    Comments, docstrings, formatting, positions and the Python version do not count.

    Parameters
    ----------
    stage : {"data", "run", "reference", "measurement", "study"}
        Preparing a dataset, training and measuring a run of ours or of a reference model, measuring something that is
        no run, or making the tables and figures of a study.
    name : str, optional
        The strategy of a run, the reference, the measurement or the study: of the modules that are imported by name,
        only this one and what it imports count, so that editing one strategy leaves the others alone.
    package : Path
        Folder of the package.
    """
    found = hashlib.sha256()
    for file in stage_files(stage, name, package):
        found.update(f"{file.relative_to(package).as_posix()} {digest(file)}\n".encode())
    return found.hexdigest()[:16]


def stage_files(stage: str, name: str | None = None, package: Path = PACKAGE) -> list[Path]:
    """Return the files that a stage's result can depend on, sorted by path: where it begins, and all that imports."""
    if stage not in ROOTS:
        raise ValueError(f"stage {stage!r} is not one of {tuple(ROOTS)}")
    chosen = {str(name), *CHOSEN[stage]} if stage in CHOSEN else None
    return reached(package / ROOTS[stage].format(name=name), package, chosen)


@cache
def code_version() -> dict[str, Any]:
    """Return `{"commit", "dirty", "version"}` of the package; commit and dirty are None outside its own checkout."""
    commit = _git("rev-parse", "HEAD")
    # Installed into an environment inside some other repository, that repository's commit says nothing.
    tracked = _git("ls-files", "--error-unmatch", "__init__.py")
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", *(f":/{name}" for name in SOURCES))
    known = None not in (commit, tracked, changes)
    return {
        "commit": commit if known else None,
        "dirty": bool(changes) if known else None,
        "version": truly_sparse.__version__,
    }


def _git(*arguments: str) -> str | None:
    # GIT_DIR and the like, set inside git hooks, would point to another repository.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        finished = subprocess.run(
            ["git", "-C", str(PACKAGE), *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return finished.stdout.strip()
