"""Source hashes: what changes them, and what does not."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import truly_sparse
from truly_sparse.experiments import provenance, source_facts
from truly_sparse.experiments.provenance import code_version, source_hash, stage_files

PACKAGE = Path(truly_sparse.__file__).parent
HEAVY = ("numba", "sklearn", "pandas", "matplotlib")
#: What imports what in a made-up package.
IMPORTS = {
    "__init__": "from truly_sparse import estimators",
    "errors": "",
    "files": "from truly_sparse import errors",
    "engine/network": "from truly_sparse.engine import kernels",
    "engine/kernels": "",
    "training/loop": "from truly_sparse.engine.network import X",
    "ensembles/trainer": "from truly_sparse.ensembles import strategies\nfrom truly_sparse.training.loop import Loop",
    "ensembles/strategies/__init__": 'def create(name):\n    import_module(f"{__name__}.{name}")',
    "ensembles/strategies/rd_tse": "from truly_sparse.ensembles.strategies import Strategy",
    "ensembles/strategies/fd_tse": "from truly_sparse.ensembles.strategies import rd_tse",
    "ensembles/strategies/edst_rg": "",
    "references/__init__": 'def create(name):\n    import_module(f"{__name__}.{name}")',
    "references/forest": "",
    "data/arrays": 'SOURCE = files("truly_sparse.data") / "rows.txt"',
    "data/prepare": "from truly_sparse.data.fetch import fetch",
    "data/fetch": "",
    "measure/metrics": "",
    "measure/host": "",
    "measure/topology_distance": "",
    "experiments/grid": "",
    "experiments/records": "from truly_sparse.experiments.grid import RunSpec",
    "experiments/outcome": """import truly_sparse.measure.metrics
from truly_sparse.data.arrays import load
if TYPE_CHECKING:
    from truly_sparse.experiments.grid import RunSpec
def fit(kind):
    import_module(f"truly_sparse.experiments.{kind}")""",
    "experiments/networks": "def late():\n    from truly_sparse.ensembles.trainer import Trainer",
    "experiments/reference": "from truly_sparse import references",
    "experiments/measuring/trained": "from truly_sparse.ensembles.trainer import Trainer",
    "experiments/measuring/topology": """from truly_sparse.experiments.measuring.trained import converged
