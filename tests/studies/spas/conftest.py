"""A made-up results folder of the whole study."""

from typing import Any

import pandas as pd
import pytest

from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import RunSpec, runs

from ..conftest import REPOSITORY
from .made_up import printed, record_of


@pytest.fixture(scope="session")
def grid() -> tuple[dict[str, Any], list[tuple[RunSpec, dict[str, Any]]]]:
    """The configuration of the study, and a made-up record of every run of it."""
    config = load_config(REPOSITORY / "config/spas.yaml") | {"train": False}
    known = printed()
    return config, [(spec, record_of(spec, known)) for spec in runs(config)]


@pytest.fixture
def depth() -> pd.DataFrame:
    """Networks whose steps take a time and memory in proportion to their links."""
    rows = []
    for depth in (3, 6, 12, 24):
        for compression in (5, 25):
            links = 2000 * depth // compression
            for repetition in range(3):
                times = {"seconds": 2e-8 * links, "cpu_seconds": 2e-8 * links * (1 + 0.01 * repetition)}
                sizes = {"sequential": links // 2, "shortcut": links // 2, "links": links, "biases": 50 * depth**2}
                places = {"sequential_places": 10_000 * depth, "shortcut_places": 5_000 * depth * (depth + 1)}
                head = {"hidden_layers": depth, "compression": compression, "repetition": repetition}
                rows.append({**head, **sizes, "bytes": 24 * links + 1000, **places, **times})
    return pd.DataFrame(rows)
