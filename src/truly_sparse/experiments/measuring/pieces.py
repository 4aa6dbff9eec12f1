"""Pieces of a measurement that takes long, kept on file: one that was stopped goes on after the last of them."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from truly_sparse.files import write_text

_FOLDER: ContextVar[Path | None] = ContextVar("folder", default=None)


@contextmanager
def keeping(folder: Path, facts: Any) -> Iterator[Callable[[], float]]:
    """Keep the pieces that are made inside, and remove them when all is made.

    Parameters
    ----------
    folder : Path
        Where; pieces that were made under other facts are not used.
    facts : JSON
        What decides the pieces: settings, sources, processor.

    Yields
    ------
    callable
        Returns the seconds that all pieces took, those of processes that ended before among them.
    """
    place = folder / hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    token = _FOLDER.set(place)
    try:
        yield lambda: sum(found["seconds"] for file in place.glob("*.json") if (found := _read(file)) is not None)
    finally:
        _FOLDER.reset(token)
    shutil.rmtree(folder, ignore_errors=True)


def piece(key: list[Any], make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Return a piece of a measurement: what `make` returns, or the same from its file.

    Parameters
    ----------
    key : list
        What tells this piece from the others, such as [dataset, seed].
    make : callable
        Measures it.
    """
    folder = _FOLDER.get()
    if folder is None:
        return make()
    file = folder / f"{'-'.join(map(str, key))}.json"
    kept = _read(file)
    if kept is None:
        begun = time.perf_counter()
        frame = make()
        kept = {"columns": list(frame), "rows": frame.to_numpy(object).tolist()}
        kept["seconds"] = time.perf_counter() - begun
        write_text(file, json.dumps(kept))  # with NaN, where a row has no value
    return pd.DataFrame(kept["rows"], columns=kept["columns"])


def in_pieces(keys: Iterable[tuple[Any, ...]], make: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    """Return the pieces of some keys one below the other; `make` measures that of a key, which it is given."""
    return pd.concat([piece([*key], partial(make, *key)) for key in keys], ignore_index=True)


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found
