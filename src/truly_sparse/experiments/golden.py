"""Which golden runs concern a result, and whether what was recorded still holds by them.

A golden run (`truly_sparse.golden`) is a small one whose output digests are committed. `digests.json` says in which
generation each last changed; a record says in which one it was stored. What is recorded holds while no golden run that
concerns it has changed since, whatever files were edited.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from truly_sparse.ensembles import methods
from truly_sparse.training.config import OF_CHILDREN, TrainingConfig
from truly_sparse.training.settings import settings_of

FILE = Path(__file__).parents[1] / "golden/digests.json"
LANES = 16
#: Rows of a batch that are one tile of the kernels.
TILES = (LANES, 2 * LANES, 4 * LANES, 8 * LANES)
#: Layers whose dropout keys follow one another.
LAYERS = 64
#: What the plainest run has; it is no feature.
PLAIN = {
    methods.SINGLE,
    "scaling none",
    "split random",
    "activation relu",
    "init he",
    "refinement none",
    "selection last",
    "pruning per_sign",
    "float32",
}
#: Settings of children that only say how many there are, how long or how much.
AMOUNTS = (
    "annealing_epochs", "child_epochs", "child_learning_rate", "divergence", "members", "parts", "population",
    "sparsity", "temperature",
)  # fmt: skip

Features = frozenset[str]


class Known(NamedTuple):
    """A committed golden run: what it concerns, and the generation in which its digests last changed."""

    features: Features
    generation: int


def features(settings: Mapping[str, Any]) -> Features:
    """Return in what a run departs from the plainest of its model; golden runs of some of these concern it.

    Parameters
    ----------
    settings : mapping
        Those of a `RunSpec`.
    """
    model, training, data = (settings[key] for key in ("model", "training", "data"))
    found = {model, settings["strategy"], *(f"{key} {data[key]}" for key in ("scaling", "split"))}
    found |= {f"{key} of some" for key in ("train_rows", "test_rows") if data.get(key)}
    found |= {f"validation {data['validation']}"} if "validation" in data else set()
    if training:
        found |= _optimiser(training) | _children(training, settings["strategy"])
    if model == "sparse":
        found |= _sparse(training, settings["strategy"])
    return frozenset(found - PLAIN)


def _optimiser(training: Mapping[str, Any]) -> set[str]:
    """Return the features that networks of any kind can have."""
    found = {key for key in ("momentum", "weight_decay", "clip_norm", "warmup_epochs", "dropout") if training[key]}
    found |= {key for key in ("nesterov", "coupled_decay", "torch_momentum") if training.get(key)}
    found |= {f"{key} {training[key]}" for key in ("activation", "init", "refinement", "selection")}
    if training.get("learning_rate_schedule", "steps") != "steps":
        found.add(f"learning_rate_schedule {training['learning_rate_schedule']}")
    if training.get("optimiser", "sgd") != "sgd":
        found |= {training["optimiser"]} | ({"l1"} if training.get("l1") else set())
    if training["weight_decay"] and training["decay_times_learning_rate"]:
        found.add("decay_times_learning_rate")
    if training.get("patience"):
        found.add("patience")
    if len(training["hidden_layer_sizes"]) > LAYERS:
        found.add("many layers")
    return found


def _children(training: Mapping[str, Any], strategy: str) -> set[str]:
    """Return the features of members that come of a network, or are trained on some of the rows."""
    if not methods.kind(strategy).family:
        return {"bag_fraction"} if training.get("bag_fraction", 1.0) != 1 else set()
    defaults = {name: default for name, _, default in settings_of(TrainingConfig)}
    departing = [
        name for name in OF_CHILDREN if name not in AMOUNTS and training.get(name, defaults[name]) != defaults[name]
    ]
    found = {name if isinstance(defaults[name], float | int) else f"{name} {training[name]}" for name in departing}
    return found | ({"sparsity 0"} if training.get("sparsity") == 0 else set())


def _sparse(training: Mapping[str, Any], strategy: str) -> set[str]:
    """Return the features that only sparse networks have."""
    batch = training["batch_size"]
    found = {training["activation_storage"]}
    if batch % (2 * LANES):
        found.add("padded batch")
    if -(-batch // LANES) * LANES not in TILES:
        found.add("several tiles")
    if training["evolution_every"]:
        found |= {"SET", f"pruning {training.get('pruning', 'per_sign')}"}
        found |= {"shortcut ratio free"} if not training.get("keep_shortcut_ratio", True) else set()
    if training["epsilon"] is None:
        found.add("exact start")
    if training.get("shortcut_ratio"):
        found.add("shortcuts")
    if training.get("architecture", "mlp") != "mlp":
        found.add(f"architecture {training['architecture']}")
    if methods.kind(strategy) is methods.Sequential and not training["escape_input_block"]:
        found.add("input block kept")
    if strategy == "dist_tse":
        found.add(training["distance"])
    return found


def generation(wanted: Features) -> int | None:
    """Return the number to store with a result of today; None where golden runs do not cover all its features."""
    covered: set[str] = set().union(*(known.features for known in _concerning(wanted)))
    return int(_committed()["generation"]) if covered == wanted else None


def holds(stored: int | None, wanted: Features) -> bool:
    """Say whether no golden run that concerns a result has changed since the generation it was stored in."""
    if stored is None or generation(wanted) is None:
        return False
    return all(known.generation <= stored for known in _concerning(wanted))


@cache
def _concerning(wanted: Features) -> tuple[Known, ...]:
    return tuple(known for known in _known() if known.features <= wanted)


@cache
def _known() -> tuple[Known, ...]:
    return tuple(Known(frozenset(case["features"]), case["generation"]) for case in _committed()["cases"].values())


@cache
def _committed() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return content
