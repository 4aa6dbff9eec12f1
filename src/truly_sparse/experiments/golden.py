"""What a run depends on, in words: each feature is a departure from the plainest run, which every run builds on."""

from typing import Any

LANES = 16
TILE = 128


def features(settings: dict[str, Any]) -> frozenset[str]:
    """Return in what a run departs from the plainest of its model; a golden run of these features concerns it.

    Parameters
    ----------
    settings : mapping
        Those of a `RunSpec`.
    """
    model, training, data = (settings[key] for key in ("model", "training", "data"))
    found = {model, *(f"{key} {data[key]}" for key in ("scaling", "split"))}
    if settings["strategy"] != "none":
        found.add(settings["strategy"])
    if model == "reference":
        return frozenset(found)
    found |= {key for key in ("momentum", "weight_decay", "clip_norm", "warmup_epochs", "dropout") if training[key]}
    found |= {f"{key} {training[key]}" for key in ("activation", "start_values", "refinement", "selection")}
    if training["weight_decay"] and training["decay_times_eta"]:
        found.add("decay_times_eta")
    if model == "sparse":
        found |= _sparse(training, settings["strategy"])
    return frozenset(found) - {
        "scaling none", "split random", "activation relu", "start_values he", "refinement none", "selection last",
    }  # fmt: skip


def _sparse(training: dict[str, Any], strategy: str) -> set[str]:
    """Return the features that only sparse networks have."""
    found = {training["activation_storage"]} - {"float32"}
    rows = -(-training["batch_size"] // LANES) * LANES
    if training["batch_size"] % (2 * LANES):
        found.add("padded batch")
    if rows not in (LANES, 2 * LANES, 4 * LANES, TILE):
        found.add("several tiles")
    if training["evolution_every"]:
        found.add("SET")
    if strategy != "none" and not training["escape_input_block"]:
        found.add("input block kept")
    if strategy == "dist_tse":
        found.add(training["distance"])
    return found
