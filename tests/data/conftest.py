"""A made-up Gesture: the real file format, a few rows a video, a registry that fits, and a server on the loopback."""

import hashlib
import http.server
import io
import threading
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml

from truly_sparse.data import gesture

ROWS = 12  # of each processed file
PHASES = {"D": "Rest", "H": "Hold", "P": "Preparation", "R": "Retraction", "S": "Stroke"}


def make_files(folder):
    """Write the 14 files; return their checksums."""
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


class Server:
    """A real HTTP server whose answers a test sets: a list of (status, body, promised length or None)."""

    def __init__(self):
        self.answers, self.asked = [], 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, body, length = outer.answers[min(outer.asked, len(outer.answers) - 1)]
                outer.asked += 1
                self.send_response(status)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/data.zip"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def server():
    """Return a server that is taken down at the end."""
    running = Server()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def made_up(tmp_path, server):
    """Return (mirror folder, registry file, bytes of a zip with all files, folder for the results)."""
    mirror = tmp_path / "mirror"
    checksums = make_files(mirror / "gesture")
    labels = pd.concat([pd.read_csv(mirror / "gesture" / f"{video}_va3.csv")["Phase"] for video in gesture.VIDEOS])
    registry = {
        "datasets": {
            "gesture": {
                "sources": {"mirror": "gesture", "zip": server.url, "files": checksums},
                "target": "Phase",
                "rows": 7 * ROWS,
                "features": 50,
                "class_counts": labels.value_counts().sort_index().to_dict(),
                "licence": "none",
                "citation": "made up",
            }
        }
    }
    (tmp_path / "datasets.yaml").write_text(yaml.safe_dump(registry, sort_keys=False))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        for name in checksums:
            content.write(mirror / "gesture" / name, f"inner/{name}")
    return mirror, tmp_path / "datasets.yaml", archive.getvalue(), tmp_path / "data"
