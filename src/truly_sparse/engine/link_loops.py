"""Compiled loops over the links of a block: their two orders, what is pruned and what is free. Never a dense array."""

from numba import njit

from truly_sparse.engine.compiled import COMPILED


@njit(cache=True, **COMPILED)
def index_by_output(n_in, n_out, in_pointers, targets, out_pointers, sources, position):
    """Build a block's order by output neuron from its order by input neuron (counting sort, O(links))."""
    for o in range(n_out + 1):
        out_pointers[o] = 0
    for k in range(targets.shape[0]):
        out_pointers[targets[k] + 1] += 1
    for o in range(n_out):
        out_pointers[o + 1] += out_pointers[o]
    for i in range(n_in):
        for k in range(in_pointers[i], in_pointers[i + 1]):
            place = out_pointers[targets[k]]
            sources[place] = i
            position[place] = k
            out_pointers[targets[k]] = place + 1
    for o in range(n_out, 0, -1):
        out_pointers[o] = out_pointers[o - 1]
    out_pointers[0] = 0


@njit(cache=True, **COMPILED)
def replant(n_out, old_pointers, old_targets, old_values, old_velocity, keep, grown, grown_values,
            in_pointers, targets, values, velocity):  # fmt: skip
    """Merge the kept old links with the grown ones (sorted, velocity zero) into a block's arrays, O(links)."""
    place = g = 0
    for i in range(old_pointers.shape[0] - 1):
        in_pointers[i] = place
        k, stop = old_pointers[i], old_pointers[i + 1]
        row = i * n_out
        while True:
            new = g < grown.shape[0] and grown[g] < row + n_out
            limit = grown[g] - row if new else n_out
            # Every old link is written, and the next one over it unless it is kept: which are cannot be predicted.
            while k < stop and place < targets.shape[0] and old_targets[k] < limit:
                targets[place] = old_targets[k]
                values[place] = old_values[k]
                velocity[place] = old_velocity[k]
                place += keep[k]
                k += 1
            if not new:
                break
            targets[place] = limit
            values[place] = grown_values[g]
            velocity[place] = 0.0
            place += 1
            g += 1
    in_pointers[old_pointers.shape[0] - 1] = place


@njit(cache=True, **COMPILED)
def kept_links(in_pointers, targets, keep, n_out, links):
    """Write the sorted links (``source * n_out + target``) that are kept; `links` has room for one more than those."""
    place = 0
    for i in range(in_pointers.shape[0] - 1):
        for k in range(in_pointers[i], in_pointers[i + 1]):
            links[place] = i * n_out + targets[k]
            place += keep[k]


@njit(cache=True, **COMPILED)
def free_places(occupied, ranks, places):
    """Write the places of the free ranks: rank r is place r plus the number of occupied ones before it, O(links)."""
    before = 0
    for j in range(ranks.shape[0]):
        while before < occupied.shape[0] and occupied[before] - before <= ranks[j]:
            before += 1
        places[j] = ranks[j] + before


@njit(cache=True, **COMPILED)
def split_by_sign(values, magnitudes):
    """Write the magnitudes of positive values from the left, of negative ones from the right; return how many each."""
    positive = negative = 0
    last = values.shape[0] - 1
    for k in range(values.shape[0]):
        # Written to both ends, counted at one: signs cannot be predicted, so that branches would cost more.
        magnitudes[positive] = magnitudes[last - negative] = abs(values[k])
        positive += values[k] > 0
        negative += values[k] < 0
    return positive, negative


@njit(cache=True, **COMPILED)
def mark_survivors(values, limits, left, keep):
    """Mark the values that are not zero, not below the limit of their sign (+, -), nor among its first at it, of which
    as many go as are `left`; that is counted down.
    """
    above, below = limits
    for k in range(values.shape[0]):
        limit = below if values[k] < 0 else above
        magnitude = abs(values[k])
        keep[k] = (magnitude != 0) & ~(magnitude < limit)
        if magnitude == limit:
            sign = int(values[k] < 0)
            keep[k] &= left[sign] <= 0
            left[sign] -= 1
