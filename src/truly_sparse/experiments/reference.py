"""A scikit-learn model of the folder references, fitted on the splits that the networks get."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from truly_sparse import references
from truly_sparse.data.arrays import Arrays, Samples, floats
from truly_sparse.files import atomic_path

if TYPE_CHECKING:
    from truly_sparse.experiments.grid import RunSpec

Floats = npt.NDArray[np.float32]


class Model:
    """A scikit-learn classifier fitted on training and validation rows together (it has no use for the latter apart).

    Validation rows that are the test rows are left out.

    Its attributes and methods are those of `networks.Model`.
    """

    failure = None

    def __init__(
        self,
        spec: "RunSpec",
        data: Arrays,
        folder: Path,
        restart: bool,
        each_epoch: Callable[[], None],
        parents: Path | None = None,
    ) -> None:
        del folder, restart, each_epoch, parents
        self._model = references.create(spec.settings["strategy"], spec.seed)
        parts = [(data.x_train, data.y_train)]
        if data.x_validation is not data.x_test:
            parts.append((data.x_validation, data.y_validation))
        x, y = (np.concatenate(each) for each in zip(*((floats(x), y) for x, y in parts), strict=True))
        self._model.fit(x, y)

    def predict(self, x: Samples) -> Floats:
        """Return probabilities, float32, shape (1, samples, classes)."""
        return np.asarray(self._model.predict_proba(floats(x)), np.float32)[None]

    @property
    def model_bytes(self) -> int:
        """Memory of all arrays the fitted model holds."""
        return _array_bytes(self._model, {})

    def record(self, data: Arrays, probabilities: Floats | None) -> dict[str, Any]:
        """Return nothing beyond what every run records."""
        del data, probabilities
        return {}

    def write(self, folder: Path) -> None:
        """Write an empty history: there are no epochs of ours."""
        with atomic_path(folder / "history.parquet") as temporary:
            pq.write_table(pa.table({"epoch": pa.array([], pa.int64())}), temporary)

    def forget_checkpoint(self) -> None:
        """Do nothing: there is none."""


def _array_bytes(value: Any, seen: dict[int, Any]) -> int:
    """Return the bytes of the arrays in an object, its attributes and containers, each counted once."""
    if id(value) in seen or isinstance(value, str | bytes | int | float | type(None)):
        return 0
    seen[id(value)] = value  # kept alive, or its id could be given out again
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.nbytes
    if isinstance(value, list | tuple | np.ndarray):
        return sum(_array_bytes(item, seen) for item in value)
    if hasattr(value, "__getstate__") and not isinstance(value, dict):
        return _array_bytes(value.__getstate__(), seen)  # a compiled tree shows its arrays only here
    return sum(_array_bytes(item, seen) for item in value.values()) if isinstance(value, dict) else 0
