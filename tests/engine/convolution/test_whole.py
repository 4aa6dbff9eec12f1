"""Whole networks of the sources: gradients by finite differences, and what must make no difference to them."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from truly_sparse.engine.convolution import architectures
from truly_sparse.engine.convolution.layers import Convolution, MaxPool
from truly_sparse.engine.optimisers import SGD

from .reference import SlowNetwork, slopes
from .test_kernels import close, drawn, moved, problem

STILL = SGD(0.0, 0.0, 0.0)
#: Networks of the sources with few channels; and a map that three layers normalise, each with its own scales.
WHOLE = {
    "spas": ((3, 16, 16), architectures.spas(3, channels=(2, 2, 2))),
    "densenet": ((3, 16, 16), architectures.densenet(3, first=2, depth=2)),
    "lenet": ((3, 18, 18), architectures.lenet(3, (2, 3), (5, 4))),
    "three_consumers": ((2, 6, 7), [
        Convolution((0,), 3, activation="none"),
        Convolution((1,), 3, norm=True, activation="mish"),
        Convolution((1, 2), 3, norm=True, activation="mish", bias_per_map=True),
        Convolution((1, 2, 3), 3, norm=True, activation="mish"),
        Convolution((4,), 3, 1, 0, activation="none", pool="global"),
    ]),
}  # fmt: skip


def loss_of(network, x, y):
    """Return the loss of a batch, normalised by its own moments; nothing is moved."""
    return network.train_epoch(x, y, np.arange(len(y)), len(y), STILL).loss


@pytest.mark.parametrize("name", WHOLE)
def test_every_gradient_of_a_whole_network(name):
    network = drawn(*WHOLE[name], density=0.2)
    x, y = problem(network, 12)
    expected, slow = slopes(network, x, y), SlowNetwork(network)
    loss, *found = moved(network, x, y)
    assert loss == pytest.approx(slow.loss(x, y), rel=1e-5)
    for own, other in zip(found, expected, strict=True):
        close(own, other)


BY_TWO = [Convolution((1,), 3, 1, 0, activation="relu", pool="max")]
FLAT = [Convolution((1,), 3, 1, 0, activation="none", pool="flatten_max")]
BY_THREE = [MaxPool(1), Convolution((2,), 3, 2, 0, activation="none")]


@pytest.mark.parametrize(
    ("layers", "equal"),
    [(BY_TWO, 2), (BY_TWO, 8), (FLAT, 2), (FLAT, 8), (BY_THREE, 8)],  # windows of three by three overlap
    ids=["max", "max_flat_map", "flatten_max", "flatten_max_flat_map", "three_by_three_flat_map"],
)
def test_what_is_pooled_from_equal_positions_counts_once(layers, equal):
    """Squares of `equal` rows have one value, and stay so whatever moves: whichever is taken, it is one of them."""
    pool = "none" if layers is FLAT else "global"
    last = Convolution((len(layers) + 1,), 3, 1, 0, activation="none", pool=pool)
    network = drawn((2, 8, 8), [Convolution((0,), 2, 1, 0, activation="none"), *layers, last], density=1.0)
    network.biases[:2] = (3.0, 2.5)
    x, y = problem(network, 24)
    each = x.reshape(24, 2, 8, 8)
    each[:] = np.kron(each[:, :, ::equal, ::equal], np.ones((equal, equal)))
    expected, slow = slopes(network, x, y), SlowNetwork(network)
    loss, *found = moved(network, x, y)
    assert loss == pytest.approx(slow.loss(x, y), rel=1e-5)
    for own, other in zip(found, expected, strict=True):
        close(own, other)
    assert np.abs(expected[1][:2]).min() > 1e-3


def test_biases_before_a_normalisation_make_no_difference():
    network = drawn(*WHOLE["spas"], density=0.6)
    x, y = problem(network, 48)
    before, owners = loss_of(network, x, y), network.plan.biases
    sizes = [network.plan.shapes[made].channels for made, _ in owners]
    parts = np.split(np.arange(len(network.biases)), np.cumsum(sizes)[:-1])
    of = {made: np.concatenate([part for (own, _), part in zip(owners, parts, strict=True) if own == made])
          for made in {made for made, _ in owners}}  # fmt: skip
    first, last = (3, 4, 5), len(network.plan.shapes) - 2
    rng = np.random.default_rng(0)
    for made in first:
        network.biases[of[made]] += rng.normal(size=len(of[made])).astype(np.float32)
    assert loss_of(network, x, y) == pytest.approx(before, rel=1e-4)
    network.biases[of[last]] += np.arange(len(of[last]), dtype=np.float32)
    assert abs(loss_of(network, x, y) - before) > 1e-3 * before


def test_a_densenet_whose_shortcuts_are_zero_is_its_sequential_part():
    picture, layers = WHOLE["densenet"]
    network = drawn(picture, layers, density=0.7)
    alone = [
        replace(layer, sources=layer.sources[-1:]) if isinstance(layer, Convolution) else layer for layer in layers
    ]
    other = drawn(picture, alone, density=0.7)
    gammas, betas = (part[: network.plan.norms] for part in np.split(network.norms[: 2 * network.plan.norms], 2))
    blocks, kept, norm = iter(network.blocks), [], 0
    links, scales = {}, []
    for layer in layers:
        for source in layer.sources if isinstance(layer, Convolution) else ():
            block, many = next(blocks), network.plan.shapes[source].channels
            if source == layer.sources[-1]:
                kept.append(block)
                scales += [*range(norm, norm + many)] if layer.norm else []
            else:
                block.values[:] = 0
            norm += many if layer.norm else 0
    for own, block in zip(other.plan.pairs, kept, strict=True):
        links[own] = block.links()
    other = type(other)(other.plan, other.graph.of_blocks(other.plan.sizes, links), other.bounds)
    for own, block in zip(other.blocks, kept, strict=True):
        own.values[:] = block.values
    other.biases[:] = network.biases
    other.norms[: len(scales)], other.norms[len(scales) : 2 * len(scales)] = gammas[scales], betas[scales]
    x, y = problem(network, 48)
    assert loss_of(other, x, y) == pytest.approx(loss_of(network, x, y), rel=1e-5)
    close(other.predict_proba(x), network.predict_proba(x), 1e-5)
    for block in network.blocks:
        if not block.values.any():
            block.values[:] = np.random.default_rng(len(block)).normal(size=len(block))
    assert abs(loss_of(network, x, y) - loss_of(other, x, y)) > 1e-3


def test_pooling_before_a_convolution_of_one_position_is_pooling_after_it():
    def layers(before):
        return [
            Convolution((0,), 3, activation="none"),
            Convolution((1,), 4, 1, 0, norm=True, activation="mish", pool="average" if before else "none"),
            Convolution((2,), 3, activation="none", pool="none" if before else "average"),
            Convolution((3,), 3, 1, 0, activation="mish", pool="global"),
        ]

    found = []
    for before in (True, False):
        network = drawn((2, 9, 10), layers(before), density=0.7)
        x, y = problem(network, 40)
        found.append((moved(network, x, y), network.multiply_adds))
    (first, fewer), (second, more) = found
    assert first[0] == pytest.approx(second[0], rel=1e-5)
    for own, other in zip(first[1:], second[1:], strict=True):
        close(own, other)
    assert fewer < more


def held(network):
    """Return the bytes of all arrays that a network holds, each once."""
    found, waiting, seen = {}, [network], {}
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen[id(one)] = one
        if isinstance(one, np.ndarray):
            base = one
            while isinstance(base.base, np.ndarray):
                base = base.base
            found[id(base)] = base.nbytes
        elif isinstance(one, (list, tuple)):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
        elif hasattr(one, "__dict__") and type(one).__module__.startswith("truly_sparse"):
            waiting += vars(one).values()
    return sum(found.values())


def after_a_step(side, density):
    """Return a network of pictures of a size after a step of 32 samples, the bytes that took and those it holds."""
    picture, layers = (3, side, side), architectures.plain(10, channels=(32, 64))
    network = drawn(picture, layers, density)
    x, y = problem(network, 32)
    tracemalloc.start()
    network.train_epoch(x, y, np.arange(32), 32, SGD(0.01))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return network, peak, held(network)


def test_memory_grows_with_links_and_with_maps():
    after_a_step(16, 0.1)  # compiled before memory is counted
    (few, few_peak, few_held), (many, many_peak, many_held), (wide, wide_peak, wide_held) = (
        after_a_step(side, density) for side, density in ((16, 0.05), (16, 0.5), (32, 0.05))
    )
    links = sum(many.link_counts) - sum(few.link_counts)
    maps, wider = (32 * sum(shape.size for shape in network.plan.shapes) for network in (few, wide))
    assert wide.link_counts == few.link_counts
    for narrow, dense, broad in ((few_held, many_held, wide_held), (few_peak, many_peak, wide_peak)):
        # A value, a velocity, ends, places in two orders, and 16 lanes of a gradient; a number and its error.
        assert 20 < (dense - narrow) / links < 130
        assert 6 < (broad - narrow) / (wider - maps) < 10
        assert narrow < 130 * sum(few.link_counts) + 10 * maps + 2_000_000
