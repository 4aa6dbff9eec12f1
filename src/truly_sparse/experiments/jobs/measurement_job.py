"""Taking one measurement: on one core, with a sidecar that says how."""

import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from truly_sparse.errors import UserError
from truly_sparse.experiments import measurements
from truly_sparse.experiments.measuring import pieces
from truly_sparse.experiments.provenance import code_version
from truly_sparse.files import atomic_path, sha256, write_json
from truly_sparse.measure import host

if TYPE_CHECKING:
    import pandas as pd


def measure(config: dict[str, Any], name: str) -> Path:
    """Measure on one core, write the CSV and its sidecar, and return the path of the CSV.

    Pieces that a process measured before it was stopped are used; their seconds count.

    Raises
    ------
    UserError
        For a measurement that the configuration does not ask for.
    """
    if name not in config["measurements"]:
        asked = ", ".join(config["measurements"]) or "none"
        raise UserError(f'measurement "{name}" is not in preset {config["preset"]}; there is: {asked}')
    started, clock = datetime.now(UTC), time.perf_counter()
    pinned = host.hold_one_core()
    path, hashes = measurements.local_file(config, name), measurements.hashes(config, name)
    with (
        threadpool_limits(limits=1),
        pieces.keeping(path.with_suffix(".pieces"), [hashes, host.processor_facts()]) as spent,
    ):
        module = import_module(f"truly_sparse.experiments.measuring.{name}")
        before = spent()
        frame: pd.DataFrame = module.measure(config["measurements"][name], config)
        with atomic_path(path) as temporary:
            frame.to_csv(temporary, index=False, float_format="%.10g", lineterminator="\n")
        about = {
            **hashes,
            "sha256": sha256(path),
            "settings": config["measurements"][name],
            "seconds": before + time.perf_counter() - clock,
            "threads": {**host.threads(), "pinned": pinned},
            "host": host.facts(),
            "code": code_version(),
            "started": started.isoformat(timespec="seconds"),
        }
        write_json(path.with_suffix(".json"), about)
    return path
