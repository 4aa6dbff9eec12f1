"""Validate an RO-Crate with rocrate-validator, without a network: the JSON-LD context comes with the library rocrate.

make crate
"""

import subprocess
import sys
import tempfile
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import requests
from requests_cache import CachedSession
from urllib3 import HTTPResponse

VALIDATOR = "from rocrate_validator.cli import cli; cli()"
CONTEXT = "https://w3id.org/ro/crate/1.3/context"


class Bundled(requests.adapters.HTTPAdapter):
    """Answers every request with the context that comes with rocrate."""

    def send(self, request: requests.PreparedRequest, **_: object) -> requests.Response:
        """Return the answer that the network would give."""
        content = files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
        headers = {"Content-Type": "application/ld+json"}
        raw = HTTPResponse(BytesIO(content), headers, 200, preload_content=False, request_url=request.url)
        return self.build_response(request, raw)


def main() -> int:
    """Validate the folder named on the command line; return the exit code of the validator."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        session = CachedSession(str(cache), backend="sqlite", expire_after=-1)
        session.mount("https://w3id.org/", Bundled())
        session.get(CONTEXT)
        session.close()
        options = ["--offline", "--cache-path", str(cache), "--no-paging", "--verbose", sys.argv[1]]
        return subprocess.run([sys.executable, "-c", VALIDATOR, "-y", "validate", *options]).returncode


if __name__ == "__main__":
    sys.exit(main())
