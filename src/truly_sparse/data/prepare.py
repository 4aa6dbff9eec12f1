"""From any source to one checked table: data/<name>.parquet, with a sidecar that says where it came from."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from truly_sparse.data import fetch, pixels, registry, sources, user_data
from truly_sparse.data.images import Images
from truly_sparse.data.verify import Checker, order_of
from truly_sparse.files import atomic_path, locked, sha256, sweep, write_json


def prepare(
    name: str,
    config: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    registry_path: Path | None = None,
) -> Path:
    """Fetch, verify and write a dataset, unless an intact table of the same origin and settings is there already.

    Parameters
    ----------
    name : str
        Dataset, as the registry or the configuration calls it.
    config : mapping
        The configuration's `data` block: `folder`, `mirror`, `download`, `allow_partial`.
    settings : mapping, optional
        The configuration's block of this dataset: `source`, `rows`, `categorical`, `missing`.
    registry_path : Path, optional
        Another registry than the checkout's.

    Returns
    -------
    Path
        The table, <folder>/<name>.parquet: features, `target` (class number), and `video` where there is one; of
        images `pixels` (their bytes), `target` and `part` (0 for training, 1 for the official test part).

    Raises
    ------
    UserError
        Where no source gives the table that the registry describes; names each source with its reason.
    """
    entry = registry.entry(name, settings, registry_path)
    digest = registry.digest_of(entry)
    folder = Path(config["folder"])
    path = folder / f"{name}.parquet"
    allow_partial = bool(config.get("allow_partial", False))
    if _intact(path, digest, allow_partial):
        return path
    with fetch.one_line_for_disk_errors(), locked(folder / f".{name}.lock"):
        # A second job waited here for the first, and finds its table.
        if _intact(path, digest, allow_partial):
            return path
        sweep(folder, name)
        found = sources.of(name, entry, config, folder / "raw" / name)
        attempts: list[tuple[str, Callable[[bool], dict[str, Any]]]] = [
            (called, partial(_attempt, name, entry, open_source, path)) for called, open_source in found
        ]
        about = fetch.first_that_works(name, attempts, sources.advice(entry, config), allow_partial)
        write_json(path.with_suffix(".json"), about | {"registry": digest})
    for text in filter(None, (about["partial"], None if about["order"] in _USUAL else about["order"])):
        print(f"{name} from {about['source']}: {text}", file=sys.stderr)
    return path


#: Rows like the registered ones, or of which nothing is known; anything else is worth a line.
_USUAL = ("as registered", "not compared")


def about_of(path: Path) -> dict[str, Any] | None:
    """Return the sidecar of a prepared table; None where there is none that can be read."""
    try:
        about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return about if isinstance(about, dict) else None


def is_prepared(path: Path, sha256: str) -> bool:
    """Return whether a prepared table is the one of a checksum, by its sidecar."""
    return (about_of(path) or {}).get("sha256") == sha256


def _intact(path: Path, digest: str, allow_partial: bool) -> bool:
    about = about_of(path)
    try:
        return bool(
            about
            and about["registry"] == digest
            and (allow_partial or about["partial"] is None)
            and about["sha256"] == sha256(path)
        )
    except (OSError, KeyError):
        return False


def _attempt(
    name: str, entry: dict[str, Any], open_source: Callable[[], sources.Raw], path: Path, allow_partial: bool
) -> dict[str, Any]:
    """Read one source to the end, check it, write the table and return its sidecar."""
    raw = open_source()
    checker = Checker(entry, allow_partial)
    with atomic_path(path) as temporary:
        try:
            _write(_checked(name, entry, raw.pieces, checker), temporary)
            part = checker.finish()
        except fetch.Unreachable:
            raise
        except fetch.SourceFailed:
            raw.forget()
            raise
        checksum = sha256(temporary)
    fingerprint = checker.fingerprint()
    return {
        "name": name,
        "source": raw.source,
        "partial": part,
        "sha256": checksum,
        "inputs": raw.inputs,
        "rows": checker.rows,
        "features": checker.features,
        "classes": checker.classes,
        "class_counts": checker.counts,
        "content": fingerprint,
        "order": raw.differs or (order_of(fingerprint, entry.get("content")) if part is None else "not compared"),
        "shape": entry.get("shape"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _checked(
    name: str, entry: dict[str, Any], pieces: Iterator[pd.DataFrame | Images], checker: Checker
) -> Iterator[pa.Table]:
    """Yield the pieces as they are written, each after it was checked."""
    if "shape" in entry:
        yield from (checker.images(piece) for piece in pieces if isinstance(piece, Images))
    else:
        for table in _numeric(name, entry, (piece for piece in pieces if isinstance(piece, pd.DataFrame))):
            yield pa.Table.from_pandas(checker.piece(table), preserve_index=False)


def _numeric(name: str, entry: dict[str, Any], pieces: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Yield the pieces; those of your own data as one, since its categories are only known at its end."""
    if entry["class_counts"] is not None:
        yield from pieces
        return
    table = pd.concat(list(pieces), ignore_index=True)
    yield user_data.numeric(table, name, entry["categorical"], entry["missing"])


def _write(pieces: Iterator[pa.Table], path: Path) -> None:
    """Write a table piece by piece, so that it never has to be in memory as a whole."""
    writer: pq.ParquetWriter | None = None
    try:
        for table in pieces:
            if writer is None:
                # Images hardly get smaller, and are read more quickly as they are.
                as_it_is = {"compression": "none", "use_dictionary": False} if pixels.width(table.schema) else {}
                writer = pq.ParquetWriter(path, table.schema, **as_it_is)
            elif table.schema.names != writer.schema.names:
                raise fetch.SourceFailed("its columns change on the way")
            writer.write_table(table)
        if writer is None:
            raise fetch.SourceFailed("holds no rows")
    finally:
        if writer is not None:
            writer.close()
