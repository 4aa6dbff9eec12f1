"""Made-up datasets with registries that fit them, and a server on the loopback that misbehaves as told."""

import hashlib
import http.server
import io
import socket
import threading
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from truly_sparse.data import fetch, gesture
from truly_sparse.data.prepare import prepare

ROWS = 12  # of each processed file
PHASES = {"D": "Rest", "H": "Hold", "P": "Preparation", "R": "Retraction", "S": "Stroke"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Short pauses, and no mirror from outside."""
    monkeypatch.setattr(fetch, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 2.0)
    monkeypatch.delenv("TRULY_SPARSE_MIRROR", raising=False)


@dataclass
class Answer:
    """One answer of the server; `promised` is a Content-Length other than the true one."""

    body: bytes = b""
    status: int = 200
    promised: str | None = None
    kind: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    ranges: bool = False


class Server:
    """A real HTTP server: `answers` is a list of what `Answer` takes, in order, or a function of the path."""

    def __init__(self) -> None:
        self.answers: Any = []
        self.asked: list[tuple[str, str | None]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                place = len(outer.asked)
                outer.asked.append((self.path, self.headers.get("Range")))
                listed = not callable(outer.answers)
                answer = Answer(
                    **(outer.answers[min(place, len(outer.answers) - 1)] if listed else outer.answers(self.path))
                )
                time.sleep(answer.wait)
                body, status, extra = answer.body, answer.status, dict(answer.headers)
                if answer.ranges and self.headers.get("Range"):
                    first = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
                    extra["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
                    body, status = body[first:], 206
                self.send_response(status)
                self.send_header("Content-Type", answer.kind)
                length = str(len(body)) if answer.promised is None else answer.promised
                self.send_header("Content-Length", length)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.end_headers()
                cut = extra.get("X-Cut")
                try:
                    self.wfile.write(body[: int(cut)] if cut else body)
                    if cut:
                        self.wfile.flush()
                        self.connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the client has hung up

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def server():
    """Return a server that is taken down at the end."""
    running = Server()
    yield running
    running.server.shutdown()
    running.server.server_close()


class Place:
    """A registry of one dataset, a mirror folder and a data folder."""

    def __init__(self, folder: Path, name: str, entry: dict[str, Any]) -> None:
        self.name, self.mirror, self.data = name, folder / "mirror", folder / "data"
        self.registry = folder / "datasets.yaml"
        self.entry = {"licence": "none", "citation": "made up"} | entry
        self.write()

    def write(self, **changes: Any) -> None:
        """Write the registry, with keys of the entry replaced."""
        self.entry |= changes
        self.registry.write_text(yaml.safe_dump({"datasets": {self.name: self.entry}}, sort_keys=False))

    def prepare(self, settings: dict[str, Any] | None = None, **config: Any) -> Path:
        """Prepare the dataset; from the network unless told otherwise."""
        data = {"folder": str(self.data), "mirror": None, "download": True} | config
        return prepare(self.name, data, settings, self.registry)

    def nothing_left(self) -> bool:
        """Say whether neither a table nor half of one is there."""
        left = [path for path in self.data.rglob("*") if path.is_file() and path.suffix != ".lock"]
        return not [path for path in left if "raw" not in path.parts or path.name.startswith(".")]


@pytest.fixture
def make_place(tmp_path):
    """`make_place(name, entry)` returns a `Place`."""
    return lambda name, entry: Place(tmp_path, name, entry)


def make_gesture(folder: Path) -> dict[str, str]:
    """Write the 14 files of a made-up Gesture; return their checksums."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    checksums = {}
    for video in gesture.VIDEOS:
        labels = rng.choice(list("DHPRS"), ROWS)
        raw = pd.DataFrame(rng.normal(size=(ROWS + 4, 18)).round(6), columns=gesture.COORDINATES)
        raw["timestamp"] = np.arange(ROWS + 4)
        raw["phase"] = ["Rest"] * 4 + [PHASES[label] for label in labels]
        processed = pd.DataFrame(rng.normal(size=(ROWS, 32)).round(8), columns=gesture.MOTIONS)
        processed["Phase"] = labels
        for name, table in ((f"{video}_raw.csv", raw), (f"{video}_va3.csv", processed)):
            table.to_csv(folder / name, index=False)
            checksums[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return checksums


@pytest.fixture
def made_up(tmp_path, server):
    """A Gesture whose archive `server` gives; `place.archive` holds its bytes."""
    mirror = tmp_path / "mirror" / "gesture"
    checksums = make_gesture(mirror)
    labels = pd.concat([pd.read_csv(mirror / f"{video}_va3.csv")["Phase"] for video in gesture.VIDEOS])
    entry = {
        "reader": "gesture",
        "sources": [{"mirror": "gesture"}, {"zip": f"{server.base}/data.zip", "name": "UCI"}],
        "files": checksums,
        "target": "Phase",
        "rows": 7 * ROWS,
        "features": 50,
        "class_counts": labels.value_counts().sort_index().to_dict(),
    }
    place = Place(tmp_path, "gesture", entry)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        for name in checksums:
            content.write(mirror / name, f"inner/{name}")
    place.archive = archive.getvalue()
    server.answers = [{"body": place.archive}]
    return place


def toy_table(rows: int = 40) -> pd.DataFrame:
    """A table of two features, one of them whole numbers, and a class."""
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {"size": rng.normal(size=rows), "count": rng.integers(0, 9, rows), "kind": ["no", "yes"] * (rows // 2)}
    )


@pytest.fixture
def toy(tmp_path, server):
    """A table set with the sources mirror and HTTPS; `place.csv` holds the bytes of its file."""
    csv = toy_table().to_csv(index=False).encode()
    entry = {
        "reader": "table",
        "sources": [{"mirror": "tabular"}, {"https": f"{server.base}/toy.csv", "name": "benchmark"}],
        "files": {"toy.csv": hashlib.sha256(csv).hexdigest()},
        "target": "kind",
        "rows": 40,
        "features": 2,
        "class_counts": {"no": 20, "yes": 20},
    }
    place = Place(tmp_path, "toy", entry)
    place.csv = csv
    server.answers = [{"body": csv}]
    return place
