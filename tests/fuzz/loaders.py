"""Everything that reads a file, under fuzzing that is led by the branches of the readers.

    python tests/fuzz/loaders.py --replay                             the sound files and the corpus, without a fuzzer
    python tests/fuzz/loaders.py --what records --runs 1000000        led by Atheris, where that is installed
    python tests/fuzz/loaders.py --what images --input FILE           one input again

Atheris is no part of any lock; `pip install atheris` where there is a wheel for the Python at hand. With --outcome FILE
a line with the number of executions is added there, for all kinds or those named. An input fails where anything but the
error that is documented leaves a reader, that is more than one line, it takes a second of processor time or a lot of
memory, or something is written, started or asked for outside a folder of its own. What failed once lies in `corpus`.

Archives are not fuzzed as they are: all but few changes would only spoil their checksums. An input is a list of names
and contents, of which a sound archive is made; facts of models and checkpoints get the checksum that they should have.
"""

import argparse
import contextlib
import gzip
import hashlib
import importlib
import inspect
import io
import json
import math
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, cast

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
#: What is looked into by the fuzzer: readers alone, since compiled functions must stay as they are.
INSTRUMENTED = (
    "truly_sparse.data.images", "truly_sparse.data.registry", "truly_sparse.data.stream", "truly_sparse.data.verify",
    "truly_sparse.engine.convolution.layers", "truly_sparse.engine.convolution.stored", "truly_sparse.engine.store",
    "truly_sparse.estimators.archives", "truly_sparse.estimators.model_files",
    "truly_sparse.experiments.configuration", "truly_sparse.experiments.records", "truly_sparse.schema",
    "truly_sparse.training.checkpoint", "numpy.lib._format_impl", "yaml.constructor",
)  # fmt: skip
#: Processor seconds, and bytes of memory beyond what sound files take.
SECONDS, MEMORY = 1.0, 1 << 28
#: Calls that change files or start something; opening is looked at by itself.
FORBIDDEN = ("os.", "shutil.", "subprocess.", "socket.connect", "pickle.find_class")
HARMLESS = ("os.listdir", "os.scandir", "os.walk", "os.fwalk", "os.getxattr", "os.listxattr")
SHAPE = (3, 2, 2)
#: What is given to a model that was read.
COLUMNS = 1000


class Watch:
    """Notes what is done outside a folder while a reader is at work."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.active, self.seen = f"{folder}{os.sep}", False, ""
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            if not writes or str(path).startswith(self.folder):
                return
        else:
            inside = bool(arguments) and str(arguments[0]).startswith(self.folder)
            if inside or event in HARMLESS or not event.startswith(FORBIDDEN):
                return
        self.seen = self.seen or f"{event} {arguments}"


def packed(entries: dict[str, bytes]) -> bytes:
    """Return names and contents as an input."""
    parts = ((name.encode(), content) for name, content in entries.items())
    return b"".join(bytes([len(name)]) + name + len(content).to_bytes(3, "little") + content for name, content in parts)


def unpacked(content: bytes) -> dict[str, bytes]:
    """Return what `packed` was given; of other bytes, whatever they can be."""
    found, at = {}, 0
    while at < len(content):
        name = content[at + 1 : at + 1 + content[at]].decode("latin-1")
        at += 1 + content[at]
        size = int.from_bytes(content[at : at + 3], "little")
        found[name] = content[at + 3 : at + 3 + size]
        at += 3 + size
    return found


def archive(entries: dict[str, bytes]) -> bytes:
    """Return an .npz file of arrays, whose facts are JSON without a header."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name, content in entries.items():
            if not name.startswith("\0"):  # which ends a name: zipfile writes no file without one
                made.writestr(f"{name}.npy", array(content) if name == "facts" else content)
    return stream.getvalue()


def array(content: bytes) -> bytes:
    """Return bytes as the content of an .npy file."""
    import numpy as np

    stream = io.BytesIO()
    np.save(stream, np.frombuffer(content, np.uint8), allow_pickle=False)
    return stream.getvalue()


