"""64-bit hashes of grey images, alike for images that look alike (average, perceptual, difference, wavelet).

They are those of the package imagehash 4.3, bit for bit but for ties, and not those which Whitaker's section 7.3.1
describes: there the perceptual and the difference hash have the mean as their threshold; here, as in the package, the
perceptual hash has the median of the lowest frequencies and the difference hash the sign between neighbours. All is
counted in whole numbers but for the cosines, whose sums are rounded, so that every processor finds the same bits.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from truly_sparse.errors import UserError

Image = npt.NDArray[np.uint8]
Hash = npt.NDArray[np.bool_]
#: Bits of a hash in either direction.
SIDE = 8
#: Pixels of a perceptual hash in either direction, of whose frequencies the lowest count.
_FINE = 32
#: Half-width of Lanczos's kernel.
_LOBES = 3
#: Bits behind the point of a weight in a resized image.
_PRECISION = 22
#: Decimals of a frequency; sums of 1024 products of bytes differ between processors far below them.
_DECIMALS = 6


def average_hash(image: Image) -> Hash:
    """Return which of 8 x 8 pixels are above their mean, shape (8, 8)."""
    small = resize(image, SIDE, SIDE).astype(np.int64)
    return np.asarray(small * small.size > small.sum())


def perceptual_hash(image: Image) -> Hash:
    """Return which of the 8 x 8 lowest frequencies of 32 x 32 pixels (cosine transform) are above their median."""
    pixels = resize(image, _FINE, _FINE).astype(np.float64)
    angles = [[math.pi * k * (2 * n + 1) / (2 * _FINE) for n in range(_FINE)] for k in range(SIDE)]
    waves = np.array([[2 * math.cos(angle) for angle in row] for row in angles])
    # Not products of matrices, whose sums depend on the BLAS library and the processor.
    columns = (waves[:, :, None] * pixels).sum(axis=1)
    frequencies = np.round((columns.T[:, :, None] * waves.T[:, None, :]).sum(axis=0), _DECIMALS)
    return np.asarray(frequencies > _median(frequencies))


def difference_hash(image: Image) -> Hash:
    """Return which of 9 x 8 pixels are brighter than the one to their left, shape (8, 8)."""
    small = resize(image, SIDE, SIDE + 1)
    return np.asarray(small[:, 1:] > small[:, :-1])


def wavelet_hash(image: Image) -> Hash:
    """Return which of 8 x 8 blocks of pixels (Haar wavelets) are above their median.

    The image is first made a square of the largest power of two that fits, eight at least.
    """
    scale = max(SIDE, 2 ** int(math.log2(min(image.shape))))
    part = scale // SIDE
    pixels = resize(image, scale, scale).astype(np.int64)
    blocks = pixels.reshape(SIDE, part, SIDE, part).sum(axis=(1, 3))
    return np.asarray(blocks > _median(blocks))


#: The hashes by name.
HASHES: dict[str, Callable[[Image], Hash]] = {
    "average_hash": average_hash,
    "perceptual_hash": perceptual_hash,
    "difference_hash": difference_hash,
    "wavelet_hash": wavelet_hash,
}


def hamming(one: Hash, other: Hash) -> int:
    """Return in how many bits two hashes differ, 0 to 64."""
    return int((one != other).sum())


def resize(image: Image, height: int, width: int) -> Image:
    """Return an image at another size, filtered by Lanczos's kernel in whole numbers as the package Pillow does.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width)

    Raises
    ------
    UserError
        For anything else.
    """
    if image.ndim != 2 or image.dtype != np.uint8 or not image.size:
        raise UserError(f"image {image.shape} of {image.dtype}; give grey pixels, uint8, (height, width)")
    # First along a row, then along a column, rounded to bytes in between.
    return _along_rows(_along_rows(image, width).T, height).T


def _along_rows(image: Image, size: int) -> Image:
    count = image.shape[1]
    if count == size:
        return image
    scale = count / size
    reach = _LOBES * max(scale, 1.0)
    columns = []
    for place in range(size):
        centre = (place + 0.5) * scale
        first, last = max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), count)
        weights = [_lanczos((x - centre + 0.5) / max(scale, 1.0)) for x in range(first, last)]
        total = math.fsum(weights)
        whole = [_nearest(weight / total * (1 << _PRECISION)) for weight in weights]
        sums = (image[:, first:last] * np.array(whole, np.int64)).sum(axis=1) + (1 << (_PRECISION - 1))
        columns.append(np.clip(sums >> _PRECISION, 0, 255))
    return np.stack(columns, axis=1).astype(np.uint8)


def _lanczos(x: float) -> float:
    return _sinc(x) * _sinc(x / _LOBES) if -_LOBES <= x < _LOBES else 0.0


def _sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x) if x else 1.0


def _nearest(value: float) -> int:
    """Return the nearest whole number, halves away from zero."""
    return int(value + math.copysign(0.5, value))


def _median(values: npt.NDArray[Any]) -> float:
    return float(np.median(values))
