"""How far subnetworks of one parent lie apart, by their links (Whitaker section 3.2.2)."""

import math
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import numpy.typing as npt

#: Numbers of links, each once.
Links = npt.NDArray[np.int64]


def cartesian_distance(one: Links, other: Links) -> float:
    """Return the root of the number of links that only one of two subnetworks has (equation 3.13).

    It is the Euclidean distance of their masks, which are never made; "Cartesian" is the source's word.
    """
    return math.sqrt(len(np.setxor1d(one, other, assume_unique=True)))


def total_distance(subnetworks: Sequence[Links]) -> float:
    """Return the sum of distances over all ordered pairs of subnetworks."""
    return math.fsum(cartesian_distance(one, other) for one, other in permutations(subnetworks, 2))
