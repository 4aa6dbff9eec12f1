"""Validate an RO-Crate with rocrate-validator, which needs no network: its JSON-LD context comes with the library rocrate.

    make crate
"""

import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

import requests
from requests_cache import CachedSession

CONTEXT = "https://w3id.org/ro/crate/1.3/context"


def main() -> int:
    """Validate the folder named on the command line; return the exit code of the validator."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        session = CachedSession(str(cache), backend="sqlite", expire_after=-1)
        answer = requests.Response()
        answer.status_code, answer.url = 200, CONTEXT
        answer.headers["Content-Type"] = "application/ld+json"
        answer._content = files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
        answer.request = requests.Request("GET", CONTEXT).prepare()
        session.cache.save_response(answer)
        session.close()
        options = ["--offline", "--cache-path", str(cache), "--no-paging", sys.argv[1]]
        return subprocess.run([Path(sys.executable).with_name("rocrate-validator"), "-y", "validate", *options]).returncode


if __name__ == "__main__":
    sys.exit(main())
