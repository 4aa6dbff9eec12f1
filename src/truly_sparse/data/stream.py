"""Reading a huge gzip only as far as needed: resumed downloads, whole lines, bounded memory."""

import gzip
import hashlib
import http.client
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from truly_sparse.data import fetch
from truly_sparse.data.fetch import Passing, SourceFailed
from truly_sparse.errors import one_line
from truly_sparse.files import write_json

#: Bytes of text parsed at a time; bounds the memory.
TEXT_PIECE = 1 << 20
#: Bytes of a line, at most.
LONGEST = 1 << 20
#: Bytes after which a download writes down how far it is.
KEPT_EVERY = 1 << 24


class Download(io.RawIOBase):
    """A file that is read while it is downloaded.

    What has arrived stays in `path`, with its length and checksum beside it, so that a connection or a process that
    breaks is taken up where it was (HTTP Range).

    Parameters
    ----------
    url : str
        Address; a server without Range support is read from the start again, and what is here is skipped.
    path : Path
        The part of the file that is here.
    """

    def __init__(self, url: str, path: Path) -> None:
        super().__init__()
        self.url, self.path = url, path
        self._about = path.with_name(f"{path.name}.json")
        self._answer: http.client.HTTPResponse | None = None
        self._at = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._state, self._digest = self._kept()
        self._file = path.open("r+b" if path.exists() else "w+b")
        self._file.truncate(self._state["size"])
        self._noted = self._state["size"]
        self._bar = fetch.progress(url, self._state["total"], self._state["size"])

    def _kept(self) -> tuple[dict[str, Any], Any]:
        """Return what an earlier download left, after checking it; a damaged part is dropped."""
        fresh: dict[str, Any] = {"url": self.url, "version": None, "total": 0, "size": 0, "sha256": ""}
        try:
            state = json.loads(self._about.read_text(encoding="utf-8"))
            digest = hashlib.sha256()
            with self.path.open("rb") as stream:
                left = state["size"]
                while left and (piece := stream.read(min(left, fetch.PIECE))):
                    digest.update(piece)
                    left -= len(piece)
            if state["url"] == self.url and digest.hexdigest() == state["sha256"]:
                return fresh | state, digest
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return fresh, hashlib.sha256()

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` from what is here, else from the server; 0 at the end of the file."""
        if self._at >= self._state["size"]:
            piece = b"" if self._complete() else fetch.retry(self._piece)
            self._keep(piece)
        self._file.seek(self._at)
        count = self._file.readinto(memoryview(buffer)[: self._state["size"] - self._at])
        self._at += count
        return count

    def _complete(self) -> bool:
        return bool(self._state["total"]) and self._state["size"] >= self._state["total"]

    def _keep(self, piece: bytes) -> None:
        self._file.seek(self._state["size"])
        self._file.write(piece)
        self._digest.update(piece)
        self._state["size"] += len(piece)
        self._bar.update(len(piece))
        if self._state["size"] - self._noted >= KEPT_EVERY:
            self._note()

    def _note(self) -> None:
        self._file.flush()
        self._state["sha256"] = self._digest.hexdigest()
        self._noted = self._state["size"]
        write_json(self._about, self._state)

    def _piece(self) -> bytes:
        if self._answer is None:
            self._answer = self._ask()
        try:
            piece = fetch.read_piece(self._answer, self.url)
            if not piece and self._state["size"] < self._state["total"]:
                raise Passing(f"{self.url}: ended after {self._state['size']} of {self._state['total']} bytes")
        except Passing:
            self._hang_up()
            raise
        if not piece:
            self._state["total"] = self._state["size"]
        return piece

    def _ask(self) -> http.client.HTTPResponse:
        """Ask for what is not here yet."""
        size = self._state["size"]
        answer = fetch.open_address(self.url, size)
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        skipped = size if answer.status == 206 else 0
        total = fetch.length_of(answer) and skipped + fetch.length_of(answer)
        known = self._state
        if size and ((known["version"], known["total"]) != (version, total)):
            answer.close()
            self.drop()
            raise SourceFailed(f"{self.url} changed since the download began; run again to start it anew")
        self._state |= {"version": version, "total": total}
        while skipped < size:
            skipped += len(answer.read(min(fetch.PIECE, size - skipped)) or b"\0" * size)
        return answer

    def _hang_up(self) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def drop(self) -> None:
        """Forget what is here, so that the next download starts anew."""
        self._about.unlink(missing_ok=True)
        self._state["size"] = self._noted = 0

    def close(self) -> None:
        """Note how far the download came and close everything."""
        if not self.closed:
            self._hang_up()
            if self._state["size"] > self._noted:
                self._note()
            self._file.close()
            self._bar.close()
        super().close()


def text_of(source: IO[bytes], what: str, rows: int | None, digest: Any) -> Iterator[bytes]:
    """Yield the text of a gzip as pieces of whole lines, at most `rows` lines in all (None: all of them).

    `digest` is updated with exactly what is yielded.

    Raises
    ------
    SourceFailed
        Where the gzip is damaged, or a line too long.
    """
    rest, left = b"", rows
    try:
        with gzip.GzipFile(fileobj=source) as stream:
            while left is None or left:
                piece = stream.read(TEXT_PIECE)
                # A last line may lack its line break.
                text = rest + piece if piece or not rest else rest + b"\n"
                if not text:
                    return
                cut, count = _cut(text, left)
                whole, rest = text[:cut], text[cut:]
                left = None if left is None else left - count
                if whole:
                    digest.update(whole)
                    yield whole
                if not piece:
                    return
                if left != 0 and len(rest) > LONGEST:
                    raise SourceFailed(f"{what} has a line of more than {LONGEST} bytes")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceFailed(f"{what} is not an intact gzip ({error})") from None


def _cut(text: bytes, left: int | None) -> tuple[int, int]:
    """Return (bytes, lines) of the whole lines at the start of `text`, at most `left` lines."""
    count = text.count(b"\n")
    if left is None or count <= left:
        return text.rfind(b"\n") + 1, count
    end = -1
    for _ in range(left):
        end = text.index(b"\n", end + 1)
    return end + 1, left


def parse(text: bytes, features: int, what: str) -> pd.DataFrame:
    """Return lines of "label, features" as a table: float32 columns f1, f2, ... and `target`.

    Raises
    ------
    SourceFailed
        For a line that is not numbers, or has too many or too few.
    """
    names = ["target", *(f"f{number}" for number in range(1, features + 1))]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(text),
            read_options=pa_csv.ReadOptions(column_names=names, use_threads=False),
            convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.float32())),
        )
    except pa.ArrowInvalid as error:
        raise SourceFailed(f"{what}: {one_line(error)}") from None
    return table.select([*names[1:], "target"]).to_pandas()
