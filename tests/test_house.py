"""The house: pins in step with pyproject, rooms that use only what they may, no pickle."""

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from truly_sparse.experiments import jobs

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/truly_sparse"
SOURCES = sorted(PACKAGE.rglob("*.py"))
#: Which extras of pyproject each lock holds, beside the dependencies; others are left to the machine.
LOCKS = {
    "run": ("workflow", "build"),
    "test": ("test",),
    "lint": ("lint",),
    "docs": ("docs",),
    "cluster": ("cluster",),
    "crate": ("crate",),
}

# Which rooms a room may use; errors.py, files.py, schema.py and the version are the floor of all.
ROOMS = {
    "engine": set(),
    "training": {"engine"},
    "ensembles": {"training", "engine"},
    "estimators": {"engine", "training", "ensembles"},
    "data": set(),
    "measure": {"engine"},
    "references": set(),
    "experiments": {"ensembles", "training", "references", "data", "measure", "engine"},
    "analysis": {"measure", "experiments"},
    "studies": {"measure", "experiments", "analysis"},
    "golden": {"engine", "training", "ensembles", "estimators", "references", "data", "measure", "experiments"},
    "cli": {
        "engine",
        "training",
        "ensembles",
        "estimators",
        "references",
        "data",
        "measure",
        "experiments",
        "analysis",
        "golden",
        "studies",
    },
}
# What may be used of joblib, whose files are pickles: what hands tasks to processes.
TASKS = {"Parallel", "delayed", "effective_n_jobs", "cpu_count"}
# Analysis and studies read what runs wrote, they never train.
SHAPES = {"configuration", "grid", "records", "measurements", "provenance", "remaining"}


def imports(file):
    """Yield (module, names) of every import of the package in a file, those inside functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield node.module, [alias.name for alias in node.names]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_uses_only_what_it_may(room):
    for file in (PACKAGE / room).rglob("*.py"):
        for module, names in imports(file):
            top, *rest = module.split(".")
            if top != "truly_sparse":
                continue
            used = rest[:1] or names
            for other in used:
                allowed = ROOMS[room] | {room, "errors", "files", "schema", "kernel_cache", "__version__"}
                assert other in allowed, f"{file.relative_to(ROOT)} uses {module}"
            if room in ("analysis", "studies") and rest[:1] == ["experiments"]:
                assert set(rest[1:2] or names) <= SHAPES, f"{file.relative_to(ROOT)} uses {module}"


def modules_used(file, names):
    """Yield the modules of the package that a file imports, in functions too, but not for its annotations alone."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    left_out = {id(node) for one in typing for node in ast.walk(one)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in left_out:
            yield from ({f"{node.module}.{alias.name}", node.module} & names.keys() for alias in node.names)


def test_no_module_comes_back_to_itself_through_its_imports():
    names = {}
    for file in SOURCES:
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    # A module of a package is what is meant where both have the name.
    uses = {name: {max(found, key=len) for found in modules_used(file, names) if found} for name, file in names.items()}
    left = None
    while left != len(uses):  # what uses, or is used by, nothing that is left goes; circles stay
        left, used = len(uses), set().union(*uses.values())
        uses = {name: own & uses.keys() for name, own in uses.items() if own & uses.keys() and name in used}
    assert uses == {}


def test_what_is_around_jobs_is_used_by_its_entries_only():
    entries = {*jobs.__all__, "run_job", "measurement_job"}
    for file in SOURCES:
        if PACKAGE / "experiments/jobs" not in file.parents:
            for module, names in imports(file):
                for name in (module, *(f"{module}.{name}" for name in names)):
                    found = re.match(r"truly_sparse\.experiments\.jobs\.(\w+)", name)
                    assert not found or found[1] in entries, f"{file.relative_to(ROOT)} uses {name}"


def test_a_study_is_used_by_nothing_but_itself():
    for file in SOURCES:
        for module, names in imports(file):
            for name in [module, *(f"{module}.{name}" for name in names)]:
                found = re.match(r"truly_sparse\.studies\.(\w+)", name)
                if found and (PACKAGE / "studies" / found[1]).is_dir():
                    assert PACKAGE / "studies" / found[1] in file.parents, f"{file.relative_to(ROOT)} uses {name}"


def test_no_import_of_tables_and_figures_goes_round():
    """Those inside functions count, and those by name: what makes a study's tables can reach all of its modules."""
    rooms = [file for file in SOURCES if file.relative_to(PACKAGE).parts[0] in ("analysis", "studies")]
    places = {".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts): file for file in rooms}
    left = {}
    for name, file in places.items():
        used = {f"{module}.{one}" for module, names in imports(file) for one in names}
        used |= {module for module, _ in imports(file)}
        if "import_module(" in file.read_text(encoding="utf-8"):
            used |= {other for other in places if other.count(".") > 2}
        left[name] = used & places.keys() - {name}
    while left:
        ends = {name for name, used in left.items() if not used & left.keys()}
        assert ends, sorted(left)
        left = {name: used for name, used in left.items() if name not in ends}


def test_nothing_is_pickled():
    modules = {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    for file in SOURCES:
        # What processes of one fit tell each other is no file.
        others = {module for module, names in imports(file) if module != "joblib" or not names or {*names} - TASKS}
        assert not {module.split(".")[0] for module in others} & modules, file
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant), file
                assert node.value.value is False, file


def test_the_snakefile_is_an_entry_and_no_more():
    assert len((ROOT / "Snakefile").read_text().splitlines()) < 10
    assert len((ROOT / "workflow/Snakefile").read_text().splitlines()) < 70


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(lock):
    """Return {name: [versions]}; a package may be pinned once per range of Python."""
    found = {}
    for line in (ROOT / f"envs/{lock}.lock").read_text().splitlines():
        pin = re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line)
        if pin:
            found.setdefault(canonicalize_name(pin[1]), []).append(pin[2])
    return found