def entries_of(file: bytes) -> bytes:
    """Return the input that stands for an .npz file."""
    import numpy as np

    with zipfile.ZipFile(io.BytesIO(file)) as found:
        entries = {name.removesuffix(".npy"): found.read(name) for name in found.namelist()}
    if "facts" in entries:
        entries["facts"] = np.load(io.BytesIO(entries["facts"])).tobytes()
    return packed(entries)


def forged(entries: dict[str, bytes]) -> dict[str, bytes]:
    """Return entries whose facts have the right checksum, where they are such that there is one."""
    import numpy as np

    from truly_sparse.training.checkpoint import digest

    try:
        facts = json.loads(entries["facts"])
        facts.pop("sha256", None)
        arrays = {
            name: np.load(io.BytesIO(own), allow_pickle=False) for name, own in entries.items() if name != "facts"
        }
        facts["sha256"] = digest(facts, arrays)
        return entries | {"facts": json.dumps(facts).encode()}
    except Exception:  # what is no facts, or no array, is left as it is
        return entries


class Kind:
    """Files of one kind: sound ones, and what reads them."""

    refusals = "truly_sparse.errors:UserError"
    #: Bytes of an input, at most: text that is longer says no more, and takes long.
    longest = 100_000

    def seeds(self, folder: Path) -> list[bytes]:
        """Return inputs that stand for sound files."""
        raise NotImplementedError

    def read(self, content: bytes, folder: Path) -> Any:
        """Write the file that an input stands for, and read it."""
        raise NotImplementedError

    def use(self, found: Any) -> None:
        """Use what was read, which may take long."""


class Networks(Kind):
    """Files of networks, as a list of arrays or, after a first zero, as they are."""

    def seeds(self, folder: Path) -> list[bytes]:
        files = importlib.import_module("files")
        sound = files.originals(folder)
        return [b"1" + entries_of(sound[name]) for name in ("bfloat16", "dense")] + [
            b"\0" + sound["dense"],
            self.maps(),
        ]

    def maps(self) -> bytes:
        import numpy as np

        from truly_sparse.engine import store, topology
        from truly_sparse.engine.convolution.layers import Convolution, MaxPool, Plan
        from truly_sparse.engine.convolution.network import SparseCNN

        layers = [Convolution((0,), 2, activation="none"), MaxPool(1), Convolution((2,), 2, 1, 0, True, pool="global")]
        rng, plan = np.random.default_rng(0), Plan((1, 4, 4), layers)
        links = {(i, j): topology.bernoulli(plan.sizes[i] * plan.sizes[j], 0.5, rng) for i, j in plan.pairs}
        stream = io.BytesIO()
        np.savez(stream, **store.snapshot(SparseCNN.start((1, 4, 4), layers, links, rng)))
        return b"1" + entries_of(stream.getvalue())

    def read(self, content: bytes, folder: Path) -> None:
        from truly_sparse.engine import store

        path = folder / "network.npz"
        path.write_bytes(content[1:] if content[:1] == b"\0" else archive(unpacked(content[1:])))
        network = store.load(path)
        importlib.import_module("files").obviously_sound(network)


class Checkpoints(Kind):
    """Checkpoints of a run that has not begun."""

    def seeds(self, folder: Path) -> list[bytes]:
        return [entries_of(importlib.import_module("files").originals(folder)["checkpoint"])]

    run = None

    def read(self, content: bytes, folder: Path) -> None:
        from truly_sparse.errors import UserError
        from truly_sparse.training import checkpoint

        files = importlib.import_module("files")
        path, self.run = folder / "checkpoint.npz", self.run or files.trainer()
        path.write_bytes(archive(forged(unpacked(content))))
        reason = checkpoint.restore(self.run, path, files.IDENTITY)
        if reason is not None:
            raise UserError(reason)
        files.obviously_sound(self.run.network)
        self.run = None


