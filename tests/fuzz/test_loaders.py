"""What once failed under fuzzing, and sound files, read in a process of its own whose calls are watched."""

import re
import subprocess
import sys
from pathlib import Path

LOADERS = Path(__file__).with_name("loaders.py")
HARM = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
import loaders
from pathlib import Path
from truly_sparse.errors import UserError
def raise_(error):
    raise error
def work():
    while time.process_time() - began < 1.1:
        pass
HARM = {
    b"write": lambda folder: (folder.parent / "x").write_text(""),
    b"mkdir": lambda folder: os.mkdir(folder.parent / "y"),
    b"inside": lambda folder: os.mkdir(folder / "y"),
    b"slow": lambda folder: work(),
    b"lines": lambda folder: raise_(UserError("two\\nlines")),
    b"refused": lambda folder: raise_(UserError("one line")),
    b"crash": lambda folder: raise_(KeyError("x")),
    b"memory": lambda folder: bytearray(b"x") * (1 << 29),
}
class Bad(loaders.Records):
    def read(self, content, folder):
        HARM.get(content, lambda folder: None)(folder)
loaders.KINDS["records"] = Bad
folder = Path(sys.argv[2]) / "own"
folder.mkdir()
trial = loaders.Trial("records", folder)
for content in HARM:
    began = time.process_time()
    try:
        trial(content)
        print(content.decode(), "no harm")
    except Exception as error:
        print(content.decode(), " ".join(f"{type(error).__name__} {error}".split()))
"""


def test_the_corpus_does_no_harm():
    command = [sys.executable, "-W", "ignore", str(LOADERS), "--replay"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "inputs, none did harm" in done.stdout


def test_harm_is_noticed(tmp_path):
    command = [sys.executable, "-c", HARM, str(LOADERS.parent), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert found["write"].startswith("RuntimeError outside its folder: open")
    assert found["mkdir"].startswith("RuntimeError outside its folder: os.mkdir")
    assert found["inside"] == found["refused"] == "no harm"
    assert re.fullmatch(r"RuntimeError \d+\.\d s", found["slow"])
    assert found["lines"] == "RuntimeError more than one line: two lines"
    assert found["crash"] == "KeyError 'x'"
    assert found["memory"].endswith("bytes more")
