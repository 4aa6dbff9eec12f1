"""Kill the workflow at random moments, run the documented command again, and compare every result byte by byte.

    python tests/faults/soak.py --kills 200 --folder /tmp/soak               kills of the workflow and its jobs
    python tests/faults/soak.py --kills 200 --folder /tmp/soak --what run    kills of a training run started by hand

The folder holds a throw-away checkout and an outcome (.jsonl), one line per kill point; the same command goes on where
it was.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).parents[2]
CHECKPOINT_SECONDS = 0.2
# Training, a table and a figure; the other tables of a preset hold times, which are never the same twice.
TARGETS = ("table1", "accuracy")
# Facts about one run of the clock and the machine, not results.
PASSING = ("seconds", "counters", "threads", "host", "code", "started", "finished", "peak_memory_bytes")

TINY = """
study: journal
preset: tiny
reuse_records: false
training: {epochs: 40, exploration_epochs: 20, hidden_layer_sizes: [300, 300]}
datasets:
  wine: {training: {batch_size: 32}}
methods:
  fd_tse: {model: sparse, strategy: fd_tse, training: {epochs: 300, exploration_epochs: 150}}
  dist_tse: {model: sparse, strategy: dist_tse}
  dense_ensemble:
    model: dense
    strategy: independent
    training: {exploration_epochs: 40, learning_rate: 0.001, activation: relu, refinement: none}
experiments:
  table1:
    - {datasets: [wine], methods: [fd_tse], epsilon: [10], seeds: [0]}
    - {datasets: [wine], methods: [dist_tse], epsilon: [10], distance_factor: [1.5], seeds: [0]}
    - {datasets: [wine], methods: [dense_ensemble], seeds: [0]}
"""


def small() -> str:
    """Return the quick preset without its largest dataset and the models that take longest, for slow machines."""
    config = yaml.safe_load((ROOT / "config/quick/journal.yaml").read_text(encoding="utf-8"))
    config |= {"preset": "small", "measurements": {"scalability": config["measurements"]["scalability"]}}
    del config["datasets"]["digits"], config["methods"]["dense_ensemble"]
    for block in config["experiments"]["table1"]:
        block["datasets"].remove("digits")
        block["methods"] = [method for method in block["methods"] if method in config["methods"]]
    return yaml.safe_dump(config)


# What is killed, and with what: the workflow alone (its jobs live on), all of it as in a power cut, or one job.
KINDS = {
    "workflow killed": (signal.SIGKILL, "workflow"),
    "workflow terminated": (signal.SIGTERM, "workflow"),
    "all killed": (signal.SIGKILL, "all"),
    "all terminated": (signal.SIGTERM, "all"),
    "job killed": (signal.SIGKILL, "job"),
    "job terminated": (signal.SIGTERM, "job"),
}
OF_A_RUN = {"run killed": (signal.SIGKILL, "all"), "run terminated": (signal.SIGTERM, "all")}
SUBJECTS = {"workflow": KINDS, "run": OF_A_RUN}


def lay_out(folder: Path, *more: str) -> None:
    """Copy what the workflow of the journal's study runs on, and more."""
    for name in ("workflow", "config", "profiles", "paper/journal", *more):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "paper/preamble.tex", "paper/references.bib"):
        shutil.copy(ROOT / name, folder / name)


