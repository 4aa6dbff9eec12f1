"""Runs of single networks as one frame, unfinished ones too, and the cells of tables they are grouped into."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.origin import partial_note
from truly_sparse.analysis.runs import class_count
from truly_sparse.analysis.statistics.interquartile import iqm
from truly_sparse.experiments.grid import setting_name
from truly_sparse.experiments.records import Record
from truly_sparse.measure import pictures
from truly_sparse.measure.possible import possible_weights
from truly_sparse.studies.spas.chance import random_below

#: Perceptrons, plain and with shortcuts, and convolutional networks: all but the last part of a method's name.
MLP, SPAS = "mlp", "spas"
CNN, DENSENET, SPAS_CNN = "cnn", "densenet", "spas_cnn"
PERCEPTRONS = {MLP: "MLP", SPAS: "SPaS-MLP"}
CONVOLUTIONAL = {CNN: "CNN", DENSENET: "DenseNet", SPAS_CNN: "SPaS-CNN"}
MODELS = PERCEPTRONS | CONVOLUTIONAL
#: How a sparse network trains, the last part, and what a dense one is called.
STATIC, EVOLVING, DENSE = "static", "set", "dense"
MODES = {DENSE: "Fully dense", STATIC: "Static", EVOLVING: "SET*/SPaSET"}
#: Compressions that stand for dense networks: of perceptrons without shortcuts and of convolutional networks, which are
#: compressed against all of their places, and of perceptrons with all shortcuts.
DENSE_PLAIN, DENSE_SHORTCUTS = 1, 0
#: What of a cell's runs a table may show.
METRICS = ("iqm", "mean", "max", "last_iqm", "epochs", "i_flops")
#: Those that stand for the accuracies whose standard deviation a cell has.
_SPREAD = ("iqm", "mean")
#: Settings by which tables of choices tell runs apart, with what stands where a record does not name one.
CHOICES: dict[str, Any] = {
    "init": "torch",
    "l1": 0.0,
    "patience": 0,
    "prune_fraction": None,
    "learning_rate": None,
    "keep_shortcut_ratio": True,
}
_HEAD = ("experiment", "dataset", "method", "seed")


def frame_of(inputs: Inputs, *experiments: str) -> pd.DataFrame:
    """Return one row per run of some experiments, finished or not.

    Returns
    -------
    DataFrame
        `experiment, dataset, method, seed`; `model` (of `MODELS`) and `mode` (dense, static or set); `setting` ("c5",
        "n1000", "eps3.5"), `compression`, `budget` (links asked for), `ratio` (R, the sequential part); `CHOICES`;
        `validation` and `scaling`; `accuracy` of the network that was collected and `last` of its last epoch, in
        percent; `epochs` trained, `links` it started with, `i_flops` (see `i_flops_of`); `classes`; `note` where only a
        part of the dataset was there; `commit`. Missing where a run diverged or has not finished.
    """
    rows = [_row(record, record["settings"], record) for record in inputs.of(*experiments)]
    for spec in inputs.absent:
        if spec.experiment in experiments:
            rows.append(_row({name: getattr(spec, name) for name in _HEAD}, spec.settings, None))
    frame = pd.DataFrame(rows)
    numbers = ["compression", "budget", "accuracy", "last", "epochs", "links", "i_flops", "classes"]
    return frame.astype(dict.fromkeys(numbers, float))


def cells(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return one row per group of runs, in order of appearance.

    Returns
    -------
    DataFrame
        `keys`; `iqm` (interquartile mean), `mean`, `std` (of a sample) and `max` of accuracies; `last_iqm`, that of the
        last epochs'; mean `epochs` and `i_flops`; `seeds`, runs that finished, and `asked`, runs in the grid; `random`,
        whether the `iqm` is no better than guessing; `note` and `commit`.
    """
    rows = []
    for key, part in frame.groupby(list(keys), sort=False, dropna=False):
        done = part[part["accuracy"].notna()]
        accuracy = done["accuracy"]
        centre = iqm(accuracy)
        level = random_below(str(part["dataset"].iloc[0]), done["classes"].max())
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "iqm": centre,
                "mean": accuracy.mean(),
                "std": accuracy.std(),
                "max": accuracy.max(),
                "last_iqm": iqm(done["last"].dropna()),
                "epochs": done["epochs"].mean(),
                "i_flops": done["i_flops"].mean(),
                "seeds": len(done),
                "asked": len(part),
                "random": bool(centre < level),
                "note": next(iter(done["note"]), ""),
                "commit": ", ".join(dict.fromkeys(done["commit"])),
            }
        )
    return pd.DataFrame(rows)


