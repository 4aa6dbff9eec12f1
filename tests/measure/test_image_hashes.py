"""Hashes of images, against slow versions of what the package imagehash does with Pillow, SciPy and wavelets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.fft import dct

from truly_sparse.errors import UserError
from truly_sparse.measure.image_hashes import HASHES, SIDE, hamming, resize


def picture(seed, side):
    """Half noise, half waves, so that hashes are neither all the same nor all chance."""
    rng = np.random.default_rng(seed)
    across = np.arange(side)
    waves = np.add.outer(np.sin(across / (3 + seed % 5)), np.cos(across / 4)) * 50 + 128
    return (waves + rng.normal(scale=15, size=(side, side))).clip(0, 255).astype(np.uint8)


def pillow(image, height, width):
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def average(image):
    small = pillow(image, 8, 8).astype(float)
    return small > small.mean()


def perceptual(image):
    frequencies = dct(dct(pillow(image, 32, 32).astype(float), axis=0), axis=1)[:8, :8]
    return frequencies > np.median(frequencies)


def difference(image):
    small = pillow(image, 8, 9).astype(int)
    return np.diff(small, axis=1) > 0


def wavelet(image):
    """Haar's transform step by step, with the overall mean taken away, as imagehash does it."""
    scale = max(8, 2 ** int(np.log2(min(image.shape))))
    low = pillow(image, scale, scale) / 255.0
    low -= low.mean()
    while len(low) > 8:
        low = (low[::2, ::2] + low[1::2, ::2] + low[::2, 1::2] + low[1::2, 1::2]) / 2
    low = np.round(low, 9)  # equal blocks are equal
    return low > np.median(low)


SLOW = {
    "average_hash": average,
    "perceptual_hash": perceptual,
    "difference_hash": difference,
    "wavelet_hash": wavelet,
}


@pytest.mark.parametrize("side", [8, 28, 32, 50])
@pytest.mark.parametrize("name", HASHES)
def test_hashes_are_those_of_the_slow_version(name, side):
    for seed in range(10):
        image = picture(seed, side)
        found = HASHES[name](image)
        assert found.shape == (SIDE, SIDE)
        np.testing.assert_array_equal(found, SLOW[name](image))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (8, 9), (32, 32), (28, 5), (70, 28)])
def test_resizing_is_pillows(height, width):
    noise = np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)
    np.testing.assert_array_equal(resize(noise, height, width), pillow(noise, height, width))


@given(st.integers(0, 10_000))
def test_equal_images_are_zero_apart(seed):
    image = picture(seed, 28)
    assert all(hamming(of(image), of(image.copy())) == 0 for of in HASHES.values())


def test_a_negative_is_as_far_as_can_be():
    for seed in range(10):
        image = picture(seed, 28)
        assert hamming(HASHES["average_hash"](image), HASHES["average_hash"](255 - image)) >= 62
        assert hamming(HASHES["difference_hash"](image), HASHES["difference_hash"](255 - image)) >= 60


def test_only_grey_bytes_are_taken():
    with pytest.raises(UserError, match="grey pixels"):
        resize(np.zeros((8, 8)), 4, 4)
