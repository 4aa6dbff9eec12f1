"""A training run on disk: everything needed to go on after a kill as if nothing had happened."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from truly_sparse.engine import store
from truly_sparse.ensembles.trainer import Member, Progress, Trainer
from truly_sparse.files import atomic_path

FORMAT = 2


def save(trainer: Trainer, path: str | Path, identity: dict[str, Any]) -> None:
    """Write the state of `trainer` atomically; only a run of the same `identity` will take it up again."""
    members = [*trainer.members] + ([trainer.best] if trainer.best is not None else [])
    facts = {
        "identity": identity,
        "progress": asdict(trainer.progress),
        "streams": trainer.streams.state(),
        "members": [{"epoch": member.epoch, "accuracy": member.accuracy} for member in members],
        "ended": len(trainer.members),
        "earlier": sorted(trainer.earlier),
        "format": FORMAT,
    }
    arrays = {f"network/{name}": array for name, array in store.snapshot(trainer.network).items()}
    for i, member in enumerate(members):
        arrays |= {f"member{i}/{name}": array for name, array in member.arrays.items()}
    arrays |= {f"earlier/{layer}": links for layer, links in trainer.earlier.items()}
    facts["sha256"] = _digest(arrays)
    with atomic_path(path) as temporary:
        text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        np.savez(temporary, allow_pickle=False, facts=text, **arrays)


def restore(trainer: Trainer, path: str | Path, identity: dict[str, Any]) -> str | None:
    """Continue `trainer` from `path`; return None, or why the file was left alone (the run then starts anew)."""
    if not Path(path).exists():
        return "there is none"
    try:
        with np.load(path, allow_pickle=False) as archive:
            facts = json.loads(archive["facts"].tobytes())
            if facts["format"] != FORMAT:
                return f"its format {facts['format']} is not {FORMAT}"
            its = facts["identity"]
            others = [name for name in {**identity, **its} if its.get(name) != identity.get(name)]
            if others:
                return f"it is of another {' and another '.join(others)}".replace("_", " ")
            arrays = {name: archive[name] for name in archive.files if name != "facts"}
        if _digest(arrays) != facts["sha256"]:
            return "its checksum is wrong"
        network = store.build(_under(arrays, "network"))
        members = [
            Member(entry["epoch"], entry["accuracy"], _under(arrays, f"member{i}"))
            for i, entry in enumerate(facts["members"])
        ]
        for member in members:
            store.build(member.arrays)
        earlier = {layer: arrays[f"earlier/{layer}"] for layer in facts["earlier"]}
        progress = Progress(**facts["progress"])
        trainer.streams.restore(facts["streams"])
    except Exception as error:  # whatever a damaged file does, the run can start anew
        return f"it is damaged ({error})"
    trainer.network, trainer.progress, trainer.earlier = network, progress, earlier
    trainer.members, rest = members[: facts["ended"]], members[facts["ended"] :]
    trainer.best = rest[0] if rest else None
    return None


def _under(arrays: store.Arrays, prefix: str) -> store.Arrays:
    start = len(prefix) + 1
    return {name[start:]: array for name, array in arrays.items() if name.startswith(f"{prefix}/")}


def _digest(arrays: store.Arrays) -> str:
    """Return the SHA-256 of names, types, shapes and bytes of arrays."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
