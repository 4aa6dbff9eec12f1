"""A folder with runs that were trained in it, their records and test probabilities."""

import importlib.util
import json
from pathlib import Path

import pytest

from truly_sparse.cli.main import main
from truly_sparse.experiments import probabilities
from truly_sparse.experiments.configuration import load_configs
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.records import records_file, run_folder

SPEC = importlib.util.spec_from_file_location("test_cli", Path(__file__).with_name("test_cli.py"))


@pytest.fixture(scope="session")
def committed(tmp_path_factory):
    """Return the folder; its configuration is config.yaml."""
    test_cli = importlib.util.module_from_spec(SPEC)
    SPEC.loader.exec_module(test_cli)
    place = test_cli.lay_out(tmp_path_factory.mktemp("committed"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        (config,) = load_configs(["config.yaml"])
        folders = {spec.path: run_folder(config, spec) for spec in runs(config, "tiny")}
        for path in folders:
            assert main(["run", path, "--config", "config.yaml"]) == 0
        file = records_file(config, "tiny")
        file.parent.mkdir(parents=True)
        records = [json.loads((folder / "run.json").read_text()) for folder in folders.values()]
        file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
        predictions = {path: folder / "predictions.npz" for path, folder in folders.items()}
        probabilities.keep(config, "tiny", {*predictions}, predictions)
    return place


@pytest.fixture
def records(committed):
    """Return the file of the records, which gets its content back."""
    file = committed / "results/test/journal/records/tiny.jsonl"
    content = file.read_text()
    yield file
    file.write_text(content)
