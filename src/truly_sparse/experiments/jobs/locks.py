"""Who may work on what: one workflow per folder, one process per result, no job of a workflow that is gone.

All locks are `flock`s: the system drops them when a process ends, however it ends, so none is ever left behind.
"""

import json
import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration import results_folder
from truly_sparse.files import Busy, lock, locked, sweep

#: Tells a job which workflow started it.
TOKEN = "TRULY_SPARSE_WORKFLOW"
WORKFLOW = Path(".snakemake") / "truly-sparse.lock"
#: Folders that only the jobs of a workflow write to, of every study and preset.
_WRITTEN = (
    *(f"results/{place}/{name}" for place in ("*", "*/*") for name in ("tables", "figures", "measured")),
    "paper/*",
    "paper/*/*",
    "paper/*/*/*",
)
_held: list[IO[str]] = []


def claim_folder() -> None:
    """Make this process the one workflow of the working folder, until it ends; tidy up after one that was killed.

    Raises
    ------
    UserError
        Where another workflow runs here.
    """
    WORKFLOW.parent.mkdir(exist_ok=True)
    stream = WORKFLOW.open("a+")
    try:
        alone = lock(stream, wait=False)
    except Busy:
        raise UserError(
            f"another workflow runs in this folder ({_who(stream)}); wait until it ends, or end it and start again"
        ) from None
    _held.append(stream)
    before = _read(stream).get("host", socket.gethostname())
    os.environ[TOKEN] = uuid.uuid4().hex
    stream.truncate(0)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    about = {"token": os.environ[TOKEN], "process": os.getpid(), "host": socket.gethostname(), "started": started}
    stream.write(json.dumps(about))
    stream.flush()
    # No workflow lives here, so what Snakemake locked is left over from one that was killed. Some shared file systems
    # lock within one host only: what another host locked is left to `make unlock`.
    if alone and before == socket.gethostname():
        shutil.rmtree(WORKFLOW.parent / "locks", ignore_errors=True)
        # Runs and datasets sweep their own folders. A job that outlived its workflow fails; its result is made anew.
        for folder in (place for pattern in _WRITTEN for place in Path().glob(pattern)):
            sweep(folder)


@contextmanager
def claim_result(config: dict[str, Any], kind: str, name: str) -> Iterator[bool]:
    """Be the only process that works on a result; yield whether another one had it before.

    Raises
    ------
    UserError
        Where the workflow that started this job has been replaced by a newer one.
    """
    # A name comes from the command line and is not checked yet.
    file = f"{kind}-{name.replace('/', '+')[-150:]}.lock"
    with locked(results_folder(config) / ".locks" / file, f"{name}: another process works on it; waiting") as waited:
        _refuse_if_replaced(name)
        yield waited


def by_workflow() -> bool:
    """Say whether a workflow started this process."""
    return TOKEN in os.environ


def _refuse_if_replaced(name: str) -> None:
    """A job that outlived its workflow and had not begun must not write over what the next workflow makes."""
    try:
        current = json.loads(WORKFLOW.read_text(encoding="utf-8"))["token"]
    except (OSError, ValueError, KeyError):
        return
    if os.environ.get(TOKEN, current) != current:
        raise UserError(f"{name}: a newer workflow runs in this folder; this job of an earlier one stops")


def _who(stream: IO[str]) -> str:
    about = _read(stream)
    return "process {process} on {host}, since {started}".format(**about) if about else "it has just begun"


def _read(stream: IO[str]) -> dict[str, Any]:
    """Return what a workflow wrote about itself; nothing where it has just begun or was killed while writing."""
    stream.seek(0)
    try:
        about = json.loads(stream.read())
        return {key: about[key] for key in ("process", "host", "started")}
    except (ValueError, KeyError, TypeError):
        return {}
