"""Sparse networks with shortcuts (SPaS, Muller 2023): how they start, and their topology step SPaSET.

A *sequential* link leads to the next layer, a *shortcut* to any later one. Sparsity S counts against the dense network
without shortcuts: there are (1 - S) times its weights, however they are divided; R is the part that is sequential. With
R = 1 the network is the plain sparse one, and the step is SET with one threshold for all blocks (SET*).
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from truly_sparse.engine import topology
from truly_sparse.engine.graph import Block, Pair
from truly_sparse.engine.linked import Linked
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.topology import Links
from truly_sparse.errors import UserError


def kinds(layers: int) -> tuple[list[Pair], list[Pair]]:
    """Return the sequential and the shortcut blocks of a network of so many layers."""
    pairs = list(combinations(range(layers), 2))
    return [pair for pair in pairs if pair[1] == pair[0] + 1], [pair for pair in pairs if pair[1] > pair[0] + 1]


def numbers(
    sizes: Sequence[int], shortcut_ratio: float, compression: float | None = None, links: int | None = None
) -> tuple[int, int]:
    """Return how many sequential links and how many shortcuts a network of N links has.

    Parameters
    ----------
    sizes : sequence of int
    shortcut_ratio : float
        1 - R, from 0 to 1.
    compression : float, optional
        c = 1 / (1 - S): N is a c-th part of the sequential places. 0 fills all places of both kinds.
    links : int, optional
        N itself, where there is no compression.
    """
    places = _places(sizes)
    if compression == 0:
        return places
    total = round(places[0] / compression) if compression is not None else links or 0
    sequential = round(total * (1 - shortcut_ratio))
    return sequential, total - sequential


def _places(sizes: Sequence[int]) -> tuple[int, int]:
    """Return the places of sequential links and of shortcuts."""
    first, second = (sum(sizes[i] * sizes[j] for i, j in pairs) for pairs in kinds(len(sizes)))
    return first, second


def start(
    sizes: Sequence[int],
    sequential: int,
    skipping: int,
    slopes: Sequence[float] | str,
    rng: np.random.Generator,
    init: str = "torch",
    storage: str = "float32",
) -> SparseMLP:
    """Start a network whose links are drawn uniformly among all places of their kind (equations 20 and 21).

    Exact numbers are drawn, not each link by chance. Biases, one for each block, are drawn as values are.

    Parameters
    ----------
    sizes : sequence of int
    sequential, skipping : int
        Sequential links and shortcuts; see `numbers`.
    slopes, rng, init, storage
        As in `SparseMLP.start`.

    Raises
    ------
    UserError
        Where there are not as many places of a kind.
    """
    links = drawn(sizes, kinds(len(sizes)), (sequential, skipping), rng)
    network = SparseMLP.start(sizes, links, slopes, rng, init, storage, bias_per_block=True)
    network.biases[:] = np.concatenate(
        [topology.start_values(block.n_out, network.bounds[block.pair], rng) for block in network.blocks]
    )
    return network


def drawn(
    sizes: Sequence[int],
    pairs: tuple[Sequence[Pair], Sequence[Pair]],
    counts: tuple[int, int],
    rng: np.random.Generator,
) -> dict[Pair, Links]:
    """Draw the links of sequential blocks and of shortcut blocks, each kind uniformly among all its places.

    Raises
    ------
    UserError
        Where there are not as many places of a kind.
    """
    links: dict[Pair, Links] = {}
    for name, own, count in zip(("sequential links", "shortcuts"), pairs, counts, strict=True):
        places = [(pair, sizes[pair[0]] * sizes[pair[1]]) for pair in own]
        most = sum(number for _, number in places)
        if count > most:
            raise UserError(
                f"{count:,} {name} do not fit into {most:,} places; lower the number of links, or change shortcut_ratio"
            )
        if count or name == "sequential links":
            links |= _split(topology.distinct(count, most, rng), places)
    return links


def erdos_renyi(
    sizes: Sequence[int],
    epsilon: float,
    shortcut_ratio: float,
    slopes: Sequence[float] | str,
    rng: np.random.Generator,
    init: str = "he",
    storage: str = "float32",
) -> SparseMLP:
    """Start a network of Erdős–Rényi blocks with about as many links as without shortcuts.

    Each sequential block has 1 - `shortcut_ratio` of the density it has without shortcuts; the other links are expected
    in the shortcut blocks, in proportion to n_in + n_out as in all Erdős–Rényi blocks, while they have places. With a
    ratio of 0 there are no such blocks.

    Raises
    ------
    UserError
        Where there are fewer places for shortcuts.
    """
    if not shortcut_ratio:
        return SparseMLP.erdos_renyi(sizes, epsilon, slopes, rng, init, storage)
    sequential, skipping = kinds(len(sizes))
    density = {(i, j): topology.density(sizes[i], sizes[j], epsilon) for i, j in sequential}
    wanted = shortcut_ratio * sum(share * sizes[i] * sizes[j] for (i, j), share in density.items())
    if wanted > _places(sizes)[1]:
        raise UserError(f"{wanted:,.0f} shortcuts do not fit into {_places(sizes)[1]:,} places; lower shortcut_ratio")
    density = {pair: (1 - shortcut_ratio) * share for pair, share in density.items()}
    # The smallest blocks fill up first; what they cannot take goes to the others.
    left, weight = wanted, sum(sizes[i] + sizes[j] for i, j in skipping)
    for i, j in sorted(skipping, key=lambda pair: sizes[pair[0]] * sizes[pair[1]] / (sizes[pair[0]] + sizes[pair[1]])):
        own = sizes[i] + sizes[j]
        expected = min(left * own / weight, float(sizes[i] * sizes[j]))
        density[i, j] = expected / (sizes[i] * sizes[j])
        left, weight = left - expected, weight - own
    density = dict(sorted(density.items()))
    links = {(i, j): topology.bernoulli(sizes[i] * sizes[j], share, rng) for (i, j), share in density.items()}
    return SparseMLP.start(sizes, links, slopes, rng, init, storage, density=density)


def _split(ranks: Links, pairs: Sequence[tuple[Pair, int]]) -> dict[Pair, Links]:
    """Return the places in each block of sorted ranks among the places of all blocks, one after the other."""
    ends = np.cumsum([count for _, count in pairs])
    parts = np.split(ranks, np.searchsorted(ranks, ends[:-1]))
    return {pair: part - (end - count) for (pair, count), part, end in zip(pairs, parts, ends, strict=True)}


def evolve(network: Linked, fraction: float, rng: np.random.Generator, fixed: bool = True) -> int:
    """Make one step of SPaSET: prune the smallest links of the whole network, regrow as many at random.

    Parameters
    ----------
    network : SparseMLP or SparseCNN
    fraction : float
        xi; floor(xi N) links of N fall, those of the smallest magnitudes in all blocks together.
    rng : numpy.random.Generator
    fixed : bool, default True
        Whether as many links of each kind grow as fell; else half of all grow as sequential links and half as
        shortcuts, while there are places.

    Returns
    -------
    int
        How many links fell and grew.
    """
    graph = network.graph
    count = int(fraction * len(graph))
    prune = topology.smallest(graph.values, count)
    sequential = [block for block in network.blocks if not network.skips(block)]
    shortcuts = [block for block in network.blocks if network.skips(block)]
    kept = {block.pair: block.links()[~prune[block.where]] for block in network.blocks}
    fell = sum(int(prune[block.where].sum()) for block in sequential)
    first = fell if fixed or not shortcuts else count // 2
    free = [sum(block.places - len(kept[block.pair]) for block in blocks) for blocks in (sequential, shortcuts)]
    first = min(max(first, count - free[1]), free[0])
    grown = _grown(sequential, kept, first, rng) | _grown(shortcuts, kept, count - first, rng)
    keys, values = [], []
    for block in network.blocks:
        own = grown[block.pair]
        keys.append(block.global_keys(own) + block.first * graph.starts[-1])
        values.append(topology.start_values(len(own), network.bounds[block.pair], rng))
    order = np.argsort(np.concatenate(keys))
    graph.replant(~prune, np.concatenate(keys)[order], np.concatenate(values)[order])
    return count


def _grown(
    blocks: Sequence[Block], kept: Mapping[Pair, Links], count: int, rng: np.random.Generator
) -> dict[Pair, Links]:
    """Draw `count` of the free places of all blocks, uniformly; return them by block."""
    free = [(block.pair, block.places - len(kept[block.pair])) for block in blocks]
    ranks = _split(topology.distinct(count, sum(number for _, number in free), rng), free) if blocks else {}
    return {pair: topology.places_of(kept[pair], own) for pair, own in ranks.items()}
