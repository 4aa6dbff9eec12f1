"""A made-up results folder of the whole study."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import RunSpec, runs

from ..conftest import REPOSITORY, write_records
from .made_up import record_of

Change = Callable[[RunSpec, dict[str, Any]], dict[str, Any] | None]
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


@pytest.fixture
def lay_out(repository: Path, grid) -> Callable[..., dict[str, Any]]:
    """`lay_out(change)`: write records, changed or left out (None); return the configuration."""

    def write(change: Change = lambda _, record: record) -> dict[str, Any]:
        config = copy.deepcopy(grid[0])
        lines: dict[str, list[str]] = {name: [] for name in config["experiments"]}
        for spec, record in grid[1]:
            changed = change(spec, record)
            if changed is not None:
                lines[spec.experiment].append(json.dumps(changed))
        write_records(config, lines)
        assert repository.samefile(".")
        return config

    return write
