"""The registry of datasets: where each comes from and what it must look like."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from truly_sparse.errors import UserError, one_line
from truly_sparse.files import sha256
from truly_sparse.schema import check, checkout_file, load_schema, read_yaml, suggest

REGISTRY_FILE = Path("config/datasets.yaml")
SCHEMA_FILE = Path("workflow/schemas/datasets.schema.yaml")


def entry(name: str, settings: Mapping[str, Any] | None = None, path: Path | None = None) -> dict[str, Any]:
    """Return what is to be known of a dataset before it is read.

    Parameters
    ----------
    name : str
        Dataset.
    settings : mapping, optional
        The configuration's block of the dataset: `source` (your own data), `rows`, `categorical`, `missing`.
    path : Path, optional
        Another registry than the checkout's.

    Returns
    -------
    dict
        The registry's entry, or one made from `source`, with the settings `take` (rows wanted, None for all),
        `categorical` and `missing`.

    Raises
    ------
    UserError
        Where there is no registry, it is damaged or does not know the dataset, or the settings contradict each other.
    """
    settings = settings or {}
    choices = {key: settings.get(key) or "refuse" for key in ("categorical", "missing")}
    source = settings.get("source")
    if source:
        if settings.get("rows") is not None:
            raise UserError(f"datasets.{name}.rows: your own data is read whole; leave rows out")
        return _user_data(name, source) | choices
    if any(choice != "refuse" for choice in choices.values()):
        raise UserError(f"datasets.{name}: categorical and missing are for your own data (source); leave them out")
    datasets = read(path)
    if name not in datasets:
        raise UserError(
            f'unknown dataset "{name}"{suggest(name, datasets)}; for your own data set datasets.{name}.source'
        )
    found: dict[str, Any] = datasets[name]
    return found | choices | {"take": _take(name, found, settings.get("rows"))}


def digest_of(entry: Mapping[str, Any]) -> str:
    """Return a hash of everything that decides a table: its entry, its settings and the content of your own file."""
    paths = [Path(source["path"]) for source in entry["sources"] if "path" in source]
    content = [_content(path) if path.is_file() else None for path in paths]
    return hashlib.sha256(json.dumps([entry, content], sort_keys=True, default=str).encode()).hexdigest()


def changed(name: str, settings: Mapping[str, Any]) -> str | None:
    """Return the `digest_of` a table that a configuration brings along or takes other rows of; None of any other.

    Raises
    ------
    UserError
        As `entry` does.
    """
    if settings.get("source") is None and settings.get("rows") is None:
        return None
    own = entry(name, settings)
    return digest_of(own) if settings.get("source") or own != entry(name) else None


def _content(path: Path) -> str:
    status = path.stat()
    return _sha256(path, status.st_mtime_ns, status.st_size)


@cache
def _sha256(path: Path, written: int, size: int) -> str:
    # Keyed by age and size: every run of a grid asks for the data of its own.
    del written, size
    return sha256(path)


def read(path: Path | None = None) -> dict[str, Any]:
    """Return the whole registry, checked against its schema.

    Raises
    ------
    UserError
        In one line, with the path of the key that is not as it should be.
    """
    file = path or checkout_file(REGISTRY_FILE)
    try:
        status = file.stat()
    except OSError as error:
        raise UserError(f"{file}: not a readable registry of datasets ({error})") from None
    return _read(file, status.st_mtime_ns, status.st_size)


@cache
def _read(path: Path, written: int, size: int) -> dict[str, Any]:
    # Keyed by age and size: a configuration asks for every dataset of its own.
    del written, size
    try:
        content = read_yaml(path)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable registry of datasets ({one_line(error)})") from None
    check(content, _schema(), str(path))
    datasets: dict[str, Any] = content["datasets"]
    return datasets


@cache
def _schema() -> dict[str, Any]:
    return load_schema(checkout_file(SCHEMA_FILE))


def _take(name: str, found: dict[str, Any], rows: int | str | None) -> int | None:
    """Return how many rows are read of a dataset that can be read in part; None for all."""
    if found["reader"] != "stream":
        if rows is not None:
            raise UserError(f"datasets.{name}.rows: {name} is read whole; leave rows out")
        return None
    wanted = found["take"] if rows is None else rows
    if wanted == "all":
        return None
    if not str(wanted).isdecimal() or not 0 < int(wanted) <= found["rows"]:
        raise UserError(f'datasets.{name}.rows: "{wanted}" is not possible; a number up to {found["rows"]}, or all')
    return int(wanted)


def _user_data(name: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of data that the configuration brings along: nothing is known of its content."""
    path, openml = source.get("path"), source.get("openml")
    if (path is None) == (openml is None):
        raise UserError(f"datasets.{name}.source: needs either path or openml, one of the two")
    where = {"path": path} if openml is None else {"openml": openml}
    unknown = {"rows": None, "features": None, "class_counts": None, "take": None}
    return {"reader": "table", "sources": [where], "target": source["target"], **unknown}
