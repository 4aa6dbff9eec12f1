"""Measurements beside the runs (timings, distances, trajectories): one CSV each, with a sidecar that says how.

They are kept as run records are; `jobs.measurement_job` takes them.
"""

import hashlib
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truly_sparse.errors import UserError
from truly_sparse.experiments import golden
from truly_sparse.experiments.configuration import ADDED_DATA, data_of, results_folder, training_of
from truly_sparse.experiments.provenance import source_hash
from truly_sparse.files import sha256, write_json, write_text

if TYPE_CHECKING:
    import pandas as pd

# What takes long to import is imported where it is used: the workflow reads this module each time it starts.


def local_file(config: dict[str, Any], name: str) -> Path:
    """Return the CSV to which a measurement of this machine goes."""
    return results_folder(config) / "measured" / f"{name}.csv"


def committed_file(config: dict[str, Any], name: str) -> Path:
    """Return the CSV of the committed copy."""
    return results_folder(config) / "records" / f"{name}.csv"


def hashes(config: dict[str, Any], name: str) -> dict[str, str]:
    """Return what the sidecar of a measurement holds while it is current: hashes of its settings and its code."""
    settings = json.dumps([*_settings(config, name), config["training"]], sort_keys=True)
    return {
        "settings_hash": hashlib.sha256(settings.encode()).hexdigest()[:16],
        "source_hash": source_hash("measurement", name),
    }


def _settings(config: dict[str, Any], name: str) -> list[Any]:
    """Return a measurement's own settings and, of the datasets and methods it names, theirs."""
    own = config["measurements"][name]
    datasets = [_data(config.get("datasets", {}).get(name)) for name in own.get("datasets", [])]
    return [own, datasets + [config.get("methods", {}).get(name) for name in _methods(own)]]


def _data(settings: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the settings of a dataset without those that came later, where these are as everything was before."""
    return settings and {key: value for key, value in settings.items() if ADDED_DATA.get(key, ...) != value}


def _methods(own: dict[str, Any]) -> list[str]:
    """Return the names of the methods in a measurement's settings."""
    return [own["method"]] if "method" in own else list(own.get("methods", []))


def features(config: dict[str, Any], name: str) -> golden.Features:
    """Return what golden runs must cover for a committed measurement to count by them: its own, and its networks'."""
    own = config["measurements"][name]
    methods = [config["methods"][method] | {"name": method} for method in _methods(own) if method in config["methods"]]
    found = {f"measurement {name}"}
    for dataset, method in product(own.get("datasets", []), methods):
        if dataset in config["datasets"]:
            data = data_of(config, dataset)
            training = training_of(config, dataset, method["name"]) | {"epsilon": own["epsilon"]}
            found |= golden.features({**method, "data": data, "training": training})
    return frozenset(found)


def find(config: dict[str, Any], name: str, committed_only: bool = False) -> Path | None:
    """Return the CSV that holds, the committed one first; None where there is none.

    A committed one holds with today's settings by golden runs or today's code (see `records.holds`), one of this
    machine with today's settings and code.
    """
    wanted, committed = hashes(config, name), committed_file(config, name)
    about = _sidecar(committed) if config["reuse_records"] else None
    if about is not None and about["settings_hash"] == wanted["settings_hash"]:
        by_golden = golden.holds(about.get("golden", 0), features(config, name))
        if by_golden or about["source_hash"] == wanted["source_hash"]:
            return committed
    local = local_file(config, name)
    return local if not committed_only and _is_current(local, wanted) else None


def _is_current(file: Path, wanted: dict[str, str]) -> bool:
    about = _sidecar(file)
    return about is not None and all(about[key] == value for key, value in wanted.items())


def _sidecar(file: Path) -> dict[str, Any] | None:
    """Return what lies beside a CSV; None where either is missing or damaged."""
    try:
        about: dict[str, Any] = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        return about if about["sha256"] == sha256(file) and {"settings_hash", "source_hash"} <= about.keys() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def read(config: dict[str, Any], name: str) -> "tuple[pd.DataFrame, dict[str, Any]]":
    """Return a measurement's frame and its sidecar.

    Raises
    ------
    UserError
        Where it is missing, damaged, or of other settings or code.
    """
    import pandas as pd

    path, advice = find(config, name), f"run `snakemake --cores 1 measure_{name}`"
    if path is None:
        raise UserError(f"measurement {name} is missing, damaged, or of other settings or code; {advice}")
    return pd.read_csv(path), json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def store(config: dict[str, Any], name: str, check: Callable[[], None]) -> Path:
    """Copy a current measurement of this machine to the committed records; return its path there.

    It is stored with today's generation of golden runs; `check` raises where today's sources do not give their digests.
    """
    path, target = local_file(config, name), committed_file(config, name)
    if not _is_current(path, hashes(config, name)):
        raise UserError(f"{path} is missing or of other settings or code; run `snakemake --cores 1 measure_{name}`")
    check()
    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    write_text(target, path.read_text(encoding="utf-8"))
    write_json(target.with_suffix(".json"), about | {"golden": golden.generation(features(config, name))})
    return target
