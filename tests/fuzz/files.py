"""Spoil network files and checkpoints in every way at random; load each, and train with what is let through.

    python tests/fuzz/files.py --cases 100000 --outcome tests/fuzz/outcome.jsonl

With --outcome, one line is kept per 5000 cases, and the same command goes on after the last of them.
The kernels have no bounds checks: a file that gets past the loader and should not have ends this process.
"""

import argparse
import io
import json
import random
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

from truly_sparse.engine import store
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.streams import Streams
from truly_sparse.ensembles.trainer import Data, Trainer
from truly_sparse.errors import UserError
from truly_sparse.training import checkpoint

SIZES = [6, 12, 10, 3]
PART = 5000
ODD = [-1, 0, 1, 2, 3, 7, 127, 2**31 - 1, 2**31, 2**40, 2**62, -(2**63), np.nan, np.inf, -np.inf, 0.5, 1e30]
TYPES = ["i1", "i4", "i8", "u4", "u8", "f2", "f4", "f8", "c8", "?", "U3", ">i4", ">f4"]
IDENTITY = {"settings_hash": "x", "data": "y"}
TRAINING = {
    "hidden_layer_sizes": SIZES[1:3], "members": 2, "epochs": 6, "exploration_epochs": 2, "batch_size": 16,
    "learning_rate": 0.05,
    "momentum": 0.9, "weight_decay": 0.0002, "decay_times_learning_rate": False, "clip_norm": 0.0,
    "activation_storage": "float32", "warmup_epochs": 0, "dropout": 0.2, "prune_fraction": 0.2,
    "restart_prune_fraction": 0.8, "evolution_every": 1,
    "refinement": "comprehensive", "init": "he", "activation": "all_relu", "negative_slope": 0.5,
    "escape_input_block": True, "selection": "best_validation", "epsilon": 3.0,
}  # fmt: skip

Arrays = dict[str, np.ndarray]


def problem() -> Data:
    """Return a small made-up problem."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, SIZES[0])).astype(np.float32), rng.integers(0, SIZES[-1], 60)
    return Data(x[:40], y[:40], x[40:], y[40:], SIZES[-1])


def trainer() -> Trainer:
    """Return a run that has not begun."""
    return Trainer(problem(), TRAINING, "sparse", "fd_tse", 0)


def write(arrays: Arrays) -> bytes:
    """Return the bytes of an .npz file; with object arrays it would be unpickled by a careless reader."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def originals(folder: Path) -> dict[str, bytes]:
    """Return the bytes of one sound file of every kind."""
    found = {}
    for name, network in {
        "sparse": SparseMLP.erdos_renyi(SIZES, 3, [-0.5, 0.5], Streams(0).start),
        "bfloat16": SparseMLP.erdos_renyi(SIZES, 3, [-0.5, 0.5], Streams(0).start, storage="bfloat16"),
        "dense": DenseMLP(SIZES, [0.0, 0.0], Streams(0).start),
    }.items():
        store.save(store.snapshot(network), folder / "sound.npz")
        found[name] = (folder / "sound.npz").read_bytes()
    run = trainer()

    def save(epoch):
        if epoch.number == 4:
            checkpoint.save(run, folder / "sound.npz", IDENTITY)

    run.run(save)
    return found | {"checkpoint": (folder / "sound.npz").read_bytes()}


def spoil_bytes(content: bytes, chance: random.Random) -> bytes:
    """Flip, cut, insert or repeat some bytes."""
    spoilt = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 3, 20])):
        if not spoilt:
            break
        at, how = chance.randrange(len(spoilt)), chance.randrange(5)
        if how < 2:
            spoilt[at] = chance.randrange(256)
        elif how == 2:
            del spoilt[at : at + chance.choice([1, 8, 1000])]
        elif how == 3:
            spoilt[at:at] = chance.randbytes(chance.choice([1, 8, 100]))
        else:
            spoilt[at:at] = spoilt[at : at + 64]
    return bytes(spoilt)


