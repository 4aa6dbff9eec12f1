"""Files and names from elsewhere: nothing in them is executed, and none reaches outside the results folder."""

import ast
import io
import json
import os
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from truly_sparse.data import registry
from truly_sparse.data.arrays import load as load_table
from truly_sparse.engine import store
from truly_sparse.errors import UserError
from truly_sparse.estimators.model_files import load_model
from truly_sparse.experiments import jobs, records
from truly_sparse.experiments.configuration import load_config, results_folder, validate
from truly_sparse.experiments.grid import find

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/truly_sparse"
SOUND = {
    "study": "journal",
    "preset": "p",
    "datasets": {"wine": {}},
    "methods": {"rd_tse": {"model": "sparse", "strategy": "rd_tse"}},
    "experiments": {"e": [{"datasets": ["wine"], "methods": ["rd_tse"], "epsilon": [20], "seeds": [0]}]},
}


class Hostile:
    """Makes a file where it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("unpickled",)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not (tmp_path / "unpickled").exists(), "a file was unpickled"


def hostile_files():
    """Yield (name, content) of files that do something where somebody unpickles them."""
    yield "pickle.npz", pickle.dumps(Hostile())
    one = io.BytesIO()
    np.save(one, np.array([Hostile()], dtype=object), allow_pickle=True)
    yield "array.npz", one.getvalue()
    for name in ("facts", "sizes", "values", "format"):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as target:
            target.writestr(f"{name}.npy", one.getvalue())
        yield f"{name}.npz", archive.getvalue()


def test_the_files_are_hostile(here):
    pickle.loads(pickle.dumps(Hostile()))
    assert (here / "unpickled").exists()
    (here / "unpickled").rmdir()


@pytest.mark.parametrize(
    ("name", "content"), list(hostile_files()), ids=lambda value: value if isinstance(value, str) else ""
)
@pytest.mark.parametrize("load", [store.load, load_model], ids=["network", "model"])
def test_nothing_is_unpickled(here, load, name, content):
    (here / name).write_bytes(content)
    with pytest.raises(UserError) as refused:
        load(here / name)
    assert "\n" not in str(refused.value)


def test_a_table_that_is_a_pickle_is_refused(here):
    (here / "data").mkdir()
    (here / "data/wine.parquet").write_bytes(pickle.dumps(Hostile()))
    (here / "data/wine.json").write_text(json.dumps({"sha256": "x", "classes": ["a", "b"]}))
    settings = {"scaling": "standard", "split": "random", "test_fraction": 0.2, "validation_fraction": 0.2}
    with pytest.raises(UserError):
        load_table("wine", {"folder": "data"}, settings | {"stratify": True}, 0)


@pytest.mark.parametrize("read", [load_config, registry.read])
def test_yaml_makes_no_objects(here, read):
    file = here / "hostile.yaml"
    for text in ("!!python/object/apply:os.mkdir [unpickled]", "preset: !!python/object/new:os.mkdir [unpickled]"):
        file.write_text(text)
        with pytest.raises(UserError):
            read(file)


def test_yaml_is_read_in_one_place_and_safely():
    found = {}
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("yaml."):
                found.setdefault(file.name, set()).add(ast.unparse(node.func))
    assert {name for name, calls in found.items() if calls & {"yaml.load", "yaml.safe_load"}} == {"schema.py"}
    assert "yaml.unsafe_load" not in {call for calls in found.values() for call in calls}
    reader = ast.unparse(ast.parse((PACKAGE / "schema.py").read_text(encoding="utf-8")))
    assert "class _Loader(getattr(yaml, 'CSafeLoader', yaml.SafeLoader)):" in reader
    assert re.findall(r"yaml\.load\(.*\)", reader) == ["yaml.load(text, Loader=_Loader)"]


OUTSIDE = [
    "..",
    "../..",
    "../x",
    "/etc",
    "/tmp/x",
    "a/../../x",
    "a/b",
    ".hidden",
    "~",
    "a\\b",
    "a b",
    "a;b",
    "$(x)",
    "a\0",
]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("kind", ["preset", "datasets", "methods", "experiments"])
def test_no_name_of_a_configuration_leaves_the_results_folder(kind, name):
    changed = json.loads(json.dumps(SOUND))
    if kind == "preset":
        changed["preset"] = name
    else:
        (old,) = changed[kind]
        changed[kind][name] = changed[kind].pop(old)
        if kind != "experiments":
            changed["experiments"]["e"][0][kind] = [name]
    with pytest.raises(UserError, match=r"not a possible name|control character"):
        validate(changed)


def test_every_path_of_a_sound_configuration_is_below_the_results_folder(here):
    config = validate(SOUND)
    below = (here / results_folder(config)).resolve()
    spec = find(config, "e/wine/rd_tse/eps20/seed0")
    for path in (records.run_folder(config, spec), records.records_file(config, "e")):
        assert path.resolve().is_relative_to(below)


@pytest.mark.parametrize("name", [*OUTSIDE[:-1], "e/../../../x", "e/wine/rd_tse/eps20/seed0/.."])
def test_no_name_on_the_command_line_is_a_path(here, name):
    config = validate(SOUND)
    with pytest.raises(UserError, match="no run"):
        find(config, name)
    with jobs.claim_result(config, "run", name):
        pass
    made = [path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()]
    assert all(path.startswith("results/p/journal/.locks/run-") for path in made), made


def test_dependencies_are_locked_with_hashes():
    for lock in (ROOT / "envs").glob("*.lock"):
        pins = [line for line in lock.read_text().splitlines() if line and not line.startswith((" ", "#"))]
        assert all("==" in pin for pin in pins), lock
        assert lock.read_text().count("--hash=sha256:") >= len(pins)
    makefile = (ROOT / "Makefile").read_text()
    assert all("--require-hashes" in line for line in makefile.splitlines() if "-r envs/" in line)
    assert len(yaml.safe_load((ROOT / "envs/conda.yaml").read_text())["dependencies"]) >= 2
