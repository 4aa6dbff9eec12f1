"""Taking one measurement: on one core, with a sidecar that says how."""

import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from truly_sparse.errors import UserError
from truly_sparse.experiments import measurements
from truly_sparse.experiments.provenance import code_version
from truly_sparse.files import atomic_path, sha256, write_json
from truly_sparse.measure import host

if TYPE_CHECKING:
    import pandas as pd


def measure(config: dict[str, Any], name: str) -> Path:
    """Measure on one core, write the CSV and its sidecar, and return the path of the CSV.

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
    with threadpool_limits(limits=1):
        module = import_module(f"truly_sparse.experiments.measuring.{name}")
        frame: pd.DataFrame = module.measure(config["measurements"][name], config)
    path = measurements.local_file(config, name)
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.10g", lineterminator="\n")
    about = {
        **measurements.hashes(config, name),
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
