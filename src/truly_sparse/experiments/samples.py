"""What networks see of a run's data: images as bytes, all else as float32."""

from truly_sparse.data import arrays
from truly_sparse.data.pixels import Pixels
from truly_sparse.engine.network import Samples
from truly_sparse.engine.rows import Bytes
from truly_sparse.ensembles.trainer import Data


def samples(x: arrays.Samples) -> Samples:
    """Return samples as networks take them."""
    return Bytes(x.values, x.scale, x.shift) if isinstance(x, Pixels) else x


def seen(data: arrays.Arrays) -> Data:
    """Return what a network may see in training."""
    x, x_validation = (samples(each) for each in (data.x_train, data.x_validation))
    return Data(x, data.y_train, x_validation, data.y_validation, len(data.classes))
