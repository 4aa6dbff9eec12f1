"""Files that are either whole or absent: write to a temporary name, then rename."""

import errno
import fcntl
import glob
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from truly_sparse.errors import UserError

#: What the hidden name of a file that is being written has in it.
UNFINISHED = ".unfinished-"
#: An age at which every writer has long taken its lock.
ABANDONED_SECONDS = 60.0


def folder_of(path: str | Path) -> Path:
    """Return the nearest folder above a file to write that there is.

    Raises
    ------
    UserError
        If the file cannot be written: it is a folder, or what is above it is none or may not be written to.
    """
    target = Path(path).absolute()
    if target.is_dir():
        raise UserError(f"{path} is a folder; name a file in it")
    above = next(place for place in target.parents if place.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise UserError(f"{path} cannot be written: {above} is no folder that may be written to; name another place")
    return above


@contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it to `target` on success.

    The temporary file is removed on failure, so `target` is never half-written. A process that is killed leaves it; the
    next one that writes `target` removes it.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(target)
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}{UNFINISHED}", suffix=target.suffix, dir=target.parent)
    # Relative where the target is: a library need not know how to spell the folders above.
    temporary = target.parent / Path(name).name
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        # On the disk before it gets its name: a power cut must not leave the name with nothing behind it.
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except OSError as error:
        # A full disk is noticed while writing, which names no file.
        if error.filename in (None, str(temporary)):
            error.filename = str(target)
        raise
    finally:
        temporary.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def atomic_stream(target: str | Path) -> Iterator[IO[bytes]]:
    """Yield a file of bytes that becomes `target` on success; see `atomic_path`.

    For NumPy, which writes to another path where that does not end in .npz.
    """
    with atomic_path(target) as temporary, temporary.open("wb") as stream:
        yield stream


def _remove_abandoned(target: Path) -> None:
    """Remove what was begun of a file and has no process any more that holds it."""
    begun = f".{glob.escape(target.stem)}{UNFINISHED}????????{glob.escape(target.suffix)}"
    for path in target.parent.glob(begun):
        with suppress(OSError), path.open("rb") as stream:
            if time.time() - os.fstat(stream.fileno()).st_mtime > ABANDONED_SECONDS:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)


def sweep(folder: str | Path, stem: str = "*") -> None:
    """Remove temporary files that killed processes left, of one name or of all: nobody else may be writing them."""
    for path in Path(folder).glob(f".{stem}{UNFINISHED}????????.*"):
        path.unlink(missing_ok=True)


class Busy(Exception):
    """Another process holds the lock."""


def lock(stream: IO[str], wait: bool) -> bool:
    """Lock an open file until it is closed or the process ends; return false where the file system knows no locks.

    Raises
    ------
    Busy
        If another process holds the lock and `wait` is false.
    """
    try:
        fcntl.flock(stream, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Busy from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        return False
    return True


@contextmanager
def locked(path: str | Path, notice: str | None = None) -> Iterator[bool]:
    """Hold an exclusive lock on `path` (made if absent); yield whether another process had to end first.

    Where it has to wait, it says `notice` on standard error.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            lock(stream, wait=False)
            waited = False
        except Busy:
            if notice is not None:
                print(notice, file=sys.stderr, flush=True)
            lock(stream, wait=True)
            waited = True
        yield waited


def write_text(target: str | Path, text: str) -> None:
    """Write UTF-8 `text` to `target` atomically."""
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(target: str | Path, content: Any) -> None:
    """Write `content` as indented JSON to `target` atomically; NaN and infinity are refused."""
    write_text(target, json.dumps(content, indent=1, allow_nan=False) + "\n")


def sha256(path: str | Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes, read in pieces."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
