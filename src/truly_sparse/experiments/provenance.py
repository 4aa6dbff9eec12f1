"""Which sources made a result: a hash per stage that only a change of meaning changes, and the commit."""

import ast
import hashlib
import os
import subprocess
from collections.abc import Callable
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import truly_sparse

PACKAGE = Path(truly_sparse.__file__).resolve().parent
STAGES = ("data", "run", "reference", "measurement", "analysis")
# What counts as the code of a result; results and papers in the same repository do not.
SOURCES = ("src", "config", "workflow", "Snakefile", "envs", "pyproject.toml")
# Fields whose presence or default depends on the Python version, never on what the code does.
_SKIPPED_FIELDS = {"kind", "type_comment", "type_ignores"}


@cache
def source_hash(stage: str, strategy: str | None = None, package: Path = PACKAGE) -> str:
    """Return 16 hexadecimal digits that change when the code of a stage changes what it does.

    Comments, docstrings, formatting, positions and the Python version do not count.

    Parameters
    ----------
    stage : {"data", "run", "reference", "measurement", "analysis"}
        Preparing a dataset, training and measuring a run of ours or of a reference model, measuring something that is
        no run, or making tables and figures.
    strategy : str, optional
        For "run", "reference" and "measurement": only this strategy's, reference's or measurement's own file counts,
        so that editing one leaves the others alone.
    package : Path
        Folder of the package.
    """
    digest = hashlib.sha256()
    for file in stage_files(stage, strategy, package):
        digest.update(f"{file.relative_to(package).as_posix()}\n".encode())
        if file.suffix == ".py":
            pieces: list[str] = []
            _write(ast.parse(file.read_bytes()), pieces.append)
            digest.update("".join(pieces).encode("utf-8", "surrogatepass"))
        else:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def stage_files(stage: str, strategy: str | None = None, package: Path = PACKAGE) -> list[Path]:
    """Return the source files that can change a stage's result, sorted by path."""
    if stage == "data":
        files = set((package / "data").glob("*.py"))
    elif stage == "analysis":
        files = set((package / "analysis").rglob("*.py"))
    elif stage == "measurement":
        files = {*(package / "engine").rglob("*.py"), package / "measure" / "topology.py"}
        files |= {package / "data" / "arrays.py", *(package / "data").glob("*_test_rows.txt")}
        files |= set((package / "ensembles").rglob("*.py"))
        own, shared = (package / "experiments" / "measuring" / f"{name}.py" for name in (strategy, "trained"))
        # What looks into trained networks depends on how they are set up; the others do not.
        files |= {own, shared} if own.is_file() and "measuring.trained" in own.read_text("utf-8") else {own}
    elif stage in ("run", "reference"):
        files = {package / name for name in ("data/arrays.py", "measure/metrics.py", "measure/diversity.py")}
        files |= {package / "experiments" / "run.py", *(package / "data").glob("*_test_rows.txt")}
        if stage == "reference":
            files |= {package / "experiments" / "reference.py"}
            files |= {package / "references" / f"{name}.py" for name in ("__init__", strategy)}
        else:
            ensembles = package / "ensembles"
            files |= {ensembles / f"{name}.py" for name in ("checkpoint", "distance", "schedule", "trainer")}
            files |= {ensembles / "strategies" / f"{name}.py" for name in ("__init__", strategy)}
            files |= {*(package / "engine").rglob("*.py"), package / "measure" / "flops.py"}
            files |= {package / "experiments" / "networks.py"}
    else:
        raise ValueError(f"stage {stage!r} is not one of {STAGES}")
    return sorted((file for file in files if file.is_file()), key=lambda file: file.relative_to(package).as_posix())


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


def _write(value: Any, say: Callable[[str], None]) -> None:
    """Say a text form of a syntax tree, piece by piece, that does not depend on the Python version."""
    if isinstance(value, ast.Constant):
        say(f"({type(value.value).__name__} {value.value!r})")
    elif isinstance(value, ast.JoinedStr):
        say("(JoinedStr ")
        _write(_whole_texts(value.values), say)
        say(")")
    elif isinstance(value, ast.AST):
        say(f"({type(value).__name__}")
        for name, field in ast.iter_fields(value):
            # Empty fields are skipped: newer versions add some, such as type_params.
            if name not in _SKIPPED_FIELDS and field is not None and field != []:
                say(f" {name}=")
                _write(_without_texts(field) if name == "body" else field, say)
        say(")")
    elif isinstance(value, list):
        say("[")
        for item in value:
            _write(item, say)
        say("]")
    else:
        say(repr(value))


def _without_texts(body: Any) -> Any:
    """Drop statements that are nothing but a string, docstrings above all."""
    if not isinstance(body, list):
        return body
    return [
        node
        for node in body
        if not (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
    ]


def _whole_texts(parts: list[ast.expr]) -> list[Any]:
    """Join the texts of an f-string: how they are cut up, and whether empty ones are kept, depends on the version."""
    joined: list[Any] = []
    for is_text, group in groupby(parts, key=lambda part: isinstance(part, ast.Constant)):
        if is_text:
            text = "".join(str(part.value) for part in group if isinstance(part, ast.Constant))
            joined += [text] if text else []
        else:
            joined += group
    return joined
