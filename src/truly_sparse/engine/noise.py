"""Networks with noise on some of their weights, which a key and four numbers say (Whitaker section 4.1).

The noise of a weight is a hash of the numbers of its neurons, so that none of it is kept, and a mirrored or a
complementary network takes the same. It is drawn from the normal distribution by its inverse (Wichura 1988, algorithm
AS 241), in float64 but for the logarithm, and in an order that is the same on every processor.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from truly_sparse.engine.compiled import COMPILED, INNER
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.dropout import layer_key, mix, threshold
from truly_sparse.engine.graph import starts_of
from truly_sparse.engine.libm import log
from truly_sparse.engine.linked import Linked
from truly_sparse.errors import UserError

# Coefficients of AS 241, numerator and denominator, from the constant on; its third range begins further out.
_CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
     3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
     1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip


class Noise(NamedTuple):
    """Noise on the weights of a network; absent links stay absent, and biases as they are.

    Parameters
    ----------
    key : int
        Of 64 bits.
    sd : float
        Standard deviation (sigma).
    sparsity : float
        Probability that a weight gets none.
    sign : {1, -1}
        -1 mirrors the noise.
    complement : bool
        Whether those weights get noise that get none without it.
    """

    key: int
    sd: float
    sparsity: float
    sign: int = 1
    complement: bool = False


@njit(**INNER)
def _ratio(x, above, below):
    """Return the ratio of two polynomials in x."""
    numerator, denominator = above[7], below[7]
    for power in range(6, -1, -1):
        numerator = numerator * x + above[power]
        denominator = denominator * x + below[power]
    return numerator / denominator


@njit(**INNER)
def _normal(word):
    """Return the normal deviate of a uniform 32-bit number; its tails end at 6.3."""
    p = (np.float64(word) + 0.5) / 4294967296.0
    q = p - 0.5
    if abs(q) <= 0.425:
        return q * _ratio(0.180625 - q * q, _CENTRE[0], _CENTRE[1])
    tail = math.sqrt(-log(p if q < 0 else 1.0 - p))
    found = _ratio(tail - 1.6, _TAIL[0], _TAIL[1])
    return -found if q < 0 else found


@njit(**INNER)
def _drawn(source, target, keys, sd, limit, complement):
    """Return the noise of a weight between two neurons, float64; 0 where it gets none."""
    at, marks = keys
    own = mix(np.uint32(source), np.uint32(marks), np.uint32(marks >> np.uint64(32)))
    spared = mix(np.uint32(target), own, np.uint32(marks >> np.uint64(32))) < limit
    if spared != complement:
        return 0.0
    own = mix(np.uint32(source), np.uint32(at), np.uint32(at >> np.uint64(32)))
    return sd * _normal(mix(np.uint32(target), own, np.uint32(at >> np.uint64(32))))


@njit(cache=True, **COMPILED)
def _add(values, pointers, targets, keys, sd, limit, complement):
    """Add noise to the values of links."""
    for source in range(pointers.shape[0] - 1):
        for k in range(pointers[source], pointers[source + 1]):
            values[k] += np.float32(_drawn(source, targets[k], keys, sd, limit, complement))


@njit(cache=True, **COMPILED)
def _add_dense(weights, first, first_target, keys, sd, limit, complement):
    """Add noise to weights [output][input]."""
    for o in range(weights.shape[0]):
        for i in range(weights.shape[1]):
            weights[o, i] += np.float32(_drawn(first + i, first_target + o, keys, sd, limit, complement))


def add_noise(network: Linked | DenseMLP, noise: Noise) -> None:
    """Add noise to the weights of a network, in place."""
    key = np.uint64(noise.key)
    keys = np.uint64(layer_key(key, 0, 1)), np.uint64(layer_key(key, 0, 2))
    numbers = keys, noise.sign * noise.sd, threshold(noise.sparsity), noise.complement
    if isinstance(network, DenseMLP):
        starts = starts_of(network.sizes)
        for layer, weights in enumerate(network.weights):
            _add_dense(weights, starts[layer], starts[layer + 1], *numbers)
    else:
        arrays = network.graph.arrays
        _add(network.graph.values, arrays.pointers, arrays.targets, *numbers)


def numbers_of(noise: Noise) -> npt.NDArray[np.float64]:
    """Return noise as numbers for a file: the halves of its key, and its four numbers."""
    return np.array([noise.key >> 32, noise.key & 0xFFFFFFFF, *noise[1:]], np.float64)


def noise_of(numbers: npt.NDArray[np.float64]) -> Noise:
    """Return the noise of `numbers_of`.

    Raises
    ------
    UserError
        For numbers that are none.
    """
    if (
        numbers.shape != (6,)
        or not np.isfinite(numbers).all()
        or not ((numbers[:2] >= 0) & (numbers[:2] < 2**32)).all()
    ):
        raise UserError("noise is not a key and four numbers")
    high, low, sd, sparsity, sign, complement = numbers.tolist()
    if sd < 0 or not 0 <= sparsity <= 1 or sign not in (1, -1) or complement not in (0, 1):
        raise UserError("noise has a number that is not possible")
    return Noise(int(high) << 32 | int(low), sd, sparsity, int(sign), bool(complement))
