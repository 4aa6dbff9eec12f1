"""Links that are walked in pieces, what is kept at once, and errors that are written past the cache: the same bits."""

import numpy as np
import pytest
from numba import njit

from truly_sparse.engine import topology
from truly_sparse.engine.compiled import COMPILED
from truly_sparse.engine.convolution import layers, walks
from truly_sparse.engine.convolution.bands import keep_band, part_of, valid
from truly_sparse.engine.convolution.kept import convolve_kept
from truly_sparse.engine.convolution.kernels import Norm
from truly_sparse.engine.convolution.layers import Convolution, MaxPool, Plan, tables
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.convolution.orders import Orders, orders_of
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.registers import LANES

#: The third layer takes two maps; of the second, pieces are worth walking apart.
LAYERS = [
    Convolution((0,), 40, activation="none"),
    Convolution((1,), 48),
    Convolution((1, 2), 6),
    Convolution((3,), 3, 1, 0, pool="global"),
]
PICTURE = (2, 8, 8)


def network_of(chosen: list, picture: tuple[int, int, int] = PICTURE, density: float = 0.4) -> SparseCNN:
    plan, rng = Plan(picture, chosen), np.random.default_rng(0)
    links = {(i, j): topology.bernoulli(plan.sizes[i] * plan.sizes[j], density, rng) for i, j in plan.pairs}
    return SparseCNN.start(picture, chosen, links, rng)


def orders(network: SparseCNN) -> tuple[layers.Reach, Orders]:
    reach = tables(network.plan, LANES)[2]
    return reach, orders_of(network.graph.arrays, reach, network.sizes[0])


