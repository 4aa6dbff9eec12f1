"""Links and operations of the thesis' networks, counted from the configuration alone: no run is needed for them."""

from collections.abc import Sequence

from truly_sparse.measure.flops import operations


def expected_links(sizes: Sequence[int], epsilon: float | None) -> list[float]:
    """Return the links of every block: those of an Erdős–Rényi start on average, all of a dense one without epsilon."""
    pairs = list(zip(sizes, sizes[1:], strict=False))
    return [a * b if epsilon is None else min(float(a * b), epsilon * (a + b)) for a, b in pairs]


def inner_ratio(sizes: Sequence[int], epsilon: float, members: int) -> float:
    """Return the links of an ensemble as a multiple of a dense network's, output blocks and biases left out of both.

    That is how the sources count.
    """
    return members * sum(expected_links(sizes, epsilon)[:-1]) / sum(expected_links(sizes, None)[:-1])


def weights_ratio(sizes: Sequence[int], epsilon: float, members: int) -> float:
    """Return links and biases of an ensemble as a multiple of a dense network's."""
    biases = sum(sizes[1:])
    sparse, dense = (sum(expected_links(sizes, density)) + biases for density in (epsilon, None))
    return members * sparse / dense


def training_operations(sizes: Sequence[int], epsilon: float | None, samples: int, epochs: int) -> float:
    """Return the multiply-adds of training with `samples` a epoch, as `measure.flops` counts them."""
    links = expected_links(sizes, epsilon)
    epoch = {"samples": samples, "connections": sum(links), "input_connections": links[0]}
    return float(operations([epoch] * epochs, 0)["total_training"])


def all_passes(sizes: Sequence[int], samples: int, epochs: int) -> int:
    """Return 3 x weights x samples x epochs of a dense network, biases among the weights: the sources' figure."""
    weights = sum(a * b for a, b in zip(sizes, sizes[1:], strict=False)) + sum(sizes[1:])
    return 3 * weights * samples * epochs
