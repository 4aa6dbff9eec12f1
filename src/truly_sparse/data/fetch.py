"""Getting raw files: from a mirror folder or over HTTPS, checked, whole or not at all."""

import http.client
import random
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from tqdm import tqdm

from truly_sparse.errors import UserError
from truly_sparse.files import atomic_path, sha256

ATTEMPTS = 3
TIMEOUT_SECONDS = 9.0
PAUSE_SECONDS = 0.5
#: A server that has not answered by then is not asked again: without a network a download fails within 15 s.
PATIENCE_SECONDS = 4.0
PIECE = 1 << 16


class SourceFailed(Exception):
    """A source could not give what it should; the message says why."""


def verify(path: Path, expected: str) -> None:
    """Raise SourceFailed unless the file has the expected SHA-256."""
    if not path.is_file():
        raise SourceFailed(f"{path} is missing")
    found = sha256(path)
    if found != expected:
        raise SourceFailed(f"{path} has sha256 {found[:12]}…, expected {expected[:12]}…")


def from_mirror(mirror: Path, folder: str, checksums: Mapping[str, str], target: Path) -> None:
    """Copy the files named by `checksums` from ``mirror/folder`` to `target`, checking each one."""
    for name, expected in checksums.items():
        source = mirror / folder / name
        verify(source, expected)
        with atomic_path(target / name) as temporary:
            shutil.copyfile(source, temporary)


def from_zip(url: str, checksums: Mapping[str, str], target: Path) -> None:
    """Download a zip archive and take out the named files, wherever in the archive they lie, checking each one."""
    target.mkdir(parents=True, exist_ok=True)
    # A folder of its own: two processes may fetch the same dataset at once.
    with tempfile.TemporaryDirectory(prefix=".download-", dir=target) as own:
        archive = Path(own) / "archive.zip"
        download(url, archive)
        _unpack(archive, url, checksums, target)


def _unpack(archive: Path, url: str, checksums: Mapping[str, str], target: Path) -> None:
    """Take the named files out one by one; a name in the archive never decides where a file is written."""
    try:
        with zipfile.ZipFile(archive) as content:
            members = {Path(member).name: member for member in content.namelist() if not member.endswith("/")}
            for name, expected in checksums.items():
                if name not in members:
                    raise SourceFailed(f"{url} holds no {name}")
                with atomic_path(target / name) as temporary:
                    with content.open(members[name]) as source, temporary.open("wb") as sink:
                        shutil.copyfileobj(source, sink)
                    if sha256(temporary) != expected:
                        raise SourceFailed(f"{name} from {url} has another checksum than registered")
    # NotImplementedError: a compression unknown here; RuntimeError: an encrypted member.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise SourceFailed(f"{url} is not a zip archive that can be unpacked ({error})") from None


def download(url: str, target: Path) -> None:
    """Download `url` to `target` with retries; what fails for good (such as 404) is not tried again.

    Raises
    ------
    SourceFailed
        After the last attempt, with the reason.
    """
    start = time.monotonic()
    for attempt in range(1, ATTEMPTS + 1):
        answered = False
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer, atomic_path(target) as temporary:
                answered = True
                length = answer.headers.get("Content-Length") or ""
                _copy(answer, temporary, url, int(length) if length.isdecimal() else 0)
            return
        except urllib.error.HTTPError as error:
            reason, final = f"{url}: HTTP {error.code} {error.reason}", error.code < 500
        except urllib.error.URLError as error:
            reason, final = f"{url}: {error.reason}", "not known" in str(error.reason)
        except (OSError, http.client.HTTPException, SourceFailed) as error:
            reason, final = f"{url}: {error}", False
        given_up = not answered and time.monotonic() - start > PATIENCE_SECONDS
        if final or given_up or attempt == ATTEMPTS:
            raise SourceFailed(reason)
        time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1) * (1 + random.random()))


def _copy(answer: IO[bytes], target: Path, url: str, size: int) -> None:
    """Copy an answer's body, with a bar in a terminal and a line in a log; refuse a body that ends early."""
    terminal = sys.stderr.isatty()
    if not terminal:
        print(f"downloading {url} ({size / 1e6:.1f} MB)" if size else f"downloading {url}", file=sys.stderr)
    done = 0
    with target.open("wb") as sink, tqdm(total=size or None, unit="B", unit_scale=True, disable=not terminal) as bar:
        while piece := answer.read(PIECE):
            sink.write(piece)
            done += len(piece)
            bar.update(len(piece))
    if size and done != size:
        raise SourceFailed(f"the answer ended after {done} of {size} bytes")


def first_that_works(name: str, sources: Mapping[str, Callable[[], None]], advice: str) -> str:
    """Try sources in order, saying on stderr which one failed; return the name of the one that worked.

    Raises
    ------
    UserError
        In one line: each source with its reason, and what to do.
    """
    reasons: list[str] = []
    for source, attempt in sources.items():
        if reasons:
            print(f"{name} from {reasons[-1]}; trying {source}", file=sys.stderr)
        try:
            attempt()
            return source
        except (SourceFailed, OSError) as error:
            reasons.append(f"{source}: {error}")
    raise UserError(f"cannot get dataset {name} ({'; '.join(reasons) or 'no source is allowed'}); {advice}")
