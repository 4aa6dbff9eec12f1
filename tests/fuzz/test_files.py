"""Spoilt network files and checkpoints, in a process of its own: one that got to the kernels could end it."""

import os
import subprocess
import sys
from pathlib import Path

CASES = os.environ.get("TRULY_SPARSE_FUZZ_CASES", "2000")


def test_no_spoilt_file_does_harm():
    fuzz = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("files.py")), "--cases", CASES]
    done = subprocess.run(fuzz, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"{CASES} spoilt files, none did harm" in done.stdout
