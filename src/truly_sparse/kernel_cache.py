"""A place for compiled kernels: one folder for each version of the engine's sources, wherever can be written to."""

import hashlib
import os
import stat
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent
_PREFIX = "kernels-"


def settle() -> None:
    """Name a folder for Numba's cache; call before functions are compiled.

    It lies in NUMBA_CACHE_DIR, the package's own folder or the home folder, whichever can be written to, else in the
    temporary directory, where the folder must be this user's own: what lies in it is executed. Its name says for which
    sources it is: Numba compiles anew where the file of a function has changed, but not where that of a function
    compiled into it has.
    """
    folder = str(_place() / f"{_PREFIX}{_sources()}")
    try:
        f"{PACKAGE}{folder}".encode()
    except UnicodeEncodeError:
        return  # letters that the locale does not know: Numba can only write beside the sources
    os.environ["NUMBA_CACHE_DIR"] = folder
    if "numba" in sys.modules:  # it has read its environment
        sys.modules["numba"].config.CACHE_DIR = folder


def _place() -> Path:
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named and _writable(_there(Path(named))):
        # A process started by one of ours inherits the whole name.
        return Path(named).parent if Path(named).name.startswith(_PREFIX) else Path(named)
    if _writable(_there(PACKAGE / "engine/__pycache__")):
        return PACKAGE / "engine/__pycache__"
    home = Path(os.path.expanduser("~"))
    if _writable(home):
        return home / ".cache/truly-sparse"
    import tempfile  # takes long to import

    folder = Path(tempfile.gettempdir()) / f"truly-sparse-{os.getuid()}-kernels"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022
    return folder if own else Path(tempfile.mkdtemp(prefix="truly-sparse-kernels-"))


def _sources() -> str:
    """Return a digest of the engine's sources."""
    digest = hashlib.sha256()
    own = (PACKAGE / "engine").glob
    for file in sorted([*own("*.py"), *own("[!_]*/*.py")]):  # not the kernels themselves, which lie there, too
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _there(place: Path) -> Path:
    """Return a folder, or the nearest one above it that exists."""
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def _writable(place: Path) -> bool:
    """Say whether files can be made in a folder."""
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
