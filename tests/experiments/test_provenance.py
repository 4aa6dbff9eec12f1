"""Source hashes: what changes them, and what does not."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import truly_sparse
from truly_sparse.experiments import provenance
from truly_sparse.experiments.provenance import code_version, source_hash, stage_files

PACKAGE = Path(truly_sparse.__file__).parent
HEAVY = ("numba", "sklearn", "pandas", "matplotlib")
FILES = (
    "engine/network.py",
    "ensembles/trainer.py",
    "ensembles/strategies/__init__.py",
    "ensembles/strategies/fd_tse.py",
    "ensembles/strategies/rd_tse.py",
    "measure/flops.py",
    "measure/host.py",
    "data/arrays.py",
    "data/download.py",
    "experiments/run.py",
    "experiments/grid.py",
    "analysis/tables.py",
)
SOURCE = '''"""Docstring."""
import os

# comment
class A(Exception):
    """Docstring."""

async def f(x: int, *, y=(1, 2.5, 1e300, b"a", None, ..., 3j), **kw) -> str:
    """Docstring."""
    "a string that does nothing"
    try:
        return f"{x!r:>{y}} and {x=} " u"text" f"{kw}"
    except* ValueError:
        pass
    match x:
        case {"a": [1, *rest], **others} if x:
            return {**others, "é\\ud800": None}
        case None:
            lambda a, /, b: (yield)
    type_params = [*x]
    with open(x) as a, open(y):
        a[1:2, ...] += -1
'''


@pytest.fixture
def package(tmp_path):
    """A package with one file of each kind."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(SOURCE)
    return tmp_path


def fresh(stage, strategy, package):
    source_hash.cache_clear()
    return source_hash(stage, strategy, package)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# comment", "# another comment\n\n"),
        ('"""Docstring."""', '"""Another\n\n    text."""'),
        ('    "a string that does nothing"\n', ""),
        ("(1, 2.5, 1e300, ", "(\n    1,\n    2.50,\n    10e299,\n    "),
        ('u"text"', "'text'"),
    ],
)
def test_the_look_of_a_source_does_not_count(package, before, after):
    hash_before = fresh("run", "fd_tse", package)
    for name in FILES:
        (package / name).write_text(SOURCE.replace(before, after))
    assert fresh("run", "fd_tse", package) == hash_before


@pytest.mark.parametrize(
    ("before", "after"),
    [("2.5", "2.6"), ("x: int", "x: str"), ("-1", "1"), ("a, /, b", "a, b"), ("None:", "True:"), ("1, ", "True, ")],
)
def test_the_meaning_of_a_source_counts(package, before, after):
    hash_before = fresh("run", "fd_tse", package)
    (package / "engine/network.py").write_text(SOURCE.replace(before, after))
    assert fresh("run", "fd_tse", package) != hash_before


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        ("engine/network.py", {"run fd_tse", "run rd_tse", "run none"}),
        ("ensembles/trainer.py", {"run fd_tse", "run rd_tse", "run none"}),
        ("ensembles/strategies/__init__.py", {"run fd_tse", "run rd_tse", "run none"}),
        ("ensembles/strategies/rd_tse.py", {"run rd_tse"}),
        ("measure/flops.py", {"run fd_tse", "run rd_tse", "run none"}),
        ("measure/host.py", set()),
        ("data/arrays.py", {"data", "run fd_tse", "run rd_tse", "run none"}),
        ("data/download.py", {"data"}),
        ("experiments/run.py", {"run fd_tse", "run rd_tse", "run none"}),
        ("experiments/grid.py", set()),
        ("analysis/tables.py", {"analysis"}),
    ],
)
def test_an_edit_changes_only_its_own_stages(package, edited, changed):
    stages = ["data", "analysis", "run fd_tse", "run rd_tse", "run none"]

    def hashes():
        return {stage: fresh(*stage.split(), *([] if " " in stage else [None]), package) for stage in stages}

    before = hashes()
    (package / edited).write_text(f"{SOURCE}\nNEW = 1\n")
    after = hashes()
    assert {stage for stage in stages if before[stage] != after[stage]} == changed


def test_a_renamed_file_counts(package):
    before = fresh("run", None, package)
    (package / "engine/network.py").rename(package / "engine/other.py")
    assert fresh("run", None, package) != before


def test_the_stages_have_files():
    names = {file.relative_to(PACKAGE).as_posix() for file in stage_files("run", "fd_tse")}
    assert {"engine/network.py", "ensembles/trainer.py", "ensembles/strategies/fd_tse.py"} <= names
    assert re.fullmatch("[0-9a-f]{16}", source_hash("run", "fd_tse"))
    with pytest.raises(ValueError, match="stage"):
        stage_files("plots")


def other_pythons():
    """Other interpreters of this machine, 3.11 or newer, one per version."""
    found = {}
    for minor in range(11, 16):
        path = shutil.which(f"python3.{minor}")
        command = [path, "-c", "import sys; print(sys.version_info[:2] >= (3, 11))"]
        if path and subprocess.run(command, capture_output=True, text=True).stdout.strip() == "True":
            found[minor] = path
    found.pop(sys.version_info.minor, None)
    return list(found.values())


def test_every_python_version_gives_the_same_hash(package):
    pythons = other_pythons()
    if not pythons:
        pytest.skip("this machine has no other Python from 3.11 on")
    code = (
        "from pathlib import Path; from truly_sparse.experiments.provenance import source_hash as h;"
        f"print(h('run', 'fd_tse', Path({str(package)!r})), *(h(s, 'fd_tse') for s in ('data', 'run', 'analysis')))"
    )
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    answers = {
        subprocess.run([python, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
        for python in [sys.executable, *pythons]
    }
    assert len(answers) == 1


def test_the_version_never_fails_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    code_version.cache_clear()
    assert code_version() == {"commit": None, "dirty": None, "version": truly_sparse.__version__}
    code_version.cache_clear()


def test_the_version_knows_commit_and_changes(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    (tmp_path / "src").mkdir()
    init = tmp_path / "src/__init__.py"
    init.touch()
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path / "src")

    def version():
        code_version.cache_clear()
        found = code_version()
        code_version.cache_clear()
        return found

    git("init")
    assert version()["commit"] is None
    git("add", ".")
    git("commit", "-m", "first")
    assert re.fullmatch("[0-9a-f]{40}", version()["commit"])
    assert version()["dirty"] is False
    (tmp_path / "results.csv").touch()
    assert version()["dirty"] is False
    init.write_text("NEW = 1")
    assert version()["dirty"] is True


def test_what_the_workflow_imports_at_start_is_light():
    code = (
        "import sys; from truly_sparse.experiments import config, grid, plan, provenance, records;"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_a_measurement_has_its_own_file_and_shared_ones_where_it_uses_them(package):
    shared = "from truly_sparse.experiments.measuring.trained import converged\n"
    files = {"trained": "X = 1\n", "topology": shared, "scalability": "X = 1\n"}
    for name, text in files.items():
        path = package / f"experiments/measuring/{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def hashes():
        return [fresh("measurement", name, package) for name in ("topology", "scalability")]

    before = hashes()
    (package / "experiments/measuring/trained.py").write_text("X = 2\n")
    between = hashes()
    assert between[0] != before[0]
    assert between[1] == before[1]
    (package / "measure/flops.py").write_text("X = 2\n")
    (package / "experiments/measuring/topology.py").write_text(f"{shared}X = 2\n")
    after = hashes()
    assert after[0] != between[0]
    assert after[1] == between[1]
