"""How many weights a network of given layers could have, from its sizes alone."""

from collections.abc import Sequence
from typing import NamedTuple


class Possible(NamedTuple):
    """Possible weights by the kind of block: between neighbouring layers, and past at least one."""

    sequential: int
    shortcut: int

    @property
    def total(self) -> int:
        """Weights of all blocks."""
        return self.sequential + self.shortcut


def possible_weights(sizes: Sequence[int]) -> Possible:
    """Count the weights of all blocks from a layer to a later one, biases left out.

    Parameters
    ----------
    sizes : sequence of int
        Neurons of each layer, input and output included.

    Returns
    -------
    Possible
        Sums of n_k n_l over neighbours (l = k + 1) and over all pairs that are further apart (l > k + 1): N1 and N2 of
        Muller (2023), printed in Table 2 there as theta with D = 1 and D > 1.
    """
    neighbours = sum(a * b for a, b in zip(sizes, sizes[1:], strict=False))
    pairs = (sum(sizes) ** 2 - sum(size**2 for size in sizes)) // 2
    return Possible(neighbours, pairs - neighbours)
