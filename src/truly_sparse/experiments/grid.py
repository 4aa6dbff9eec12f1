"""The grid: which runs a configuration asks for, and every setting of each."""

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from truly_sparse.errors import UserError
from truly_sparse.experiments import golden
from truly_sparse.experiments.configuration import ALL_DATA_KEYS, FIXED_KEYS, check_run, data_of, training_of
from truly_sparse.experiments.configuration_schema import suggest
from truly_sparse.experiments.provenance import source_hash
from truly_sparse.training.config import DENSITIES, OF_CHILDREN, settled

#: What an axis is called in the names of settings, and so of folders, where that is not its own name: mostly its
#: symbol in the paper. They also order the axes, the number of links first.
LABELS = {
    "epsilon": "eps",
    "compression": "c",
    "links": "n",
    "shortcut_ratio": "shortcuts",
    "hidden_layer_sizes": "hidden",
    "learning_rate": "eta",
    "decay_times_learning_rate": "decay_times_eta",
    "prune_fraction": "zeta",
    "restart_prune_fraction": "q",
    "init": "start_values",
    "negative_slope": "alpha",
    "distance_factor": "lambda",
}


@dataclass(frozen=True)
class RunSpec:
    """One run: (dataset, method, setting, seed) of an experiment.

    Attributes
    ----------
    setting : str
        The grid axes in words, such as "eps20_lambda1.5"; "default" without any.
    settings : dict
        Everything that decides the result, as plain JSON: `dataset, method, model, strategy, seed`, `data` (split and
        scaling) and `training` (all training settings and `epsilon`, None for dense models; empty for references).
    """

    experiment: str
    dataset: str
    method: str
    setting: str
    seed: int
    settings: dict[str, Any]

    @property
    def path(self) -> str:
        """The run's folder below runs/ beside the results, such as "table1/gesture/fd_tse/eps20/seed3"."""
        return f"{self.experiment}/{self.dataset}/{self.method}/{self.setting}/seed{self.seed}"

    @cached_property
    def settings_hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the settings in canonical JSON."""
        canonical = json.dumps(self.settings, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def hashes(self) -> dict[str, str]:
        """What a record of this run says while it is current: hashes of its settings and of the code that made it."""
        stage = "reference" if self.settings["model"] == "reference" else "run"
        return {"settings_hash": self.settings_hash, "source_hash": source_hash(stage, self.settings["strategy"])}

    @cached_property
    def features(self) -> golden.Features:
        """What golden runs must cover for a committed record of this run to count by them."""
        return golden.features(self.settings)

    @property
    def parent_settings(self) -> dict[str, Any]:
        """The part of the settings that decides the parent of children; runs that share it can share the parent."""
        settings = {key: self.settings[key] for key in ("dataset", "model", "seed", "data")}
        training = {key: value for key, value in self.settings["training"].items() if key not in OF_CHILDREN}
        return settings | {"training": training}

    @property
    def priority(self) -> int:
        """Larger for runs that must start first: a long dense run left for the end would keep one core busy alone."""
        return int(self.settings["training"]["members"]) if self.settings["model"] == "dense" else 0


def runs(config: dict[str, Any], experiment: str | None = None) -> list[RunSpec]:
    """Return the runs of one experiment (or of all) in the order of the configuration.

    Parameters
    ----------
    config : dict
        A validated configuration.
    experiment : str, optional
        Name of an experiment; None for all.

    Raises
    ------
    UserError
        For an unknown experiment, contradictory settings, or a run that is asked for twice.
    """
    experiments = config["experiments"]
    if experiment is not None and experiment not in experiments:
        raise UserError(f'unknown experiment "{experiment}"{suggest(experiment, experiments)}')
    written = json.dumps(config)
    names = experiments if experiment is None else [experiment]
    return [spec for name in names for spec in _experiment_runs(written, name)]


@lru_cache(maxsize=32)
def _experiment_runs(written: str, experiment: str) -> tuple[RunSpec, ...]:
    """Return the runs of an experiment of a configuration, given as JSON; tables ask for the same ones many times."""
    config = json.loads(written)
    found: dict[str, RunSpec] = {}
    for position, block in enumerate(config["experiments"][experiment]):
        where = f"experiments.{experiment}[{position}]"
        for spec in _block_runs(config, experiment, block, where):
            if spec.path in found:
                raise UserError(f"{where}: the run {spec.path} is asked for twice; take it out of one block")
            found[spec.path] = spec
    return tuple(found.values())


def find(config: dict[str, Any], path: str) -> RunSpec:
    """Return the run at `path` ("table1/gesture/fd_tse/eps20/seed3").

    Raises
    ------
    UserError
        Where the grid has no such run; names the nearest one.
    """
    experiment = path.partition("/")[0]
    own = runs(config, experiment) if experiment in config["experiments"] else []
    found = next((spec for spec in own if spec.path == path), None)
    if found is None:
        paths = [spec.path for spec in runs(config)]
        if not paths:
            raise UserError(f'no run "{path}": preset {config["preset"]} has no experiments')
        close = suggest(path, paths) if len(path) < 300 else ""
        hint = close if close.startswith("; did") else f"; the first of {len(paths)} is {paths[0]}"
        raise UserError(f'no run "{path}" in preset {config["preset"]}{hint}')
    return found


def _block_runs(config: dict[str, Any], experiment: str, block: dict[str, Any], where: str) -> Iterator[RunSpec]:
    # Sorted with the number of links first: the order of keys in a file must not rename a run.
    axes = sorted(block.keys() - FIXED_KEYS, key=lambda axis: (axis not in DENSITIES, _label(axis)))
    for dataset, method in itertools.product(block["datasets"], block["methods"]):
        model, strategy = (config["methods"][method][key] for key in ("model", "strategy"))
        for values in itertools.product(*(block[axis] for axis in axes)):
            point = dict(zip(axes, values, strict=True))
            data = data_of(config, dataset, point)
            training: dict[str, Any] = {}
            if model != "reference":
                of_training = {key: value for key, value in point.items() if key not in ALL_DATA_KEYS}
                training = settled({"epsilon": None} | training_of(config, dataset, method) | of_training)
                problem = check_run(training, model, strategy, data)
                if problem:
                    raise UserError(f"{where}: {dataset}, {method}: {problem}")
            if strategy == "dist_tse":
                point.setdefault("distance_factor", training["distance_factor"])
            for seed in block["seeds"]:
                settings = {
                    "dataset": dataset,
                    "method": method,
                    "model": model,
                    "strategy": strategy,
                    "seed": seed,
                    "data": data,
                    "training": training,
                }
                yield RunSpec(experiment, dataset, method, setting_name(point), seed, settings)


def setting_name(point: dict[str, Any]) -> str:
    """Return the folder name of a point of the grid, such as "eps20_lambda1.5"; "default" without axes."""
    density = {key: value for key, value in point.items() if key in DENSITIES}
    others = {key: value for key, value in point.items() if key not in DENSITIES}
    names = [f"{_label(key)}{_written(value).removesuffix('.0')}" for key, value in density.items()]
    return "_".join(names + [f"{_label(key)}{_written(value)}" for key, value in others.items()]) or "default"


def _label(axis: str) -> str:
    return LABELS.get(axis, axis)


def _written(value: Any) -> str:
    if isinstance(value, list):
        return "-".join(_written(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
