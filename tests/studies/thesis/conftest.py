"""Made-up runs and measurements of the thesis."""

import json

import numpy as np
import pandas as pd
import pytest

from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.records import run_folder
from truly_sparse.files import write_json

from ..conftest import REPOSITORY, record_of
from ..made_up import METHODS


def made_up_distances():
    rng = np.random.default_rng(1)
    frames = []
    for dataset, drawn in (("cifar10", rng.normal), ("gesture", rng.normal), ("higgs", rng.exponential)):
        for draws in (10, 100, 1000):
            values = {name: 100 + drawn(size=draws) for name in ("row_wise", "all_pairs")}
            one = pd.DataFrame({"dataset": dataset, "draws": draws, "draw": range(draws), **values})
            frames.append(one.assign(links=40000, partial=None))
    return pd.concat(frames, ignore_index=True)


def made_up_members(ensembles=None, nearer=0.02):
    """Three members an ensemble; on Gesture all proposed methods are nearer than EDST_RG by `nearer`."""
    rng = np.random.default_rng(2)
    rows = [
        {
            "dataset": dataset,
            "method": method,
            "seed": seed,
            "one": one,
            "other": other,
            "block": block,
            "distance": 0.9 + rng.normal(0, 0.001) - nearer * (dataset == "gesture" and method != "edst_rg"),
            "shared": 0.2,
            "links": 40000,
            "partial": None,
        }
        for dataset, count in (ensembles or {"cifar10": 1, "gesture": 5, "higgs": 5}).items()
        for method in METHODS
        for seed in range(count)
        for one, other in ((0, 1), (0, 2), (1, 2))
        for block in (0, 1)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def thesis(repository, committed):
    """`thesis(seeds, skip, change)`: write a run.json for every run of the first seeds; return the configuration."""

    def fill(seeds=5, skip=(), change=None):
        config = load_config(REPOSITORY / "config/thesis.yaml") | {"reuse_records": False, "train": False}
        rng = np.random.default_rng(0)
        for spec in runs(config):
            if spec.seed >= seeds or spec.path in skip:
                continue
            record = record_of(spec)
            record["accuracy"]["test"] = float(rng.uniform(0.6, 0.7))
            record["metrics"]["balanced_accuracy"] = 0.5
            if change is not None:
                change(spec, record)
            write_json(repository / run_folder(config, spec) / "run.json", json.loads(json.dumps(record)))
        committed(config, "distances", made_up_distances())
        committed(config, "member_topology", made_up_members())
        return config

    return fill
