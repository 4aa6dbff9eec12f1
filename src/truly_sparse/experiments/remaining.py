"""What the runs that are left would take, at the pace of those that have finished."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import nnls

from truly_sparse.data import registry
from truly_sparse.ensembles import methods
from truly_sparse.errors import UserError
from truly_sparse.experiments.cost_estimate import multiply_adds, samples
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import Record, other_studies, read
from truly_sparse.training.config import ARCHITECTURES, TrainingConfig

#: What finished runs may have in common with one that is left, the most alike first; those of other studies have only
#: the last two.
_ALIKE = (("experiment", "dataset", "method"), ("dataset", "method"), ("method",), ("network",), ("kind",))
_OF_OTHERS = _ALIKE[-2:]
_CELL = ("experiment", "dataset", "method", "setting")


class _Size(NamedTuple):
    """What is known of a run before it starts."""

    #: Multiply-adds of a sample through its network; 1 of what is not counted.
    each: float
    #: Samples that are trained on, over all epochs, at most; 1 of what is not counted.
    samples: float
    #: The part of these on which a parent trains that other runs may have in common; 0 without one.
    parent: float


class _Done(NamedTuple):
    """What a finished run took."""

    each: float
    #: CPU seconds for a sample of an epoch that it really trained.
    seconds: float


def hours(
    config: dict[str, Any],
    finished: Iterable[Record],
    left: Iterable[RunSpec],
    others: Callable[[], Iterable[Record]] = tuple,
) -> list[float | None]:
    """Return the core-hours that each of the runs that are left is expected to take.

    Samples of all epochs take seconds that are a line over multiply-adds, of which a part is the same whatever the
    links: it is fitted to finished runs of the same kind of network. How far these are off for the runs most alike is
    made up for: those of the same experiment, dataset and method; where there is none, of the same dataset and method,
    then of the same method, the same network, the same kind. Where a run may stop early, its epochs are the part that
    runs most alike with the same patience trained. A parent that several runs have in common is trained once, by the
    first of those that are left.

    Parameters
    ----------
    config : dict
        Of the study.
    finished : iterable of dict
        Records of any of its experiments.
    left : iterable of RunSpec
    others : callable
        Returns records of other studies, for kinds of networks that have none here; asked only where one is left.

    Returns
    -------
    list of float or None
        In the order of `left`; None where nothing alike has finished.
    """
    here, there = _Paces(config, finished, _ALIKE), None
    expected: list[float | None] = []
    parents: set[str] = set()
    for spec in left:
        run = {name: getattr(spec, name) for name in (*_CELL, "settings")}
        parent = _parent(spec)
        found = here.hours(run, parent in parents)
        if found is None:
            there = there or _Paces(config, others(), _OF_OTHERS)
            found = there.hours(run, parent in parents)
        parents.add(parent)
        expected.append(found)
    return expected


def of_other_studies(config: dict[str, Any]) -> Iterator[Record]:
    """Yield all committed records of other studies at the preset of one, whether they hold or not."""
    for folder in other_studies(config):
        for file in sorted(folder.glob("records/*.jsonl")):
            yield from read(file)


class _Paces:
    """Finished runs by what they may have in common with others."""

    def __init__(self, config: dict[str, Any], finished: Iterable[Record], alike: Sequence[tuple[str, ...]]) -> None:
        self._config, self._alike = config, alike
        self._sizes: dict[tuple[str, ...], _Size] = {}
        self._lines: dict[tuple[str, ...], tuple[float, float]] = {}
        self._groups: dict[tuple[str, ...], list[_Done]] = defaultdict(list)
        self._stopping: dict[tuple[Any, ...], list[float]] = defaultdict(list)
        for record in finished:
            with suppress(UserError):  # data of another study's own, of which nothing is known here
                size, part = self._size(record), _part(record)
                trained = part * (1 - size.parent if _adopted(record) else 1)
                if not trained:  # children that are not trained, of a parent of another run
                    continue
                done = _Done(size.each, record["seconds"]["cpu"] / (size.samples * trained))
                for key in self._keys(record):
                    self._groups[key].append(done)
                    self._stopping[(*key, _patience(record))].append(part)

    def hours(self, run: Mapping[str, Any], adopts: bool) -> float | None:
        """Return what a run takes that `adopts` a parent or trains its own; None where nothing alike has finished."""
        keys = self._keys(run)
        alike = next((key for key in keys if key in self._groups), None)
        if alike is None:
            return None
        widest = next(key for key in reversed(keys) if key in self._groups)
        each, samples, parent = self._size(run)
        off = median(done.seconds / self._line(widest, done.each) for done in self._groups[alike])
        patience = _patience(run)
        stopping = next((self._stopping[*key, patience] for key in keys if (*key, patience) in self._stopping), [1.0])
        part = (median(stopping) if patience else 1.0) * (1 - parent if adopts else 1)
        return off * self._line(widest, each) * samples * part / 3600

    def _line(self, key: tuple[str, ...], each: float) -> float:
        """Return the seconds of a sample by its multiply-adds, fitted to runs by how far it is off in proportion."""
        if key not in self._lines:
            group = self._groups[key]
            sizes, seconds = (np.array([getattr(done, name) for done in group]) for name in ("each", "seconds"))
            slope, base = 1.0, 0.0
            if len(set(sizes)) > 1:
                columns = np.stack([sizes / sizes.max() / seconds, 1 / seconds], axis=1) * seconds.max()
                slope, base = nnls(columns, np.ones(len(group)))[0]
                slope /= sizes.max()
            self._lines[key] = float(slope), float(base)
        slope, base = self._lines[key]
        return slope * each + base

    def _size(self, run: Mapping[str, Any]) -> _Size:
        cell = tuple(run[name] for name in _CELL)  # runs of a cell differ in their seeds alone
        if cell not in self._sizes:
            entry = registry.entry(run["dataset"], self._config["datasets"].get(run["dataset"]))
            settings, trained = run["settings"], samples(run["settings"], entry)
            if trained is None:
                self._sizes[cell] = _Size(1.0, 1.0, 0.0)
            else:
                each = multiply_adds(settings, entry["features"], len(entry["class_counts"]))
                self._sizes[cell] = _Size(each, trained, _part_of_parent(settings))
        return self._sizes[cell]

    def _keys(self, run: Mapping[str, Any]) -> list[tuple[str, ...]]:
        training, model = run["settings"]["training"], run["settings"]["model"]
        network = kind = run["method"]
        if training:
            architecture = training.get("architecture", ARCHITECTURES[0])
            network = f"{model} {architecture}"
            kind = network if architecture == ARCHITECTURES[0] else f"{model} convolutional"
        said = {**run, "network": network, "kind": kind}
        return [(*names, *(said[name] for name in names)) for names in self._alike]


def _parent(spec: RunSpec) -> str:
    """Return what decides the parent of a run, as text; a run that has none is alone with its own."""
    if not _part_of_parent(spec.settings):
        return spec.path
    return json.dumps(spec.parent_settings, sort_keys=True)


def _part_of_parent(settings: Mapping[str, Any]) -> float:
    """Return the parent's part of all passes over the data; 0 without a parent."""
    kind = methods.kind(settings["strategy"])
    if not kind.family:
        return 0.0
    training = TrainingConfig.of(settings["training"])
    return training.epochs / kind.passes(training)


def _adopted(record: Record) -> bool:
    """Return whether another run trained the parent of this one: its epochs, the parent's included, took longer."""
    seconds = record["seconds"]
    return "children" in record and seconds["epochs_wall"] > seconds["wall"]


def _patience(run: Mapping[str, Any]) -> int:
    """Return after how many epochs without a better one a run stops; 0 for never."""
    return int(run["settings"]["training"].get("patience", 0))


def _part(record: Record) -> float:
    """Return the epochs of a record as a part of those that its settings allow."""
    if not _patience(record) or "scores" not in record:
        return 1.0
    settings = record["settings"]
    allowed = methods.kind(settings["strategy"]).passes(TrainingConfig.of(settings["training"]))
    return min(1.0, float(record["scores"]["epochs"]) / allowed)
