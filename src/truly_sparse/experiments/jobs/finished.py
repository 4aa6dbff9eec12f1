"""Runs that ended while their workflow was being killed: kept aside, so that the next workflow need not train again.

Snakemake takes what a killed workflow was making for incomplete and deletes its declared files before it starts the
job again. A run whose training had ended by then, or ended afterwards in a process that outlived the workflow, would be
lost. So a second link to each declared file lies in .finished beside the results until the workflow ends by itself.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from truly_sparse.experiments.configuration import results_folder
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import is_current, run_folder
from truly_sparse.files import atomic_path, sha256

# The record last: it is what says that the others are there.
DECLARED = ("history.parquet", "predictions.npz", "run.json")


def keep(config: dict[str, Any], spec: RunSpec) -> None:
    """Keep the files of a run that has just ended."""
    folder, kept = run_folder(config, spec), _kept(config, spec)
    (kept / "run.json").unlink(missing_ok=True)
    for name in DECLARED:
        _link(folder / name, kept / name)


def take(config: dict[str, Any], spec: RunSpec) -> bool:
    """Put back a run that ended under a workflow that was killed; return whether there was one that still holds."""
    folder, kept = run_folder(config, spec), _kept(config, spec)
    try:
        record = json.loads((kept / "run.json").read_text(encoding="utf-8"))
        table = Path(config["data"]["folder"]) / f"{spec.dataset}.parquet"
        if not is_current(record, spec) or record["data"]["sha256"] != sha256(table):
            return False
        for name in DECLARED:
            _link(kept / name, folder / name)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def forget(config: dict[str, Any]) -> None:
    """Forget all of them, because the workflow ends by itself and Snakemake knows what is finished."""
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