from truly_sparse.measure import topology_distance""",
    "experiments/measuring/datasets": "",
    "studies/make": "from truly_sparse.studies.discovery import part",
    "studies/discovery": 'def part(study, name):\n    import_module(f"truly_sparse.studies.{study}.{name}")',
    "studies/journal/tables/table1": "from truly_sparse.experiments import records",
    "studies/spas/tables/table1": "from truly_sparse.analysis import latex",
    "analysis/latex": "",
    "estimators/__init__": "",
}
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
    """A package whose modules import one another."""
    folder = tmp_path / "truly_sparse"
    for name, imports in IMPORTS.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{SOURCE}\n{imports}\n")
    (folder / "data/rows.txt").write_text("1 2 3")
    return folder


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
    for path in package.rglob("*.py"):
        path.write_text(path.read_text().replace(before, after))
    assert fresh("run", "fd_tse", package) == hash_before


@pytest.mark.parametrize(
    ("before", "after"),
    [("2.5", "2.6"), ("x: int", "x: str"), ("-1", "1"), ("a, /, b", "a, b"), ("None:", "True:"), ("1, ", "True, ")],
)
def test_the_meaning_of_a_source_counts(package, before, after):
    hash_before = fresh("run", "fd_tse", package)
    kernels = package / "engine/kernels.py"
    kernels.write_text(kernels.read_text().replace(before, after))
    assert fresh("run", "fd_tse", package) != hash_before


RUNS = {"run none", "run edst_rg", "run rd_tse", "run fd_tse"}
ALL = RUNS | {"data", "study journal", "study spas", "reference forest", "measurement topology", "measurement datasets"}


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        ("engine/kernels.py", {*RUNS, "measurement topology"}),
        ("training/loop.py", {*RUNS, "measurement topology"}),
        ("ensembles/trainer.py", {*RUNS, "measurement topology"}),
        ("ensembles/strategies/__init__.py", {*RUNS, "measurement topology"}),
        # FD-TSE is RD-TSE and one thing more.
        ("ensembles/strategies/rd_tse.py", {"run rd_tse", "run fd_tse", "measurement topology"}),
        ("ensembles/strategies/fd_tse.py", {"run fd_tse", "measurement topology"}),
        ("references/forest.py", {"reference forest"}),
        ("experiments/reference.py", {"reference forest"}),
        ("experiments/networks.py", RUNS),
        ("experiments/outcome.py", {*RUNS, "reference forest"}),
        ("data/arrays.py", {*RUNS, "reference forest"}),
        ("data/rows.txt", {*RUNS, "reference forest"}),
        ("data/fetch.py", {"data"}),
        ("measure/topology_distance.py", {"measurement topology"}),
        ("measure/host.py", set()),
        ("experiments/measuring/datasets.py", {"measurement datasets"}),
        # A type checker sees this import, a run does not.
        ("experiments/grid.py", {"study journal"}),
        ("studies/journal/tables/table1.py", {"study journal"}),
        ("studies/spas/tables/table1.py", {"study spas"}),
        ("studies/make.py", {"study journal", "study spas"}),
        ("analysis/latex.py", {"study spas"}),
        ("estimators/__init__.py", set()),
    ],
)
def test_an_edit_changes_the_stages_that_import_the_file(package, edited, changed):
    def hashes():
        return {stage: fresh(*[*stage.split(), None][:2], package) for stage in ALL}

    before = hashes()
    path = package / edited
    path.write_text(f"{path.read_text()}\nNEW = 1\n")
    after = hashes()
    assert {stage for stage in ALL if before[stage] != after[stage]} == changed


def test_what_a_file_says_is_kept_for_just_its_bytes(package, monkeypatch):
    facts = source_facts.facts_of
    kernels = package / "engine/kernels.py"
    first = facts(kernels, 1, 1)
    (kept,) = (package / "engine/__pycache__").glob("kernels.*.facts.json")
    monkeypatch.setattr(source_facts.ast, "parse", None)  # nothing is read again
    assert facts(kernels, 2, 2) == first
    whole = kept.read_text()
    monkeypatch.undo()
    other = whole.replace(first.digest, "0" * 64).replace('"version": "', '"version": "0')
    for damaged in ("", "{}", "[]", whole[:-9], other):
        kept.write_text(damaged)
        assert facts(kernels, damaged, 3) == first
        assert kept.read_text() == whole
    kernels.write_text(kernels.read_text().replace("2.5", "2.6"))
    assert facts(kernels, 4, 4).digest != first.digest


def test_where_nothing_can_be_kept_facts_are_found_again(package, monkeypatch):
    def refuse(_):
        raise OSError("read-only")

    expected = fresh("run", "fd_tse", package)
    monkeypatch.setattr(source_facts, "atomic_path", refuse)
    for folder in package.rglob("__pycache__"):
        shutil.rmtree(folder)
    source_facts.facts_of.cache_clear()
    assert fresh("run", "fd_tse", package) == expected
    assert not list(package.rglob("*.facts.json"))


def test_a_renamed_file_counts(package):
    before = fresh("study", "journal", package)
    (package / "studies/journal/tables/table1.py").rename(package / "studies/journal/tables/other.py")
    assert fresh("study", "journal", package) != before


def test_a_module_imported_by_a_name_that_says_nothing_is_refused(package):
    (package / "studies/make.py").write_text("import_module(name)\n")
    with pytest.raises(ValueError, match=r"make\.py, line 1: start the name of the module with"):
        fresh("study", "journal", package)


def test_the_stages_have_files():
    names = {file.relative_to(PACKAGE).as_posix() for file in stage_files("run", "fd_tse")}
    strategies = {
        "ensembles/strategies/__init__.py",
        "ensembles/strategies/fd_tse.py",
        "ensembles/strategies/rd_tse.py",
    }
    assert {
        "engine/network.py",
        "training/loop.py",
        "ensembles/trainer.py",
        "experiments/networks.py",
        "data/arrays.py",
        *strategies,
    } <= names
    assert {name for name in names if name.startswith("ensembles/strategies/")} == strategies
    assert not {name for name in names if name.startswith(("analysis/", "studies/", "estimators/", "cli/"))}


def test_what_makes_tables_is_what_they_take_from_elsewhere_too():
    names = {file.relative_to(PACKAGE).as_posix() for file in stage_files("study", "journal")}
    assert {file.relative_to(PACKAGE).as_posix() for file in (PACKAGE / "studies/journal").rglob("*.py")} <= names
    assert not {name for name in names if name.startswith("studies/spas/")}
    assert {"experiments/records.py", "experiments/grid.py", "experiments/measurements.py"} <= names
    assert not {name for name in names if name.startswith("engine/")}  # it never trains
    # Of ensembles only what says whether settings can be trained.
    assert not {name for name in names if name.startswith("ensembles/strategies/")} | ({"ensembles/trainer.py"} & names)


def test_a_run_depends_on_the_file_of_its_method_and_of_no_other():
    alone, disjoint = (
        {file.relative_to(PACKAGE).as_posix() for file in stage_files("run", name) if file.name != "__init__.py"}
        for name in ("independent", "fd_tse")
    )
    assert {name for name in alone - disjoint if name.startswith("ensembles/")} == {"ensembles/methods/independent.py"}
    assert not {name for name in disjoint if name.startswith("ensembles/methods/")}


def test_a_hash_is_16_digits_of_a_stage_there_is():
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
        f"print(h('run', 'fd_tse', Path({str(package)!r})), *(h(s, 'fd_tse') for s in ('data', 'run', 'study')))"
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
        "import sys; from truly_sparse.experiments import configuration, grid, jobs, plan, provenance, records;"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