class Checkout:
    """A copy of the repository in which a preset is run, killed and run again."""

    def __init__(self, folder: Path, preset: str) -> None:
        self.folder, self.preset = folder, preset
        if not folder.exists():
            lay_out(folder, "src")
            (folder / "config/tiny.yaml").write_text(TINY, encoding="utf-8")
            (folder / "config/small.yaml").write_text(small(), encoding="utf-8")
            networks = folder / "src/truly_sparse/experiments/networks.py"
            text = networks.read_text(encoding="utf-8")
            changed = text.replace("CHECKPOINT_SECONDS = 20.0", f"CHECKPOINT_SECONDS = {CHECKPOINT_SECONDS}")
            changed = changed.replace("CHECKPOINT_SHARE = 100", "CHECKPOINT_SHARE = 0")
            assert changed != text, "the interval between checkpoints is set elsewhere now"
            networks.write_text(changed, encoding="utf-8")

    def clean(self) -> None:
        """Remove everything that a workflow made."""
        for name in ("results", ".snakemake", "data", f"paper/{self.preset}"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def start(self) -> subprocess.Popen[bytes]:
        """Start the documented command in a process group of its own."""
        return self.call("snakemake", *TARGETS, "--cores", "2", "--configfile", f"config/{self.preset}.yaml")

    def call(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a module of Python in the checkout, in a process group of its own, with output.txt for what it says."""
        with (self.folder / "output.txt").open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(self.folder / "src")},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def finish(self) -> str:
        """Run the documented command to its end; return what is wrong, or an empty text."""
        code = self.start().wait()
        return "" if code == 0 else f"exit code {code}: {(self.folder / 'output.txt').read_text()[-2000:]}"

    def results(self) -> dict[str, str]:
        """Return the hash of every result."""
        return results_below(self.folder)


class Run(Checkout):
    """The same, for one training run started by hand."""

    run = "table1/wine/fd_tse/eps10/seed0"

    def clean(self) -> None:
        """Remove what the run made; its data are only read."""
        shutil.rmtree(self.folder / "results", ignore_errors=True)
        if not (self.folder / "data").exists():
            assert self.call("truly_sparse", "data", "wine", "--config", "config/tiny.yaml").wait() == 0

    def start(self) -> subprocess.Popen[bytes]:
        """Start the documented command in a process group of its own."""
        return self.call("truly_sparse", "run", self.run, "--config", "config/tiny.yaml")


def results_below(folder: Path) -> dict[str, str]:
    """Return the hash of every result, without times and what else belongs to one run of the machine."""
    found = {}
    for path in sorted([*folder.glob("data/*.parquet"), *folder.glob("results/*/**/*")]):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts[:-1])
        if path.is_file() and not hidden and "/logs/" not in name and "/config/" not in name:
            found[name] = sha256(_lasting(path)).hexdigest()
    return found


def _lasting(path: Path) -> bytes:
    if path.name == "run.json":
        record = json.loads(path.read_text(encoding="utf-8"))
        return json.dumps({key: value for key, value in record.items() if key not in PASSING}).encode()
    if path.name == "history.parquet":
        return repr(pq.read_table(path).drop_columns(["seconds"]).to_pylist()).encode()
    if path.parent.name == "tables":
        return "\n".join(line for line in path.read_text().splitlines() if ",train_time," not in line).encode()
    return path.read_bytes()


def jobs_of(workflow: int) -> list[int]:
    """Return the processes below a workflow that run the package."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    below = {workflow}
    for _ in range(4):
        below |= {child for child, parent in parents.items() if parent in below}
    return [pid for pid in sorted(below - {workflow}) if b"truly_sparse\0" in _command(pid)]


def _command(pid: int) -> bytes:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
    return b"" if command.split(b"\0")[0].endswith(b"sh") else command


def strike(workflow: subprocess.Popen[bytes], kind: str, chance: random.Random) -> bool:
    """Kill what `kind` says; return whether there was something to kill."""
    number, whom = (KINDS | OF_A_RUN)[kind]
    if workflow.poll() is not None:
        return False
    if whom == "workflow":
        workflow.send_signal(number)
    elif whom == "all":
        os.killpg(workflow.pid, number)
    else:
        jobs = jobs_of(workflow.pid)
        if not jobs:
            return False
        try:
            os.kill(chance.choice(jobs), number)
        except ProcessLookupError:
            return False
    workflow.wait()
    return True


def main() -> int:
    """Run the soak test; return 1 where a kill point ended in other results."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--what", choices=tuple(SUBJECTS), default="workflow")
    options.add_argument("--preset", choices=("tiny", "small", "quick"), default="tiny")
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()

    subject = Checkout if asked.what == "workflow" else Run
    checkout = subject(asked.folder / f"checkout-{asked.what}", asked.preset)
    outcome = asked.folder / f"{asked.what}.jsonl"
    lines = [json.loads(line) for line in outcome.read_text().splitlines()] if outcome.exists() else []
    if not lines:
        seconds = 0.0
        for _ in range(2):  # the first one also compiles the kernels
            checkout.clean()
            started = time.monotonic()
            problem = checkout.finish()
            assert not problem, problem
            seconds = time.monotonic() - started
        lines = [{"undisturbed": checkout.results(), "seconds": seconds}]
        outcome.write_text(json.dumps(lines[0]) + "\n", encoding="utf-8")
    for number in range(len(lines) - 1, asked.kills):
        chance = random.Random(asked.seed * 1_000_003 + number)
        lines.append({"kill": number, **kill(checkout, SUBJECTS[asked.what], lines[0], chance)})
        with outcome.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(lines[-1]) + "\n")
    points = lines[1:]
    bad = [point for point in points if point["problem"] or point["differing"]]
    for point in bad:
        print(json.dumps(point, indent=1))
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(Counter(point["kind"] for point in points).items()))
    compared = len(lines[0]["undisturbed"])
    print(f"{len(points)} kill points, {len(bad)} bad ({kinds}); {compared} result files compared at each")
    return 1 if bad else 0


def kill(checkout: Checkout, kinds: Iterable[str], wanted: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Kill at one random moment, run the command again, and return what came of it."""
    kind = ""
    while not kind:
        checkout.clean()
        started, moment = checkout.start(), chance.uniform(0.2, wanted["seconds"])
        time.sleep(moment)
        chosen = chance.choice(list(kinds))
        kind = chosen if strike(started, chosen, chance) else ""
        started.wait()
    problem, found, sound = checkout.finish(), checkout.results(), wanted["undisturbed"]
    differing = sorted(name for name in {*sound, *found} if sound.get(name) != found.get(name))
    return {"kind": kind, "second": round(moment, 2), "problem": problem, "differing": differing}


if __name__ == "__main__":
    sys.exit(main())
