"""What a run is expected to take, known before it starts: its links, and the operations of its training."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import ceil
from typing import Any

from truly_sparse.data import registry
from truly_sparse.engine.convolution.start import kinds, picture_of
from truly_sparse.engine.shortcuts import numbers
from truly_sparse.engine.topology import density
from truly_sparse.ensembles import methods
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.start import numbers_of, plan_of


def links(sizes: Sequence[int], training: Mapping[str, Any]) -> float:
    """Return how many links a sparse network of layers `sizes` starts with, in the mean."""
    if training["epsilon"] is None:
        given = (training.get(name) for name in ("compression", "links"))
        return float(sum(numbers(sizes, training.get("shortcut_ratio", 0.0), *given)))
    return sum(density(n_in, n_out, training["epsilon"]) * n_in * n_out for n_in, n_out in pairwise(sizes))


def multiply_adds(settings: Mapping[str, Any], features: int, classes: int) -> float:
    """Return those of a sample through a network, forth alone; a link of a convolution has one for each position."""
    training = TrainingConfig.of(settings["training"])
    sizes = [features, *training.hidden_layer_sizes, classes]
    if settings["model"] == "dense":
        return float(sum(n_in * n_out for n_in, n_out in pairwise(sizes)))
    if training.architecture == "mlp":
        return links(sizes, settings["training"])
    plan = plan_of(picture_of(features), classes, training)
    at, places = dict(zip(plan.pairs, plan.positions, strict=True)), plan.places
    total = 0.0
    for pairs, count in zip(kinds(plan), numbers_of(plan, training), strict=True):
        if count:
            work = sum(at[pair] * places[pair] for pair in pairs)
            total += count / sum(places[pair] for pair in pairs) * work
    return total


def most_multiply_adds(settings: Mapping[str, Any], features: int, classes: int) -> float:
    """Return how many those of a sample can become while topology evolves.

    Links of a convolutional network whose `pruning` is global move between blocks, at most to those of most positions.
    """
    training = TrainingConfig.of(settings["training"])
    if training.architecture == "mlp" or training.pruning != "global" or not training.evolution_every:
        return multiply_adds(settings, features, classes)
    plan = plan_of(picture_of(features), classes, training)
    left, total = sum(numbers_of(plan, training)), 0
    for positions, places in sorted(zip(plan.positions, plan.places.values(), strict=True), reverse=True):
        there = min(left, places)
        total, left = total + positions * there, left - there
    return float(total)


def samples(settings: Mapping[str, Any], entry: Mapping[str, Any]) -> int | None:
    """Return how many samples a run trains on at most, those of all epochs.

    Parameters
    ----------
    settings : mapping
        Those of a `RunSpec`.
    entry : mapping
        What the registry knows of its dataset.

    Returns
    -------
    int or None
        None for a model of another library, and for data of which nothing is known before it is read.
    """
    training, data = settings["training"], settings["data"]
    rows = entry.get("take") or entry["rows"]
    if not training or rows is None:
        return None
    test = entry.get("test_rows") or ceil(data["test_fraction"] * rows)
    train = min(data.get("train_rows") or rows, rows - test)
    train -= ceil(data["validation_fraction"] * train)
    epochs = methods.kind(settings["strategy"]).passes(TrainingConfig.of(training))
    return int(train // training["batch_size"] * training["batch_size"] * epochs)


def operations(settings: Mapping[str, Any], entry: Mapping[str, Any]) -> float | None:
    """Return the multiply-adds of a run's training at most: three for each link and sample; None as in `samples`."""
    trained = samples(settings, entry)
    if trained is None:
        return None
    return 3 * most_multiply_adds(settings, entry["features"], len(entry["class_counts"])) * trained


def told(place: str, config: dict[str, Any], specs: Iterable[RunSpec]) -> str | None:
    """Return in a line what runs of a study are going to take; None where there are none.

    Parameters
    ----------
    place : str
        What the study is called.
    config : dict
    specs : iterable of RunSpec
        Runs that are to be trained.
    """
    chosen = list(specs)
    if not chosen:
        return None
    entries = {name: registry.entry(name, config["datasets"][name]) for name in {spec.dataset for spec in chosen}}
    known = [operations(spec.settings, entries[spec.dataset]) for spec in chosen]
    counted = [number for number in known if number is not None]
    others = f"; of {len(chosen) - len(counted)} of them it is not known" if len(counted) < len(chosen) else ""
    return f"{place}: {len(chosen):,} runs to train, at most {sum(counted):.1e} multiply-adds{others}"
