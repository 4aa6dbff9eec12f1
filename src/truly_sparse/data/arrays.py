"""From a prepared dataset to the arrays of one repetition: split and scaled, the same for every method."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from truly_sparse.data import pixels, registry
from truly_sparse.data.pixels import Pixels
from truly_sparse.errors import UserError
from truly_sparse.files import sha256

#: Columns of a prepared table that are not features.
NOT_FEATURES = ("target", "video")

Labels = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Samples = Floats | Pixels
#: Stands for the seed where rows are chosen once for all seeds, none of which is so large.
EVERY_SEED = 2**32


@dataclass(frozen=True)
class Arrays:
    """One repetition's data: features [sample][feature], class numbers int64, and where they came from.

    Features are float32, those of images `Pixels`. Validation rows may be the test rows, one array for both.

    `info` is the `data` block of a run record: checksum, rows, features, classes, rows of each part, source, partial.
    """

    x_train: Samples
    y_train: Labels
    x_validation: Samples
    y_validation: Labels
    x_test: Samples
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
        `split` ("official", "authors", "videos" or "random"), `scaling` ("standard", "quantile", "minmax_all_rows" or
        "none"; of images "none", "unit", "channels" or "standard"), `test_fraction`, `validation_fraction`, `stratify`;
        where given, `train_rows`, `test_rows` and `validation` ("held_out" or "test"), see `split_rows`, and `table`,
        see `registry.changed`.
    seed : int
        Repetition. The split depends on dataset and seed only.

    Raises
    ------
    UserError
        Where the table is missing, does not match its sidecar or was made of another source or with other settings, or
        cannot be split or scaled as asked for.
    """
    path = Path(data["folder"]) / f"{name}.parquet"
    about = _about(name, path, settings.get("table"))
    # Not `read_table`, whose imports take longer than the reading.
    file = pq.ParquetFile(path)
    columns = file.schema_arrow.names
    y = _column(file, "target").astype(np.int64)
    videos = _column(file, "video") if settings["split"] == "videos" and "video" in columns else None
    images = bool(pixels.width(file.schema_arrow))
    official = _column(file, "part") == 1 if images else None
    train, validation, test = split_rows(name, y, settings, seed, videos, official)
    rows = (train, test) if validation is test else (train, test, validation)
    parts: list[Samples]
    if images:
        parts, filled = [*pixels.load(file, rows, about["shape"], settings["scaling"], name)], 0
    else:
        parts, filled = _columns(file, rows, settings["scaling"], name)
    x_train, x_test, x_validation = parts if len(parts) == 3 else (*parts, parts[1])
    info = {
        "sha256": about["sha256"],
        "rows": len(y),
        "features": features(file),
        "classes": about["classes"],
        "train_rows": len(train),
        "validation_rows": len(validation),
        "test_rows": len(test),
        "filled_values": filled,
        "source": about["source"],
        "partial": about["partial"],
    }
    return Arrays(x_train, y[train], x_validation, y[validation], x_test, y[test], about["classes"], info)


def floats(x: Samples) -> Floats:
    """Return samples as float32, whatever they are kept as."""
    return x.floats() if isinstance(x, Pixels) else x


def features(file: pq.ParquetFile) -> int:
    """Return how many features a prepared table has."""
    return pixels.width(file.schema_arrow) or sum(name not in NOT_FEATURES for name in file.schema_arrow.names)


def _columns(file: pq.ParquetFile, rows: Sequence[Rows], scaling: str, name: str) -> tuple[list[Samples], int]:
    """Return the features of each part, scaled by the first, and how many missing values were filled."""
    if scaling in ("unit", "channels"):
        raise UserError(f"dataset {name}: scaling {scaling} is for images; set datasets.{name}.scaling to another")
    names = [column for column in file.schema_arrow.names if column not in NOT_FEATURES]
    # One column at a time: beside the result, only one column is ever held.
    parts = [np.empty((len(part), len(names)), np.float32) for part in rows]
    filled = 0
    for place, column in enumerate(names):
        values = _column(file, column).astype(np.float64)
        filled += fill_missing(values, rows[0], column)
        scaled = scale(values, rows[0], scaling)
        for part, here in zip(parts, rows, strict=True):
            part[:, place] = scaled[here]
    return [*parts], filled


