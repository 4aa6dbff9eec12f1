"""Which links exist: Erdős–Rényi start, pruning, regrowth. Never a dense array, never a loop over links in Python.

A link of a block with `n_out` output neurons is named by one integer, ``source * n_out + target``; a topology is
the sorted array of its links (int64).
"""

import numpy as np
import numpy.typing as npt

from truly_sparse.engine import link_loops

Links = npt.NDArray[np.int64]
Values = npt.NDArray[np.float32]


def density(n_in: int, n_out: int, epsilon: float) -> float:
    """Return the probability of a link, min(1, epsilon (n_in + n_out) / (n_in n_out)) (Mocanu et al. 2018)."""
    return min(1.0, epsilon * (n_in + n_out) / (n_in * n_out))


def erdos_renyi(n_in: int, n_out: int, epsilon: float, rng: np.random.Generator) -> Links:
    """Draw a block in which each link exists independently with probability `density`; see `bernoulli`."""
    return bernoulli(n_in * n_out, density(n_in, n_out, epsilon), rng)


def bernoulli(places: int, probability: float, rng: np.random.Generator) -> Links:
    """Draw each of the places independently.

    The gaps between the links of a Bernoulli sequence are geometric, so that the cost is that of the links drawn.

    Returns
    -------
    ndarray of int64, shape (links,)
        Sorted, distinct.
    """
    if probability <= 0.0:
        return np.empty(0, np.int64)
    if probability >= 1.0:
        return np.arange(places, dtype=np.int64)
    expected = places * probability
    parts: list[Links] = []
    last = -1
    while last < places:
        count = int(expected + 6 * np.sqrt(expected) + 16)
        # A gap that leads beyond the last place is as good as any longer one, whose sums could overflow.
        part = last + np.cumsum(np.minimum(rng.geometric(probability, size=count), places + 1))
        parts.append(part)
        last = int(part[-1])
    links = np.concatenate(parts)
    return links[: np.searchsorted(links, places)]


def start_bound(n_in: int, n_out: int, kind: str, share: float = 1.0) -> float:
    """Return the half-width of the uniform start values of a block.

    "he": sqrt(6 / n_in), the dense fan-in, as the sources have it; "xavier": sqrt(6 / (n_in + n_out));
    "he_links": sqrt(6 / (share n_in)), with the fan-in a neuron really has when `share` of its links exist;
    "torch": 1 / sqrt(n_in), PyTorch's for linear layers; "torch_links": 1 / sqrt(share n_in). Where no link exists,
    the one that is grown first will be the only one of its neuron.
    """
    share = share or 1 / n_in
    if kind.startswith("torch"):
        return float(1 / np.sqrt(share * n_in if kind == "torch_links" else n_in))
    fan = {"he": float(n_in), "xavier": float(n_in + n_out), "he_links": share * n_in}[kind]
    return float(np.sqrt(6.0 / fan))


def start_values(count: int, bound: float, rng: np.random.Generator) -> Values:
    """Draw `count` start values, uniform in [-bound, bound), float32."""
    return ((rng.random(count, dtype=np.float32) * 2 - 1) * np.float32(bound)).astype(np.float32)


def survivors(values: Values, fraction: float) -> npt.NDArray[np.bool_]:
    """Mark the links that survive pruning: of each sign, the `fraction` closest to zero is removed.

    The number removed of each sign is rounded down; links that are exactly zero go first and in addition
    (they carry nothing). Ties are broken by the order of the links, so that the result is reproducible.

    Returns
    -------
    ndarray of bool, shape (links,)
    """
    magnitudes = np.empty_like(values)
    positive, negative = link_loops.split_by_sign(values, magnitudes)
    limits, ties = np.zeros(2, np.float32), np.zeros(2, np.int64)
    for sign, signed in enumerate((magnitudes[:positive], magnitudes[len(values) - negative :])):
        remove = int(fraction * len(signed))
        if remove:
            signed.partition(remove - 1)
            limits[sign] = signed[remove - 1]
            ties[sign] = np.count_nonzero(signed[:remove] == limits[sign])
    keep = np.empty(len(values), bool)
    link_loops.mark_survivors(values, limits, ties, keep)
    return keep