class Models(Kind):
    """Files of estimators; what is read must predict, if it takes few columns."""

    def seeds(self, folder: Path) -> list[bytes]:  # noqa: ARG002
        files = sorted((HERE.parent / "estimators/files").glob("*.npz"))
        return [entries_of(path.read_bytes()) for path in files]

    def read(self, content: bytes, folder: Path) -> Any:
        from truly_sparse import load_model

        (folder / "model.npz").write_bytes(archive(forged(unpacked(content))))
        return load_model(folder / "model.npz")

    def use(self, model: Any) -> None:
        import numpy as np

        shape = getattr(model, "picture_shape_", (model.n_features_in_,))
        if math.prod(shape) <= COLUMNS:
            rows = np.zeros((2, *shape))
            rows[:, list(getattr(model, "categories_", ()))] = np.nan  # of no category, be they text or numbers
            model.predict(rows)


class Records(Kind):
    """Lines of records."""

    longest = 5_000

    def seeds(self, folder: Path) -> list[bytes]:  # noqa: ARG002
        names = ("experiment", "dataset", "method", "setting", "status", "settings_hash", "source_hash")
        return [json.dumps({name: name for name in names} | {"seed": 1, "accuracy": 0.5}).encode() + b"\n"]

    def read(self, content: bytes, folder: Path) -> None:
        from truly_sparse.experiments import records

        (folder / "table1.jsonl").write_bytes(content)
        for record in records.read(folder / "table1.jsonl"):
            records.path_of(record)


class Configuration(Kind):
    """A study's configuration, or after a first zero the registry of datasets."""

    longest = 5_000

    def seeds(self, folder: Path) -> list[bytes]:  # noqa: ARG002
        root = HERE.parents[1]
        whole = (root / "config/datasets.yaml").read_bytes()
        short = (
            b"study: journal\npreset: fuzz\ndatasets: {wine: {}, own: {source: {path: own.csv, target: y}}}\n"
            b"methods:\n  fd_tse: &a {model: sparse, strategy: fd_tse, training: {epochs: 4, exploration_epochs: 2}}\n"
            b"  other:\n    <<: *a\nexperiments:\n  table1:\n"
            b"    - {datasets: [wine], methods: [fd_tse], epsilon: [10], seeds: [0], epochs: [40, 60]}\n"
        )
        return [short, b"\0" + whole[:3000].rsplit(b"\n\n", 1)[0] + b"\n"]

    def read(self, content: bytes, folder: Path) -> None:
        from truly_sparse.data import registry
        from truly_sparse.experiments.configuration import load_config

        path = folder / "config.yaml"
        path.write_bytes(content.removeprefix(b"\0"))
        if content[:1] == b"\0":
            for name in registry.read(path):
                registry.entry(name, {}, path)
        else:
            load_config(path)


class Images(Kind):
    """Files of CIFAR and IDX, packed in every way, up to the rows that are written of them."""

    refusals = "truly_sparse.data.fetch:SourceFailed"
    names = ("a", "b", "c", "d")

    def seeds(self, folder: Path) -> list[bytes]:  # noqa: ARG002
        coloured = {
            name: bytes([label]) + bytes(range(12)) for name, label in zip(self.names, (0, 1, 0, 1), strict=True)
        }
        item = bytes(range(4))
        idx = b"\0\0\x08\x03" + bytes([0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2]) + 2 * item
        labels = b"\0\0\x08\x01" + bytes([0, 0, 0, 2]) + b"\1\0"
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as made:
            for name, image in coloured.items():
                about = tarfile.TarInfo(f"in/{name}")
                about.size, about.pax_headers = len(image), {"comment": "ü"}
                made.addfile(about, io.BytesIO(image))
        grey = packed(dict(zip(self.names, (idx, labels, idx, labels), strict=True)))
        return [b"c" + packed(coloured), b"i" + grey, b"g" + grey,
                b"t" + stream.getvalue(), b"T" + gzip.compress(stream.getvalue(), mtime=0)]  # fmt: skip

    def read(self, content: bytes, folder: Path) -> None:
        from truly_sparse.data import images
        from truly_sparse.data.verify import Checker

        kind, content = content[:1], content[1:]
        reader, shape = ("idx", (1, 2, 2)) if kind in b"ig" else ("cifar", SHAPE)
        if kind in b"tT" and kind:
            files = {"all.tar.gz": gzip.compress(content, 1, mtime=0) if kind == b"t" else content}
        else:
            own = unpacked(content)
            files = {name: own.get(name, b"") for name in self.names}
            if kind == b"g":
                files = {f"{name}.gz": gzip.compress(content, 1, mtime=0) for name, content in files.items()}
        for name, own in files.items():
            (folder / name).write_bytes(own)
        parts = {"training": ("a", "b"), "test": ("c", "d")}
        entry = {"reader": reader, "shape": shape, "parts": parts, "rows": 8, "take": None, "missing": "refuse",
                 "class_counts": {"0": 4, "1": 4}, "features": None, "test_rows": 4}  # fmt: skip
        checker = Checker(entry, True)
        try:
            for piece in images.read(entry, folder, list(files)):
                checker.images(piece)
            checker.finish()
        finally:
            for name in files:
                (folder / name).unlink()


