"""Any metric of committed runs, from their kept test probabilities: nothing is trained.

The labels of the test rows come from the prepared dataset of each record. They are the right ones, which is shown for
each run: they make the same test rows right as its record says.
"""

import base64
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq

from truly_sparse.data.arrays import Labels, split_rows
from truly_sparse.data.prepare import is_prepared
from truly_sparse.errors import UserError, one_line
from truly_sparse.experiments import probabilities
from truly_sparse.experiments.configuration import results_folder
from truly_sparse.experiments.configuration_schema import suggest
from truly_sparse.experiments.records import Record, path_of, read, records_file
from truly_sparse.measure.metrics import Probabilities, classification_metrics

#: The metrics of every record, which may be asked for by name.
NAMES = ("accuracy", "balanced_accuracy", "roc_auc", "log_loss", "brier", "ece")

Metric = Callable[[Labels, Probabilities], float | None]


class Kept(NamedTuple):
    """A committed run with its test probabilities: float32, shape (rows, classes)."""

    record: Record
    probabilities: Probabilities


def kept(config: dict[str, Any], experiments: Iterable[str]) -> tuple[list[Kept], list[Record]]:
    """Return (committed runs of some experiments that have test probabilities, records of those that have none).

    A record that stands for a run of another experiment or study has that run's. Runs that diverged are in neither.
    """
    codes = cache(probabilities.codes)
    found, lacking = [], []
    for experiment in experiments:
        for record in read(records_file(config, experiment)):
            if record["status"] != "ok":
                continue
            file, path = _place(config, record)
            if path in codes(file):
                found.append(Kept(record, probabilities.decode(codes(file)[path])))
            else:
                lacking.append(record)
    return found, lacking


def _place(config: dict[str, Any], record: Record) -> tuple[Path, str]:
    """Return the file that may hold a record's test probabilities, and the path of the run in it."""
    *study, experiment, dataset, method, setting, seed = record.get("same_as", path_of(record)).split("/")
    folder = results_folder(config).with_name(study[0]) if study else results_folder(config)
    return folder / "records" / f"{experiment}.npz", "/".join((experiment, dataset, method, setting, seed))


def score(found: Iterable[Kept], metrics: Mapping[str, Metric], folder: Path) -> Iterator[tuple[Record, str, Any]]:
    """Yield (record, metric, value) of every run and metric.

    Parameters
    ----------
    found : iterable of Kept
    metrics : mapping of str to Metric
    folder : Path
        Where the prepared datasets lie.

    Raises
    ------
    UserError
        Where a dataset is not there, or is not the record's; or for what a metric says or raises.
    """
    for record, shares in found:
        labels = labels_of(record, folder)
        correct = base64.b64encode(np.packbits(shares.argmax(axis=1) == labels).tobytes()).decode()
        if correct != record["correct"]:
            raise UserError(f"{path_of(record)}: its test probabilities do not belong to its record; store it again")
        for array in (labels, shares):
            array.setflags(write=False)  # a metric of one's own must not change what others are given
        for name, metric in metrics.items():
            try:
                value = metric(labels, shares)
                yield record, name, None if value is None else float(value)
            except Exception as error:  # whatever a function of one's own does
                raise UserError(f"metric {name} of {path_of(record)}: {one_line(error)}") from error


def labels_of(record: Record, folder: Path) -> Labels:
    """Return the class numbers of a run's test rows, shape (rows,).

    Raises
    ------
    UserError
        Where the prepared dataset is missing or another one than the record's.
    """
    name, settings = record["dataset"], record["settings"]["data"]
    path = folder / f"{name}.parquet"
    if not path.exists():
        raise UserError(
            f"the labels of {name} are in {path}, which is missing; run `python -m truly_sparse data {name}`"
        )
    if not is_prepared(path, record["data"]["sha256"]):
        raise UserError(f"{path} is another file than that of {path_of(record)}, so that its labels may be others")
    file = pq.ParquetFile(path)
    columns = {
        column: file.read([column])[column].to_numpy()
        for column in ("target", "video", "part")
        if column in file.schema_arrow.names
    }
    y = columns["target"].astype(np.int64)
    official = columns["part"] == 1 if "part" in columns else None
    _, _, test = split_rows(name, y, settings, record["seed"], columns.get("video"), official)
    return y[test]


def metric_of(name: str) -> Metric:
    """Return a metric: one of `NAMES`, or "module:function" of your own, called with labels and probabilities.

    Raises
    ------
    UserError
        Where there is none of that name.
    """
    if name in NAMES:
        return lambda labels, shares: classification_metrics(shares, labels)[name]
    module, _, function = name.partition(":")
    if not function:
        raise UserError(f'unknown metric "{name}"{suggest(name, NAMES)}; or give module:function of your own')
    if "" not in sys.path:
        sys.path.insert(0, "")  # a file in the working folder, as `python -m` finds it
    try:
        found: Metric = getattr(import_module(module), function)
    except Exception as error:  # whatever a module of one's own does
        raise UserError(f"metric {name}: {one_line(error)}") from error
    return found