def between(values: Values, fraction: float) -> npt.NDArray[np.bool_]:
    """Mark the links that survive pruning by van Engers' implementation II: those beyond two of the sorted values.

    With n sorted values of which the k-th (from 0) is the one closest to zero, those strictly below the
    floor((1 - fraction) k)-th survive, and those strictly above the floor(k + 1 + fraction (n - k - 1))-th (at most the
    last). So one or two links more fall than `fraction` of them, two even at 0, and all at 1.

    Returns
    -------
    ndarray of bool, shape (links,)
    """
    if not len(values):
        return np.zeros(0, bool)
    least = np.abs(values).min()
    first, last = np.count_nonzero(values < -least), np.count_nonzero(values <= least)
    low = int((1 - fraction) * first)
    high = min(len(values) - 1, int(last + fraction * (len(values) - last)))
    ordered = np.partition(values, (low, high))
    keep: npt.NDArray[np.bool_] = (values < ordered[low]) | (values > ordered[high])
    return keep


def smallest(values: Values, count: int) -> npt.NDArray[np.bool_]:
    """Mark the `count` links of the smallest magnitudes, whatever their sign; of equal ones those that come first.

    Returns
    -------
    ndarray of bool, shape (links,)
    """
    magnitudes = np.abs(values)
    marked = np.zeros(len(values), bool)
    if count > 0:
        limit = np.partition(magnitudes, count - 1)[count - 1]
        marked[:] = magnitudes < limit
        marked[np.flatnonzero(magnitudes == limit)[: count - np.count_nonzero(marked)]] = True
    return marked


def merge(first: Links, second: Links) -> Links:
    """Return the sorted union of two sorted link arrays that share no link."""
    return np.insert(first, np.searchsorted(first, second), second)


def union(*parts: Links) -> Links:
    """Return the sorted union of link arrays, each link once."""
    links = np.sort(np.concatenate(parts))
    first = np.ones(len(links), bool)
    np.not_equal(links[1:], links[:-1], out=first[1:])
    return links[first]


def distinct(count: int, among: int, rng: np.random.Generator) -> Links:
    """Draw `count` distinct integers below `among`, sorted, uniform over all such sets; memory grows with `count`."""
    if count > among // 2:
        return np.sort(rng.permutation(among)[:count])
    drawn = np.empty(0, np.int64)
    while len(drawn) < count:
        # As many draws as are missing, never more: the set of the first `count` distinct draws favours no number.
        drawn = union(drawn, rng.integers(0, among, size=count - len(drawn)))
    return drawn


def grow(occupied: Links, count: int, places: int, rng: np.random.Generator) -> Links:
    """Draw `count` links uniformly from the free places of a block.

    Ranks among the free places are drawn and turned into places: exact, without rejection.

    Parameters
    ----------
    occupied : ndarray of int64, shape (links,)
        Sorted, distinct.
    count : int
        At most ``places - len(occupied)``.
    places : int
        n_in * n_out of the block.

    Returns
    -------
    ndarray of int64, shape (count,)
        Sorted, distinct, none of them occupied.

    Raises
    ------
    ValueError
        Where there are fewer free places.
    """
    free = places - len(occupied)
    if count > free:
        raise ValueError(f"{count} links do not fit into {free} free places")
    return places_of(occupied, distinct(count, free, rng))


def places_of(occupied: Links, ranks: Links) -> Links:
    """Return the places whose ranks among the free ones are `ranks` (sorted), in O(links)."""
    links = np.empty(len(ranks), np.int64)
    link_loops.free_places(occupied, ranks, links)
    return links


def grow_avoiding(kept: Links, blocked: Links, count: int, places: int, rng: np.random.Generator) -> tuple[Links, int]:
    """Draw `count` links that are neither kept nor blocked; fill up from the blocked ones when places run out.

    Returns
    -------
    links : ndarray of int64, shape (count,)
        Sorted, distinct, none of them kept.
    fallbacks : int
        How many of them are blocked ones, because no unblocked place was left.
    """
    occupied = union(kept, blocked)
    fallbacks = max(0, count - (places - len(occupied)))
    links = grow(occupied, count - fallbacks, places, rng)
    if fallbacks:
        links = merge(links, grow(merge(kept, links), fallbacks, places, rng))
    return links, fallbacks
