"""The sources of a dataset, in order: each gives a raw table in pieces and says where it came from."""

import hashlib
import json
import os
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from truly_sparse.data import bundled, fetch, gesture, images, openml_source, stream, tables
from truly_sparse.data.fetch import SourceFailed
from truly_sparse.data.images import Images
from truly_sparse.errors import UserError
from truly_sparse.files import sha256, write_json

MIRROR_VARIABLE = "TRULY_SPARSE_MIRROR"
KINDS = ("mirror", "openml", "https", "zip", "stream", "sklearn", "path")


@dataclass
class Raw:
    """A raw table or image set: its pieces, what the source is called, and its input files with their SHA-256.

    `differs` says how its rows are known to differ from the registered ones. `inputs` is complete once the pieces are
    read. `forget` drops a downloaded file whose bytes no checksum vouches
    for; it is called where the content is not as registered, so that the next time the server is asked again.
    """

    source: str
    pieces: Iterator[pd.DataFrame | Images]
    inputs: dict[str, str] = field(default_factory=dict)
    differs: str | None = None
    forget: Callable[[], None] = lambda: None


def of(
    name: str, entry: Mapping[str, Any], config: Mapping[str, Any], cache: Path
) -> list[tuple[str, Callable[[], Raw]]]:
    """Return (what it is called, what opens it) of every source that the configuration allows, in order.

    A mirror folder comes first, then what needs no network, files downloaded before among it, then the network.

    Parameters
    ----------
    name : str
        Dataset.
    entry : mapping
        What `registry.entry` returns.
    config : mapping
        The configuration's `data` block: `mirror`, `download`.
    cache : Path
        Folder that keeps downloaded files. Intact files there come before any download.

    Raises
    ------
    UserError
        For a source of no kind or of two.
    """
    mirror = config.get("mirror") or os.environ.get(MIRROR_VARIABLE)
    mirrors: list[tuple[str, Callable[[], Raw]]] = []
    here: list[tuple[str, Callable[[], Raw]]] = []
    network: list[tuple[str, Callable[[], Raw]]] = []
    for source in entry["sources"]:
        kind = _kind(name, source)
        opener = _Opener(entry, source, source.get("files") or entry.get("files") or {}, cache)
        if kind == "mirror":
            if mirror:
                mirrors.append(("mirror", partial(opener.mirror, Path(mirror) / source["mirror"])))
        elif kind in ("sklearn", "path") or opener.cached():
            here.append((_called(kind, source), getattr(opener, kind)))
        elif config.get("download", True):
            network.append((_called(kind, source), getattr(opener, kind)))
    return mirrors + here + network


