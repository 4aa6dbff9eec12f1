"""Trained parents on file: runs whose settings differ in their children alone train the parent once."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from truly_sparse.engine import store
from truly_sparse.ensembles.methods import SINGLE
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.provenance import source_hash
from truly_sparse.files import atomic_stream
from truly_sparse.training.checkpoint import digest
from truly_sparse.training.loop import Loop, Member
from truly_sparse.training.stage import of_one_parent


def identity(spec: RunSpec, where: dict[str, Any]) -> dict[str, Any]:
    """Return what decides a parent, `where` it is trained included."""
    return {"settings": spec.parent_settings, "source_hash": source_hash("run", SINGLE), **where}


def file_of(folder: Path, facts: dict[str, Any]) -> Path:
    """Return where the parent of some facts lies."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"


def shared(loop: Loop) -> bool:
    """Tell whether others could begin with the member of a loop's first stage."""
    return of_one_parent(loop.stages)


def keep(loop: Loop, folder: Path, facts: dict[str, Any]) -> None:
    """Write the parent of a loop whose first stage has just ended."""
    assert loop.parent is not None
    about = {"facts": facts, "epoch": loop.parent.epoch, "score": loop.parent.score, "history": loop.progress.history}
    about["sha256"] = digest(about, loop.parent.arrays)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_stream(file_of(folder, facts)) as stream:
        text = np.frombuffer(json.dumps(about).encode(), np.uint8)
        np.savez(stream, allow_pickle=False, about=text, **loop.parent.arrays)


def take(loop: Loop, folder: Path, facts: dict[str, Any]) -> bool:
    """Let a loop adopt the parent that is there; False where there is none, or it is damaged."""
    path = file_of(folder, facts)
    if not path.exists():
        return False
    try:
        arrays = store.read(path)
        about = json.loads(arrays.pop("about").tobytes())
        its = about.pop("sha256")
        if about["facts"] != json.loads(json.dumps(facts)) or digest(about, arrays) != its:
            return False
        store.build(arrays)
    except Exception:  # whatever a damaged file does, the parent can be trained
        return False
    loop.adopt(Member(about["epoch"], about["score"], arrays), about["history"])
    return True