def spoil_entry(content: bytes, chance: random.Random) -> bytes:
    """Spoil the bytes of one array and its header, in an archive that is sound, sometimes compressed."""
    stream, kind = io.BytesIO(), chance.choice([zipfile.ZIP_STORED] * 4 + [zipfile.ZIP_DEFLATED])
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w", kind) as target:
        victim = chance.choice(source.namelist())
        for name in source.namelist():
            entry = source.read(name)
            if name == victim:
                head = chance.random() < 0.5
                entry = spoil_bytes(entry[:128], chance) + entry[128:] if head else spoil_bytes(entry, chance)
                if chance.random() < 0.1:
                    entry = entry.replace(b"'shape': (", b"'shape': (99999999999,", 1)
            target.writestr(name, entry)
    return stream.getvalue()


def spoil_array(array: np.ndarray, chance: random.Random) -> np.ndarray:
    """Return an array with other values, another type or another shape."""
    how = chance.randrange(9)
    if array.dtype.kind not in "biufcV":
        return array  # spoilt enough by an earlier change
    with np.errstate(all="ignore"):
        if how < 4 and array.size:
            changed = array.copy().reshape(-1)
            for _ in range(chance.choice([1, 1, 2, 10])):
                value = np.array(chance.choice(ODD))
                changed[chance.randrange(len(changed))] = value.astype(array.dtype)
            return changed.reshape(array.shape)
        if how == 4:
            return array.astype(chance.choice(TYPES))
        if how == 5:
            return array.reshape(-1)[: chance.randrange(array.size + 1)]
        if how == 6:
            return np.concatenate([array.reshape(-1), array.reshape(-1)[: chance.randrange(1, 4)]])
        if how == 7:
            return np.sort(array.reshape(-1))[:: chance.choice([1, -1])].reshape(array.shape)
        return chance.choice([array[None], np.array([{"a": 1}], dtype=object), np.zeros((0,), array.dtype), array.T])


def spoil_facts(value: object, chance: random.Random) -> object:
    """Return plain JSON with one of its leaves changed."""
    if isinstance(value, dict) and value:
        key = chance.choice(sorted(value))
        if chance.random() < 0.1:
            return {name: item for name, item in value.items() if name != key}
        return value | {key: spoil_facts(value[key], chance)}
    if isinstance(value, list) and value:
        at = chance.randrange(len(value))
        return [*value[:at], spoil_facts(value[at], chance), *value[at + (chance.random() < 0.8) :]]
    odd = [-1, 0, 1, 5, 99, 2**70, 0.5, None, "text", [], {}, True, [1, 2], {"a": 1}]
    return chance.choice(odd)


