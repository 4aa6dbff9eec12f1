"""Measurements beside the runs (timings, distances, trajectories): one CSV each, with a sidecar that says how."""

import hashlib
import json
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truly_sparse.errors import UserError
from truly_sparse.experiments.config import results_folder
from truly_sparse.experiments.provenance import code_version, source_hash
from truly_sparse.files import atomic_path, sha256, write_json, write_text

if TYPE_CHECKING:
    import pandas as pd

# What takes long to import is imported where it is used: the workflow reads this module each time it starts.


def local_file(config: dict[str, Any], name: str) -> Path:
    """Return results/<preset>/measured/<name>.csv, where a measurement of this machine goes."""
    return results_folder(config) / "measured" / f"{name}.csv"


def committed_file(config: dict[str, Any], name: str) -> Path:
    """Return results/<preset>/records/<name>.csv, the committed copy."""
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
    named = {"datasets": own.get("datasets", []), "methods": own.get("methods", [])}
    if "method" in own:
        named["methods"] = [own["method"]]
    used = [config.get(kind, {}).get(entry) for kind, entries in named.items() for entry in entries]
    return [own, used]


def find(config: dict[str, Any], name: str, committed_only: bool = False) -> Path | None:
    """Return the CSV made with today's settings and today's code, committed ones first; None where there is none."""
    files = [committed_file(config, name)] if config["reuse_records"] else []
    files += [] if committed_only else [local_file(config, name)]
    return next((file for file in files if _is_current(file, hashes(config, name))), None)


def _is_current(file: Path, wanted: dict[str, str]) -> bool:
    try:
        about = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        return about["sha256"] == sha256(file) and all(about[key] == value for key, value in wanted.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def make(config: dict[str, Any], name: str) -> Path:
    """Measure on one core, write the CSV and its sidecar, and return the path of the CSV.

    Raises
    ------
    UserError
        For a measurement that the configuration does not ask for.
    """
    if name not in config["measurements"]:
        asked = ", ".join(config["measurements"]) or "none"
        raise UserError(f'measurement "{name}" is not in preset {config["preset"]}; there is: {asked}')
    from threadpoolctl import threadpool_limits

    from truly_sparse.measure import host

    started, clock = datetime.now(UTC), time.perf_counter()
    pinned = host.hold_one_core()
    with threadpool_limits(limits=1):
        module = import_module(f"truly_sparse.experiments.measuring.{name}")
        frame: pd.DataFrame = module.measure(config["measurements"][name], config)
    path = local_file(config, name)
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.10g", lineterminator="\n")
    about = {
        **hashes(config, name),
        "sha256": sha256(path),
        "settings": config["measurements"][name],
        "seconds": time.perf_counter() - clock,
        "threads": {**host.threads(), "pinned": pinned},
        "host": host.facts(),
        "code": code_version(),
        "started": started.isoformat(timespec="seconds"),
    }
    write_json(path.with_suffix(".json"), about)
    return path


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


def store(config: dict[str, Any], name: str) -> Path:
    """Copy a current measurement of this machine to the committed records; return its path there."""
    path, target = local_file(config, name), committed_file(config, name)
    if not _is_current(path, hashes(config, name)):
        raise UserError(f"{path} is missing or of other settings or code; run `snakemake --cores 1 measure_{name}`")
    for suffix in (".csv", ".json"):
        write_text(target.with_suffix(suffix), path.with_suffix(suffix).read_text(encoding="utf-8"))
    return target