def _column(file: pq.ParquetFile, name: str) -> npt.NDArray[Any]:
    column = file.read([name])[name]
    if column.null_count or not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return np.asarray(column.to_numpy())
    # Not `to_numpy` where it can be helped: it imports pandas, which takes longer than the reading.
    return np.concatenate([np.from_dlpack(chunk) for chunk in column.chunks])


def _about(name: str, path: Path, table: str | None) -> dict[str, Any]:
    """Return the sidecar of a prepared table after checking that the table is the one it describes, and is wanted.

    `table` is the digest of one that is not the registry's. A sidecar that names no digest is of made-up data.
    """
    advice = f"run `python -m truly_sparse data {name}`" + (" with --config and your configuration" if table else "")
    try:
        about: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if sha256(path) != about["sha256"]:
            raise UserError(f"{path} is not the file that {path.with_suffix('.json').name} describes; {advice}")
    except FileNotFoundError as error:
        raise UserError(f"dataset {name} is not prepared ({error.filename} is missing); {advice}") from None
    except (json.JSONDecodeError, KeyError, TypeError):
        raise UserError(f"{path.with_suffix('.json')} is damaged; {advice}") from None
    if table is None and "registry" in about:
        table = registry.digest_of(registry.entry(name))
    if about.get("registry") != table:
        raise UserError(f"{path} was made of another source, other content or with other settings; {advice}")
    return about


def split_rows(
    name: str,
    y: Labels,
    settings: Mapping[str, Any],
    seed: int,
    videos: npt.NDArray[Any] | None = None,
    official: npt.NDArray[np.bool_] | None = None,
) -> tuple[Rows, Rows, Rows]:
    """Return the row numbers of (training, validation, test), ascending, disjoint and complete.

    "official" takes the rows marked in `official` for testing and "authors" those that the authors used, for every
    seed; "random" draws them; with all three, validation rows are drawn from what is left. "videos" draws whole videos
    for test and for validation: neighbouring frames are nearly the same, so that rows drawn one by one are known from
    training. All draws are by dataset and seed.

    With `train_rows` or `test_rows`, that many rows stay of what is left for training and validation, or of the test
    rows: those that come first in one order of all rows, the same for every seed. With `validation` "test" the
    validation rows are the test rows, and the very same array.

    Raises
    ------
    UserError
        Where a class would be missing in training, there is no such split, or there are too few rows for it.
    """
    test_rng, validation_rng = (np.random.Generator(np.random.PCG64(child)) for child in _sequence(name, seed).spawn(2))
    rest, test = _hold_out(name, y, settings, test_rng, videos, official)
    rest, test = (
        _first(name, key, rows, len(y), settings) for key, rows in (("train_rows", rest), ("test_rows", test))
    )
    if np.setdiff1d(y, y[rest]).size and settings.get("train_rows"):
        raise UserError(f"dataset {name}: {settings['train_rows']} training rows lack a class; raise train_rows")
    if settings.get("validation") == "test":
        if settings["validation_fraction"]:
            raise UserError(
                f"dataset {name}: validation rows that are the test rows leave nothing to hold out; "
                f"set datasets.{name}.validation_fraction to 0"
            )
        train, validation = rest, test
    elif videos is not None and settings["split"] == "videos":
        train, validation = _draw_whole(rest, videos, settings["validation_fraction"], validation_rng)
    else:
        train, validation = _draw(rest, y, settings["validation_fraction"], settings["stratify"], validation_rng)
    if settings["split"] == "videos" and np.setdiff1d(y, y[train]).size:
        raise UserError(f"dataset {name}: the videos left for training of seed {seed} lack a class; hold out fewer")
    return train, validation, test


