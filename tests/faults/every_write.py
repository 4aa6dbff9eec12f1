"""Let every call that changes a file fail, one after another; run the same command again, and compare every byte.

    python tests/faults/every_write.py                       every call of a run, and of fit and save, every fault
    python tests/faults/every_write.py --points 40 --seed 7  so many of them, drawn by a seed
    python tests/faults/every_write.py --what pictures       of a run of convolutional networks
    python tests/faults/every_write.py --what workflow --points 2000  and of a small workflow: Snakemake and its jobs
    python tests/faults/every_write.py --memory              memory that runs out at 200 places instead
    python tests/faults/every_write.py --only run:31:EIO     one of them again, or several
    python tests/faults/every_write.py --points 2000 --outcome FILE  keep what was found; go on from there next time

`preload.c` counts the calls (open for writing, write, fsync, rename, link, mkdir and their kin) below a throw-away
folder, of a process and of all that it starts. A fault kills the process before the call, kills it after half of a
write, or is the error of a full disk, a broken one, or a forbidden file. Or the address space is limited to so many
thousandths of what an attempt adds to it. Every attempt is a fork of a process that has everything imported and
compiled. In a workflow the order of the calls of its processes, and so their numbers, may change by a few.
"""

import argparse
import ctypes
import errno
import importlib
import importlib.util
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
FAULTS = {"kill": -1, "torn": -2, "ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES}
#: The fault of memory that runs out: where, in thousandths of the address space that a whole attempt adds.
MEMORY, PARTS, MEMORY_POINTS = "memory", 1000, 200
#: First letters of the calls of which half can be done.
WRITES = "wp"
#: Bytes of the file that `preload.c` counts in, and of each count at its beginning.
NOTES, COUNT = 2 * 8 + (1 << 20), 8
#: An attempt that takes longer hangs.
SECONDS = 300
#: Points of which an outcome says at once what was found.
STRETCH = 20


def many_rows() -> tuple[Any, Any]:
    """Return rows and labels that are some megabytes."""
    import numpy as np

    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 20_000)
    return rng.normal(size=(3, 50))[y] + rng.normal(size=(len(y), 50)), y


