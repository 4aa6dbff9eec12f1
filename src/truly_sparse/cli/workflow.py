"""The workflow as a person watches it: one bar with an estimate; everything that Snakemake says goes into a file.

Snakemake runs in this very process, so that exit codes, signals and locks are its own.
"""

import os
import re
import runpy
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from tqdm import tqdm

from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration import load_configs

LOGS = Path("results/logs/workflow")
MOST_CORES = 1_000_000
#: Lines of an estimate where nobody watches, and lines of a log shown where a job failed.
LINES = TAIL = 10
SECONDS = 0.2
_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} steps, {remaining} left{postfix}"
_TOTAL = re.compile(r"total\s+(\d+)$")
_PLANNED = re.compile(r"\S+: [\d,]+ runs to train, ")
_STEPS = re.compile(r"(\d+) of (\d+) steps \(")
_RULE = re.compile(r"(?:local)?(?:rule|checkpoint) (\w+):$")
#: What ended Snakemake itself; what was printed before may lack its end of line, and frames lie apart.
_RAISED = re.compile(r"Traceback \(most recent call last\):\n(?:^(?: .*)?\n)+^(\S.*)\s*\Z", re.MULTILINE)
_FAILED = re.compile(r"^Error in (?:rule|checkpoint) (\w+):\n(?:^ +.*\n)*?^ +log: (.+?) \(check", re.MULTILINE)


def run(file: str | None, cores: str, more: Sequence[str]) -> int:
    """Run Snakemake on a configuration; return its exit code.

    Parameters
    ----------
    file : str, optional
        Configuration file of a study or a preset; None for every study at full scale.
    cores : str
        A number, or "all".
    more : sequence of str
        Targets and options of Snakemake.

    Raises
    ------
    UserError
        For a number of cores that is none, or a configuration that cannot be read.
    """
    if cores != "all" and not 0 < int(cores if cores.isdecimal() else 0) <= MOST_CORES:
        raise UserError(f"--cores is {cores}; give a whole number from 1 to {MOST_CORES:,}, or all")
    name = load_configs([file] if file else [])[0]["preset"]
    log = LOGS / f"{datetime.now():%Y-%m-%dT%H-%M-%S-%f}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"{name}: planning; log: {log}", file=sys.stderr)
    began = time.monotonic()
    with _into(log) as terminal, _watched(log, name, terminal) as progress:
        code = _snakemake([*(["--configfile", file] if file else []), "--cores", cores, *more])
    seconds = time.monotonic() - began
    if code:
        print(f"{what_failed(log)}\n{name}: stopped after {seconds:.0f} s; log: {log}", file=sys.stderr)
    else:
        done = f"{progress.done} steps in {seconds:.0f} s" if progress.done else "nothing to do"
        print(f"{name}: {done}", file=sys.stderr)
    return code


def _snakemake(arguments: Sequence[str]) -> int:
    """Do what `python -m snakemake` does; return its exit code."""
    before, sys.argv = sys.argv, ["snakemake", *arguments]
    try:
        runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return int(end.code or 0)
    except KeyboardInterrupt:  # before the first job; later Snakemake ends its jobs and exits
        return 130
    finally:
        sys.argv = before
    return 0


@contextmanager
def _into(log: Path) -> Iterator[IO[str]]:
    """Send what this process and its children print into a file; yield a stream that still goes to the terminal."""
    kept = [os.dup(number) for number in (1, 2)]  # not inherited: no job holds the terminal
    sys.stdout.flush()
    sys.stderr.flush()
    with (
        log.open("wb") as stream,
        os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding, errors="replace") as terminal,
    ):
        for number in (1, 2):
            os.dup2(stream.fileno(), number)
        try:
            yield terminal
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, before in zip((1, 2), kept, strict=True):
                os.dup2(before, number)
                os.close(before)


class Progress:
    """How far a workflow is, as its log says: a bar in a terminal, else a plain line now and then."""

    def __init__(self, name: str, terminal: IO[str]) -> None:
        self.name, self.terminal, self.done = name, terminal, 0
        # Long jobs come first, so that only the latest steps say how long the next will take.
        self.ends = deque([time.monotonic()], maxlen=LINES + 1)
        self.bar: tqdm | None = None

    def read(self, line: str) -> None:
        """Take what one line of the log says."""
        if total := _TOTAL.match(line):
            self._to(self.done, int(total[1]))
        elif steps := _STEPS.match(line):
            self._to(int(steps[1]), int(steps[2]))
        elif _PLANNED.match(line):
            print(line, file=self.terminal, flush=True)
        elif self.bar is not None and (rule := _RULE.match(line)):
            self.bar.set_postfix_str(rule[1])

    def _to(self, done: int, total: int) -> None:
        before, self.done = self.done, done
        self.ends.extend([time.monotonic()] * (done - before))
        if self.bar is None and self.terminal.isatty() and os.get_terminal_size(self.terminal.fileno()).columns:
            self.bar = tqdm(
                desc=self.name, total=total, file=self.terminal, smoothing=0.1, bar_format=_BAR, dynamic_ncols=True
            )
        if self.bar is not None:
            self.bar.total = total
            self.bar.update(done - before)
        elif done < total and done * LINES // total > before * LINES // total:
            left = (self.ends[-1] - self.ends[0]) / (len(self.ends) - 1) * (total - done)
            print(f"{self.name}: {done} of {total} steps, about {left:.0f} s left", file=self.terminal, flush=True)

    def tick(self) -> None:
        """Let the clock of the bar go on."""
        if self.bar is not None:
            self.bar.refresh()

    def close(self) -> None:
        """End the bar."""
        if self.bar is not None:
            self.bar.close()


@contextmanager
def _watched(log: Path, name: str, terminal: IO[str]) -> Iterator[Progress]:
    """Show how far a workflow is while its log grows."""
    progress, over = Progress(name, terminal), threading.Event()

    def watch() -> None:
        rest = ""
        with log.open(encoding="utf-8", errors="replace") as stream:
            while True:
                last = over.wait(SECONDS)
                *lines, rest = (rest + stream.read()).split("\n")
                for line in lines:
                    progress.read(line)
                progress.tick()
                if last:
                    return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield progress
    finally:
        over.set()
        watcher.join()
        progress.close()


def what_failed(log: Path) -> str:
    """Return the end of the log of the job that failed first; of the workflow's own where it was none.

    Of a traceback of Snakemake's own that is its last line: the rest stays in the log.
    """
    said = log.read_text(encoding="utf-8", errors="replace")
    failed, raised = _FAILED.search(said), _RAISED.search(said)
    if raised and not failed:
        return f"Snakemake ended with {raised[1]}"
    lines: list[str] = []
    if failed:
        own = Path(failed[2])
        lines = own.read_text(encoding="utf-8", errors="replace").splitlines() if own.exists() else []
    if not failed or not lines:
        return "\n".join([line for line in said.splitlines() if line.strip()][-TAIL:])
    return "\n".join([f"{failed[1]} failed; the end of {own}:", *(f"  {line}" for line in lines[-TAIL:])])
