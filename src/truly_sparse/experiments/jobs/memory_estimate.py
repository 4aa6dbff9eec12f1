"""Whether a run fits into the memory there is, told before anything is allocated."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from truly_sparse.data import pixels
from truly_sparse.data.arrays import features
from truly_sparse.engine.convolution.layers import tables
from truly_sparse.engine.convolution.start import picture_of
from truly_sparse.engine.registers import LANES
from truly_sparse.ensembles import methods
from truly_sparse.errors import UserError
from truly_sparse.experiments.cost_estimate import links
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.measure.free_memory import limits
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.start import numbers_of, plan_of

# Bytes per link of a sparse network: value, velocity and target, twice while the blocks are joined, with the order by
# output neuron; of a member kept: value, velocity, target; of the links that later members avoid.
LIVE, KEPT, AVOIDED = 40, 12, 8
# Bytes per weight of a dense network: value, velocity, gradient and the draw of the start; of a member kept.
DENSE_LIVE, DENSE_KEPT = 20, 8
# Bytes per link of a convolutional network: those of a sparse one, its orders, and sums of 16 samples apart.
CONVOLUTION_LIVE = LIVE + 24 + 64
# A neuron and a sample of the batch: activation, error, masks; dense has two rooms of three arrays.
SAMPLE, DENSE_SAMPLE = 9, 24
# A row of the table while one column is read, chosen from and scaled.
COLUMN = 40


def check(config: dict[str, Any], spec: RunSpec) -> None:
    """Refuse a run that needs more memory than this process may take.

    Raises
    ------
    UserError
        With the estimate, its parts and the limit.
    """
    table = Path(config["data"]["folder"]) / f"{spec.dataset}.parquet"
    try:
        file = pq.ParquetFile(table)
        classes = len(json.loads(table.with_suffix(".json").read_text(encoding="utf-8"))["classes"])
    except (OSError, KeyError, TypeError, ValueError):
        return  # the loader says what is wrong with the data
    of_bytes = bool(pixels.width(file.schema_arrow))
    parts = needed(spec, file.metadata.num_rows, features(file), classes, of_bytes)
    total = sum(parts.values())
    limit, free = min(limits(), key=lambda each: each[1])
    if total > free:
        named = ", ".join(f"{name} {_gigabytes(size)}" for name, size in parts.items())
        raise UserError(
            f"{spec.path}: needs about {_gigabytes(total)} of memory ({named}), but {_gigabytes(max(free, 0))} "
            f"are free ({limit}); raise that, or lower hidden_layer_sizes, epsilon, members or batch_size"
        )


def needed(spec: RunSpec, rows: int, features: int, classes: int, of_bytes: bool = False) -> dict[str, float]:
    """Return the bytes a run takes at most beside the interpreter and its libraries: data, network, batch, members.

    Values of images are bytes, from which only models of other libraries make float32.
    """
    value = 4 * (not of_bytes or spec.settings["model"] == "reference") + of_bytes
    parts = {"data": float(rows) * (value * features + COLUMN)}
    training = spec.settings["training"]
    if spec.settings["model"] == "reference":
        return parts
    if training.get("architecture", "mlp") != "mlp":
        return parts | _of_pictures(TrainingConfig.of(training), features, classes)
    sizes = [features, *training["hidden_layer_sizes"], classes]
    pairs = list(zip(sizes[:-1], sizes[1:], strict=True))
    members = training["members"] + 1  # and the best of the window
    neurons, batch = sum(sizes), training["batch_size"] + 16
    if spec.settings["model"] == "dense":
        weights = float(sum(n_in * n_out + n_out for n_in, n_out in pairs))
        # A child of a dense parent may have all of its weights as links, and twice while some take part in each step.
        child = 2 * LIVE if methods.kind(spec.settings["strategy"]).family else 0
        kept, live, sample = DENSE_KEPT * members, DENSE_LIVE + child, DENSE_SAMPLE
    else:
        weights = links(sizes, training)
        avoided = AVOIDED * training["members"] if spec.settings["strategy"] in ("rd_tse", "fd_tse") else 0
        kept, live, sample = KEPT * members + avoided, LIVE, SAMPLE
    return parts | {
        "network": weights * live + neurons * 40.0,
        "batch": float(batch) * neurons * sample,
        "members": weights * kept + neurons * 16.0 * members,
    }


def _of_pictures(training: TrainingConfig, features: int, classes: int) -> dict[str, float]:
    """Return what a convolutional network takes, its batch, and its members."""
    plan = plan_of(picture_of(features), classes, training)
    links, count = float(sum(numbers_of(plan, training))), -(-training.batch_size // LANES) * LANES
    _, room, _ = tables(plan, count)
    stored = 2 if training.activation_storage == "bfloat16" else 4
    return {
        "network": links * CONVOLUTION_LIVE,
        "batch": 2.0 * stored * room.maps + 4.0 * (room.taken + room.wrong + room.passed),
        "members": links * KEPT * (training.members + 1),
    }


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"
