"""Facts and arrays in one .npz file: whole or absent, with a checksum, and no larger in memory than it says."""

import json
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from truly_sparse.errors import UserError
from truly_sparse.files import atomic_stream
from truly_sparse.training.checkpoint import digest

Arrays = dict[str, npt.NDArray[Any]]
#: Bytes that a file may take in memory, those of its facts, and how many arrays it may hold.
MOST_BYTES, MOST_FACTS, MOST_ARRAYS = 1 << 36, 1 << 28, 1 << 20
#: What deflate packs into a byte at best (1032), rounded up.
DENSEST = 1100
#: The array that holds the facts, as JSON.
FACTS = "facts"


def write(path: str | Path, facts: dict[str, Any], arrays: Arrays) -> None:
    """Write facts, which JSON must hold, and arrays, which must not hold objects, with their SHA-256."""
    plain = json.loads(json.dumps(facts))
    text = json.dumps(plain | {"sha256": digest(plain, arrays)}).encode()
    with atomic_stream(path) as stream:
        np.savez_compressed(stream, allow_pickle=False, **{FACTS: np.frombuffer(text, np.uint8)}, **arrays)


def read(path: Path, unchecked: tuple[int, ...]) -> tuple[dict[str, Any], Arrays]:
    """Return facts and arrays of a file.

    Parameters
    ----------
    path : Path
    unchecked : tuple of int
        Formats, as the facts say, that had no checksum.

    Raises
    ------
    UserError
        If the file is larger than it may be, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_sizes(entries, path.stat().st_size)
            arrays = {entry.filename.removesuffix(".npy"): _array(archive, entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(f"it is damaged ({error}); get it anew") from None
    if FACTS not in arrays:
        raise UserError("it holds no facts of a model")
    facts: dict[str, Any] = json.loads(arrays.pop(FACTS).tobytes())
    found = facts.pop("sha256", None)
    if facts["format"] not in unchecked and found != digest(facts, arrays):
        raise UserError("it is damaged (its checksum is wrong); get it anew")
    return facts, arrays


def _check_sizes(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse what is too large, or larger than a file of so many bytes can be."""
    if len(entries) > MOST_ARRAYS:
        raise UserError(f"it holds {len(entries)} arrays; at most {MOST_ARRAYS} are read")
    total, most = sum(entry.file_size for entry in entries), min(MOST_BYTES, DENSEST * size)
    if total > most:
        raise UserError(f"it says that it takes {total} bytes in memory; of a file of {size} bytes {most} are read")
    if any(entry.file_size > MOST_FACTS for entry in entries if entry.filename == f"{FACTS}.npy"):
        raise UserError(f"its facts take more than {MOST_FACTS} bytes")


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> npt.NDArray[Any]:
    """Read an array, for which memory is taken once its type and shape have the size that the entry has."""
    with archive.open(entry) as stream:
        version = npy.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise UserError(f"{entry.filename} has a format that is not read")
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, by_columns, kind = header(stream)
        if kind.hasobject or math.prod(shape) * kind.itemsize != entry.file_size - stream.tell():
            raise UserError(f"{entry.filename} is no array of the size that it says")
        data = stream.read()
    if math.prod(shape) * kind.itemsize != len(data):
        raise EOFError(f"{entry.filename} ends too early")
    return np.frombuffer(bytearray(data), kind).reshape(shape, order="F" if by_columns else "C")
