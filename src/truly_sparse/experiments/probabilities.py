"""Test probabilities of committed runs, so that later questions about them need no training: records/<experiment>.npz.

An array of one byte per test row and class for each run, named by its path. A byte says how far the ensemble's
logarithm of that class lies below the row's largest, in steps of a sixteenth; 0 is the predicted class and no other.
The rows are those of the test part of the run's split, in its order.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from truly_sparse.errors import UserError, one_line
from truly_sparse.experiments.configuration import results_folder
from truly_sparse.files import atomic_path
from truly_sparse.measure.metrics import predict_ensemble

Codes = npt.NDArray[np.uint8]
#: Steps of a code per unit of the natural logarithm; the farthest is e^-16 of the row's largest.
STEPS = 16
FARTHEST = 255
#: Bytes that all experiments of a study may take; runs of the highest seeds are left out of what is more.
LIMIT = 15_000_000


def file_of(config: dict[str, Any], experiment: str) -> Path:
    """Return the file that lies beside an experiment's committed records."""
    return results_folder(config) / "records" / f"{experiment}.npz"


def encode(probabilities: npt.NDArray[np.float32]) -> Codes:
    """Return the codes of probabilities, shape (rows, classes)."""
    logarithms = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    predicted = probabilities.argmax(axis=1)[:, None]
    below = np.take_along_axis(logarithms, predicted, axis=1) - logarithms
    found = np.clip(np.rint(STEPS * below), 1, FARTHEST).astype(np.uint8)
    np.put_along_axis(found, predicted, 0, axis=1)
    return found


def decode(kept: Codes) -> npt.NDArray[np.float32]:
    """Return probabilities with the same predicted classes.

    Their ratios to a row's largest are right to 3 % down to 10^-7, to 6 % where they are nearly as large.
    """
    weights = np.exp(-kept.astype(np.float32) / STEPS)
    decoded: npt.NDArray[np.float32] = weights / weights.sum(axis=1, keepdims=True)
    return decoded


def codes(file: Path) -> dict[str, Codes]:
    """Return {run path: codes} of a file; none where there is no file.

    Raises
    ------
    UserError
        Where the file is damaged.
    """
    if not file.exists():
        return {}
    try:
        with np.load(file, allow_pickle=False) as saved:
            return {path: saved[path] for path in saved.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise UserError(f"{file} is damaged ({one_line(error)}); take it from the repository again") from None


def coded(predictions: Path) -> Codes | None:
    """Return the codes of a run's ensemble, from its predictions.npz; None where it diverged."""
    with np.load(predictions, allow_pickle=False) as saved:
        members = saved["probabilities"]
    return encode(predict_ensemble(members)) if len(members) else None


def keep(config: dict[str, Any], experiment: str, committed: set[str], predictions: Mapping[str, Path]) -> None:
    """Add the test probabilities of runs to those of an experiment.

    Parameters
    ----------
    config : dict
        Where its `keep_probabilities` is false, none are kept.
    experiment : str
    committed : set of str
        Paths of all runs with a committed record; what is kept of others goes.
    predictions : mapping of str to Path
        {run path: its predictions.npz}; one of a run that diverged holds nothing to keep.
    """
    file = file_of(config, experiment)
    if not config["keep_probabilities"]:
        file.unlink(missing_ok=True)
        return
    kept = {path: its for path, its in codes(file).items() if path in committed}
    for path, source in predictions.items():
        kept.pop(path, None)
        fresh = coded(source)
        if fresh is not None:
            kept[path] = fresh
    room = LIMIT - sum(other.stat().st_size for other in file.parent.glob("*.npz") if other != file)
    content = packed(kept)
    while len(content) > room and kept:
        last = max(map(_seed, kept))
        kept = {path: its for path, its in kept.items() if _seed(path) < last}
        content = packed(kept)
    if not kept:
        file.unlink(missing_ok=True)
    elif not file.exists() or file.read_bytes() != content:
        with atomic_path(file) as temporary:
            temporary.write_bytes(content)


def packed(kept: Mapping[str, Codes]) -> bytes:
    """Return the bytes of the file, the same for the same codes."""
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **{path: kept[path] for path in sorted(kept)})
    return stream.getvalue()


def _seed(path: str) -> int:
    return int(re.sub(r".*/seed", "", path))
