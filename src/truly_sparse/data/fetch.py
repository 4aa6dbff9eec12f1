"""Getting raw files: from a mirror folder or over HTTPS, checked, whole or not at all."""

import errno
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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from tqdm import tqdm

from truly_sparse.errors import UserError, one_line
from truly_sparse.files import atomic_path, sha256

ATTEMPTS = 3
TIMEOUT_SECONDS = 9.0
PAUSE_SECONDS = 0.5
#: A server that has not answered by then is not asked again: without a network a download fails within 15 s.
PATIENCE_SECONDS = 4.0
PIECE = 1 << 16
#: Errors of the disk that is written to: no other source helps.
DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.ENOTDIR}

Result = TypeVar("Result")


class SourceFailed(Exception):
    """A source could not give what it should; the message says why."""


class Unreachable(SourceFailed):
    """A server did not give the file; what was downloaded before is as good as it was."""


class Passing(Unreachable):
    """A fault that may pass, so that the same source is worth another attempt.

    Attributes
    ----------
    answered : bool
        Whether the server answered at all; one that is silent is not asked for long.
    """

    def __init__(self, reason: str, answered: bool = True) -> None:
        super().__init__(reason)
        self.answered = answered


class Partial(SourceFailed):
    """A source has only a part of the rows, which is refused unless the settings allow it."""


def verify(path: Path, expected: str | None) -> None:
    """Raise SourceFailed unless the file is there and has the expected SHA-256 (None: any)."""
    if not path.is_file():
        raise SourceFailed(f"{path} is missing")
    found = expected if expected is None else _read_sha256(path)
    if found != expected:
        raise SourceFailed(f"{path} has sha256 {str(found)[:12]}…, expected {str(expected)[:12]}…")


def _read_sha256(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        raise SourceFailed(f"{path} cannot be read ({error.strerror})") from None


def from_zip(url: str, checksums: Mapping[str, str | None], target: Path) -> None:
    """Download a zip archive and take out the named files, wherever in the archive they lie, checking each one."""
    target.mkdir(parents=True, exist_ok=True)
    # A folder of its own: two processes may fetch the same dataset at once.
    with tempfile.TemporaryDirectory(prefix=".download-", dir=target) as own:
        archive = Path(own) / "archive.zip"
        download(url, archive)
        _unpack(archive, url, checksums, target)


def _unpack(archive: Path, url: str, checksums: Mapping[str, str | None], target: Path) -> None:
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
                    _check_download(temporary, name, url, expected)
    # NotImplementedError: a compression unknown here; RuntimeError: an encrypted member.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise SourceFailed(f"{url} is not a zip archive that can be unpacked ({error})") from None


def from_address(url: str, name: str, expected: str | None, target: Path) -> None:
    """Download one file to ``target/name``, checking it before it is in place."""
    with tempfile.TemporaryDirectory(prefix=".download-", dir=_made(target)) as own:
        download(url, Path(own) / name)
        _check_download(Path(own) / name, name, url, expected)
        (Path(own) / name).replace(target / name)


def _check_download(path: Path, name: str, url: str, expected: str | None) -> None:
    found = sha256(path)
    if expected not in (None, found):
        raise SourceFailed(
            f"{name} from {url} has another checksum than registered ({found[:12]}…, expected {str(expected)[:12]}…)"
        )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def download(url: str, target: Path) -> None:
    """Download `url` to `target` with retries; what fails for good (such as 404) is not tried again.

    Raises
    ------
    SourceFailed
        After the last attempt, with the reason.
    """
    retry(lambda: _download_once(url, target))


def retry(action: Callable[[], Result]) -> Result:
    """Return what `action` returns, repeating it after a `Passing` fault with growing, jittered pauses.

    Raises
    ------
    Passing
        Where it was repeated often enough.
    """
    start = time.monotonic()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return action()
        except Passing as fault:
            given_up = not fault.answered and time.monotonic() - start > PATIENCE_SECONDS
            if given_up or attempt == ATTEMPTS:
                raise
        pause(attempt)
    raise AssertionError("not reached")


def pause(attempt: int) -> None:
    """Wait before the next attempt: longer each time, and never in step with other clients."""
    time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1) * (1 + random.random()))


