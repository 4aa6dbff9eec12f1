"""Topologies against sets, counts and chi-squared."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from truly_sparse.engine import topology

links_strategy = st.lists(st.integers(0, 99), unique=True).map(lambda links: np.array(sorted(links), np.int64))


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.05, 40), st.integers(0, 10_000))
def test_erdos_renyi_links_are_sorted_distinct_and_in_range(n_in, n_out, epsilon, seed):
    links = topology.erdos_renyi(n_in, n_out, epsilon, np.random.default_rng(seed))
    assert links.dtype == np.int64
    assert (np.diff(links) > 0).all()
    assert not len(links) or (links[0] >= 0 and links[-1] < n_in * n_out)
    if topology.density(n_in, n_out, epsilon) == 1:
        assert len(links) == n_in * n_out


def test_erdos_renyi_has_each_link_with_the_same_probability():
    n_in, n_out, epsilon, repeats = 12, 8, 1.5, 4000
    probability = epsilon * (n_in + n_out) / (n_in * n_out)
    rng = np.random.default_rng(3)
    drawn = [topology.erdos_renyi(n_in, n_out, epsilon, rng) for _ in range(repeats)]
    counts = np.bincount(np.concatenate(drawn), minlength=n_in * n_out)
    statistic = ((counts - repeats * probability) ** 2 / (repeats * probability * (1 - probability))).sum()
    assert 0.001 < stats.chi2.sf(statistic, n_in * n_out) < 0.999
    sizes = np.array([len(links) for links in drawn])
    variance = n_in * n_out * probability * (1 - probability)
    assert abs(sizes.mean() - n_in * n_out * probability) < 5 * np.sqrt(variance / repeats)
    assert abs(sizes.var() / variance - 1) < 0.15


def between_by_sorting(values, fraction):
    """Return what van Engers' implementation II keeps, as the source words it: from the sorted values."""
    v = np.sort(values)
    least = np.abs(v)
    first, last = int(least.argmin()), len(v) - int(least[::-1].argmin())
    low, high = v[int((1 - fraction) * first)], v[int(min(len(v) - 1, last + fraction * (len(v) - last)))]
    return (values < low) | (values > high)


@given(
    st.lists(st.sampled_from([0.0, 0.5, -0.5]) | st.floats(-5, 5, width=32), min_size=1, max_size=60), st.floats(0, 1)
)
def test_pruning_between_quantiles_is_that_of_the_sorted_values(values, fraction):
    values = np.array(values, np.float32)
    keep = topology.between(values, fraction)
    assert np.array_equal(keep, between_by_sorting(values, fraction))
    assert not keep[values == 0].any()
    assert not (keep.any() and fraction == 1)


@pytest.mark.parametrize("n", [101, 1000, 23_192])
@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.96, 0.999, 1.0])
def test_pruning_between_quantiles_keeps_the_number_of_the_formula(n, fraction):
    values = np.random.default_rng(n).normal(size=n).astype(np.float32)
    k = int(np.abs(np.sort(values)).argmin())
    kept = int((1 - fraction) * k) + n - 1 - min(n - 1, int(k + 1 + fraction * (n - k - 1)))
    assert topology.between(values, fraction).sum() == kept
    assert abs(n - kept - fraction * n) <= 3
    assert len(topology.between(values[:0], fraction)) == 0


@given(st.lists(st.floats(-5, 5, width=32), max_size=60), st.floats(0, 1))
def test_survivors_are_the_largest_of_each_sign(values, fraction):
    values = np.array(values, np.float32)
    keep = topology.survivors(values, fraction)
    assert not keep[values == 0].any()
    for sign in (1, -1):
        magnitude = values[values * sign > 0] * sign
        kept = np.sort(values[keep & (values * sign > 0)] * sign)
        removed = int(fraction * len(magnitude))
        assert np.array_equal(kept, np.sort(magnitude)[removed:])


@given(links_strategy, links_strategy)
def test_union_and_merge_are_those_of_sets(first, second):
    assert topology.union(first, second).tolist() == sorted({*first.tolist(), *second.tolist()})
    rest = np.setdiff1d(second, first)
    assert topology.merge(first, rest).tolist() == sorted({*first.tolist(), *rest.tolist()})


@given(links_strategy, st.data(), st.integers(0, 10_000))
def test_grown_links_are_free_and_distinct(occupied, data, seed):
    count = data.draw(st.integers(0, 100 - len(occupied)))
    grown = topology.grow(occupied, count, 100, np.random.default_rng(seed))
    assert len(set(grown.tolist())) == count
    assert not set(grown.tolist()) & set(occupied.tolist())
    assert (np.diff(grown) > 0).all()
    assert not count or (grown[0] >= 0 and grown[-1] < 100)
    with pytest.raises(ValueError, match="do not fit"):
        topology.grow(occupied, 101 - len(occupied), 100, np.random.default_rng(seed))


@given(links_strategy, links_strategy, st.data(), st.integers(0, 10_000))
def test_blocked_places_are_taken_only_when_no_other_is_free(kept, blocked, data, seed):
    count = data.draw(st.integers(0, 100 - len(kept)))
    links, fallbacks = topology.grow_avoiding(kept, blocked, count, 100, np.random.default_rng(seed))
    open_places = 100 - len({*kept.tolist(), *blocked.tolist()})
    assert len(set(links.tolist())) == count
    assert not set(links.tolist()) & set(kept.tolist())
    assert fallbacks == max(0, count - open_places) == len(set(links.tolist()) & set(blocked.tolist()))


@pytest.mark.parametrize(("places", "occupied", "count"), [(7, [1, 4], 2), (7, [1, 4], 3), (6, [0, 5], 1), (8, [], 4)])
def test_every_set_of_free_places_is_equally_likely(places, occupied, count):
    rng, repeats = np.random.default_rng(1), 6000
    occupied = np.array(occupied, np.int64)
    seen = Counter(tuple(topology.grow(occupied, count, places, rng).tolist()) for _ in range(repeats))
    free = sorted(set(range(places)) - set(occupied.tolist()))
    possible = list(itertools.combinations(free, count))
    assert set(seen) == set(possible)
    assert stats.chisquare([seen[subset] for subset in possible]).pvalue > 0.001


def test_start_values_are_uniform_within_their_bound():
    assert topology.start_bound(24, 1000, "he") == 0.5
    assert topology.start_bound(10, 14, "xavier") == 0.5
    assert topology.start_bound(240, 1000, "he_links", 0.1) == 0.5
    # Without links, as wide as that of a neuron's only one.
    assert topology.start_bound(16, 8, "torch_links", 0.0) == topology.start_bound(1, 8, "torch") == 1.0
    assert topology.start_bound(16, 8, "he_links", 0.0) == topology.start_bound(1, 8, "he")
    values = topology.start_values(20_000, 0.5, np.random.default_rng(0))
    assert values.dtype == np.float32
    assert stats.kstest(values, stats.uniform(-0.5, 1).cdf).pvalue > 0.001


@pytest.mark.parametrize(
    ("count", "marked"), [(0, []), (1, [1]), (2, [1, 2]), (3, [1, 2, 4]), (4, [0, 1, 2, 4]), (5, [0, 1, 2, 3, 4])]
)
def test_the_smallest_links_are_marked_whatever_their_sign_and_the_first_of_equal_ones(count, marked):
    values = np.array([-2, 0, 1, 3, -1], np.float32)
    assert np.flatnonzero(topology.smallest(values, count)).tolist() == marked