def long(wide: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Return cells as rows of `metric` and `value`, those of a cell after one another.

    `mean` stays beside all of them, `std`, that of the accuracies, beside those that stand for them.
    """
    parts = [
        wide.assign(metric=name, value=wide[name], std=wide["std"] if name in _SPREAD else float("nan"))
        for name in metrics
    ]
    whole = pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
    return whole.drop(columns=[name for name in METRICS if name != "mean"])


def accuracies(inputs: Inputs, chosen: Callable[[Mapping[str, Any]], dict[str, Any]]) -> pd.DataFrame:
    """Return one row per run, finished or not, of records that may have no scores of epochs.

    Parameters
    ----------
    inputs : Inputs
    chosen : callable
        Columns by the training settings of a run.

    Returns
    -------
    DataFrame
        `dataset, method, seed`; what is `chosen`; `accuracy` in percent, `train_loss`, the mean over the steps of the
        last epoch, `note` and `commit` as in `frame_of`.
    """
    names = ("dataset", "method", "seed")
    rows = [
        {name: record[name] for name in names} | chosen(record["settings"]["training"]) | _measured(record)
        for record in inputs.records
    ]
    rows += [
        {name: getattr(spec, name) for name in names} | chosen(spec.settings["training"]) | _measured(None)
        for spec in inputs.absent
    ]
    return pd.DataFrame(rows).astype({"accuracy": float, "train_loss": float})


def counted(runs: pd.DataFrame, measure: str = "accuracy") -> dict[str, Any]:
    """Return mean and deviation of a measure of runs, how many have finished of how many, note and commits."""
    done = runs.dropna(subset="accuracy")
    return {
        "value": done[measure].mean(),
        "std": done[measure].std(),
        "seeds": len(done),
        "asked": len(runs),
        "note": next(iter(done["note"]), ""),
        "commit": ", ".join(dict.fromkeys(done["commit"])),
    }


def spread_of(cell: pd.Series) -> pd.Series:
    """Return a cell as tests over seeds take it: its mean as `value`, with `std` and `seeds`."""
    return pd.Series({"value": cell["mean"], "std": cell["std"], "seeds": cell["seeds"]})


def setting_of(training: dict[str, Any]) -> str:
    """Return how many links a network starts with, in a word: "c5", "n1000" or "eps3.5"."""
    names = ("epsilon", "compression", "links")
    return setting_name({name: training[name] for name in names if training.get(name) is not None})


def _row(head: Record, settings: dict[str, Any], record: Record | None) -> dict[str, Any]:
    training, data = settings["training"], settings["data"]
    compression, shortcuts = training.get("compression"), training.get("shortcut_ratio", 0.0)
    model, _, mode = settings["method"].rpartition("_")
    if compression == (DENSE_SHORTCUTS if model == SPAS else DENSE_PLAIN):
        mode = DENSE
    row = {
        **{name: head[name] for name in _HEAD},
        "model": model,
        "mode": mode,
        "setting": setting_of(training),
        "compression": compression,
        "budget": training.get("links"),
        "ratio": 1 - shortcuts,
        **{name: training.get(name, before) for name, before in CHOICES.items()},
        "validation": data.get("validation", "held_out"),
        "scaling": data["scaling"],
    }
    if record is None or record["status"] != "ok":
        return row | dict.fromkeys(("last", "epochs", "links", "i_flops", "classes")) | _measured(None)
    return row | {
        "last": 100 * record["scores"]["last"],
        "epochs": record["scores"]["epochs"],
        "links": sum(record["links"]["start"]),
        "i_flops": i_flops_of(model, training, record),
        "classes": class_count(record["data"]),
        **_measured(record),
    }


def _measured(record: Record | None) -> dict[str, Any]:
    """Return accuracy, note and commit; of a run that has not finished, or diverged, that there is none."""
    if record is None or record["status"] != "ok":
        return {"accuracy": None, "train_loss": None, "note": "", "commit": ""}
    return {
        "accuracy": 100 * record["accuracy"]["test"],
        "train_loss": record["loss"]["final_train"],
        "note": partial_note(record["data"]["partial"]),
        "commit": (record["code"]["commit"] or "unknown")[:10],
    }


def i_flops_of(model: str, training: Mapping[str, Any], record: Record) -> float:
    """Return the multiply-adds of a prediction as a part of those of a dense plain network.

    A perceptron has one for each link, of which there are as many from start to end. A link of a convolution has one
    for each position, and SPaSET moves links between maps of different sizes: what counts is the mean over epochs, each
    of which predicts the validation rows once. The plain network has the same channels, or the source's for DenseNet.
    """
    data, classes = record["data"], class_count(record["data"])
    sizes = tuple(training["hidden_layer_sizes"])
    if model in PERCEPTRONS:
        possible = possible_weights([data["features"], *sizes, classes])
        return sum(record["links"]["start"]) / possible.sequential
    mean = record["operations"]["validation"] / (record["scores"]["epochs"] * data["validation_rows"])
    return mean / _plain_multiply_adds(data["features"], classes, () if model == DENSENET else sizes)


@cache
def _plain_multiply_adds(features: int, classes: int, channels: tuple[int, ...]) -> int:
    return pictures.plan("cnn", features, classes, channels).multiply_adds
