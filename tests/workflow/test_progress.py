"""`truly-sparse workflow`: one bar or a line now and then, a named log, and kills and exit codes as without it."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time

import pytest

from truly_sparse.cli.workflow import what_failed

COMMAND = [sys.executable, "-m", "truly_sparse", "workflow", "--cores", "2", "--config", "config/small.yaml"]
FAILING = "table1/wine/fd_tse/eps20/seed0"


class Terminal:
    """A command that was started in a terminal of 100 columns."""

    def __init__(self, checkout, *arguments, **environment):
        self.here, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=checkout.folder,
            env=os.environ | {"PYTHONPATH": str(checkout.folder / "src")} | environment,
            stdin=there,
            stdout=there,
            stderr=there,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(there)
        self.shown = ""

    def read(self, until=None):
        """Read until a pattern has been shown, or to the end; return all that was shown."""
        while until is None or not re.search(until, self.shown):
            try:
                more = os.read(self.here, 4096)
            except OSError:  # the other side is closed
                more = b""
            if not more:
                break
            self.shown += more.decode("utf-8", "replace")
        return self.shown


def test_a_line_now_and_then_where_nobody_watches_and_everything_in_the_log(finished):
    first, planned, *lines, last = finished.said.splitlines()
    assert re.fullmatch(r"small/journal: 6 runs to train, at most [\d.]+e\+\d+ multiply-adds", planned)
    steps = finished.log().count(" steps (")
    log = re.fullmatch(r"small: planning; log: (results/logs/workflow/\S+\.log)", first)[1]
    assert (finished.folder / log).read_text().count("rule train:") == 6
    assert 5 <= len(lines) <= 10 < steps
    for line in lines:
        assert re.fullmatch(rf"small: \d+ of {steps} steps, about \d+ s left", line)
    assert re.fullmatch(rf"small: {steps} steps in \d+ s", last)


def test_a_terminal_shows_one_bar_and_nothing_else(finished):
    terminal = Terminal(finished, "table1", "--", "--forcerun", "table1", "table")
    lines = [line for line in re.split(r"[\r\n]+", terminal.read()) if line.strip()]
    assert terminal.process.wait() == 0
    assert lines[0].startswith("small: planning; log: ")
    assert re.fullmatch(r"small: 2 steps in \d+ s", lines[-1])
    assert all(re.match(r"small: +\d+%\|.*\| \d of 2 steps, [\d:?]+ left", line) for line in lines[1:-1])
    assert "100%" in lines[-2]
    assert max(map(len, lines[1:])) <= 100


def test_nothing_to_do_is_said(finished):
    done = finished.workflow("config/small.yaml")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1:] == ["small: nothing to do"]
    assert "Nothing to be done" in finished.log()


@pytest.fixture
def lacking(finished):
    """A checkout in which one run and the table that shows it have to be made."""
    for name in (f"runs/{FAILING}/run.json", f"logs/train/{FAILING}.log", "tables/table1.csv"):
        (finished.folder / "results/small/journal" / name).unlink()
    return finished


def test_a_job_that_fails_shows_the_end_of_its_log(lacking):
    failed = lacking.workflow("config/small.yaml", "table1", STUB_FAIL=FAILING)
    assert failed.returncode == 1
    assert failed.stdout.splitlines()[-3:-1] == [
        f"train failed; the end of results/small/journal/logs/train/{FAILING}.log:",
        "  error: this run was told to fail",
    ]
    assert re.match(r"small: stopped after \d+ s; log: results/logs/workflow/", failed.stdout.splitlines()[-1])


def test_a_workflow_that_cannot_begin_says_why(finished):
    refused = finished.workflow("config/small.yaml", "table9")
    assert refused.returncode == 1
    assert "table9" in refused.stdout
    wrong = finished.workflow("config/smal.yaml")
    assert wrong.returncode == 2
    assert wrong.stdout.startswith("error: config/smal.yaml: cannot read the configuration")


def test_of_a_traceback_of_snakemake_only_its_last_line_is_shown(tmp_path):
    log = tmp_path / "workflow.log"
    for before in ("", "No end of line.", "Building a DAG.\n"):
        trace = 'Traceback (most recent call last):\n  File "cli.py", line 1, in main\n    print()\n\n    ^^^^^\n\n'
        log.write_text(f"{before}{trace}OSError: [Errno 28] No space left on device\n\n")
        assert what_failed(log) == "Snakemake ended with OSError: [Errno 28] No space left on device"
    log.write_text(f"{trace}OSError: in a job\nShutting down.\n")
    assert what_failed(log).splitlines()[-2:] == ["OSError: in a job", "Shutting down."]


def test_it_is_the_process_of_snakemake_which_ctrl_c_ends_with_its_jobs(lacking):
    terminal = Terminal(lacking, "table1", STUB_SLEEP="60")
    terminal.read(until=r"0 of \d steps.*train")
    while not (lacking.folder / f"results/small/journal/logs/train/{FAILING}.log").exists():
        assert terminal.process.poll() is None
        time.sleep(0.05)
    held = json.loads((lacking.folder / ".snakemake/truly-sparse.lock").read_text())
    assert held["process"] == terminal.process.pid
    time.sleep(1)  # the log is there before Snakemake waits for its job
    os.write(terminal.here, b"\x03")
    terminal.read()
    assert terminal.process.wait(30) == 1
    assert "stopped after" in terminal.shown
    assert lacking.snakemake("table1", "--configfile", "config/small.yaml").count("rule train:") == 1
