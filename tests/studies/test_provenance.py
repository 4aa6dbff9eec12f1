"""Where results came from: one row per run, the environment, and the RO-Crate, checked by its own library and tool."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from truly_sparse.analysis import crate, inventory
from truly_sparse.errors import UserError
from truly_sparse.files import sha256
from truly_sparse.studies import make
from truly_sparse.studies.journal.catalogue import STUDY

ROOT = Path(__file__).parents[2]
DIVERGED = "table1/digits/set_mlp/eps10/seed0"


@pytest.fixture
def quick(fill):
    return fill("quick", diverge=(DIVERGED,))


def test_every_run_names_commit_hashes_data_versions_and_machine(quick):
    path, _ = inventory.write(quick)
    runs = pd.read_csv(path).set_index("run")
    assert len(runs) == 42
    assert runs.loc[DIVERGED, "status"] == "diverged"
    assert pd.isna(runs.loc[DIVERGED, "test_accuracy"])
    assert set(runs["commit"]) == {"0123456789abcdef0123456789abcdef01234567"}
    assert not runs["dirty"].any()
    assert set(runs["data_sha256"]) == {"ab" * 32}
    assert set(runs["blas"]) == {"openblas 0.3.30 Haswell"}
    assert set(runs["packages"]) == {"numpy==2.4.6 numba==0.68.1"}
    assert runs["settings_hash"].nunique() == 42
    needed = ["settings_hash", "source_hash", "cpu", "threads", "python", "wall_seconds", "finished"]
    assert runs[needed].notna().all().all()


def test_the_environment_names_code_configuration_machine_and_every_package(quick):
    _, path = inventory.write(quick)
    values = pd.read_csv(path, dtype=str).set_index("name")["value"]
    assert values["preset"] == "quick"
    assert len(values["configuration_sha256"]) == 64
    assert values["package pandas"] == pd.__version__
    other = dict(quick, train=False)
    assert (
        inventory.environment(other).set_index("name").loc["configuration_sha256", "value"]
        != (values["configuration_sha256"])
    )


def test_without_the_library_the_message_says_what_to_do(quick, monkeypatch):
    monkeypatch.setitem(sys.modules, "rocrate.rocrate", None)
    with pytest.raises(UserError, match="make crate"):
        crate.make(STUDY, quick)


def test_the_crate_describes_every_file_and_its_own_tool_finds_it_valid(quick):
    pytest.importorskip("rocrate", reason="left out: rocrate is not installed (make crate)")
    with pytest.raises(UserError, match="holds no table yet"):
        crate.make(STUDY, quick)
    make.table(quick, "table1")
    make.figure(quick, "accuracy")
    path = crate.make(STUDY, quick)
    entities = {entity["@id"]: entity for entity in json.loads(path.read_text(encoding="utf-8"))["@graph"]}
    folder = path.parent
    for name in ("tables/table1.csv", "figures/accuracy.png", "provenance/runs.csv"):
        assert entities[name]["sha256"] == sha256(folder / name)
        assert {"@id": name} in entities["./"]["hasPart"]
        assert {"@id": name} in entities["#workflow"]["result"]
    kinds = Counter(entity["@type"] for entity in entities.values() if isinstance(entity["@type"], str))
    assert kinds["CreateAction"] == 1 + kinds["ControlAction"] == 1 + 42 + 2  # the workflow; runs, a table and a figure
    trained = entities[f"#run/{DIVERGED}"]
    assert trained["actionStatus"].endswith("FailedActionStatus")
    assert entities["#figure/accuracy"]["result"] == [
        {"@id": "figures/accuracy.csv"}, {"@id": "figures/accuracy.png"},
    ]  # fmt: skip
    assert (folder / entities["./"]["mainEntity"]["@id"]).read_bytes() == (ROOT / "workflow/Snakefile").read_bytes()
    assert entities["./"]["datePublished"] == "2026-01-01T00:10:00+00:00"
    before = path.read_bytes()
    assert crate.make(STUDY, quick).read_bytes() == before
    pytest.importorskip("rocrate_validator", reason="left out: roc-validator is not installed (make crate)")
    called = [sys.executable, str(ROOT / "envs/validate_crate.py"), str(folder)]
    done = subprocess.run(called, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    (folder / "tables/table1.csv").unlink()
    assert subprocess.run(called, capture_output=True).returncode != 0
