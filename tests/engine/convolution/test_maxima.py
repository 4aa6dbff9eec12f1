"""A map of which maxima alone are taken, made channel by channel and never kept: the same bits as if it were kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from truly_sparse.engine import topology
from truly_sparse.engine.compiled import COMPILED
from truly_sparse.engine.convolution import layers
from truly_sparse.engine.convolution.architectures import lenet, spas
from truly_sparse.engine.convolution.layers import Convolution, MaxPool, Plan, joins, leaves, tables
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.vector import (
    as_kept,
    equal,
    load,
    load_bytes,
    load_pair,
    select,
    splat,
    store,
    store_bytes,
    store_pair,
)


def pooled(channels: int, kernel: int, border: int, norm: bool, window: int) -> list[layers.Layer]:
    """Return a network whose first map is pooled."""
    if window == 2:
        bent: list[layers.Activation] = ["relu", "none"]
        last = Convolution((2,), 3, 1, 0, pool="global")
        ends: list[list[layers.Layer]] = [
            [Convolution((1,), 3, activation=bent[norm], pool="max"), last],
            [Convolution((1,), 3, 1, 0, activation=bent[norm], pool="flatten_max")],
        ]
        return [Convolution((0,), channels, kernel, border, activation="none"), *ends[channels % 2]]
    return [
        Convolution((0,), channels, kernel, border, activation="none"),
        MaxPool(1),
        Convolution((2,), 3, norm=norm),
        Convolution((2, 3), 4, norm=norm),
        Convolution((4,), 3, 1, 0, norm=norm, pool="global"),
    ]


def trained(picture: tuple[int, int, int], chosen: list[layers.Layer], samples: int, storage: str) -> list[np.ndarray]:
    """Return the numbers of a network after some steps, and what it predicts."""
    plan, rng = Plan(picture, chosen), np.random.default_rng(0)
    links = {(i, j): topology.bernoulli(plan.sizes[i] * plan.sizes[j], 0.4, rng) for i, j in plan.pairs}
    network = SparseCNN.start(picture, chosen, links, rng, storage=storage)
    # Few different numbers: maxima then have equals.
    x = rng.integers(-2, 3, (2 * samples, int(np.prod(picture)))).astype(np.float32)
    y = rng.integers(0, 3, 2 * samples)
    for _ in range(2):
        network.train_epoch(x, y, np.arange(2 * samples), samples, SGD(0.05))
    return [network.graph.values, network.biases, network.norms, network.predict_proba(x)]


def the_same_bits_without(rule: str, *given) -> None:
    """Assert that a network is trained to the same bits where a rule of `layers` holds for no map."""
    found = trained(*given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers, rule, lambda *_: 0)
        expected = trained(*given)
    for own, other in zip(found, expected, strict=True):
        assert np.isfinite(own).all()
        assert own.tobytes() == other.tobytes()


@settings(max_examples=15, deadline=None)
@given(
    rows=st.integers(1, 5),
    columns=st.integers(1, 8),
    channels=st.integers(1, 4),
    activation=st.sampled_from(["none", "relu", "mish"]),
    pool=st.sampled_from(["max", "flatten_max"]),
    samples=st.sampled_from([1, 16, 21, 40]),
    storage=st.sampled_from(["float32", "bfloat16"]),
    norm=st.booleans(),
)
def test_maxima_that_are_left_give_the_same_bits(rows, columns, channels, activation, pool, samples, storage, norm):
    kernel, border = (3, 1) if pool == "max" and (rows, columns) != (1, 1) else (1, 0)
    if pool == "max" and (rows, columns) == (1, 1):
        pool = "flatten_max"
    chosen: list[layers.Layer] = [
        Convolution((0,), 3, activation="none"),
        Convolution((1,), channels, norm=norm, activation=activation),
        Convolution((2,), 3, kernel, border, norm=norm, activation=activation, pool=pool),
    ]
    if pool == "max":
        chosen.append(Convolution((3,), 3, 1, 0, norm=norm, pool="global"))
    picture = (2, 2 * rows, 2 * columns)
    assert [leaves(Plan(picture, chosen), number) for number in range(4)] == [False, False, True, False]
    the_same_bits_without("leaves", picture, chosen, samples, storage)


@pytest.mark.parametrize(
    ("layers_of", "picture"),
    [
        ([Convolution((0,), 2), Convolution((1,), 2), Convolution((2,), 2, pool="average")], (1, 8, 8)),
        ([Convolution((0,), 2), Convolution((1,), 2), Convolution((2,), 2, pool="max")], (1, 6, 7)),  # odd columns
        ([Convolution((0,), 2), Convolution((1,), 2), Convolution((2,), 2, pool="max")], (1, 7, 6)),  # odd rows
        ([Convolution((0,), 2), Convolution((1,), 2), Convolution((1, 2), 2, pool="max")], (1, 8, 8)),
        ([Convolution((0,), 2), Convolution((1,), 2), MaxPool(2)], (1, 8, 8)),
    ],
    ids=["means", "odd columns", "odd rows", "with another map", "three by three"],
)
def test_other_maxima_are_not_left(layers_of, picture):
    plan = Plan(picture, [*layers_of, Convolution((3,), 3, 1, 0, pool="global")])
    assert not any(leaves(plan, number) for number in range(len(plan.shapes)))


@settings(max_examples=15, deadline=None)
@given(
    picture=st.tuples(st.integers(1, 3), st.integers(3, 13), st.integers(2, 8)),
    channels=st.integers(1, 4),
    kernel=st.sampled_from([1, 2, 3, 5]),
    samples=st.sampled_from([1, 16, 21, 40]),
    storage=st.sampled_from(["float32", "bfloat16"]),
    norm=st.booleans(),
    window=st.sampled_from([2, 3]),
)
def test_maps_that_are_not_kept_give_the_same_bits(picture, channels, kernel, samples, storage, norm, window):
    border, odd = kernel // 2, kernel % 2 == 0
    # An even number of columns is made, and of rows where windows have two.
    rows, columns = 2 * picture[1] + odd if window == 2 else picture[1], 2 * picture[2] + odd
    picture, chosen = (picture[0], rows, columns), pooled(channels, kernel, border, norm, window)
    assert joins(Plan(picture, chosen), 1) == window
    the_same_bits_without("joins", picture, chosen, samples, storage)


@pytest.mark.parametrize(
    ("chosen", "picture"),
    [
        ([Convolution((0,), 2), MaxPool(1), Convolution((1,), 3, 1, 0, pool="global")], (1, 8, 8)),  # taken twice
        (
            [Convolution((0,), 2), Convolution((1,), 2), MaxPool(2), Convolution((3,), 3, 1, 0, pool="global")],
            (1, 8, 8),
        ),
        ([Convolution((0,), 2), MaxPool(1), Convolution((2,), 3, 1, 0, pool="global")], (1, 8, 7)),  # odd columns
        ([MaxPool(0), Convolution((1,), 3, 1, 0, pool="global")], (1, 8, 8)),
        ([Convolution((0,), 2), Convolution((1,), 3, 1, 0, pool="flatten_max")], (1, 7, 8)),  # odd rows
        ([Convolution((0,), 2), Convolution((1,), 3, 1, 0, activation="mish", pool="flatten_max")], (1, 8, 8)),
        ([Convolution((0,), 2), Convolution((1,), 3, 1, 0, norm=True, pool="flatten_max")], (1, 8, 8)),
        ([Convolution((0,), 2), Convolution((1,), 3, 1, 0, pool="global")], (1, 8, 8)),
        ([Convolution((0,), 2), MaxPool(1), Convolution((2,), 3, 1, 0, pool="global")], (64, 256, 256)),  # no cache
    ],
    ids=[
        "taken by others",
        "of another map",
        "odd columns",
        "the picture",
        "odd rows",
        "what falls",
        "normalised",
        "means",
        "too large",
    ],
)
def test_other_maps_are_kept(chosen, picture, monkeypatch):
    monkeypatch.setattr(layers, "second_level_cache", lambda: 1 << 20)
    plan = Plan(picture, chosen)
    assert not any(joins(plan, number) for number in range(len(plan.shapes)))


@pytest.mark.parametrize(("chosen", "window", "side"), [(spas(10), 3, 32), (lenet(10), 2, 28)])
def test_the_first_map_of_the_sources_networks_takes_no_room(chosen, window, side, monkeypatch):
    monkeypatch.setattr(layers, "second_level_cache", lambda: 1 << 19)
    plan = Plan((3, 32, 32), chosen)
    assert joins(plan, 1) == window
    monkeypatch.setattr(layers, "leaves", lambda *_: False)
    kept = tables(plan, LANES)[1]
    monkeypatch.setattr(layers, "joins", lambda *_: 0)
    # Of the two maps, that of maxima is the one that is there.
    assert tables(plan, LANES)[1].maps - kept.maps == LANES * 16 * side**2 * (4 if window == 3 else 3) // 4
    assert kept.firsts == LANES * 16 * side**2 // 4


@njit(**COMPILED)
def keep(numbers, maps, into):
    even, odd = load(numbers, 0, LANES), load(numbers, LANES, LANES)
    store_pair(even, odd, maps, 0)
    kept = load_pair(maps, 0)
    store(kept[0], into, 0)
    store(kept[1], into, LANES)
    store(as_kept(even, maps), into, 2 * LANES)
    store(as_kept(odd, maps), into, 3 * LANES)


@pytest.mark.parametrize("kind", [np.float32, np.uint16])
def test_a_vector_is_rounded_as_if_it_had_been_kept(kind):
    numbers = np.random.default_rng(0).normal(size=2 * LANES).astype(np.float32)
    numbers[:4] = [1 + 2**-8, 1 + 3 * 2**-8, 0.0, -0.0]  # two that lie in the middle
    into = np.empty(4 * LANES, np.float32)
    keep(numbers, np.zeros(2 * LANES, kind), into)
    assert into[: 2 * LANES].tobytes() == into[2 * LANES :].tobytes()
    assert (into[: 2 * LANES] == numbers).all() == (kind is np.float32)


@njit(**COMPILED)
def keep_bytes(numbers, places, into):
    store_bytes(load(numbers, 0, LANES), places, LANES)
    found = load_bytes(places, LANES)
    store(select(equal(found, splat(np.float32(3), LANES)), found, splat(np.float32(0), LANES)), into, 0)


def test_small_whole_numbers_are_kept_in_bytes():
    numbers, places = np.array([*range(9), 255, 128, 3, 3, 0, 1, 9], np.float32), np.zeros(3 * LANES, np.uint8)
    into = np.empty(LANES, np.float32)
    keep_bytes(numbers, places, into)
    assert (places[LANES : 2 * LANES] == numbers).all()
    assert not places[:LANES].any()
    assert not places[2 * LANES :].any()
    assert (into == np.where(numbers == 3, 3, 0)).all()
