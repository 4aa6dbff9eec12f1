"""What a network looks at: gradients of the predicted class with respect to the inputs (Whitaker section 7.3).

Worked out in float64 from a network's links, beside the kernels: training needs no gradients of inputs. A sparse
network stays sparse.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import SparseMLP
from truly_sparse.errors import UserError
from truly_sparse.measure.image_hashes import HASHES, hamming

Numbers = npt.NDArray[np.float64]
#: Shades of a map as it is hashed.
_WHITE = 255


class Linear(NamedTuple):
    """One block: what leads from one layer to a later one, as a matrix [target][source], and back."""

    source: int
    target: int
    forward: Any
    backward: Any


class Gradients:
    """Gradients of a network's logits with respect to its inputs.

    Parameters
    ----------
    network : SparseMLP or DenseMLP
        Its links are copied.

    Raises
    ------
    UserError
        For a network with the activation Mish.
    """

    def __init__(self, network: SparseMLP | DenseMLP) -> None:
        self.sizes = list(network.sizes)
        if isinstance(network, DenseMLP):
            weights = [weight.astype(np.float64) for weight in network.weights]
            self.blocks = [Linear(i, i + 1, weight, weight.T) for i, weight in enumerate(weights)]
            self.slopes = [0.0, *map(float, network.slopes), 0.0]
            biases = np.concatenate(network.biases)
        else:
            if network.mish:
                raise UserError("saliency: the gradients of Mish are not worked out; give a network with slopes")
            self.blocks = [_links(block) for block in network.blocks]
            self.slopes = list(map(float, network.slopes))
            biases = network.summed_biases()
        self.biases = np.split(biases.astype(np.float64)[:, None], np.cumsum(self.sizes[1:-1]))

    def of(self, x: Numbers, classes: npt.NDArray[np.int64]) -> Numbers:
        """Return the gradient of the logit of each sample's class (equation 7.4), shape (samples, features).

        Parameters
        ----------
        x : ndarray of float64, shape (samples, features)
        classes : ndarray of int64, shape (samples,)
        """
        gains = self._forward(x)[1]
        errors = [np.zeros((size, len(x))) for size in self.sizes]
        errors[-1][classes, np.arange(len(x))] = 1.0
        for source, target, _, backward in sorted(self.blocks, key=lambda block: -block.target):
            errors[source] += backward @ (errors[target] * gains[target])
        return errors[0].T

    def predicted(self, x: Numbers) -> npt.NDArray[np.int64]:
        """Return the class of the largest logit, shape (samples,)."""
        return np.asarray(self._forward(x)[0].argmax(axis=0), np.int64)

    def smooth(
        self, x: Numbers, classes: npt.NDArray[np.int64], draws: int, sd: Numbers, rng: np.random.Generator
    ) -> Numbers:
        """Return the mean gradient over noisy inputs (SmoothGrad, equation 7.5), shape (samples, features).

        Parameters
        ----------
        x, classes
            As for `of`.
        draws : int
            Noisy copies of every input.
        sd : ndarray of float64, shape (samples,)
            Standard deviation of the noise of each.
        rng : numpy.random.Generator
            Draws the noise.
        """
        total = np.zeros_like(x)
        for _ in range(draws):
            total += self.of(x + sd[:, None] * rng.normal(size=x.shape), classes)
        return total / draws

    def _forward(self, x: Numbers) -> tuple[Numbers, list[Any]]:
        """Return the logits [class][sample], and of every layer the factors that its errors are multiplied by."""
        last = len(self.sizes) - 1
        sums: list[Any] = [x.T, *(np.repeat(bias, len(x), axis=1) for bias in self.biases)]
        gains: list[Any] = [1.0] * (last + 1)
        done = 0
        for source, target, forward, _ in sorted(self.blocks, key=lambda block: block.source):
            if source > done:
                gains[source] = np.where(sums[source] > 0, 1.0, self.slopes[source])
                sums[source] *= gains[source]
                done = source
            sums[target] += forward @ sums[source]
        return sums[last], gains


def saliency_maps(gradients: Numbers, shape: tuple[int, int, int]) -> Numbers:
    """Return the largest magnitude over channels, scaled to 0 to 1, shape (samples, height, width).

    Parameters
    ----------
    gradients : ndarray of float64, shape (samples, features)
    shape : tuple
        Channels, height and width of an image.
    """
    magnitudes = np.abs(gradients).reshape(len(gradients), *shape).max(axis=1)
    low, high = (end(axis=(1, 2), keepdims=True) for end in (magnitudes.min, magnitudes.max))
    return np.asarray((magnitudes - low) / np.where(high > low, high - low, 1.0))


def map_distances(one: Numbers, other: Numbers) -> dict[str, float]:
    """Return how far two networks' maps of the same images lie apart, mean over images (Whitaker figure 7.4).

    Parameters
    ----------
    one, other : ndarray of float64, shape (images, height, width)
        From 0 to 1.

    Returns
    -------
    dict
        `rmse`, and of each of `image_hashes.HASHES` the bits in which the maps, as 256 shades, differ.
    """
    found = {"rmse": float(rmse(one, other).mean())}
    shades = [np.rint(_WHITE * maps).astype(np.uint8) for maps in (one, other)]
    for name, of in HASHES.items():
        found[name] = sum(hamming(of(a), of(b)) for a, b in zip(*shades, strict=True)) / len(one)
    return found


def rmse(one: Numbers, other: Numbers) -> Numbers:
    """Return the root of the mean squared difference of every two maps, shape (images,)."""
    return np.asarray(np.sqrt(((one - other) ** 2).mean(axis=(1, 2))))


def _links(block: Any) -> Linear:
    values, pointers = block.values.astype(np.float64), block.pointers
    matrix = sparse.csr_array((values, block.targets, pointers), shape=(block.n_in, block.n_out))
    return Linear(block.source, block.target, matrix.T.tocsr(), matrix)
