"""Made-up runs of the study: frames of runs from printed numbers or from a formula, and records."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from truly_sparse.analysis.evidence import Evidence
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.studies.whitaker.runs import MEASURED, SETTINGS
from truly_sparse.studies.whitaker.verdicts.comparing import PRINTED, RUNS, printed_numbers

from .. import conftest

#: Of seeds, in the unit of the measure; their mean is none.
SPREAD = (-0.001, 0.0, 0.001)
#: Printed scores of a table, and what they are here.
SCORES = {"test_accuracy": "accuracy", "nll": "nll", "ece": "ece", "operations": "operations"}


def frame(rows: Iterable[Mapping[str, Any]], spread: Iterable[float] = SPREAD) -> pd.DataFrame:
    """Return a frame of runs, each row once for every seed, with `spread` on all that is measured."""
    made = []
    for row in rows:
        for seed, more in enumerate(spread):
            numbers = {name: row[name] + more for name in MEASURED if name in row}
            made.append({**SETTINGS, "judged": True, "rate": "one_cycle", "total": 200, **row, **numbers, "seed": seed})
    columns = list(dict.fromkeys([*MEASURED, *(name for row in made for name in row)]))
    return pd.DataFrame(made, columns=columns).astype(dict.fromkeys(MEASURED, float))


def evidence(rows: Iterable[Mapping[str, Any]], spread: Iterable[float] = SPREAD) -> Evidence:
    """Return such a frame beside all printed numbers."""
    return Evidence({RUNS: frame(rows, spread), PRINTED: printed_numbers()})


def from_print(table: str, **keys: Any) -> list[dict[str, Any]]:
    """Return a row for every method, dataset and network of a printed table, which count as datasets of their own."""
    rows = printed_numbers()
    rows = rows[(rows["table"] == f"whitaker_{table}") & rows["metric"].isin(SCORES)]
    found = []
    for (dataset, setting, method), own in rows.groupby(["dataset", "setting", "method"], sort=False):
        scores = {SCORES[row["metric"]]: float(row["published"]) for row in own.to_dict("records")}
        found.append({"dataset": f"{dataset} {setting}", "method": method, **scores, **keys})
    return found


#: (features, classes) of a dataset.
SHAPES = {"gesture": (50, 5), "fashion_mnist": (784, 10), "cifar10": (3072, 10), "cifar100": (3072, 100)}
#: What a method has over one network, in points.
GAINS = {
    "sse_np": 2.0, "sse_r": 1.9, "sse_np_bag": 1.8, "stochastic": 2.1, "noisy": 0.1, "snapshot": 1.5, "fge": 1.4,
    "mc_dropout": 0.1, "dense_ensemble": 2.0, "bagging": -0.3, "dropout": -0.6, "sse_unpruned": 1.0, "sse_fresh": -1.0,
    "sparse_ensemble": 0.2, "sse_longer": 2.0, "fd_tse": 1.0, "edst_rg": 0.9, "iterative": 0.3, "annealing": 0.8,
    "random_annealing": 0.5,
}  # fmt: skip
FAMILY = ("sparse_subnetworks", "stochastic_subnetworks", "noisy_subnetworks")


def record_of(spec: RunSpec, **changes: Any) -> dict[str, Any]:
    """Return a record of a run, whose numbers depend on it and a little on its seed."""
    settings = spec.settings
    training = SETTINGS | settings["training"]
    method = spec.method.removesuffix("_adam").removesuffix("_sparse").removesuffix("_lenet")
    features, classes = SHAPES.get(spec.dataset, (20, 2))
    plain = replace(spec, settings=settings | {"training": training | {"epsilon": training["epsilon"] or 5.0}})
    record = conftest.record_of(plain) | {"settings": settings, "settings_hash": spec.settings_hash}
    spread = 0.1 * (spec.seed - 0.5)
    lost = 4.0 * abs(training["sparsity"] - 0.6) + (2.0 if training["parts"] == 6 else 0.0)
    constant = training["child_learning_rate_schedule"] == "constant"
    one = 80.0 + GAINS.get(method, 0.0) - lost - constant + 0.05 * training["members"] + spread
    family = settings["strategy"] in FAMILY
    members = training["members"] + (1 if family and training["include_parent"] else 0)
    work = training["epochs"] * (training["members"] if settings["strategy"] == "independent" else 1)
    record |= {
        "accuracy": {
            "test": one / 100,
            "members_test": [one / 100 - 0.01] * members,
            "members_validation": [one / 100 - 0.012] * members,
        },
        "metrics": record["metrics"] | {"log_loss": 2 - one / 50, "ece": 0.1 - one / 1000},
        "diversity": {
            "member_accuracy": one / 100 - 0.01, "oracle_accuracy": one / 100 + 0.05,
            "disagreement": 0.03 + GAINS.get(method, 0.0) / 100,
            "kl_divergence": 0.05, "output_correlation": 0.88,
        } if members > 1 else record["diversity"],
        "data": record["data"] | {"features": features, "classes": classes},
    }  # fmt: skip
    scores = {
        "accuracy": one / 100,
        "negative_log_likelihood": 2 - one / 50,
        "expected_calibration_error": 0.1 - one / 1000,
    }
    if family:
        children = training["members"]
        kept = 1 / training["parts"] if training["sampler"] == "partition" else 1 - training["sparsity"]
        tuned = 0 if method == "noisy" else children * training["child_epochs"] * kept
        record["combined"] = {
            whom: {"mean_softmax": scores, "mean_logits": scores, "vote": {"accuracy": one / 100}}
            for whom in ("all", "children")
        }
        record["children"] = {
            "operations": {"parent": 1000 * training["epochs"], "children": round(1000 * tuned)},
            "seconds": {"parent": 1.0 * training["epochs"], "children": 1.2 * tuned},
            "before": [] if method == "noisy" else [0.6] * children,
            "after": [one / 100 - 0.012] * children,
            "parent": one / 100 - 0.01,
            "idle_neurons": [] if method == "noisy" else [2] * children,
        }
        work += tuned
    record["operations"] |= {"total_training": round(1000 * work)}
    record["seconds"] |= {"epochs_wall": 1.0 * work}
    return record | changes