def advice(entry: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Return what to do where no source works; `config` is the configuration's `data` block."""
    if "path" in entry["sources"][0]:
        return "correct the file or its settings"
    folders = [source["mirror"] for source in entry["sources"] if "mirror" in source]
    named = f", or name a folder that holds {folders[0]}/ in data.mirror or {MIRROR_VARIABLE}" if folders else ""
    return f"{'connect to the network' if config.get('download', True) else 'set data.download: true'}{named}"


def _kind(name: str, source: Mapping[str, Any]) -> str:
    kinds = [kind for kind in KINDS if kind in source]
    if len(kinds) != 1:
        raise UserError(f"dataset {name}: a source needs one of {', '.join(KINDS[:-1])}, found {list(source)}")
    return kinds[0]


def _called(kind: str, source: Mapping[str, Any]) -> str:
    if kind == "openml":
        return f"OpenML {source['openml']}"
    if kind == "sklearn":
        return "scikit-learn"
    if kind == "path":
        return f"own file {Path(source['path']).name}"
    return str(source.get("name") or urllib.parse.urlsplit(source[kind]).netloc)


@dataclass
class _Opener:
    """Opens one source of a dataset."""

    entry: Mapping[str, Any]
    source: Mapping[str, Any]
    files: Mapping[str, str | None]
    cache: Path

    def mirror(self, folder: Path) -> Raw:
        for name, expected in self.files.items():
            fetch.verify(folder / name, expected)
        return self._raw("mirror", folder)

    def sklearn(self) -> Raw:
        return Raw("scikit-learn", iter([bundled.read(self.source["sklearn"])]))

    def path(self) -> Raw:
        path = Path(self.source["path"])
        if not path.is_file():
            raise SourceFailed(f"{path} is missing")
        return Raw(_called("path", self.source), tables.read(path, self.entry["target"]), {path.name: sha256(path)})

    def openml(self) -> Raw:
        path = openml_source.download(self.source["openml"])
        return Raw(_called("openml", self.source), tables.read(path, self.entry["target"]), {path.name: sha256(path)})

    def https(self) -> Raw:
        return self._fetched("https", self._download)

    def _download(self) -> None:
        """Download the one file, or all those of a folder, whose address ends with a slash."""
        url = self.source["https"]
        for name, expected in self.files.items():
            fetch.from_address(f"{url}{name}" if url.endswith("/") else url, name, expected, self.cache)

    def zip(self) -> Raw:
        return self._fetched("zip", lambda: fetch.from_zip(self.source["zip"], self.files, self.cache))

    def stream(self) -> Raw:
        (name,) = self.files
        download = stream.Download(self.source["stream"], self.cache / name)
        return self._streamed(_called("stream", self.source), download, name)

    def _fetched(self, kind: str, download: Callable[[], None]) -> Raw:
        """Return what the cache holds; download it first where it is not there or damaged."""
        if not self.cached():
            download()
            checksums = {name: sha256(self.cache / name) for name in self.files}
            date = datetime.now(UTC).isoformat(timespec="seconds")
            about = {"source": _called(kind, self.source), "address": self.source[kind], "date": date}
            write_json(self._about, about | {"files": checksums})
        raw = self._raw(self._origin()["source"], self.cache)
        if None in self.files.values():
            raw.forget = partial(self._about.unlink, missing_ok=True)
        return raw

    def cached(self) -> bool:
        """Say whether the cache holds the files, intact."""
        known = self._origin()["files"]
        try:
            for name, expected in self.files.items():
                fetch.verify(self.cache / name, expected or known.get(name, "unknown"))
        except (SourceFailed, OSError):
            return False
        return bool(self.files)

    @property
    def _about(self) -> Path:
        return self.cache / "origin.json"

    def _origin(self) -> dict[str, Any]:
        """Return what is known of the cached files."""
        unknown: dict[str, Any] = {"source": "files fetched before (source not noted)", "files": {}}
        try:
            return unknown | json.loads(self._about.read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError):
            return unknown

    def _raw(self, called: str, folder: Path) -> Raw:
        """Return the table that files in a folder make."""
        if self.entry["reader"] == "gesture":
            checksums = {name: str(expected) for name, expected in self.files.items()}
            return Raw(called, iter([gesture.join(folder)]), checksums)
        if self.entry["reader"] in images.READERS:
            checksums = {name: expected or sha256(folder / name) for name, expected in self.files.items()}
            return Raw(called, images.read(self.entry, folder, list(self.files)), checksums, self.source.get("differs"))
        (name,) = self.files
        if self.entry["reader"] == "stream":
            return self._streamed(called, (folder / name).open("rb"), name)
        checksum = self.files[name] or sha256(folder / name)
        return Raw(called, tables.read(folder / name, self.entry["target"]), {name: checksum})

    def _streamed(self, called: str, source: Any, name: str) -> Raw:
        digest, rows = hashlib.sha256(), self.entry["take"]
        raw = Raw(called, iter(()))
        if isinstance(source, stream.Download):
            raw.forget = source.drop

        def pieces() -> Iterator[pd.DataFrame]:
            with source:
                for text in stream.text_of(source, name, rows, digest):
                    yield stream.parse(text, self.entry["features"], name)
            raw.inputs[f"{name}, text of {'all' if rows is None else f'the first {rows}'} lines"] = digest.hexdigest()

        raw.pieces = pieces()
        return raw