def load(file: str):
    """Return a file of the tests as a module."""
    spec = importlib.util.spec_from_file_location(Path(file).stem, ROOT / "tests" / file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Attempt(NamedTuple):
    """What came of an attempt."""

    #: Exit code, or minus a signal.
    code: int
    said: str
    #: A letter for each call that counts.
    calls: str
    #: How often a record of a run got its name.
    records: int
    #: When it ended, in seconds since 1970.
    ended: float


class Subject:
    """What is struck; a large one takes memory worth the name."""

    #: Exit codes where a call failed, and where a process was killed.
    failed, killed = {0, 2}, {-signal.SIGKILL}

    def __init__(self, large: bool) -> None:
        self.large = large

    def warm(self) -> None:
        """Act here and not in a fork: what is compiled now is there for all."""
        assert self.act() == 0

    def lost(self, place: Path, left: dict[str, str], first: Attempt, second: Attempt) -> str:
        """Return what is wrong with what the first attempt had left, or with how the second went on from it."""
        raise NotImplementedError


class Run(Subject):
    """A training run with a checkpoint after every epoch."""

    path = "tiny/toy/fd_tse/eps3/seed0"

    def lay_out(self, place: Path) -> None:
        """Write configuration and data."""
        import yaml

        toy = load("cli/test_cli.py")
        toy.lay_out(place)
        config = yaml.safe_load((place / "config.yaml").read_text())
        config["training"] |= {"epochs": 8, "exploration_epochs": 4}
        if self.large:
            toy.write_data(place / "data", *many_rows())
            config["training"] |= {"hidden_layer_sizes": [4000, 4000], "epochs": 5, "exploration_epochs": 1}
            config["training"] |= {"batch_size": 1000}
        del config["experiments"]["tiny"][1]
        (place / "config.yaml").write_text(yaml.safe_dump(config))

    def act(self) -> int:
        """Train; return the exit code."""
        from truly_sparse.cli.main import main
        from truly_sparse.experiments import networks

        networks.CHECKPOINT_SECONDS = networks.CHECKPOINT_SHARE = 0
        return main(["run", self.path, "--config", "config.yaml"])

    def results(self, place: Path) -> dict[str, str]:
        """Return the hash of every file that was made, without times and what else belongs to the machine."""
        lasting = load("faults/soak.py")._lasting
        found = (path for path in sorted((place / "results").rglob("*")) if path.is_file() and path.suffix != ".lock")
        return {path.relative_to(place).as_posix(): sha256(lasting(path)).hexdigest() for path in found}

    def lost(self, place: Path, left: dict[str, str], first: Attempt, second: Attempt) -> str:  # noqa: ARG002
        """Return what is wrong with how the second attempt went on from what the first had left."""
        names = {Path(name).name for name in left}
        if "checkpoint.npz" in names and "going on after epoch" not in second.said:
            return f"a checkpoint was not used: {second.said}"
        return ""


class PictureRun(Run):
    """The same of two convolutional networks, of which the second comes of the first; memory is that of `Run`."""

    path = "tiny/toy/fd_tse/c2/seed0"

    def lay_out(self, place: Path) -> None:
        """Write configuration and data."""
        import numpy as np
        import yaml

        super().lay_out(place)
        config, rng = yaml.safe_load((place / "config.yaml").read_text()), np.random.default_rng(0)
        y = rng.integers(0, 3, 300)
        load("cli/test_cli.py").write_data(place / "data", rng.normal(size=(3, 64))[y] + rng.normal(size=(300, 64)), y)
        config["training"] |= {"architecture": "plain_cnn", "hidden_layer_sizes": [4, 6], "activation": "relu",
                               "dropout": 0.0}  # fmt: skip
        (own,) = config["experiments"]["tiny"]
        del own["epsilon"]
        config["experiments"]["tiny"] = [own | {"compression": [2]}]
        (place / "config.yaml").write_text(yaml.safe_dump(config))


class Fit(Subject):
    """An estimator that is fitted and saved over a model that is there."""

    def lay_out(self, place: Path) -> None:
        """Write the model that is there."""
        os.chdir(place)
        self._save(seed=1)

    def act(self) -> int:
        """Fit and save; return what a script's exit code would be."""
        try:
            self._save(seed=2)
        except (OSError, MemoryError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        return 0

    def _save(self, seed: int) -> None:
        from sklearn.datasets import load_iris

        from truly_sparse import SparseMLPClassifier, save_model

        model = SparseMLPClassifier(hidden_layer_sizes=(20,), epochs=8, random_state=seed)
        if self.large:
            model.set_params(hidden_layer_sizes=(4000, 4000), epochs=2, batch_size=1000)
        rows = many_rows() if self.large else load_iris(return_X_y=True)
        save_model(model.fit(*rows), "model.npz", training_state=True)

    def results(self, place: Path) -> dict[str, str]:
        """Return the hash of what is in every model that has its name, without seconds and the checksum of these.

        What a killed process had begun to write, under a hidden name, is nobody's model.
        """
        return {path.name: self._content(path) for path in sorted(place.glob("[!.]*"))}

    def _content(self, path: Path) -> str:
        import numpy as np

        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            return f"damaged: {error}"
        facts = json.dumps(_without_seconds(json.loads(arrays.pop("facts").tobytes())))
        whole = [facts.encode(), *(name.encode() + array.tobytes() for name, array in sorted(arrays.items()))]
        return sha256(b"".join(whole)).hexdigest()

    def lost(self, place: Path, left: dict[str, str], first: Attempt, second: Attempt) -> str:  # noqa: ARG002
        """Return what is wrong with what the first attempt had left."""
        return "" if "model.npz" in left else "the model that was there is gone"


class Workflow(Subject):
    """A workflow of a few jobs: data, a run, a table, a figure."""

    # Snakemake ends with 1 where a job failed, and a job may be what was killed.
    failed, killed = {0, 1, 2}, {0, 1, -signal.SIGKILL}

    def lay_out(self, place: Path) -> None:
        """Write what the workflow runs on."""
        import yaml

        soak = load("faults/soak.py")
        soak.lay_out(place)
        config = yaml.safe_load(soak.TINY)
        config["training"] = {"epochs": 13, "exploration_epochs": 3, "hidden_layer_sizes": [20, 20]}
        config["methods"] = {"fd_tse": {"model": "sparse", "strategy": "fd_tse"}}
        del config["experiments"]["table1"][1:]
        (place / "config/tiny.yaml").write_text(yaml.safe_dump(config))

    def warm(self) -> None:
        """Import; jobs are processes of their own, whose kernels are kept."""
        for name in ("snakemake.cli", "truly_sparse.cli.workflow", "truly_sparse.experiments.jobs.locks"):
            importlib.import_module(name)

    def act(self) -> int:
        """Run the documented command; return its exit code."""
        from truly_sparse.cli.main import main

        targets = load("faults/soak.py").TARGETS
        return main(["workflow", "--cores", "1", "--config", "config/tiny.yaml", "--", *targets])

    def results(self, place: Path) -> dict[str, str]:
        """Return the hash of every result, without times and what else belongs to the machine."""
        return load("faults/soak.py").results_below(place)

    def lost(self, place: Path, left: dict[str, str], first: Attempt, second: Attempt) -> str:  # noqa: ARG002
        """Return whether the one run was trained again though it had a record before the fault.

        A record says when its run finished, in whole seconds; the second attempt needs more than one to begin a run.
        """
        (file,) = place.glob("results/*/journal/runs/**/run.json")
        finished = datetime.fromisoformat(json.loads(file.read_text(encoding="utf-8"))["finished"])
        if first.records and finished.timestamp() > first.ended:
            return "a run that had finished was trained again"
        return ""


def _without_seconds(content: Any) -> Any:
    """Return what JSON holds without what is called seconds or a checksum."""
    if isinstance(content, dict):
        kept = {key: value for key, value in content.items() if key not in ("seconds", "sha256")}
        return {key: _without_seconds(value) for key, value in kept.items()}
    return [_without_seconds(value) for value in content] if isinstance(content, list) else content


SUBJECTS = {"run": Run, "pictures": PictureRun, "fit": Fit, "workflow": Workflow}


class Point(NamedTuple):
    """A call of a subject, or the room it is given, and how it fails."""

    subject: str
    call: int
    fault: str

    def __str__(self) -> str:
        return f"{self.subject}:{self.call}:{self.fault}"


class Attempts:
    """A subject in throw-away folders, each attempt a process of its own."""

    def __init__(self, name: str, folder: Path, large: bool) -> None:
        self.subject, self.folder, self.name = SUBJECTS[name](large), folder / name, name
        self.groups: list[int] = []
        self.shim = ctypes.CDLL(os.environ["LD_PRELOAD"])
        self.template = self.folder / "template"
        self.template.mkdir(parents=True)
        self.subject.lay_out(self.template)
        self.before = self.subject.results(self.template)
        place = self._fresh()
        os.chdir(place)
        self.subject.warm()
        place = self._fresh()
        whole = self._attempt(place)
        assert whole.code == 0, whole.said
        self.calls = whole.calls
        self.room = int((self.folder / "room").read_text())
        self.wanted = self.subject.results(place)

    def _fresh(self) -> Path:
        """Return a new place, once no job that outlived its workflow works on the old one."""
        for group in self.groups:
            _end_group(group)
        self.groups.clear()
        place = self.folder / "place"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.template, place)
        return place

    def _attempt(self, place: Path, point: Point | None = None) -> Attempt:
        """Act in a fork."""
        output, notes = self.folder / "said", self.folder / "notes"
        notes.unlink(missing_ok=True)  # a job that outlived its workflow goes on counting in the old one
        with notes.open("wb") as stream:
            stream.truncate(NOTES)
        child = os.fork()
        if not child:
            code = 1
            try:
                os.setpgid(0, 0)
                with output.open("w") as stream:
                    os.dup2(stream.fileno(), 1)
                    os.dup2(stream.fileno(), 2)
                os.chdir(place)
                begun = _address_space("VmSize")
                strikes = point is not None and point.fault in FAULTS
                call, kind = (point.call, FAULTS[point.fault]) if strikes else (0, 0)
                os.environ |= {"FAULTS_BELOW": str(place.resolve()), "FAULTS_NOTES": str(notes)}
                os.environ |= {"FAULTS_AT": str(call), "FAULTS_KIND": str(kind)}
                self.shim.faults_arm()
                if point is not None and point.fault == MEMORY:
                    limit = begun + self.room * point.call // PARTS
                    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
                code = self.subject.act()
                if point is None:
                    (self.folder / "room").write_text(str(_address_space("VmPeak") - begun))
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        self.groups.append(child)
        code = _end_of(child)
        ended = time.time()
        if code is None:
            return Attempt(99, f"no end after {SECONDS} s", "", 0, ended)
        found = notes.read_bytes()
        count, records = (int.from_bytes(found[at : at + COUNT], sys.byteorder) for at in (0, COUNT))
        calls = found[2 * COUNT : 2 * COUNT + count].decode()
        said = output.read_text(errors="replace")
        for own in (sys.prefix, str(ROOT)):  # an outcome names no folder of this machine
            said = said.replace(f"{own}/", "")
        return Attempt(code, said, calls, records, ended)

    def strike(self, point: Point) -> str:
        """Let a call fail and act again; return what is wrong, or nothing."""
        place = self._fresh()
        first = self._attempt(place, point)
        code, said = first.code, first.said
        killed = FAULTS.get(point.fault, 0) < 0
        if code not in (self.subject.killed if killed else self.subject.failed):
            return f"exit code {code}: {said[-600:]}"
        errors = [line for line in said.splitlines() if line.startswith("error: ")]
        if "Traceback" in said or len(errors) != (code == 2):
            return f"not one line: {said[-1500:]}"
        left = self.subject.results(place)
        for name, content in left.items():
            passing = "checkpoint.npz" in name or (killed and Path(name).name.startswith("."))
            if not passing and content not in (self.wanted.get(name), self.before.get(name)):
                return f"{name} was left half-made"
        second = self._attempt(place)
        if second.code:
            return f"the second attempt: exit code {second.code}: {second.said[-600:]}"
        found = self.subject.results(place)
        differing = sorted(name for name in {*self.wanted, *found} if self.wanted.get(name) != found.get(name))
        return f"other bytes: {', '.join(differing)}" if differing else self.subject.lost(place, left, first, second)


def _end_of(child: int) -> int | None:
    """Wait for a process; return its exit code, or minus a signal, or None where it had to be ended."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _end_group(group: int) -> None:
    """Kill what is left of a group of processes, and wait until it is gone."""
    while True:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            return
        time.sleep(0.002)


def _address_space(which: str) -> int:
    """Return the bytes of the address space of this process: VmSize now, VmPeak at most so far."""
    return int(re.search(rf"{which}:\s*(\d+)", Path("/proc/self/status").read_text())[1]) * 1024


def points(calls: dict[str, str], memory: bool, number: int | None, seed: int) -> list[Point]:
    """Return every call with every fault that it can have, or all places where memory runs out; or some of them."""
    if memory:
        every = [Point(name, part, MEMORY) for name in calls for part in range(0, PARTS, PARTS // MEMORY_POINTS)]
    else:
        every = [
            Point(name, place, fault)
            for name, letters in calls.items()
            for place, call in enumerate(letters, 1)
            for fault in FAULTS
            if fault != "torn" or call in WRITES
        ]
    return every if number is None else random.Random(seed).sample(every, min(number, len(every)))


class Outcome:
    """A file of what was found: what was asked and the calls then, then a line for each stretch of points."""

    def __init__(self, file: Path | None, asked: dict[str, Any], calls: dict[str, str]) -> None:
        self.file, self.calls, self._stretches = file, calls, list[dict[str, Any]]()
        if file is None:
            return
        if not file.exists():
            self._add(asked | {"calls": calls})
        head, *self._stretches = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        self.calls = head.pop("calls")
        if head != asked:
            raise SystemExit(f"error: {file} is of {head}")

    @property
    def done(self) -> int:
        """How many points were struck."""
        return sum(stretch["points"] for stretch in self._stretches)

    @property
    def bad(self) -> int:
        """How many of them came out badly."""
        return sum(len(stretch["bad"]) for stretch in self._stretches)

    def add(self, struck: int, bad: dict[str, str], seconds: float) -> None:
        """Add a stretch."""
        self._stretches.append({"points": struck, "bad": bad, "seconds": round(seconds, 1)})
        self._add(self._stretches[-1])

    def _add(self, line: dict[str, Any]) -> None:
        if self.file is not None:
            with self.file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")


def preloaded(arguments: list[str]) -> int:
    """Compile the shim and start this file again with it."""
    with tempfile.TemporaryDirectory() as folder:
        shim = Path(folder) / "preload.so"
        source = Path(__file__).with_name("preload.c")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", shim, source, "-ldl"], check=True)
        # What is freed goes back to the system, so that an attempt has to ask for it again.
        given_back = {"MALLOC_MMAP_THRESHOLD_": "16384", "MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_TOP_PAD_": "0"}
        environment = os.environ | given_back | {"LD_PRELOAD": str(shim)}
        return subprocess.run([sys.executable, __file__, *arguments], env=environment, check=False).returncode


def main(arguments: list[str]) -> int:
    """Strike; return 1 where something was lost or an attempt did not end well."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--what", choices=tuple(SUBJECTS), nargs="+", default=["run", "fit"])
    options.add_argument("--points", type=int)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--memory", action="store_true")
    either = options.add_mutually_exclusive_group()
    either.add_argument("--only", nargs="+", default=[], help="points, such as run:31:EIO")
    either.add_argument("--outcome", type=Path, help="keep what was found here, and go on from what it holds")
    asked = options.parse_args(arguments)
    if "LD_PRELOAD" not in os.environ:
        return preloaded(arguments)
    from truly_sparse.cli.main import one_thread

    one_thread()
    with tempfile.TemporaryDirectory() as folder:
        names = sorted({one.split(":")[0] for one in asked.only}) or asked.what
        memory = asked.memory or any(one.endswith(MEMORY) for one in asked.only)
        attempts = {name: Attempts(name, Path(folder).resolve(), large=memory) for name in names}
        wanted = {"what": names, "memory": memory, "points": asked.points, "seed": asked.seed}
        outcome = Outcome(asked.outcome, wanted, {name: one.calls for name, one in attempts.items()})
        chosen = points(outcome.calls, memory, asked.points, asked.seed)
        if asked.only:
            chosen = [point for point in points(outcome.calls, memory, None, 0) if str(point) in asked.only]
        while outcome.done < len(chosen):
            begun, bad = time.monotonic(), {}
            stretch = chosen[outcome.done : outcome.done + STRETCH]
            for point in stretch:
                problem = attempts[point.subject].strike(point)
                if problem:
                    bad[str(point)] = problem
                    print(f"{point}: {problem}", flush=True)
            outcome.add(len(stretch), bad, time.monotonic() - begun)
        os.chdir(ROOT)
    if memory:
        rooms = ", ".join(f"{one.room / 1e6:.0f} MB of {name}" for name, one in attempts.items())
        print(f"{len(chosen)} places where memory ran out ({rooms}), {outcome.bad} bad")
    else:
        calls = ", ".join(f"{len(letters)} of {name}" for name, letters in outcome.calls.items())
        print(f"{len(chosen)} faults at calls that change files ({calls}), {outcome.bad} bad")
    return 1 if outcome.bad or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
