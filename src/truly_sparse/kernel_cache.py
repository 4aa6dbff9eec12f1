"""Compiled kernels: a place for them wherever the package lies, and none of other sources than today's."""

import hashlib
import os
import stat
from pathlib import Path


def settle() -> None:
    """Name a folder for Numba's cache if it would find none; call before Numba is imported.

    Numba takes NUMBA_CACHE_DIR, the package's own folder or the home folder, whichever can be written to, and stops
    where none can. The folder in the temporary directory must be this user's own: what lies in it is executed.
    """
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named and _writable(_there(Path(named))):
        return
    if _writable(Path(__file__).parent / "engine") or _writable(Path(os.path.expanduser("~"))):
        return
    import tempfile  # takes long to import

    folder = Path(tempfile.gettempdir()) / f"truly-sparse-{os.getuid()}-kernels"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022
    os.environ["NUMBA_CACHE_DIR"] = str(folder if own else tempfile.mkdtemp(prefix="truly-sparse-kernels-"))


def renew(folder: str | Path) -> None:
    """Forget the kernels in a cache folder that were compiled from other sources; call before the first is used.

    Numba compiles again when the file of a function has changed, but not when that of a function called by it has.
    """
    sources = b"".join(path.read_bytes() for path in sorted((Path(__file__).parent / "engine").glob("*.py")))
    compiled, mark = hashlib.sha256(sources).hexdigest(), Path(folder) / "engine-sources"
    if mark.is_file() and mark.read_text(encoding="ascii") == compiled:
        return
    from truly_sparse.files import write_text  # takes long to import, too

    for index in Path(folder).glob("*.nbi"):
        index.unlink(missing_ok=True)
    write_text(mark, compiled)


def _there(place: Path) -> Path:
    """Return a folder, or the nearest one above it that exists."""
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def _writable(place: Path) -> bool:
    """Say whether files can be made in a folder."""
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
