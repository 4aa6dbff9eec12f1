"""Runs of the study as one frame, a row each, those that have not finished too, and the cells they are grouped into."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.origin import partial_note
from truly_sparse.experiments.records import Record
from truly_sparse.measure.diversity import with_diagonal

#: At the end of a method's name in the configuration, and what it says of the run.
SUFFIXES = {"_adam": ("optimiser", "adam"), "_sparse": ("parent", "sparse"), "_lenet": ("parent", "dense")}
#: Strategies whose members are children of one parent.
OF_A_PARENT = ("sparse_subnetworks", "stochastic_subnetworks", "noisy_subnetworks")
#: Strategies that train every member from scratch.
FROM_SCRATCH = ("independent",)
#: Settings that tell runs apart, and what stands where a record does not name one.
SETTINGS: dict[str, Any] = {
    "epsilon": None,
    "compression": None,
    "optimiser": "sgd",
    "epochs": None,
    "members": None,
    "sampler": "partition",
    "parts": 2,
    "sparsity": 0.5,
    "structure": "links",
    "child_epochs": 10,
    "child_learning_rate": 0.1,
    "child_learning_rate_schedule": "one_cycle",
    "prune_epochs": 0,
    "annealing": "temperature",
    "annealing_epochs": 3,
    "temperature": 0.5,
    "bag_fraction": 1.0,
    "inherit": True,
    "include_parent": True,
}
#: The parent's epochs in print, or all epochs, in experiments that are also run with eight times as many: an epoch
#: of the smaller datasets has an eighth of the steps of the source's; one of pictures has as many.
PRINTED_EPOCHS = {"whitaker_rates": 20, "whitaker_sparsity": 10, "whitaker_size": 10}
PRINTED_TOTAL = {"whitaker_small": 16, "whitaker_lenet": 16}
PICTURES = ("fashion_mnist", "cifar10", "cifar100")
#: How members are combined in a record, and what of it the frame has: accuracy_all_logits is the accuracy of the mean
#: logits of the parent and its children.
COMBINED = {"mean_softmax": "", "mean_logits": "_logits", "vote": "_vote"}
SCORES = {"accuracy": "accuracy", "negative_log_likelihood": "nll", "expected_calibration_error": "ece"}
WHOM = ("all", "children")
#: What is measured of a run, all of it missing where the run has not finished or diverged.
MEASURED = (
    "accuracy", "nll", "ece", "validation",
    *(f"{short}_{whom}{suffix}" for suffix in COMBINED.values() for whom in WHOM for short in SCORES.values()
      if suffix != "_vote" or short == "accuracy"),
    "parent_accuracy", "child_accuracy", "child_before", "single_accuracy",
    "disagreement", "kl_divergence", "output_correlation", "with_diagonal",
    "operations", "parent_operations", "child_operations", "seconds", "parent_seconds", "child_seconds", "idle",
    "classes",
)  # fmt: skip
_HEAD = ("experiment", "dataset", "method", "setting", "seed")


def frame_of(inputs: Inputs, *experiments: str) -> pd.DataFrame:
    """Return one row per run of some experiments, or of all that the inputs have, finished or not.

    Returns
    -------
    DataFrame
        `experiment, dataset, method` (without `SUFFIXES`), `setting, seed`; `model`, of the parent where there is one;
        `parent` ("dense" or "sparse"); `SETTINGS`; `hidden` ("500-500-500"); `rate`, the schedule of the learning rate,
        that of the children where there are any; `total`, epochs of all networks together; `judged`, whether verdicts
        rest on the run: not where it has the printed epochs and too few steps; `MEASURED`, accuracies in percent;
        `note` where only a part of the dataset was there; `commit`.
    """
    rows = [_row(record, record["settings"], record) for record in inputs.records if _wanted(record, experiments)]
    rows += [
        _row({name: getattr(spec, name) for name in _HEAD}, spec.settings, None)
        for spec in inputs.absent
        if not experiments or spec.experiment in experiments
    ]
    return pd.DataFrame(rows).astype(dict.fromkeys(MEASURED, float))


def cells(frame: pd.DataFrame, keys: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    """Return one row per group of runs and metric, in order of appearance.

    Returns
    -------
    DataFrame
        `keys`; `metric`; `value` and `std`, mean and deviation (of a sample) over runs; `seeds`, runs that finished,
        and `asked`, runs in the grid; `note` and `commit`.
    """
    rows: list[dict[str, Any]] = []
    for key, part in frame.groupby(list(keys), sort=False, dropna=False):
        head = dict(zip(keys, key, strict=True))
        about = {"asked": len(part), "note": next((note for note in part["note"] if note), "")}
        about["commit"] = ", ".join(dict.fromkeys(filter(None, part["commit"])))
        for metric in metrics:
            values = part[metric].dropna()
            numbers = {"value": values.mean(), "std": values.std(), "seeds": len(values)}
            rows.append({**head, "metric": metric, **numbers, **about})
    return pd.DataFrame(rows, columns=[*keys, "metric", "value", "std", "seeds", "asked", "note", "commit"])


def _wanted(record: Record, experiments: Sequence[str]) -> bool:
    return not experiments or record["experiment"] in experiments


def _row(head: Record, settings: dict[str, Any], record: Record | None) -> dict[str, Any]:
    training = SETTINGS | settings["training"]
    strategy, model = settings["strategy"], settings["model"]
    children = strategy in OF_A_PARENT
    method, said = head["method"], {"parent": "dense"}
    for suffix, (name, value) in SUFFIXES.items():
        if method.endswith(suffix):
            method, said = method.removesuffix(suffix), said | {name: value}
    tuned = training["members"] * training["child_epochs"] if strategy in OF_A_PARENT[:2] else 0
    total = training["epochs"] * (training["members"] if strategy in FROM_SCRATCH else 1) + tuned
    name = head["experiment"]
    as_printed = training["epochs"] == PRINTED_EPOCHS.get(name) or total == PRINTED_TOTAL.get(name)
    row = {
        **{name: head[name] for name in _HEAD},
        "method": method,
        "model": model,
        **said,
        **{name: training[name] for name in SETTINGS},
        "hidden": "-".join(map(str, training["hidden_layer_sizes"])),
        "rate": training.get("child_learning_rate_schedule" if children else "learning_rate_schedule", "steps"),
        "total": total,
        "judged": not as_printed or head["dataset"] in PICTURES,
    }
    if record is None or record["status"] != "ok":
        return row | dict.fromkeys(MEASURED) | {"note": "", "commit": ""}
    found = {name: measured for name, measured in measures_of(record).items() if name in MEASURED}
    about = {"note": partial_note(record["data"]["partial"]), "commit": (record["code"]["commit"] or "unknown")[:10]}
    return row | dict.fromkeys(MEASURED) | found | about


def measures_of(record: Record) -> dict[str, Any]:
    """Return what a finished run measured, by name; more than `MEASURED`."""
    accuracy, children = record["accuracy"], record.get("children")
    metrics, diversity = record["metrics"], record["diversity"]
    validation = [value for value in accuracy["members_validation"] if value is not None]
    classes = record["data"]["classes"]
    # Machines are shared: what the run had of its core. Epochs of a parent that another run trained are among them.
    share = min(1.0, record["seconds"]["cpu"] / record["seconds"]["wall"])
    found = {
        "accuracy": 100 * accuracy["test"],
        "nll": metrics["log_loss"],
        "ece": metrics["ece"],
        "validation": 100 * _mean(validation) if validation else None,
        "single_accuracy": 100 * _mean(accuracy["members_test"]),
        **{name: diversity.get(name) for name in ("disagreement", "kl_divergence", "output_correlation")},
        "operations": record["operations"]["total_training"],
        "seconds": record["seconds"]["epochs_wall"] * share,
        "classes": classes if isinstance(classes, int) else len(classes),
    }
    correlation, members = diversity.get("output_correlation"), len(accuracy["members_test"])
    if correlation is not None and members > 1:
        found["with_diagonal"] = with_diagonal(correlation, members)
    for whom, ways in record.get("combined", {}).items():
        for way, scores in ways.items():
            for name, value in scores.items():
                factor = 100 if name == "accuracy" else 1
                found[f"{SCORES.get(name, name)}_{whom}{COMBINED.get(way, way)}"] = factor * value
    if children:
        found |= {
            "parent_accuracy": 100 * children["parent"],
            "child_accuracy": 100 * _mean(children["after"]),
            "child_before": 100 * _mean(children["before"]),
            "parent_operations": children["operations"]["parent"],
            "child_operations": children["operations"]["children"],
            "parent_seconds": children["seconds"]["parent"] * share,
            "child_seconds": children["seconds"]["children"] * share,
            "idle": _mean(children["idle_neurons"]),
        }
    return found


def _mean(values: Sequence[Any]) -> float:
    """Return the mean of numbers, or of lists of numbers by their sums; NaN of none."""
    flat = [float(np.sum(value)) for value in values]
    return float(np.mean(flat)) if flat else float("nan")