def test_pieces_hold_the_links_of_neighbouring_taps_in_order():
    network = network_of(LAYERS)
    reach, found = orders(network)
    own = network.graph.arrays
    assert (found.pointers[:: walks.PIECES] == own.fan_in).all()
    assert (np.diff(found.pointers) >= 0).all()
    pieces = np.repeat(np.arange(len(found.pointers) - 1) % walks.PIECES, np.diff(found.pointers))
    assert (pieces == reach.piece[own.sources]).all()
    # The taps of the second layer, which come after the first and its channels: each piece an eighth of them.
    second = reach.piece[PICTURE[0] * 9 + 40 :][: 40 * 9]
    assert (np.bincount(second) == 40 * 9 // 8).all()
    assert (np.diff(second) >= 0).all()


def test_pieces_of_the_way_back_hold_links_that_reach_as_far():
    network = network_of(LAYERS)
    reach, found = orders(network)
    assert found.back_pointers[-1] == len(network.graph)
    pieces = np.repeat(np.arange(len(found.back_pointers) - 1) % walks.PIECES, np.diff(found.back_pointers))
    sources = np.empty(len(network.graph), np.int64)
    sources[network.graph.arrays.position] = network.graph.arrays.sources
    most = reach.back_most[sources[found.back_position]]
    assert (found.back_reach < most).all()
    assert (pieces == found.back_reach.astype(np.int64) * walks.PIECES // most).all()


def test_bands_have_room_for_the_lines_that_are_walked_at_a_time():
    plan = Plan(
        (2, 2, 2),
        [Convolution((0,), 5, activation="none"), Convolution((1,), 6), Convolution((2,), 3, 1, 0, pool="global")],
    )
    room = tables(plan, LANES)[1]
    assert room.taken >= (walks.TALLEST + 2) * 5 * 4 * LANES
    assert room.wrong >= (walks.TALLEST + 2) * 6 * 4 * LANES
    assert room.passed >= walks.TALLEST * 6 * 2 * LANES


@njit(**COMPILED)
def convolve(values, reach, pointers, reached, shared, bias, buffer, apart, out, row, lane, lines, columns):
    walks.convolve(values, reach, pointers, reached, shared, bias, buffer, apart, out, row, lane, lines, columns)


@njit(**COMPILED)
def correlate(products, reach, pointers, reached, shared, errors, row, lane, buffer, apart, lines, columns):
    walks.correlate(products, reach, pointers, reached, shared, errors, 0, row, lane, buffer, apart, lines, columns)


@njit(**COMPILED)
def pieces_at_once(pointers, reached):
    return walks.pieces_at_once(pointers, reached)


@njit(**COMPILED)
def keep_at_once(values, reach, pointers, reached, bias, buffer, apart, out, lines, own, tile, first, samples, maps,
                 norm, running, waiting):  # fmt: skip
    at = part_of(own, tile, 0) + first * own.row
    convolve_kept(values, reach, pointers, reached, bias, buffer, apart, out, lines, own, at,
                  valid(own, tile, 0, samples), norm.running_means, maps, own.normed and not running, waiting,
                  norm.sums)  # fmt: skip


@njit(**COMPILED)
def keep_later(values, reach, pointers, reached, bias, buffer, apart, out, lines, own, tile, first, samples, maps, norm,
               running):  # fmt: skip
    lane = own.columns * LANES
    walks.convolve(values, reach, pointers, reached, False, bias, buffer, apart, out, own.channels * lane, lane, lines,
                   own.columns)  # fmt: skip
    keep_band(own, tile, first, lines, samples, out, maps, norm, running)


def random_links(channels: int, taken: int, kernel: int, inside: int, rng: np.random.Generator, density=0.5) -> tuple:
    """Return values, how far they reach, pointers, and the keys of channels and pieces, of a part of all links."""
    taps = [np.flatnonzero(rng.random(taken * kernel**2) < density) for _ in range(channels)]
    rows, rest = np.divmod(np.concatenate(taps), taken * kernel)
    reach = (((rows * taken + rest // kernel) * inside + rest % kernel) * LANES).astype(np.int32)
    keys = np.repeat(np.arange(channels), [len(own) for own in taps]) * walks.PIECES
    keys += np.concatenate(taps) * walks.PIECES // (taken * kernel**2)
    pointers = np.searchsorted(keys, np.arange(channels * walks.PIECES + 1)).astype(np.int64)
    return rng.normal(size=len(reach)).astype(np.float32), reach, pointers, keys, rows, rest


def numbers(channels: int, taken: int, kernel: int, lines: int, columns: int, rng: np.random.Generator) -> list:
    """Return biases, a band, and errors."""
    room, inside = max(lines, walks.TALLEST) + kernel - 1, columns + kernel - 1
    sizes = channels, room * taken * inside * LANES, lines * channels * columns * LANES
    return [rng.normal(size=size).astype(np.float32) for size in sizes]


def walked(values, reach, pointers, reached, shared, apart, bias, band, errors, lines, columns) -> tuple:
    """Return what links make of a band, and their products with errors."""
    lane = columns * LANES
    row = len(bias) * lane
    out, products = (
        np.full(max(lines, walks.TALLEST) * row, np.nan, np.float32),
        np.ones(len(reach) * LANES, np.float32),
    )
    convolve(values, reach, pointers, reached, shared, bias, band, apart, out, row, lane, lines, columns)
    correlate(products, reach, pointers, reached, shared, errors, row, lane, band, apart, lines, columns)
    return out[: lines * row], products


@pytest.mark.parametrize("columns", [walks.FORWARD, 2 * walks.FORWARD, 3 * walks.FORWARD])
@pytest.mark.parametrize("kind", [np.float32, np.uint16])
@pytest.mark.parametrize(
    ("normed", "running", "reached"), [(1, False, 0), (1, True, 120), (0, False, 120), (1, False, 120)]
)
def test_keeping_what_is_made_at_once_gives_the_same_bits(columns, kind, normed, running, reached):
    channels, taken, kernel, lines, tiles, rows = 40, 40, 3, 5, 2, 7
    rng = np.random.default_rng(columns)
    inside, lane = columns + kernel - 1, columns * LANES
    values, reach, pointers, *_ = random_links(channels, taken, kernel, inside, rng)
    band = rng.normal(size=(lines + kernel - 1) * taken * inside * LANES).astype(np.float32)
    bias, centres = (rng.normal(size=channels).astype(np.float32) for _ in range(2))
    size = rows * channels * lane
    own = layers.Map(0, tiles, size, channels, rows, columns, channels * lane, lane, 0, normed, 0, 0)
    found = []
    for at_once in (False, True):
        out = np.full(lines * channels * lane, np.nan, np.float32)
        maps, sums = np.zeros(tiles * size, kind), np.ones(2 * channels * LANES, np.float32)
        norm = Norm(bias, bias, centres, bias, bias, bias, bias, sums)
        # The second part has 5 samples, of 16.
        given = (values, reach, pointers, reached, bias, band, taken * inside * LANES, out, lines, own, 1, 2, 21, maps,
                 norm, running)  # fmt: skip
        if at_once:
            keep_at_once(*given, np.full(2 * lines * channels * LANES, np.nan, np.float32))
        else:
            keep_later(*given)
        found.append((maps, sums))
    assert found[0][0].any()
    assert (found[0][1] == 1).all() == (not normed or running)
    for own, other in zip(*found, strict=True):
        assert own.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (1, 5),
        (2, 2),
        (2, 7),
        (3, 1),
        (4, 4),
        (5, 3),
        (6, 5),
        (7, 4),
        (8, 1),
        (8, 5),
        (9, 6),
        (10, 5),
        (12, 3),
        (14, 2),
        (16, 2),
    ],
)
def test_walking_in_pieces_gives_the_same_bits(columns, lines):
    channels, taken, kernel = 40, 40, 3
    rng = np.random.default_rng(columns)
    inside = columns + kernel - 1
    values, reach, pointers, keys, rows, rest = random_links(channels, taken, kernel, inside, rng)
    bias, band, errors = numbers(channels, taken, kernel, lines, columns, rng)
    found = []
    for reached in (0, taken * kernel):
        assert (pieces_at_once(pointers, reached) < walks.PIECES) == (reached > 0)
        found.append(
            walked(values, reach, pointers, reached, False, taken * inside * LANES, bias, band, errors, lines, columns)
        )
    for whole, some in zip(*found, strict=True):
        assert np.isfinite(whole).all()
        assert (whole == some).all()
    # By NumPy, in float64: position by position, link by link.
    x = band.astype(float).reshape(-1, taken, inside, LANES)[: lines + kernel - 1]
    kernels = np.zeros((channels, kernel, taken, kernel))
    kernels[keys // walks.PIECES, rows, rest // kernel, rest % kernel] = values
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (0, 2))  # [y, c, x, lane, i, j]
    expected = np.einsum("ycxsij,oicj->yoxs", windows, kernels) + bias[:, None, None]
    assert np.allclose(found[0][0], expected.ravel(), atol=1e-3)
    gradient = np.einsum("ycxsij,yoxs->oicjs", windows, errors.reshape(lines, channels, columns, LANES).astype(float))
    mine = gradient[keys // walks.PIECES, rows, rest // kernel, rest % kernel]
    assert np.allclose(found[0][1], 1 + mine.ravel(), atol=1e-3)


@njit(**COMPILED)
def alike(pointers, taps):
    return walks.alike(pointers, taps)


@pytest.mark.parametrize("channels", [2, 8, 40, 41, 43])
@pytest.mark.parametrize(("columns", "lines"), [(1, 5), (4, 3), (6, 2), (8, 5), (10, 4), (16, 2)])
def test_channels_that_share_what_they_load_get_the_same_bits(columns, lines, channels):
    taken, kernel = 24, 3
    rng = np.random.default_rng(columns)
    inside = columns + kernel - 1
    values, reach, pointers, *_ = random_links(channels, taken, kernel, inside, rng, density=1)
    assert alike(pointers, taken * kernel**2) == (channels >= len(walks.SHARED))
    assert not alike(random_links(channels, taken, kernel, inside, rng)[2], taken * kernel**2)
    given = (*numbers(channels, taken, kernel, lines, columns, rng), lines, columns)
    found = []
    for shared, reached in ((False, 0), (True, 0), (True, 3 * taken * kernel)):
        out, products = walked(values, reach, pointers, reached, shared, taken * inside * LANES, *given)
        found.append(out.tobytes() + products.tobytes())
        assert np.isfinite(out).all()
    assert pieces_at_once(pointers, 3 * taken * kernel) < walks.PIECES
    assert len(set(found)) == 1


@njit(**COMPILED)
def correlate_flat(gradient, position, reach, pointers, reached, errors, lane, buffer, columns):
    walks.correlate_flat(gradient, position, reach, pointers, reached, errors, lane, buffer, columns)


@pytest.mark.parametrize("columns", [1, 3, 4, 8, 12, 16])
@pytest.mark.parametrize("reached", [0, 5000])
def test_gradients_of_one_position_are_totals_of_products(columns, reached):
    channels, taken = 5, 200
    rng = np.random.default_rng(columns)
    taps = [np.flatnonzero(rng.random(taken) < 0.6) for _ in range(channels)]
    lane = columns * LANES
    reach = (np.concatenate(taps) * lane).astype(np.int32)
    keys = np.repeat(np.arange(channels), [len(own) for own in taps]) * walks.PIECES
    keys += np.concatenate(taps) * walks.PIECES // taken
    pointers = np.searchsorted(keys, np.arange(channels * walks.PIECES + 1)).astype(np.int64)
    taken_in, errors = (rng.normal(size=many * lane).astype(np.float32) for many in (taken, channels))
    position = rng.permutation(len(reach)).astype(np.int32)
    found, products = np.full(len(reach), np.nan, np.float32), np.zeros(len(reach) * LANES, np.float32)
    assert (pieces_at_once(pointers, reached) < walks.PIECES) == (reached > 0)
    correlate_flat(found, position, reach, pointers, reached, errors, lane, taken_in, columns)
    correlate(products, reach, pointers, 0, False, errors, channels * lane, lane, taken_in, taken * lane, 1, columns)
    lanes = products.reshape(-1, LANES)
    while lanes.shape[1] > 1:  # the order of `vector.total`
        lanes = lanes[:, : lanes.shape[1] // 2] + lanes[:, lanes.shape[1] // 2 :]
    assert (found[position] == lanes[:, 0]).all()
    x, e = (own.astype(float).reshape(-1, lane) for own in (taken_in, errors))
    targets = np.repeat(np.arange(channels), [len(own) for own in taps])
    assert np.allclose(found[position], (x[np.concatenate(taps)] * e[targets]).sum(axis=1), atol=1e-3)


@pytest.mark.parametrize(
    "chosen",
    [
        LAYERS,
        [
            Convolution((0,), 5, activation="none"),
            MaxPool(1),
            Convolution((2,), 6),
            Convolution((3,), 3, 1, 0, pool="flatten_max"),
        ],
    ],
    ids=["bands", "maxima"],
)
def test_errors_written_past_the_cache_give_the_same_bits(chosen, monkeypatch):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(96, 2 * 8 * 8)).astype(np.float32), rng.integers(0, 3, 96)
    found = []
    for cache in (1, 1 << 30):
        monkeypatch.setattr(layers, "second_level_cache", lambda cache=cache: cache)
        network = network_of(chosen)
        ways = {own[layers.Source._fields.index("way")] for own in tables(network.plan, 32)[0].sources}
        assert ways - {layers.ADD} == {layers.STREAM if cache == 1 else layers.WRITE}
        network.train_epoch(x, y, np.arange(96), 32, SGD(0.1))
        found.append((network.graph.values.copy(), network.norms.copy(), network.predict_proba(x)))
    for past, through in zip(*found, strict=True):
        assert (past == through).all()
