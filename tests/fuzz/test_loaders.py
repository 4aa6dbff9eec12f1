"""What once failed under fuzzing, and sound files, read in a process of its own whose calls are watched."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from truly_sparse.engine import link_loops, store
from truly_sparse.experiments import configuration

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
    b"memory": lambda folder: (work(), bytearray(b"x") * (1 << 29)),
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


# In place of Atheris: ends as the fuzzer of each kind is told to.
FUZZER = """
import os, signal, sys
from pathlib import Path
ENDS = {ends!r}
def instrument_func(function):
    function.__code__  # what has none is refused
def Setup(arguments, trial):
    (prefix,) = (one.partition("=")[2] for one in arguments if one.startswith("-artifact_prefix="))
    global end, folder
    end, folder = ENDS[sys.argv[sys.argv.index("--what") + 1]], Path(prefix)
def Fuzz():
    if "harm" in end:
        (folder / "crash-1").write_bytes(b"bad")
    if "statistics" in end:
        print("stat::number_of_executed_units: 12", file=sys.stderr, flush=True)
    if "killed" in end:
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(77 if "failed" in end else 0)
"""


@pytest.fixture
def fuzz(tmp_path):
    """Return a function that fuzzes with such an Atheris; it returns what came of it and the lines of the outcome."""

    def call(**ends):
        (tmp_path / "atheris.py").write_text(FUZZER.format(ends=ends))
        outcome = tmp_path / "outcome.jsonl"
        command = [sys.executable, str(LOADERS), "--what", *ends, "--outcome", str(outcome), "--keep", "harm"]
        path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
        environment = os.environ | {"PYTHONPATH": path}
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
        lines = outcome.read_text().splitlines() if outcome.exists() else []
        return done, [{**json.loads(line), "seconds": 0} for line in lines]

    return call


def test_a_fuzzer_that_comes_to_its_end_is_an_outcome(fuzz, tmp_path):
    done, lines = fuzz(records=["statistics"])
    assert done.returncode == 0, done.stderr
    assert lines == [{"what": "records", "executions": 12, "harm": 0, "seconds": 0}]
    done, lines = fuzz(records=["harm", "statistics", "failed"])
    assert done.returncode == 1
    assert lines[1:] == [{"what": "records", "executions": 12, "harm": 1, "seconds": 0}]
    assert (tmp_path / "harm/records-crash-1").read_bytes() == b"bad"


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (["killed"], "said no statistics (exit code -9, 0 harm)"),
        (["failed"], "said no statistics (exit code 77, 0 harm)"),
        ([], "said no statistics (exit code 0, 0 harm)"),
        (["harm", "killed"], "said no statistics (exit code -9, 1 harm)"),
        (["statistics", "failed"], "ended with exit code 77, and no input did harm"),
    ],
    ids=" ".join,
)
def test_a_fuzzer_that_dies_is_said_and_is_no_outcome(fuzz, end, said):
    done, lines = fuzz(table=end, records=["statistics"])
    assert done.returncode == 1
    assert f"error: the fuzzer of table {said}" in done.stderr.splitlines()
    assert [line["what"] for line in lines] == ["records"]


def test_readers_are_instrumented_and_compiled_functions_are_not():
    functions_of = runpy.run_path(str(LOADERS))["functions_of"]
    names = {function.__qualname__ for function in functions_of(store)}
    assert {"load", "build"} <= names
    assert "load_config" in {function.__qualname__ for function in functions_of(configuration)}
    assert not list(functions_of(link_loops))
