"""What networks see of a run's data: bytes where they can take them, else float32."""

from truly_sparse.data import arrays
from truly_sparse.data.pixels import Pixels
from truly_sparse.engine.network import Samples
from truly_sparse.engine.rows import Bytes
from truly_sparse.ensembles.trainer import Data


def samples(x: arrays.Samples, model: str) -> Samples:
    """Return samples as a "sparse" or "dense" network takes them: only sparse ones take bytes, four times smaller."""
    if isinstance(x, Pixels) and model == "sparse":
        return Bytes(x.values, x.scale, x.shift)
    return arrays.floats(x)


def seen(data: arrays.Arrays, model: str) -> Data:
    """Return what a network may see in training."""
    x, x_validation = (samples(each, model) for each in (data.x_train, data.x_validation))
    return Data(x, data.y_train, x_validation, data.y_validation, len(data.classes))
