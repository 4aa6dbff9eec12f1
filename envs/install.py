"""`pip install` into the environment of this Python, by uv where it works, which takes several packages at a time.

.venv/bin/python envs/install.py --require-hashes -r envs/run.lock

uv comes from a hashed lock of its own. It does not read what pip was told about indexes, so that it is handed on.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

UV = Path(sys.executable).with_name("uv")
LOCK = Path(__file__).with_name("installer.lock")
PIP = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
#: pip's settings, and the variable and separator in which uv takes them.
TOLD = {
    "index-url": ("UV_DEFAULT_INDEX", ""),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "no-index": ("UV_NO_INDEX", ""),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", ""),
}


def environment() -> dict[str, str]:
    """Return the environment for uv, with pip's settings in it."""
    # Hashes say what is installed, so that any of the indexes may give it.
    told = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    for line in said.splitlines():
        name, _, value = line.partition("=")
        if variable := TOLD.get(name.rpartition(".")[2]):
            told[variable[0]] = variable[1].join(str(ast.literal_eval(value)).split())
    return told | os.environ


def with_uv(arguments: list[str]) -> str:
    """Install with uv; return why it could not, or an empty text."""
    if not UV.exists() and subprocess.run([*PIP, "--require-hashes", "-r", LOCK], capture_output=True).returncode:
        return "it is not to be had"
    command = [UV, "pip", "install", "--quiet", "--python", sys.executable, *arguments]
    done = subprocess.run(command, env=environment(), stderr=subprocess.PIPE, text=True)
    return (done.stderr.strip().splitlines() or ["it failed"])[-1].strip() if done.returncode else ""


def main(arguments: list[str]) -> int:
    """Install; return the exit code."""
    if why := with_uv(arguments):
        print(f"pip installs instead of uv, which takes longer ({why})", flush=True)
        return subprocess.run([*PIP, *arguments]).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