class Table(Kind):
    """The text of a HIGGS stream, packed here or, after a first zero, as it is."""

    refusals = "truly_sparse.data.fetch:SourceFailed"
    longest = 5_000

    def seeds(self, folder: Path) -> list[bytes]:  # noqa: ARG002
        text = b"1.0,0.5,-2e-3\n0.0,1,7\n" * 4
        return [text, b"\0" + gzip.compress(text, mtime=0)]

    def read(self, content: bytes, folder: Path) -> None:  # noqa: ARG002
        from truly_sparse.data import stream
        from truly_sparse.data.verify import Checker

        entry = {"rows": 8, "take": None, "missing": "refuse", "class_counts": {"0": 4, "1": 4}, "features": 2}
        packed_text = content[1:] if content[:1] == b"\0" else gzip.compress(content, 1, mtime=0)
        checker, labels = Checker(entry | {"labels": {"0.0": "0", "1.0": "1"}}, True), hashlib.sha256()
        for text in stream.text_of(io.BytesIO(packed_text), "HIGGS.csv.gz", 8, labels):
            checker.piece(stream.parse(text, 2, "HIGGS.csv.gz"))
        checker.finish()


KINDS: dict[str, type[Kind]] = {
    "networks": Networks, "checkpoints": Checkpoints, "models": Models, "records": Records,
    "configuration": Configuration, "images": Images, "table": Table,
}  # fmt: skip


