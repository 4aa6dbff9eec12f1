"""Made-up runs of the study: what is printed, where something is, and plausible numbers elsewhere."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from truly_sparse.analysis import published
from truly_sparse.engine.convolution.start import picture_of
from truly_sparse.engine.shortcuts import numbers
from truly_sparse.experiments.cost_estimate import multiply_adds
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.studies.spas.runs import setting_of
from truly_sparse.training import start
from truly_sparse.training.config import TrainingConfig

from .. import conftest

#: (features, classes, accuracy in percent of naming the larger class)
DATASETS = {
    "cifar10": (3072, 10, 10.0),
    "cifar100": (3072, 100, 1.0),
    "higgs": (28, 2, 52.99),
    "digits": (64, 10, 10.0),
    "fashion_mnist": (784, 10, 10.0),
}
TABULAR = (20, 2, 50.0)
#: Spread over seeds, in points; the middle one of five has none.
SPREAD = 0.2
EPOCHS = 30
#: What R is worth in SPaS-CNN, by the number of links: points for each tenth of it above 0.5.
SLOPES = {2000: 4.0, 5000: 2.0, 15000: 0.5, 50000: -0.3}


def printed() -> dict[tuple[str, str, str], float]:
    """Return the printed accuracies of Tables 3, 4 and 7 to 9, those of guessing where print has a dash."""
    rows = pd.concat([published.load(f"spas_table{number}") for number in (3, 4, 7, 8, 9)])
    rows = rows[rows["metric"].isin(["iqm", "mean"])]
    guess = [DATASETS[name][2] for name in rows["dataset"]]
    values = rows["published"].fillna(pd.Series(guess, rows.index))
    keys = zip(rows["dataset"], rows["method"], rows["setting"], strict=True)
    found: dict[tuple[str, str, str], float] = {}
    for key, value in zip(keys, values, strict=True):
        found.setdefault(key, float(value))
    return found


def accuracy(spec: RunSpec, known: Mapping[tuple[str, str, str], float]) -> float:
    """Return what the middle seed of a run has, in percent."""
    training, method = spec.settings["training"], spec.method
    guess = DATASETS.get(spec.dataset, TABULAR)[2]
    shortcuts = training.get("shortcut_ratio", 0.0)
    if training["members"] > 1:
        return 75.0 + (0.5 if shortcuts else 0.0)
    if spec.experiment == "spas_cnn_ratio":
        return guess + 30 + SLOPES[training["links"]] * 10 * (0.5 - shortcuts)
    if spec.experiment == "spas_ratio":
        rises = training["compression"] <= 20
        return 40.0 + (10.0 if rises else -10.0) * (1 - shortcuts)
    if spec.experiment == "spas_start" and (training["init"] == "torch_links" or not training.get("l1")):
        return 45.0 if spec.dataset.startswith("cifar") else 79.0
    name = setting_of(training)
    if (spec.dataset, method, name) in known:
        return known[spec.dataset, method, name] + (0.5 if spec.experiment == "spas_choices" else 0.0)
    compression = training.get("compression", 25)
    if method.startswith("mlp"):
        return guess if compression > 5 else 80.0
    return {"spas_static": 80.3 - compression if compression <= 25 else 51.0}.get(method, 80.3)


def record_of(spec: RunSpec, known: Mapping[tuple[str, str, str], float], **changes: Any) -> dict[str, Any]:
    """Return a record of a run with `accuracy`, and a little of its seed."""
    settings = spec.settings
    training = settings["training"]
    features, classes, _ = DATASETS.get(spec.dataset, TABULAR)
    sizes = [features, *training["hidden_layer_sizes"], classes]
    plain = replace(spec, settings=settings | {"training": training | {"epsilon": 5.0}})
    value = (accuracy(spec, known) + SPREAD * (spec.seed % 5 - 2)) / 100
    record = conftest.record_of(plain) | {"settings": settings, "settings_hash": spec.settings_hash}
    if "architecture" in training:
        config = TrainingConfig.of(training)
        counts = list(start.numbers_of(start.plan_of(picture_of(features), classes, config), config))
        predicted = EPOCHS * record["data"]["validation_rows"]
        record["operations"]["validation"] = round(predicted * multiply_adds(settings, features, classes))
    elif training["epsilon"] is None:
        given = (training.get(name) for name in ("compression", "links"))
        counts = list(numbers(sizes, training.get("shortcut_ratio", 0.0), *given))
    else:
        counts = [13_128]
    record |= {
        "accuracy": {"test": value, "members_test": [value], "members_validation": [value]},
        "scores": {"epochs": EPOCHS, "best": value, "last": value - 0.01, "last_tenth": value - 0.01},
        "data": record["data"] | {"features": features, "classes": classes},
        "links": record["links"] | {"start": counts, "members": [counts]},
    }
    return record | changes
