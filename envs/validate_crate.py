"""Validate a Provenance Run Crate with rocrate-validator, without a network: its context comes with the library.

make crate
"""

import json
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
PROFILE = "provenance-run-crate"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
#: The library's context is of a later version; of what our crates say, this term has another address there.
CHANGED = {"ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow"}


class Bundled(requests.adapters.HTTPAdapter):
    """Answers every request with the context that comes with rocrate."""

    def send(self, request: requests.PreparedRequest, **_: object) -> requests.Response:
        """Return the answer that the network would give."""
        context = json.loads(files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes())
        context["@context"] |= CHANGED
        content = json.dumps(context).encode()
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
        options = ["--profile-identifier", PROFILE, "--offline", "--cache-path", str(cache), "--no-paging", "--verbose"]
        return subprocess.run([sys.executable, "-c", VALIDATOR, "-y", "validate", *options, sys.argv[1]]).returncode


if __name__ == "__main__":
    sys.exit(main())
