"""One run as a job among others: alone with its folder, within its memory, and not twice after a kill."""

import sys
from functools import partial
from typing import Any

from truly_sparse.experiments.grid import find
from truly_sparse.experiments.jobs import finished, locks, memory_estimate
from truly_sparse.experiments.records import run_folder
from truly_sparse.experiments.run import run
from truly_sparse.files import sweep


def train(config: dict[str, Any], path: str, restart: bool) -> None:
    """Train the run at `path`, unless a process that outlived its workflow has just done so.

    Raises
    ------
    UserError
        For an unknown run, data or settings that cannot be trained on, or too little memory.
    """
    spec = find(config, path)
    with locks.claim_result(config, "run", spec.path):
        sweep(run_folder(config, spec))
        if locks.by_workflow() and not restart and finished.take(config, spec):
            print(f"{spec.path}: ended under a workflow that was killed; its result is used", file=sys.stderr)
            return
        memory_estimate.check(config, spec)
        keep = partial(finished.keep, config, spec) if locks.by_workflow() else None
        run(config, spec, restart=restart, keep=keep)