class Trial:
    """A kind of file in a folder of its own, each input of which is held to the rules."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.reader, self.folder = KINDS[kind](), folder.resolve()
        module, _, name = self.reader.refusals.partition(":")
        self.refusal = getattr(importlib.import_module(module), name)
        self.watch = Watch(self.folder)
        self.seeds = self.reader.seeds(self.folder)
        for seed in self.seeds:  # what a sound file takes is not counted
            self.reader.use(self.reader.read(seed, self.folder))
        self.most = self._peak() + MEMORY

    def __call__(self, content: bytes) -> None:
        """Read an input; raise what is wrong."""
        began, self.watch.seen, self.watch.active, found = time.process_time(), "", True, None
        try:
            found = self.reader.read(content, self.folder)
        except self.refusal as error:
            if "\n" in str(error):
                raise RuntimeError(f"more than one line: {error}") from None
        finally:
            self.watch.active = False
        seconds = time.process_time() - began
        if self.watch.seen:
            raise RuntimeError(f"outside its folder: {self.watch.seen}")
        if self._peak() > self.most:  # before time, since much memory takes long
            raise RuntimeError(f"{self._peak() - self.most + MEMORY} bytes more")
        if seconds > SECONDS:
            raise RuntimeError(f"{seconds:.1f} s")
        if found is not None:
            self.reader.use(found)

    def _peak(self) -> int:
        """Return the most memory of this process so far; `getrusage` would count that of the process before `exec`."""
        return int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) * 1024


def replay(kinds: list[str], folder: Path) -> int:
    """Read the corpus, whatever is read must be sound or refused; return how many inputs there were."""
    count = 0
    for kind in kinds:
        (folder / kind).mkdir()
        trial = Trial(kind, folder / kind)
        for path in sorted((CORPUS / kind).glob("*")):
            trial(path.read_bytes())
            count += 1
        count += len(trial.seeds)
    return count


def functions_of(module: ModuleType) -> Iterator[FunctionType]:
    """Yield the functions of a module and of its classes, but for those that are compiled."""
    for owner in (module, *(own for own in vars(module).values() if isinstance(own, type))):
        for own in vars(owner).values():
            function = own.fget if isinstance(own, property) else getattr(own, "__func__", own)
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                yield cast(FunctionType, inspect.unwrap(function))


def fuzz(kind: str, runs: int, folder: Path) -> None:
    """Fuzz one kind, in this process, which ends with it."""
    import atheris

    for name in INSTRUMENTED:
        for function in functions_of(importlib.import_module(name)):
            atheris.instrument_func(function)
    (folder / "work").mkdir()
    (folder / "corpus").mkdir()
    trial = Trial(kind, folder / "work")
    own = sorted((CORPUS / kind).glob("*"))
    for number, seed in enumerate([*trial.seeds, *(path.read_bytes() for path in own)]):
        (folder / "corpus" / str(number)).write_bytes(seed)
    atheris.Setup(
        ["loaders", f"-runs={runs}", "-timeout=300", "-rss_limit_mb=4096", f"-artifact_prefix={folder}/",
         f"-max_len={trial.reader.longest}", "-len_control=0", "-print_final_stats=1", "-use_value_profile=1",
         str(folder / "corpus")],
        trial,
    )  # fmt: skip
    atheris.Fuzz()


def led(kind: str, runs: int, keep: Path) -> tuple[dict[str, Any] | None, str]:
    """Fuzz one kind in a process of its own; return (what an outcome says of it, why there is none)."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", __file__, "--what", kind, "--runs", str(runs), "--folder", folder]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        harm = [path for kind_of_harm in ("crash", "oom", "timeout") for path in Path(folder).glob(f"{kind_of_harm}-*")]
        for path in harm:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{kind}-{path.name}").write_bytes(path.read_bytes())
    if done.returncode:
        print(done.stderr[-3000:], file=sys.stderr)
    number = re.search(r"stat::number_of_executed_units: *(\d+)", done.stderr)
    if number is None:
        return None, f"the fuzzer of {kind} said no statistics (exit code {done.returncode}, {len(harm)} harm)"
    if done.returncode and not harm:
        return None, f"the fuzzer of {kind} ended with exit code {done.returncode}, and no input did harm"
    seconds = round(time.perf_counter() - began, 1)
    return {"what": kind, "executions": int(number[1]), "harm": len(harm), "seconds": seconds}, ""


def main() -> int:
    """Replay, fuzz, or read one input; return 1 where one did harm or a fuzzer came to no end of its own."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--what", choices=tuple(KINDS), nargs="+", default=list(KINDS))
    options.add_argument("--replay", action="store_true")
    options.add_argument("--input", type=Path)
    options.add_argument("--runs", type=int, default=10_000)
    options.add_argument("--keep", type=Path, default=Path("harm"), help="where inputs that did harm are put")
    options.add_argument("--outcome", type=Path, help="add what was done here")
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.folder:
        fuzz(asked.what[0], asked.runs, asked.folder)
    with tempfile.TemporaryDirectory() as folder:
        if asked.input:
            Trial(asked.what[0], Path(folder))(asked.input.read_bytes())
            print("no harm")
            return 0
        if asked.replay:
            with contextlib.redirect_stderr(io.StringIO()):
                count = replay(asked.what, Path(folder))
            print(f"{count} inputs, none did harm")
            return 0
    bad = 0
    for kind in asked.what:
        outcome, problem = led(kind, asked.runs, asked.keep)
        if outcome is None:
            bad += 1
            print(f"error: {problem}", file=sys.stderr, flush=True)
            continue
        bad += outcome["harm"]
        print(outcome, flush=True)
        if asked.outcome:
            with asked.outcome.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(outcome) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