def spoil_arrays(content: bytes, chance: random.Random) -> bytes:
    """Change arrays, and the facts of a checkpoint; its checksum is made right again, as a forger would."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    facts = json.loads(arrays.pop("facts").tobytes()) if "facts" in arrays else None
    for _ in range(chance.choice([1, 1, 2, 3])):
        name, how = chance.choice(sorted(arrays)), chance.random()
        if how < 0.8:
            arrays[name] = spoil_array(arrays[name], chance)
        elif how < 0.87:
            del arrays[name]
        elif how < 0.94:
            arrays[name] = arrays[chance.choice(sorted(arrays))]
        else:
            arrays[f"{name}{chance.randrange(3)}"] = arrays[name]
    if facts is not None:
        if chance.random() < 0.6:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files if name != "facts"}
            facts = spoil_facts(facts, chance)
        if isinstance(facts, dict) and chance.random() < 0.9:
            facts["sha256"] = forge(facts, arrays)
        arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    return write(arrays)


def forge(facts: dict[str, object], arrays: Arrays) -> str:
    """Return the checksum that makes spoilt content look sound."""
    try:
        return checkpoint.digest({name: fact for name, fact in facts.items() if name != "sha256"}, arrays)
    except (TypeError, ValueError):
        return "none"


def obviously_sound(network: store.Network) -> None:
    """Check one by one what the kernels rely on."""
    slopes = getattr(network, "slopes", ())  # a convolutional network has none
    assert all(np.isfinite(array).all() for array in map(np.asarray, (slopes, *network.biases)))
    if isinstance(network, SparseMLP):
        for block in network.blocks:
            pointers, targets = block.pointers, block.targets
            assert pointers[0] == 0
            assert pointers[-1] == len(block.values)
            for neuron in range(block.n_in):
                own = targets[pointers[neuron] : pointers[neuron + 1]].tolist()
                assert own == sorted(set(own))
                assert all(0 <= target < block.n_out for target in own)


def use(network: store.Network) -> None:
    """Predict and train with a network that was let through, as far as it fits the data."""
    obviously_sound(network)
    features, classes = network.sizes[0], network.sizes[-1]
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, features)).astype(np.float32), rng.integers(0, classes, 40)
    network.predict_proba(x)
    network.train_epoch(x, y, np.arange(40), 16, SGD(0.01), 0.2, 5, 0)


def load(kind: str, path: Path) -> str:
    """Load a file as a user would; return whether it was refused or used."""
    if kind == "checkpoint":
        run = trainer()
        before = run.progress.epoch, len(run.members)
        reason = checkpoint.restore(run, path, IDENTITY)
        if reason is not None:
            assert "\n" not in reason, reason
            assert (run.progress.epoch, len(run.members)) == before, "a refused checkpoint left something behind"
        else:
            obviously_sound(run.network)
        try:
            run.run()
        except (TypeError, ValueError, KeyError, OverflowError):
            # The facts were forged together with their checksum: no harm, as long as no kernel ran wild.
            return "forged"
        assert len(run.members) == TRAINING["members"] or run.progress.failure is not None
        return "refused" if reason else "used"
    try:
        network = store.load(path)
    except UserError as error:
        if "\n" in str(error):
            raise RuntimeError(f"more than one line: {error}") from None
        return "refused"
    use(network)
    return "used"


def spoil(numbers: range, folder: Path, sound: dict[str, bytes]) -> Counter[str]:
    """Spoil a file for every number and load it; return what became of how many."""
    counts: Counter[str] = Counter()
    path = folder / "spoilt.npz"
    for number in numbers:
        chance = random.Random(number)
        kind = chance.choice(sorted(sound))
        way = chance.choice([spoil_bytes, spoil_entry, spoil_arrays, spoil_arrays])
        path.write_bytes(way(sound[kind], chance))
        try:
            counts[f"{kind} {load(kind, path)}"] += 1
        except BaseException:
            print(f"case {number}: {kind}, {way.__name__}", file=sys.stderr)
            raise
    return counts


def main() -> int:
    """Spoil files until one of them does harm."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", type=int, default=2000)
    options.add_argument("--start", type=int, default=0, help="number of the first case")
    options.add_argument("--outcome", type=Path, help="keep what became of them here, and go on after the last")
    asked = options.parse_args()
    done = [json.loads(line) for line in asked.outcome.read_text().splitlines()] if _exists(asked.outcome) else []
    counts = Counter[str]()
    for part in done:
        counts.update(part["became"])
    start, end = asked.start + sum(part["cases"] for part in done), asked.start + asked.cases
    with tempfile.TemporaryDirectory() as place, np.errstate(all="ignore"):
        sound = originals(Path(place))
        for first in range(start, end, PART):
            numbers = range(first, min(first + PART, end))
            became = spoil(numbers, Path(place), sound)
            counts.update(became)
            if asked.outcome:
                part = {"first": first, "cases": len(numbers), "harm": 0, "became": dict(sorted(became.items()))}
                with asked.outcome.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(part) + "\n")
    print(f"{asked.cases} spoilt files, none did harm: {dict(sorted(counts.items()))}")
    return 0


def _exists(path: Path | None) -> bool:
    return path is not None and path.exists()


if __name__ == "__main__":
    sys.exit(main())
