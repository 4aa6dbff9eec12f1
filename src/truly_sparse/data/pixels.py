"""Images of a prepared table as the bytes they are, with what scales them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from truly_sparse.errors import UserError

#: The column of a prepared table that holds the bytes of each image.
COLUMN = "pixels"
#: Scalings that images can have.
SCALINGS = ("none", "unit", "channels", "standard")
#: Images whose squares add up exactly in float32, in whatever order.
EXACT = 256

Rows = npt.NDArray[np.int64]
Values = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pixels:
    """Images: uint8 `values` [image][pixel], each of which stands for value * scale + shift (float32 [pixel])."""

    values: Values
    scale: Floats
    shift: Floats

    def __len__(self) -> int:
        return len(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """Images and pixels."""
        return self.values.shape

    def floats(self) -> Floats:
        """Return the scaled values, float32, four times the memory."""
        scaled = self.values * self.scale
        scaled += self.shift
        return scaled


def width(schema: pa.Schema) -> int:
    """Return how many pixels the images of a prepared table have; 0 where it holds none."""
    kind = schema.field(COLUMN).type if COLUMN in schema.names else pa.null()
    return int(kind.byte_width) if pa.types.is_fixed_size_binary(kind) else 0


def load(file: pq.ParquetFile, parts: Sequence[Rows], shape: Sequence[int], scaling: str, name: str) -> list[Pixels]:
    """Return the images of each part, scaled by what the first part holds.

    Parameters
    ----------
    file : ParquetFile
    parts : sequence of int64 arrays
        Row numbers, ascending.
    shape : sequence of int
        Channels, height, width.
    scaling : {"none", "unit", "channels", "standard"}
        See `scales`.
    name : str
        Dataset, for messages.

    Raises
    ------
    UserError
        For a scaling that images do not have.
    """
    if scaling not in SCALINGS:
        known = f"{', '.join(SCALINGS[:-1])} or {SCALINGS[-1]}"
        raise UserError(f"dataset {name}: scaling {scaling} is for tables; images have {known}")
    found = [np.empty((len(rows), width(file.schema_arrow)), np.uint8) for rows in parts]
    start = 0
    # One group of rows at a time: beside the result, only that is held.
    for group in range(file.num_row_groups):
        for chunk in file.read_row_group(group, [COLUMN])[COLUMN].chunks:
            stop = start + len(chunk)
            values = values_of(chunk)
            for part, rows in zip(found, parts, strict=True):
                first, last = np.searchsorted(rows, (start, stop))
                part[first:last] = values[rows[first:last] - start]
            start = stop
    scale, shift = scales(found[0], shape, scaling)
    return [Pixels(part, scale, shift) for part in found]


def values_of(chunk: pa.FixedSizeBinaryArray) -> Values:
    """Return the bytes of a column [image][pixel], where they lie."""
    each = chunk.type.byte_width
    return np.frombuffer(chunk.buffers()[1], np.uint8, len(chunk) * each, chunk.offset * each).reshape(-1, each)


def scales(values: Values, shape: Sequence[int], scaling: str) -> tuple[Floats, Floats]:
    """Return (scale, shift) of each pixel.

    "none" leaves bytes as they are, "unit" maps 0 to 255 to [0, 1]. "standard" gives each pixel, "channels" each
    channel, mean 0 and deviation 1 over `values`; what is constant becomes 0. All sums are of whole numbers, so that
    every processor finds the same.
    """
    pixels = values.shape[1]
    if scaling in ("none", "unit"):
        one = np.float32(1.0 if scaling == "none" else 1.0 / 255.0)
        return np.full(pixels, one), np.zeros(pixels, np.float32)
    groups = shape[0] if scaling == "channels" else pixels
    count = len(values) * (pixels // groups)
    found = np.zeros((2, groups))
    total, square = (sums.reshape(groups, -1).sum(axis=1) for sums in _sums(values))
    for group in range(groups):
        # Python's integers: the product of two sums may have more than 64 bits.
        spread = math.sqrt(count * int(square[group]) - int(total[group]) ** 2)
        found[:, group] = (count / spread, -int(total[group]) / spread) if spread else (0.0, 0.0)
    scale, shift = np.repeat(found, pixels // groups, axis=1).astype(np.float32)
    return scale, shift


def _sums(values: Values) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the sum, and the sum of the squares, of each pixel."""
    total, square = np.zeros((2, values.shape[1]), np.int64)
    for start in range(0, len(values), EXACT):
        some = values[start : start + EXACT].astype(np.float32)
        total += some.sum(axis=0).astype(np.int64)
        square += np.einsum("ij,ij->j", some, some).astype(np.int64)
    return total, square