def _download_once(url: str, target: Path) -> None:
    with atomic_path(target) as temporary, open_address(url) as answer:
        size = length_of(answer)
        done = 0
        with temporary.open("wb") as sink, progress(url, size) as bar:
            while piece := read_piece(answer, url):
                sink.write(piece)
                done += len(piece)
                bar.update(len(piece))
    if size and done != size:
        target.unlink()
        raise Passing(f"{url}: the answer ended after {done} of {size} bytes")


def open_address(url: str, first: int = 0) -> http.client.HTTPResponse:
    """Ask for `url`, from byte `first` on, and return the answer.

    Raises
    ------
    Passing
        For faults that may pass: no answer, time-out, a server's own error (5xx) or "too many requests".
    Unreachable
        For good: a refusal such as 404, a circle of redirects, a web page instead of a file.
    """
    request = urllib.request.Request(url, headers={"Range": f"bytes={first}-"} if first else {})
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        reason = f"{url}: HTTP {error.code} {one_line(error.reason)}"
        raise (Passing if error.code >= 500 or error.code in (408, 429) else Unreachable)(reason) from None
    except urllib.error.URLError as error:
        reason = f"{url}: {one_line(error.reason)}"
        raise Unreachable(reason) if "not known" in reason else Passing(reason, answered=False) from None
    except (OSError, http.client.HTTPException) as error:
        raise Passing(f"{url}: {one_line(error)}", answered=False) from None
    kind = answer.headers.get_content_type()
    if kind in ("text/html", "application/xhtml+xml"):
        answer.close()
        raise Unreachable(f"{url} is a web page ({kind}), not the file")
    return answer


def read_piece(answer: IO[bytes], url: str) -> bytes:
    """Return the next bytes of an answer; a connection that breaks is a `Passing` fault."""
    try:
        return answer.read(PIECE)
    except (OSError, http.client.HTTPException) as error:
        raise Passing(f"{url}: {one_line(error)}") from None


def length_of(answer: http.client.HTTPResponse) -> int:
    """Return how many bytes the answer promises; 0 where it does not say."""
    length = answer.headers.get("Content-Length") or ""
    return int(length) if length.isdecimal() else 0


def progress(url: str, size: int, first: int = 0) -> Any:
    """Return a bar in a terminal; in a log, print one line instead."""
    terminal = sys.stderr.isatty()
    if not terminal:
        print(f"downloading {url} ({size / 1e6:.1f} MB)" if size else f"downloading {url}", file=sys.stderr)
    return tqdm(total=size or None, initial=first, unit="B", unit_scale=True, disable=not terminal)


def first_that_works(
    name: str, sources: list[tuple[str, Callable[[bool], Result]]], advice: str, allow_partial: bool
) -> Result:
    """Try sources in order, saying on stderr which one failed; return what the first that works returns.

    Each attempt is called with whether a part of the rows is enough. A part is only taken after every source has
    been asked for the whole.

    Raises
    ------
    UserError
        In one line: each source with its reason, and what to do; or that the disk cannot be written to.
    """
    reasons: list[str] = []
    parts: list[tuple[str, Callable[[bool], Result]]] = []
    for source, attempt in sources:
        if reasons:
            print(f"{name} from {reasons[-1]}; trying {source}", file=sys.stderr)
        try:
            return attempt(False)
        except (SourceFailed, OSError) as error:
            if isinstance(error, OSError) and error.errno in DISK_ERRORS:
                raise  # no other source helps
            reasons.append(f"{source}: {error}")
            parts += [(source, attempt)] if isinstance(error, Partial) else []
    if parts and allow_partial:
        print(f"{name}: only a part of the rows can be had ({'; '.join(reasons)})", file=sys.stderr)
        return parts[0][1](True)
    if parts:
        advice += ", or set data.allow_partial: true to go on with a part, marked as such wherever it is used"
    raise UserError(f"cannot get dataset {name} ({'; '.join(reasons) or 'no source is allowed'}); {advice}")


@contextmanager
def one_line_for_disk_errors() -> Iterator[None]:
    """Turn an error of the disk that is written to into one line for the user."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        place = error.filename2 or error.filename or "the data folder"
        raise UserError(
            f"{place}: cannot write ({error.strerror}); free space or set data.folder to another place"
        ) from None
