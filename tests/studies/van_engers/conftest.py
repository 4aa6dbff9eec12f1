"""Made-up runs and pixels of the study: accuracies that lie on the printed curve, or where a test wants them."""

import copy

import numpy as np
import pandas as pd
import pytest

from truly_sparse.analysis import published
from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.records import run_folder
from truly_sparse.files import write_json
from truly_sparse.studies.van_engers.formula import Printed

from ..conftest import REPOSITORY, record_of

#: Spread of made-up accuracies over seeds 0 to 4, in points.
NOISE = (0.0, 0.1, -0.1, 0.2, -0.2)


def accuracy(spec):
    """Return percent: on the printed curve, higher with all images, lower with fewer links and with links that stay."""
    training, data = spec.settings["training"], spec.settings["data"]
    printed = Printed(published.load("van_engers_model"))
    value = printed.accuracy(training["prune_fraction"]) if training["evolution_every"] else 86.0
    value += 4.0 if spec.dataset == "fashion_mnist" and not data.get("train_rows") else 0.0
    value -= 2.0 / training["epsilon"]
    return round(value + 2.0 / 13 + NOISE[spec.seed % len(NOISE)], 4)


def record(spec, best):
    """Return a record whose epochs reached `best` percent and ended 1.5 points lower."""
    images = spec.settings["data"].get("train_rows") or 60000
    features, classes = {"fashion_mnist": (784, 10), "digits": (64, 10)}.get(spec.dataset, (30, 2))
    start = [2300 + spec.seed, 2600, 2600, 1000]
    made = record_of(spec)
    return made | {
        "scores": {"epochs": spec.settings["training"]["epochs"], "best": best / 100, "last": best / 100 - 0.015,
                   "last_tenth": best / 100 - 0.012},
        "links": made["links"] | {"start": start, "members": [start]},
        "data": made["data"] | {"features": features, "classes": classes, "train_rows": images, "test_rows": 1000},
    }  # fmt: skip


@pytest.fixture
def config(repository):
    """The configuration at full scale; no committed record is used and nothing trained."""
    assert repository.samefile(".")
    return copy.deepcopy(load_config(REPOSITORY / "config/van_engers.yaml") | {"reuse_records": False, "train": False})


@pytest.fixture
def write(repository):
    """`write(config, seeds=5, skip=(), best=accuracy)`: lay out a made-up run.json for the runs of a configuration."""

    def lay_out(config, seeds=5, skip=(), best=accuracy):
        for spec in runs(config):
            if spec.seed < seeds and not any(part in spec.path for part in skip):
                write_json(repository / run_folder(config, spec) / "run.json", record(spec, best(spec)))
        return config

    return lay_out


def made_up_pixels(fractions=(0.2, 0.4, 0.6, 0.8, 0.96, 1.0), dataset="fashion_mnist", side=28):
    """Return a measurement whose links follow the picture while the fraction is small."""
    rng = np.random.default_rng(0)
    place = np.arange(side * side)
    intensity = np.exp(-(((place // side - side / 2) ** 2 + (place % side - side / 2) ** 2) / side))
    frames = []
    for fraction in fractions:
        follows = max(0.0, 1 - fraction / 0.9)
        links = rng.poisson(20 + 60 * follows * intensity)
        columns = {
            "dataset": dataset,
            "prune_fraction": fraction,
            "pixel": place,
            "links": links,
            "survivors": (links * (1 - fraction)).astype(int),
            "weight": links * 0.1,
            "survivors_weight": links * 0.1 * (1 - fraction),
            "intensity": intensity,
            "partial": None,
        }
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)
