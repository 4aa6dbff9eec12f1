"""A training run on disk: everything needed to go on after a kill as if nothing had happened."""

import copy
import hashlib
import json
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from truly_sparse.engine import store, topology
from truly_sparse.engine.linked import Linked
from truly_sparse.errors import one_line
from truly_sparse.files import atomic_stream
from truly_sparse.training.loop import Loop, Member, Progress

FORMAT = 5


def save(loop: Loop, path: str | Path, identity: dict[str, Any]) -> None:
    """Write the state of `loop` atomically; only a run of the same `identity` will take it up again."""
    members = [*loop.members] + ([loop.best] if loop.best is not None else [])
    facts = {
        "identity": identity,
        "progress": asdict(loop.progress),
        "streams": loop.streams.state(),
        "members": [{"epoch": member.epoch, "score": member.score} for member in members],
        "ended": len(loop.members),
        "parent": None if loop.parent is None else {"epoch": loop.parent.epoch, "score": loop.parent.score},
        "earlier": sorted(loop.earlier),
        "format": FORMAT,
    }
    arrays = {f"network/{name}": array for name, array in store.snapshot(loop.network).items()}
    for i, member in enumerate(members):
        arrays |= {f"member{i}/{name}": array for name, array in member.arrays.items()}
    arrays |= {f"parent/{name}": array for name, array in (loop.parent.arrays if loop.parent else {}).items()}
    arrays |= {f"earlier/{layer}": links for layer, links in loop.earlier.items()}
    facts["sha256"] = digest(facts, arrays)
    with atomic_stream(path) as stream:
        text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        np.savez(stream, allow_pickle=False, facts=text, **arrays)


def restore(loop: Loop, path: str | Path, identity: dict[str, Any]) -> str | None:
    """Continue `loop` from `path`; return None, or why the file was left alone (the run then starts anew)."""
    if not Path(path).exists():
        return "there is none"
    try:
        arrays = store.read(path)
        facts = json.loads(arrays.pop("facts").tobytes())
        if facts["format"] != FORMAT:
            return f"its format {facts['format']} is not {FORMAT}"
        its = facts["identity"]
        others = [name for name in {**identity, **its} if its.get(name) != identity.get(name)]
        if others:
            return f"it is of another {' and another '.join(others)}".replace("_", " ")
        if digest({name: fact for name, fact in facts.items() if name != "sha256"}, arrays) != facts["sha256"]:
            return "its checksum is wrong"
        network = _network(_under(arrays, "network"), loop.network)
        members = [_member(entry, _under(arrays, f"member{i}")) for i, entry in enumerate(facts["members"])]
        parent = _member(facts["parent"], _under(arrays, "parent")) if facts["parent"] else None
        for kept in (*members, *([parent] if parent is not None else [])):
            _network(kept.arrays, loop.network)
        earlier = {layer: checked_links(arrays[f"earlier/{layer}"], loop.network, layer) for layer in facts["earlier"]}
        progress, ended = Progress(**facts["progress"]), facts["ended"]
        counters = progress.epoch, progress.step, progress.key, progress.stale, progress.fallbacks
        if any(type(counter) is not int or not 0 <= counter < 2**64 for counter in counters) or progress.failure:
            return "its counters are not valid"
        over = [loop.stages[epoch.member] for epoch in loop.plan[: progress.epoch] if epoch.ends_member]
        if not 0 < progress.epoch <= len(loop.plan) or ended != sum(stage.collects for stage in over):
            return "its epoch is not valid"
        # With patience, epochs are skipped.
        if not 0 < len(progress.history) <= progress.epoch or (
            not loop.settings.patience and len(progress.history) != progress.epoch
        ):
            return "its epoch is not valid"
        if not ended <= len(members) <= ended + 1:
            return "its members do not fit its epoch"
        if (parent is not None) != (bool(over) and any(stage.start == "parent" for stage in loop.stages)):
            return "its parent does not fit its epoch"
        streams = copy.deepcopy(loop.streams)
        streams.restore(facts["streams"])
    except Exception as error:  # whatever a damaged file does, the run can start anew
        return f"it is damaged ({one_line(error)})"
    loop.network, loop.progress, loop.earlier, loop.parent = network, progress, earlier, parent
    loop.streams = streams
    loop.members, rest = members[:ended], members[ended:]
    loop.best = rest[0] if rest else None
    loop.resume()
    return None


def _member(facts: dict[str, Any], arrays: store.Arrays) -> Member:
    return Member(int(facts["epoch"]), _number(facts["score"]), arrays)


def _network(arrays: store.Arrays, like: store.Network) -> store.Network:
    """Rebuild a network; one of another shape would have the kernels read past the end of the data."""
    network = store.build(arrays)
    shapes = [(tuple(one.sizes), one.features, _pairs(one)) for one in (network, like)]
    if shapes[0] != shapes[1]:
        raise ValueError("a network has another shape")
    return network


def _pairs(network: store.Network) -> list[tuple[int, int]]:
    """Return the blocks; a dense network has those between consecutive layers, and so has its sparse child."""
    if isinstance(network, Linked):
        return [block.pair for block in network.blocks]
    return list(pairwise(range(len(network.sizes))))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def checked_links(links: topology.Links, network: store.Network, number: int) -> topology.Links:
    """Return links of earlier members after checking that they are sorted places of the block they belong to.

    Raises
    ------
    ValueError
        Where they are not.
    """
    if not isinstance(network, Linked) or not 0 <= number < len(network.blocks):
        raise ValueError("links of earlier members belong to no block")
    places = network.blocks[number].places
    if links.dtype != np.int64 or links.ndim != 1 or (links[1:] <= links[:-1]).any():
        raise ValueError("links of earlier members are not sorted")
    if len(links) and not 0 <= links[0] <= links[-1] < places:
        raise ValueError("a link of earlier members leads nowhere")
    return links


def _under(arrays: store.Arrays, prefix: str) -> store.Arrays:
    start = len(prefix) + 1
    return {name[start:]: array for name, array in arrays.items() if name.startswith(f"{prefix}/")}


def digest(facts: dict[str, Any], arrays: store.Arrays) -> str:
    """Return the SHA-256 of facts, and of names, types, shapes and bytes of arrays."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
