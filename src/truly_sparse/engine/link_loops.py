"""Compiled loops over links: their two orders, what is pruned and what is free. Never a dense array."""

from numba import njit

from truly_sparse.engine.compiled import COMPILED


@njit(cache=True, **COMPILED)
def index_by_target(first, pointers, targets, fan_in, sources, position):
    """Build the order by target from the order by source (counting sort, O(links)); `first` is the lowest target."""
    neurons = fan_in.shape[0] - 1
    for o in range(neurons + 1):
        fan_in[o] = 0
    for k in range(targets.shape[0]):
        fan_in[targets[k] - first + 1] += 1
    for o in range(neurons):
        fan_in[o + 1] += fan_in[o]
    for i in range(pointers.shape[0] - 1):
        for k in range(pointers[i], pointers[i + 1]):
            o = targets[k] - first
            place = fan_in[o]
            sources[place] = i
            position[place] = k
            fan_in[o] = place + 1
    for o in range(neurons, 0, -1):
        fan_in[o] = fan_in[o - 1]
    fan_in[0] = 0


@njit(cache=True, **COMPILED)
def replant(span, old_pointers, old_targets, old_values, old_velocity, old_second, keep, grown, grown_values,
            pointers, targets, values, velocity, second):  # fmt: skip
    """Merge the kept old links with the grown ones (sorted, moments zero) into arrays of a run of sources, O(links).

    A grown link is ``source * span + target``, sources counted from the first of the run. Pointers count from the
    first link of the run. `second` may be empty.
    """
    place = g = 0
    begin = old_pointers[0]
    two = second.shape[0] > 0
    for i in range(old_pointers.shape[0] - 1):
        pointers[i] = begin + place
        k, stop = old_pointers[i] - begin, old_pointers[i + 1] - begin
        row = i * span
        while True:
            new = g < grown.shape[0] and grown[g] < row + span
            limit = grown[g] - row if new else span
            # Every old link is written, and the next one over it unless it is kept: which are cannot be predicted.
            while k < stop and place < targets.shape[0] and old_targets[k] < limit:
                targets[place] = old_targets[k]
                values[place] = old_values[k]
                velocity[place] = old_velocity[k]
                if two:
                    second[place] = old_second[k]
                place += keep[k]
                k += 1
            if not new:
                break
            targets[place] = limit
            values[place] = grown_values[g]
            velocity[place] = 0.0
            if two:
                second[place] = 0.0
            place += 1
            g += 1
    pointers[old_pointers.shape[0] - 1] = begin + place


@njit(cache=True, **COMPILED)
def kept_links(pointers, targets, keep, first, n_out, links):
    """Write the sorted links (``source * n_out + target``) of a block that are kept.

    `pointers` and `targets` are those of all links of the block's sources, of which those to the `n_out` neurons from
    `first` on are the block's; `keep` has one mark for each of these. `links` has room for one more than are kept.
    """
    place = own = 0
    begin = pointers[0]
    for i in range(pointers.shape[0] - 1):
        for k in range(pointers[i] - begin, pointers[i + 1] - begin):
            target = targets[k] - first
            if 0 <= target < n_out:
                links[place] = i * n_out + target
                place += keep[own]
                own += 1


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
