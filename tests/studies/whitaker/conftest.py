"""A made-up results folder of the whole study."""

from typing import Any

import pytest

from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import RunSpec, runs

from ..conftest import REPOSITORY
from .made_up import record_of

#: Of the seeds of a run, those that made-up records have.
SEEDS = 2
#: Of the longest experiments, the first blocks, which have every kind of run.
BLOCKS = {"whitaker_annealing": 18, "whitaker_sparsity": 4}


@pytest.fixture(scope="session")
def grid() -> tuple[dict[str, Any], list[tuple[RunSpec, dict[str, Any]]]]:
    """The configuration of the study, and a made-up record of every run of its first seeds."""
    config = load_config(REPOSITORY / "config/whitaker.yaml") | {"train": False}
    config["experiments"] |= {name: config["experiments"][name][:count] for name, count in BLOCKS.items()}
    return config, [(spec, record_of(spec)) for spec in runs(config) if spec.seed < SEEDS]