def _hold_out(
    name: str,
    y: Labels,
    settings: Mapping[str, Any],
    rng: np.random.Generator,
    videos: npt.NDArray[Any] | None,
    official: npt.NDArray[np.bool_] | None,
) -> tuple[Rows, Rows]:
    """Return (rows for training and validation, rows for testing)."""
    split, every = settings["split"], np.arange(len(y))
    if split == "videos":
        if videos is None:
            raise UserError(f"dataset {name} has no column video; set datasets.{name}.split to random")
        return _draw_whole(every, videos, settings["test_fraction"], rng)
    if split == "official":
        if official is None or official.all() or not official.any():
            raise UserError(f"dataset {name} has no official test part; set datasets.{name}.split to random")
        return np.flatnonzero(~official), np.flatnonzero(official)
    if split == "authors":
        return _authors_split(name, len(y))
    return _draw(every, y, settings["test_fraction"], settings["stratify"], rng)


def _first(name: str, key: str, rows: Rows, all_rows: int, settings: Mapping[str, Any]) -> Rows:
    """Return as many of `rows` as the setting `key` says, those that come first in the dataset's order; 0 for all."""
    count = settings.get(key, 0)
    if not count:
        return rows
    if count > len(rows):
        raise UserError(f"dataset {name}: {key} {count} exceeds the {len(rows)} rows there are; lower it")
    order = np.random.Generator(np.random.PCG64(_sequence(name, EVERY_SEED))).permutation(all_rows)
    return np.sort(order[np.isin(order, rows)][:count])


def _sequence(name: str, seed: int) -> np.random.SeedSequence:
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.SeedSequence([int.from_bytes(digest[:8], "big"), seed])


def _draw_whole(rows: Rows, groups: npt.NDArray[Any], fraction: float, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Draw whole groups until they hold the fraction of `rows`; return (the others, the drawn)."""
    drawn = np.zeros(len(rows), bool)
    for group in rng.permutation(np.unique(groups[rows])):
        if drawn.sum() >= fraction * len(rows):
            break
        drawn |= groups[rows] == group
    if drawn.all():
        raise UserError(f"all videos are needed to hold out {fraction:.0%} of {len(rows)} rows; lower the fraction")
    return rows[~drawn], rows[drawn]


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


def fill_missing(values: npt.NDArray[np.float64], train: Rows, column: str) -> int:
    """Put the median of the training rows in place of missing values; return how many there were.

    Raises
    ------
    UserError
        Where no training row has a value.
    """
    missing = np.isnan(values)
    if missing.any():
        if missing[train].all():
            raise UserError(f"column {column} has no value in any training row; leave it out")
        values[missing] = np.nanmedian(values[train])
    return int(missing.sum())


def scale(values: npt.NDArray[np.float64], train: Rows, kind: str) -> npt.NDArray[np.float64]:
    """Scale one feature; a constant feature becomes 0.

    "standard" has mean 0 and deviation 1 over the training rows, "quantile" the quantiles of a normal distribution
    over the training rows. "minmax_all_rows" maps the range over *all* rows to [0, 1], test rows included, as the
    authors' arrays of Gesture are (a mild leak, kept because it is theirs).
    """
    known = values[train]
    if kind == "quantile" and np.ptp(known):
        from sklearn.preprocessing import QuantileTransformer

        ranks = QuantileTransformer(
            n_quantiles=min(1000, len(known)), output_distribution="normal", subsample=None, random_state=0
        )
        return np.asarray(ranks.fit(known[:, None]).transform(values[:, None])[:, 0])
    if kind == "none":
        return values
    shift: float
    width: float
    if kind == "minmax_all_rows":
        shift, width = values.min(), np.ptp(values)
    else:
        # The deviation of equal values need not be exactly 0 when their mean was rounded.
        shift, width = known.mean(), known.std() if np.ptp(known) else 0.0
    return (values - shift) / (width or 1.0)
