"""What every result came from, in two small tables: one row per run, and the environment of tables and figures."""

import hashlib
import json
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_info

from truly_sparse.analysis.build import write_csv
from truly_sparse.experiments import records
from truly_sparse.experiments.configuration import results_folder
from truly_sparse.experiments.provenance import code_version
from truly_sparse.measure import host


def write(config: dict[str, Any]) -> tuple[Path, Path]:
    """Write provenance/runs.csv and environment.csv beside the results; return both paths."""
    folder = results_folder(config) / "provenance"
    write_csv(runs(config), folder / "runs.csv")
    write_csv(environment(config), folder / "environment.csv")
    return folder / "runs.csv", folder / "environment.csv"


def runs(config: dict[str, Any]) -> pd.DataFrame:
    """Return one row per finished run: its result, and the commit, hashes, data and machine it came from."""
    found = [record for experiment in config["experiments"] for record in records.gather(config, experiment)[0]]
    return pd.DataFrame([_row(record) for record in found], columns=COLUMNS)


COLUMNS = [
    "run",
    "status",
    "test_accuracy",
    "wall_seconds",
    "cpu_seconds",
    "peak_memory_bytes",
    "commit",
    "dirty",
    "settings_hash",
    "source_hash",
    "data_sha256",
    "rows",
    "partial",
    "cpu",
    "blas",
    "threads",
    "pinned",
    "python",
    "packages",
    "started",
    "finished",
]


def _row(record: records.Record) -> dict[str, Any]:
    code, machine, threads = (record.get(key, {}) for key in ("code", "host", "threads"))
    pools = threads.get("threadpools", [])
    seconds, data = record.get("seconds", {}), record.get("data", {})
    return {
        "run": records.path_of(record),
        "status": record["status"],
        "test_accuracy": record.get("accuracy", {}).get("test"),
        "wall_seconds": seconds.get("wall"),
        "cpu_seconds": seconds.get("cpu"),
        "peak_memory_bytes": record.get("peak_memory_bytes"),
        "commit": code.get("commit"),
        "dirty": code.get("dirty"),
        "settings_hash": record["settings_hash"],
        "source_hash": record["source_hash"],
        "data_sha256": data.get("sha256"),
        "rows": data.get("rows"),
        "partial": data.get("partial"),
        "cpu": machine.get("cpu"),
        "blas": blas_of(pools),
        "threads": max((pool.get("num_threads", 1) for pool in pools), default=None),
        "pinned": threads.get("pinned"),
        "python": machine.get("python"),
        "packages": " ".join(f"{name}=={version}" for name, version in machine.get("packages", {}).items()),
        "started": record.get("started"),
        "finished": record.get("finished"),
    }


def blas_of(pools: list[dict[str, Any]]) -> str:
    """Return the BLAS libraries of thread pools with version and kernel, such as "openblas 0.3.30 SkylakeX"."""
    found = {
        f"{pool['internal_api']} {pool.get('version')} {pool.get('architecture', '')}".strip()
        for pool in pools
        if pool.get("user_api") == "blas"
    }
    return ", ".join(sorted(found))


def environment(config: dict[str, Any]) -> pd.DataFrame:
    """Return what makes tables and figures here, as rows of name and value: code, configuration, machine, packages."""
    code, machine = code_version(), host.facts()
    canonical = json.dumps(config, sort_keys=True, separators=(",", ":"))
    facts = {
        "preset": config["preset"],
        "commit": code["commit"],
        "dirty": code["dirty"],
        "version": code["version"],
        "configuration_sha256": hashlib.sha256(canonical.encode()).hexdigest(),
        "cpu": machine["cpu"],
        "cores": machine["cores"],
        "blas": blas_of(threadpool_info()),
        "python": machine["python"],
        "platform": machine["platform"],
    }
    packages = {f"package {each.metadata['Name']}": each.version for each in distributions() if each.metadata["Name"]}
    rows = [*facts.items(), *sorted(packages.items(), key=lambda item: item[0].lower())]
    return pd.DataFrame(rows, columns=["name", "value"])
