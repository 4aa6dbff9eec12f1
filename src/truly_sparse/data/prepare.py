"""From any source to one checked table: data/<name>.parquet, with a sidecar that says where it came from."""

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.data import bundled, fetch, gesture, registry
from truly_sparse.data.arrays import NOT_FEATURES
from truly_sparse.errors import UserError
from truly_sparse.files import atomic_path, sha256, write_json

MIRROR_VARIABLE = "TRULY_SPARSE_MIRROR"


def prepare(name: str, config: Mapping[str, Any], registry_path: Path | None = None) -> Path:
    """Fetch, verify and write a dataset, unless an intact table from the same registry entry is there already.

    Parameters
    ----------
    name : str
        Dataset, as the registry calls it.
    config : mapping
        The configuration's `data` block: `folder`, `mirror`, `download`.
    registry_path : Path, optional
        Another registry than the checkout's.

    Returns
    -------
    Path
        The table, <folder>/<name>.parquet: features, `target` (class number), and `video` where there is one.

    Raises
    ------
    UserError
        Where no source gives the files, or the table is not what the registry says.
    """
    entry = registry.entry(name, registry_path)
    digest = hashlib.sha256(json.dumps(entry, sort_keys=True, default=str).encode()).hexdigest()
    path = Path(config["folder"]) / f"{name}.parquet"
    sidecar = path.with_suffix(".json")
    if _intact(path, sidecar, digest):
        return path
    table, source, inputs = _read(name, entry, config)
    classes = check(name, entry, table)
    numbers = {label: number for number, label in enumerate(classes)}
    table["target"] = table["target"].map(numbers).astype(np.int32)
    with atomic_path(path) as temporary:
        table.to_parquet(temporary, index=False)
    counts = table["target"].value_counts()
    write_json(
        sidecar,
        {
            "name": name,
            "source": source,
            "partial": None,
            "sha256": sha256(path),
            "inputs": inputs,
            "rows": len(table),
            "features": len(feature_columns(table)),
            "classes": classes,
            "class_counts": {label: int(counts.get(number, 0)) for label, number in numbers.items()},
            "registry": digest,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
    return path


def feature_columns(table: pd.DataFrame) -> list[str]:
    """Return the names of a table's feature columns."""
    return [column for column in table.columns if column not in NOT_FEATURES]


def _intact(path: Path, sidecar: Path, digest: str) -> bool:
    try:
        about = json.loads(sidecar.read_text(encoding="utf-8"))
        return bool(about["registry"] == digest and about["sha256"] == sha256(path))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _read(name: str, entry: dict[str, Any], config: Mapping[str, Any]) -> tuple[pd.DataFrame, str, dict[str, str]]:
    """Return the raw table, the source used and the checksums of the input files."""
    source = entry["sources"]
    if "sklearn" in source:
        return bundled.read(source["sklearn"]), "scikit-learn", {}
    files: dict[str, str] = source["files"]
    raw = Path(config["folder"]) / "raw" / name
    used = _fetch(name, source, files, config, raw)
    return gesture.join(raw), used, files


def _fetch(name: str, source: dict[str, Any], files: dict[str, str], config: Mapping[str, Any], raw: Path) -> str:
    """Bring the files of a dataset to `raw`, from the first source that has them."""
    mirror = config.get("mirror") or os.environ.get(MIRROR_VARIABLE)
    attempts: dict[str, Any] = {}
    if _complete(raw, files):
        return "files fetched before"
    if mirror:
        attempts["mirror"] = lambda: fetch.from_mirror(Path(mirror), source["mirror"], files, raw)
    if config.get("download", True):
        attempts["UCI"] = lambda: fetch.from_zip(source["zip"], files, raw)
    advice = (
        f"connect to the network, or name a folder that holds {source['mirror']}/ in data.mirror or {MIRROR_VARIABLE}"
    )
    return fetch.first_that_works(name, attempts, advice)


def _complete(raw: Path, files: Mapping[str, str]) -> bool:
    try:
        for file, expected in files.items():
            fetch.verify(raw / file, expected)
    except (fetch.SourceFailed, OSError):
        return False
    return True


def check(name: str, entry: dict[str, Any], table: pd.DataFrame) -> list[str]:
    """Check a raw table against its registry entry; return the classes in the order of their numbers.

    Raises
    ------
    UserError
        In one line, for the wrong number of rows, features or classes, for values that are missing or not finite,
        and for labels of one class.
    """
    features = feature_columns(table)
    expected = {str(label): int(count) for label, count in entry["class_counts"].items()}
    if "target" not in table:
        raise UserError(f"dataset {name} has no column {entry['target']}")
    for column in features:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise UserError(f"dataset {name}: column {column} is not numeric")
        bad = np.flatnonzero(~np.isfinite(table[column].to_numpy(np.float64)))
        if len(bad):
            raise UserError(
                f"dataset {name}: column {column}, row {bad[0]} is missing or not finite ({len(bad)} such values); "
                f"clean the source file"
            )
    bad = np.flatnonzero(table["target"].isna().to_numpy())
    if len(bad):
        raise UserError(f"dataset {name}: row {bad[0]} has no label")
    found = {str(label): int(count) for label, count in table["target"].value_counts().items()}
    if len(found) < 2:
        raise UserError(f"dataset {name} has labels of {len(found)} class; a classifier needs at least two")
    for what, here, wanted in (("rows", len(table), entry["rows"]), ("features", len(features), entry["features"])):
        if here != wanted:
            raise UserError(f"dataset {name} has {here} {what}, the registry says {wanted}; the source has changed")
    if found != expected:
        raise UserError(f"dataset {name} has classes {found}, the registry says {expected}; the source has changed")
    table["target"] = table["target"].astype(str)
    return list(expected)