def wanted(lock):
    """Return what pyproject asks for in a lock."""
    content = project()
    extras = content["project"]["optional-dependencies"]
    names = content["project"]["dependencies"] + [text for extra in LOCKS[lock] for text in extras[extra]]
    return [Requirement(text) for text in names + (content["build-system"]["requires"] if lock == "run" else [])]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_dependency_within_its_range(lock):
    locked = pins(lock)
    for requirement in wanted(lock):
        versions = locked.get(canonicalize_name(requirement.name))
        assert versions, f"{requirement} is not in envs/{lock}.lock; run make lock"
        assert all(requirement.specifier.contains(version) for version in versions), f"{requirement}: {versions}"


def test_the_locks_agree():
    """They are installed into one environment, one after another."""
    first = {}
    for lock in LOCKS:
        for name, versions in pins(lock).items():
            assert first.setdefault(name, versions) == versions, f"{name} in envs/{lock}.lock; run make lock"


@pytest.mark.parametrize("lock", ["installer", *LOCKS])
def test_a_lock_has_hashes_and_no_addresses(lock):
    text = (ROOT / f"envs/{lock}.lock").read_text()
    assert not re.search(r"https?:|file:|index-url|find-links", text)
    for block in re.split(r"\n(?=[A-Za-z])", text.strip()):
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert "python-papi" not in pins(lock)


def test_every_lock_is_known():
    assert {file.stem for file in (ROOT / "envs").glob("*.lock")} == {"installer", *LOCKS}


def test_the_conda_environment_is_the_lock():
    environment = yaml.safe_load((ROOT / "envs/conda.yaml").read_text())
    python = f"python{project()['project']['requires-python']}"
    assert python in environment["dependencies"]
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip == ["--require-hashes", "-r run.lock"]
    assert (ROOT / "envs/run.lock").exists()


def test_what_describes_the_software_agrees():
    """CITATION.cff, codemeta.json and .zenodo.json say what pyproject.toml says, and the same of the paper."""
    import truly_sparse

    about = project()["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    codemeta, zenodo = (
        json.loads((ROOT / name).read_text(encoding="utf-8")) for name in ("codemeta.json", ".zenodo.json")
    )
    names = [author["name"] for author in about["authors"]]
    paper = citation["preferred-citation"]
    reference = codemeta["referencePublication"]
    assert codemeta["identifier"] == about["name"]
    for kind, authors in ((citation, "authors"), (codemeta, "author"), (zenodo, "creators")):
        assert kind["version"] == truly_sparse.__version__
        assert kind["keywords"] == about["keywords"]
        assert [author["name"] for author in kind[authors]] == names
        assert kind["license"].removeprefix("https://spdx.org/licenses/") == about["license"]
        assert kind.get("title", kind.get("name")) == citation["title"]
        assert kind.get("abstract", kind.get("description")) == citation["abstract"]
    assert codemeta["runtimePlatform"] == f"Python {about['requires-python']}"
    people = [(author["family-names"], author["given-names"]) for author in paper["authors"]]
    assert [(author["familyName"], author["givenName"]) for author in reference["author"]] == people
    assert reference["name"] == paper["title"]
    assert reference["datePublished"] == str(paper["date-published"])
    (related,) = zenodo["related_identifiers"]
    assert related["identifier"] == paper["doi"] == reference["@id"].removeprefix("https://doi.org/")
    assert paper["doi"] in (ROOT / "paper/references.bib").read_text(encoding="utf-8")


def paths_in(value):
    """Yield the strings of a record that name a place on the machine that made it."""
    if isinstance(value, dict):
        for item in value.values():
            yield from paths_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from paths_in(item)
    elif isinstance(value, str) and value.startswith(("/", "~")):
        yield value


def test_the_tests_that_take_long_are_there():
    for name in (ROOT / "tests/slow.txt").read_text(encoding="utf-8").splitlines():
        file, *_, test = name.partition("[")[0].split("::")
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{name}: run make slow"


def test_committed_records_name_no_place_on_a_machine():
    for file in (ROOT / "results").glob("*/records/*.jsonl"):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            record = json.loads(line)
            record.pop("correct", None)  # bits in base64, which has slashes
            assert list(paths_in(record)) == [], f"{file.relative_to(ROOT)}, line {number}"


def test_the_probabilities_of_a_study_stay_small():
    for folder in (ROOT / "results").glob("*/records"):
        assert sum(file.stat().st_size for file in folder.glob("*.npz")) <= 15_000_000, folder


def test_make_says_in_one_line_that_python_is_missing_or_old(tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs/run.lock").touch()
    refused = subprocess.run(
        ["make", "install", "PYTHON=/nowhere/python3"], cwd=tmp_path, capture_output=True, text=True
    )
    assert refused.returncode != 0
    assert "error: Python 3.11 or newer is needed" in refused.stderr
    assert not (tmp_path / ".venv").exists()
