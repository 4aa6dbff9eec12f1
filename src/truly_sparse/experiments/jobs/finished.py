"""Runs that ended while their workflow was killed or failed: kept aside, so that the next one need not train again.

Snakemake takes what a killed workflow was making for incomplete and deletes its declared files before it starts the
job again; those of a job that fails it deletes at once. A run whose training had ended by then, or ended afterwards in
a process that outlived the workflow, would be lost. So each declared file has a second link in .finished, beside the
results, until a workflow ends well. These are made before the run's own record: no run that has one can be lost.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from truly_sparse.experiments.configuration import results_folder
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import is_current, run_folder
from truly_sparse.files import atomic_path, sha256, write_json

# The record comes last: it is what says that the others are there.
RECORD, BESIDE = "run.json", ("history.parquet", "predictions.npz")


def keep(config: dict[str, Any], spec: RunSpec, record: dict[str, Any]) -> None:
    """Keep the files of a run that ends now, and its record, which it has not written yet."""
    folder, kept = run_folder(config, spec), _kept(config, spec)
    (kept / RECORD).unlink(missing_ok=True)
    for name in BESIDE:
        _link(folder / name, kept / name)
    write_json(kept / RECORD, record)


def take(config: dict[str, Any], spec: RunSpec) -> bool:
    """Put back a run that ended under a workflow that was killed; return whether there was one that still holds."""
    folder, kept = run_folder(config, spec), _kept(config, spec)
    try:
        record = json.loads((kept / RECORD).read_text(encoding="utf-8"))
        table = Path(config["data"]["folder"]) / f"{spec.dataset}.parquet"
        if not is_current(record, spec) or record["data"]["sha256"] != sha256(table):
            return False
        for name in (*BESIDE, RECORD):
            _link(kept / name, folder / name)
        (folder / "checkpoint.npz").unlink(missing_ok=True)  # which the run had no time to take away
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def forget(config: dict[str, Any]) -> None:
    """Forget all of them, because the workflow ends well and Snakemake knows what is finished."""
    shutil.rmtree(results_folder(config) / ".finished", ignore_errors=True)


def _kept(config: dict[str, Any], spec: RunSpec) -> Path:
    return results_folder(config) / ".finished" / spec.path


def _link(source: Path, target: Path) -> None:
    """Make `target` another name of `source`, or a copy where the file system has no links."""
    with atomic_path(target) as temporary:
        temporary.unlink()
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copy(source, temporary)
