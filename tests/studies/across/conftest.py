"""Made-up runs of all methods at equal operations."""

import json

import pytest

from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.records import run_folder
from truly_sparse.files import write_json

from ..conftest import REPOSITORY, record_of


@pytest.fixture
def across(repository):
    """`across(accuracy, seeds, skip, diverged)` writes a run.json for every run of the first seeds; returns settings.

    `accuracy(spec)` is a run's test accuracy; `skip` and `diverged` are paths of runs.
    """
    del repository

    def fill(accuracy, seeds=2, skip=(), diverged=()):
        config = load_config(REPOSITORY / "config/across.yaml") | {"reuse_records": False, "train": False}
        for spec in runs(config):
            if spec.seed >= seeds or spec.path in skip:
                continue
            record = record_of(spec)
            record["accuracy"]["test"] = accuracy(spec)
            if spec.path in diverged:
                record |= {"status": "diverged", "accuracy": {**record["accuracy"], "test": None}}
            record["operations"]["total_training"] = 2_000_000 if spec.method == "set_mlp_tse" else 1_000_000
            write_json(run_folder(config, spec) / "run.json", json.loads(json.dumps(record)))
        return config

    return fill
