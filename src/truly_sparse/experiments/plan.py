"""What the workflow needs to know when it starts: which runs are to be trained, and what every result depends on.

A workflow may have the configurations of several studies; each has a place of its own below results, and they share
their datasets.
"""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from truly_sparse.data import registry
from truly_sparse.errors import UserError
from truly_sparse.experiments import grid, measurements, records
from truly_sparse.experiments.configuration import by_study, results_folder, validate
from truly_sparse.experiments.configuration_schema import read_texts, schema
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.provenance import source_hash
from truly_sparse.files import sha256, write_json


class Plan:
    """The validated configuration of a study with the runs it asks for.

    Parameters
    ----------
    config : dict
        As it was read; numbers may be text.
    where : str
        What error messages call it.
    trained : dict, optional
        {settings hash: run.json that has it}, to which this plan adds what it is the first to miss.

    Raises
    ------
    UserError
        For a configuration that is not possible or a damaged record file.
    """

    def __init__(
        self, config: dict[str, Any], where: str = "configuration", trained: dict[str, str] | None = None
    ) -> None:
        root = schema()
        self.config = validate(read_texts(config, root, root), where)
        self.study: str = self.config["study"]
        self.results = results_folder(self.config).as_posix()
        self.place = self.results.removeprefix("results/")
        self.experiments = list(self.config["experiments"])
        self.measurements = list(self.config["measurements"])
        self.runs: dict[str, RunSpec] = {spec.path: spec for spec in grid.runs(self.config)}
        for dataset in self.config["datasets"]:
            self._entry(dataset)
        self._split = {name: records.split(self.config, name) for name in self.experiments}
        self._trained = {} if trained is None else trained
        elsewhere = records.Elsewhere(self.config)
        for spec in (spec for _, missing in self._split.values() for spec in missing):
            if spec.settings_hash not in self._trained:
                own = records.run_folder(self.config, spec) / "run.json"
                file = elsewhere.stands_for(spec) or own
                self._trained[spec.settings_hash] = file.as_posix()

    @property
    def datasets(self) -> list[str]:
        """Names of the datasets that some run uses."""
        return sorted({spec.dataset for spec in self.runs.values()})

    def dataset_file(self, dataset: str) -> str:
        """Return the path of a prepared dataset."""
        return f"{self.config['data']['folder']}/{dataset}.parquet"

    def told(self) -> str | None:
        """Return in a line what all runs take that are to be trained; None where there are none."""
        missing = {spec.settings_hash: spec for _, absent in self._split.values() for spec in absent}
        if not self.config["train"] or not missing:
            return None
        from truly_sparse.experiments import cost_estimate  # a compiler, which takes longer than all else here

        own = [spec for spec in missing.values() if not Path(self._trained[spec.settings_hash]).exists()]
        return cost_estimate.told(self.place, self.config, own)

    def missing(self, experiment: str) -> list[str]:
        """Return the run.json files an experiment needs beside the committed records; none without `train`.

        Of runs with the same settings, in whatever experiments and studies, it is that of the first; one that another
        study has finished, whether or not it is part of this workflow, is not trained again.
        """
        _, missing = self._split[experiment]
        return [self._trained[spec.settings_hash] for spec in missing] if self.config["train"] else []

    def needs(self, experiments: Iterable[str], names: Iterable[str]) -> list[str]:
        """Return the files that experiments and measurements need beside what is committed."""
        files = [file for experiment in experiments for file in self.missing(experiment)]
        wanted = [name for name in names if self.config["train"] and not self._is_committed(name)]
        return files + [measurements.local_file(self.config, name).as_posix() for name in wanted]

    def exists(self, experiments: Iterable[str], names: Iterable[str]) -> bool:
        """Say whether there will be something of every experiment and measurement to show."""
        if self.config["train"]:
            return True
        return all(
            self._split[experiment][0] or records.gather(self.config, experiment)[0] for experiment in experiments
        ) and all(measurements.find(self.config, name) for name in names)

    def committed_hash(self, experiments: Iterable[str], names: Iterable[str]) -> str:
        """Return a hash of the grids and of the committed records and measurements that they use."""
        parts = [[[spec.path for spec in grid.runs(self.config, e)], self._split[e][0]] for e in experiments]
        return _hash([parts, [self._is_committed(name) for name in names]])

    def measurement_hash(self, name: str) -> str:
        """Return a hash of a measurement's settings and code."""
        return "-".join(measurements.hashes(self.config, name).values())

    def _is_committed(self, name: str) -> str | None:
        file = measurements.find(self.config, name, committed_only=True)
        return sha256(file) if file else None

    def training_hash(self, run: str) -> str:
        """Return a hash of everything that decides a run's result: its settings and the sources of that stage."""
        spec = self.runs[run]
        return "-".join(spec.hashes.values())

    def dataset_hash(self, dataset: str) -> str:
        """Return a hash of what decides a prepared dataset: sources, registry, settings, the bytes of your own file."""
        digest = registry.digest_of(self._entry(dataset))
        return f"{source_hash('data')}-{_hash([digest, self.config['data']['allow_partial']])}"

    def measured_datasets(self, name: str) -> list[str]:
        """Return the datasets that a measurement reads."""
        return list(self.config["measurements"][name].get("datasets", []))

    def _entry(self, dataset: str) -> dict[str, Any]:
        return registry.entry(dataset, self.config["datasets"].get(dataset))

    def content_hash(self, dataset: str) -> str:
        """Return a hash of a prepared dataset's bytes; "absent" where it has not been prepared."""
        file = Path(self.dataset_file(dataset))
        if not file.exists():
            return "absent"
        status = file.stat()
        return _content_hash(file, status.st_mtime_ns, status.st_size)


