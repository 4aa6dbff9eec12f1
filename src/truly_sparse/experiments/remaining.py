"""What the runs that are left would take, at the pace of those that have finished."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from truly_sparse.data import registry
from truly_sparse.experiments.expected import operations
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import Record

#: What finished runs may have in common with one that is left, the most alike first.
_ALIKE = (("experiment", "dataset", "method"), ("dataset", "method"), ("method",), ("network",))
_CELL = ("experiment", "dataset", "method", "setting")


def hours(config: dict[str, Any], finished: Iterable[Record], left: Iterable[RunSpec]) -> list[float | None]:
    """Return the core-hours that each of the runs that are left is expected to take.

    Parameters
    ----------
    config : dict
        Of the study.
    finished : iterable of dict
        Records of any of its experiments. Those of the same experiment, dataset and method give the pace, as CPU
        seconds for each multiply-add of training (for each run, where these are not counted); where there is none,
        those of the same dataset and method, then of the same method, then of the same kind of network.
    left : iterable of RunSpec

    Returns
    -------
    list of float or None
        In the order of `left`; None where nothing alike has finished.
    """
    known: dict[tuple[str, ...], float] = {}

    def work(run: Mapping[str, Any]) -> float:
        cell = tuple(run[name] for name in _CELL)  # runs of a cell differ in their seeds alone
        if cell not in known:
            entry = registry.entry(run["dataset"], config["datasets"].get(run["dataset"]))
            known[cell] = operations(run["settings"], entry) or 1.0
        return known[cell]

    paces: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for record in finished:
        for key in _keys(record):
            paces[key].append(record["seconds"]["cpu"] / work(record))
    expected: list[float | None] = []
    for spec in left:
        run = {name: getattr(spec, name) for name in (*_CELL, "settings")}
        pace = next((median(paces[key]) for key in _keys(run) if key in paces), None)
        expected.append(None if pace is None else pace * work(run) / 3600)
    return expected


def _keys(run: Mapping[str, Any]) -> list[tuple[str, ...]]:
    training = run["settings"]["training"]
    network = f"{run['settings']['model']} {training.get('architecture', 'mlp')}" if training else run["method"]
    said = {**run, "network": network}
    return [(*names, *(said[name] for name in names)) for names in _ALIKE]
