"""From a prepared dataset to the arrays of one repetition: split and scaled, the same for every method."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from truly_sparse.errors import UserError
from truly_sparse.files import sha256

#: Columns of a prepared table that are not features.
NOT_FEATURES = ("target", "video")

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Arrays:
    """One repetition's data: features float32 [sample][feature], class numbers int64, and where they came from.

    `info` is the `data` block of a run record: checksum, rows, features, classes, rows of each part, source, partial.
    """

    x_train: Features
    y_train: Labels
    x_validation: Features
    y_validation: Labels
    x_test: Features
    y_test: Labels
    classes: list[str]
    info: dict[str, Any]


def load(name: str, data: Mapping[str, Any], settings: Mapping[str, Any], seed: int) -> Arrays:
    """Read, split and scale a dataset that `prepare` wrote.

    Parameters
    ----------
    name : str
        Dataset.
    data : mapping
        The configuration's `data` block; `folder` is where the prepared table lies.
    settings : mapping
        `split` ("authors" or "random"), `scaling` ("standard", "minmax_all_rows" or "none"), `test_fraction`,
        `validation_fraction`, `stratify`.
    seed : int
        Repetition. The split depends on dataset and seed only.

    Raises
    ------
    UserError
        Where the table is missing, does not match its sidecar, or cannot be split as asked for.
    """
    path = Path(data["folder"]) / f"{name}.parquet"
    about = _about(name, path)
    table = pq.read_table(path)
    x = np.column_stack([table[column].to_numpy() for column in table.column_names if column not in NOT_FEATURES])
    y = table["target"].to_numpy().astype(np.int64)
    train, validation, test = split_rows(name, y, settings, seed)
    x = scale(x.astype(np.float64), train, settings["scaling"])
    parts = [(np.ascontiguousarray(x[rows]), y[rows]) for rows in (train, validation, test)]
    info = {
        "sha256": about["sha256"],
        "rows": len(y),
        "features": x.shape[1],
        "classes": about["classes"],
        "train_rows": len(train),
        "validation_rows": len(validation),
        "test_rows": len(test),
        "source": about["source"],
        "partial": about["partial"],
    }
    (x_train, y_train), (x_validation, y_validation), (x_test, y_test) = parts
    return Arrays(x_train, y_train, x_validation, y_validation, x_test, y_test, about["classes"], info)


def _about(name: str, path: Path) -> dict[str, Any]:
    """Return the sidecar of a prepared table after checking that the table is the one it describes."""
    advice = f"run `python -m truly_sparse data {name}`"
    try:
        about: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if sha256(path) != about["sha256"]:
            raise UserError(f"{path} is not the file that {path.with_suffix('.json').name} describes; {advice}")
    except FileNotFoundError as error:
        raise UserError(f"dataset {name} is not prepared ({error.filename} is missing); {advice}") from None
    except (json.JSONDecodeError, KeyError, TypeError):
        raise UserError(f"{path.with_suffix('.json')} is damaged; {advice}") from None
    return about


def split_rows(name: str, y: Labels, settings: Mapping[str, Any], seed: int) -> tuple[Rows, Rows, Rows]:
    """Return the row numbers of (training, validation, test), disjoint and complete.

    "authors" takes the test rows the authors used, for every seed; "random" draws them. Validation rows are always
    drawn from what is left, by dataset and seed.
    """
    digest = hashlib.sha256(name.encode()).digest()
    sequence = np.random.SeedSequence([int.from_bytes(digest[:8], "big"), seed])
    test_rng, validation_rng = (np.random.Generator(np.random.PCG64(child)) for child in sequence.spawn(2))
    if settings["split"] == "authors":
        rest, test = _authors_split(name, len(y))
    else:
        rest, test = _draw(np.arange(len(y)), y, settings["test_fraction"], settings["stratify"], test_rng)
    train, validation = _draw(rest, y, settings["validation_fraction"], settings["stratify"], validation_rng)
    return train, validation, test


def _draw(rows: Rows, y: Labels, fraction: float, stratify: bool, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Draw the fraction of `rows` (rounded up), by classes if `stratify`; return (the others, the drawn), sorted.

    Written out, so that a split does not change with the version of a library.
    """
    wanted = math.ceil(fraction * len(rows))
    shuffled = rng.permutation(rows)
    if stratify:
        shares = np.bincount(y[rows]) * fraction
        counts = np.floor(shares).astype(np.int64)
        # What rounding down left over goes to the classes that lost most by it.
        counts[np.argsort(counts - shares, kind="stable")[: wanted - counts.sum()]] += 1
        drawn = np.concatenate([shuffled[y[shuffled] == c][:count] for c, count in enumerate(counts)])
    else:
        drawn = shuffled[:wanted]
    rest = np.setdiff1d(rows, drawn)
    if not len(rest) or np.setdiff1d(y[rows], y[rest]).size:
        raise UserError(f"{len(rows)} rows are too few to set {wanted} aside and keep every class; lower the fraction")
    return rest, np.sort(drawn)


def _authors_split(name: str, rows: int) -> tuple[Rows, Rows]:
    source = files("truly_sparse.data") / f"{name}_authors_test_rows.txt"
    if not source.is_file():
        raise UserError(f"dataset {name} has no split by the authors; set datasets.{name}.split to random")
    test = np.array(source.read_text(encoding="utf-8").split(), np.int64)
    if test[-1] >= rows:
        raise UserError(f"the authors' split of {name} names row {test[-1]}, but there are {rows} rows")
    rest = np.ones(rows, bool)
    rest[test] = False
    return np.flatnonzero(rest), test


def scale(x: npt.NDArray[np.float64], train: Rows, kind: str) -> Features:
    """Scale features [sample][feature]; a constant feature becomes 0.

    "standard" has mean 0 and deviation 1 over the training rows only. "minmax_all_rows" maps the range over *all*
    rows to [0, 1], test rows included, as the authors' arrays of Gesture are (a mild leak, kept because it is theirs).
    """
    if kind == "standard":
        shift, width = x[train].mean(axis=0), x[train].std(axis=0)
    elif kind == "minmax_all_rows":
        shift, width = x.min(axis=0), x.max(axis=0) - x.min(axis=0)
    else:
        shift, width = np.zeros(x.shape[1]), np.ones(x.shape[1])
    return ((x - shift) / np.where(width > 0, width, 1.0)).astype(np.float32)