class Plans(dict[str, Plan]):
    """The plans of a workflow by their places, such as "journal" or "quick/journal".

    Parameters
    ----------
    config : dict
        Snakemake's merged configuration: of a study, or what all studies of a preset have in common.

    Raises
    ------
    UserError
        As `Plan`, and for studies that want different datasets of one name.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        trained: dict[str, str] = {}
        plans = [Plan(content, where, trained) for where, content in by_study(config)]
        super().__init__((plan.place, plan) for plan in plans)
        self.data: dict[str, Any] = plans[0].config["data"]
        for plan in plans[1:]:
            shared = [name for name in plan.config["datasets"] if plan.dataset_hash(name) != self.dataset_hash(name)]
            if shared or plan.config["data"] != self.data:
                what = f"dataset {shared[0]} has other sources" if shared else "data is another"
                raise UserError(f"{plan.place}: {what} than in {plans[0].place}; run it alone, with --configfile")

    @property
    def datasets(self) -> list[str]:
        """Names of the datasets of all configurations."""
        return list(dict.fromkeys(name for plan in self.values() for name in plan.config["datasets"]))

    def dataset_hash(self, dataset: str) -> str:
        """Return a hash of what decides a prepared dataset, by the first plan that has it."""
        plans = list(self.values())
        return next((plan for plan in plans if dataset in plan.config["datasets"]), plans[0]).dataset_hash(dataset)

    def missing(self, experiment: str) -> list[str]:
        """Return the run.json files that an experiment needs, in whatever studies there is one of that name."""
        return [file for plan in self.values() if experiment in plan.experiments for file in plan.missing(experiment)]

    def told(self) -> list[str]:
        """Return a line for each study that trains: how many runs, and what they take."""
        return [line for plan in self.values() if (line := plan.told()) is not None]

    def write(self) -> str:
        """Write every configuration as config/<version>.json in its place; return the version.

        It is a hash of the content: a second workflow (or a dry run) with other settings in the same folder must not
        change the files that running jobs read.
        """
        version = _hash([plan.config for plan in self.values()])
        for plan in self.values():
            file = results_folder(plan.config) / "config" / f"{version}.json"
            if not file.exists():
                write_json(file, plan.config)
        return version


@cache
def _content_hash(file: Path, written: int, size: int) -> str:
    # Keyed by age and size: many runs ask for the same file, and it may be written again in between.
    del written, size
    return sha256(file)[:16]


def _hash(content: Any) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
