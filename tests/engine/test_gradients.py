"""Gradients: the reference against finite differences, the kernels against the reference."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from truly_sparse.engine import libm
from truly_sparse.engine import network as network_module
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.dropout import mix, threshold
from truly_sparse.engine.kernels import square_sum
from truly_sparse.engine.network import SparseMLP, all_relu_slopes
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.streams import Streams

from .reference import Reference, assert_finite_differences, masks_of, to_bfloat16

PURE = SGD(rate=1.0, momentum=0.0, decay=0.0)  # one step then moves a link by minus its gradient


def problem(samples, features, classes, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(samples, features)).astype(np.float32), rng.integers(0, classes, samples)


def sparse(sizes, epsilon, alpha=0.5, seed=0, storage="float32"):
    slopes = all_relu_slopes(len(sizes) - 2, alpha)
    network = SparseMLP.erdos_renyi(sizes, epsilon, slopes, np.random.default_rng(seed), storage=storage)
    network.biases[:] = np.random.default_rng(seed + 1).normal(size=len(network.biases)) * 0.1
    return network


def kernel_gradients(network, x, y, rate=0.0, key=3, step=0):
    """Return the gradients per block (links in order) and of all biases, from the movement of one pure step."""
    before = network.copy_state()
    network.train_epoch(x, y, np.arange(len(y)), len(y), PURE, rate, key, step)
    after = network.copy_state()
    return before["values"] - after["values"], before["biases"] - after["biases"]


def reference_gradients(network, before, x, y, masks=None):
    matrices, biases = before.gradients(x, y, masks)
    values = [m.reshape(-1)[b.links()] for m, b in zip(matrices, network.blocks, strict=True)]
    return np.concatenate(values), np.concatenate(biases)


def assert_close(found, expected, tolerance=2e-5):
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max() + 1e-8


def test_reference_gradients_agree_with_finite_differences():
    x, y = problem(20, 6, 3)
    reference = Reference.of_sparse(sparse([6, 9, 8, 7, 3], 3))
    rng = np.random.default_rng(2)
    masks = [(rng.random((20, n)) > 0.3) / 0.7 for n in (9, 8, 7)]
    assert_finite_differences(reference, x, y, masks, rng, 12)


@pytest.mark.parametrize("batch", [1, 16, 32, 50, 64, 128, 160, 256])
def test_kernel_gradients_for_every_kind_of_batch(batch):
    x, y = problem(batch, 12, 4, seed=batch)
    network = sparse([12, 40, 30, 4], 3)
    before = Reference.of_sparse(network)
    expected = reference_gradients(network, before, x, y)
    for found, wanted in zip(kernel_gradients(network, x, y), expected, strict=True):
        assert_close(found, wanted)


@pytest.mark.parametrize(
    ("sizes", "epsilon", "alpha"),
    [
        ([5, 7, 2], 2, 0.0),
        ([50, 100, 100, 100, 5], 10, 0.5),
        ([3, 300, 200, 2], 1, 0.75),  # most neurons have no link at all
        ([8, 10, 10, 3], 100, 0.5),  # every place is taken
        ([1, 20, 20, 20, 20, 2], 4, 0.25),
    ],
)
def test_kernel_gradients_for_every_shape(sizes, epsilon, alpha):
    x, y = problem(128, sizes[0], sizes[-1])
    network = sparse(sizes, epsilon, alpha)
    before = Reference.of_sparse(network)
    expected = reference_gradients(network, before, x, y)
    for found, wanted in zip(kernel_gradients(network, x, y), expected, strict=True):
        assert_close(found, wanted)


@pytest.mark.parametrize("batch", [50, 128, 256])
def test_kernel_gradients_with_dropout(batch):
    x, y = problem(batch, 12, 4)
    network = sparse([12, 60, 50, 40, 4], 4)
    before = Reference.of_sparse(network)
    found = kernel_gradients(network, x, y, rate=0.2)
    expected = reference_gradients(network, before, x, y, masks_of(network, batch, 0.2))
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other)


@pytest.mark.parametrize("batch", [1, 16, 50, 64, 128, 160, 256])
def test_kernel_gradients_with_activations_stored_as_bfloat16(batch):
    x, y = problem(batch, 12, 4)
    network = sparse([12, 60, 50, 40, 4], 4, storage="bfloat16")
    before = Reference.of_sparse(network)
    before.store = to_bfloat16
    found = kernel_gradients(network, x, y, rate=0.2)
    expected = reference_gradients(network, before, x, y, masks_of(network, batch, 0.2))
    before.store = Reference.store
    exact = reference_gradients(network, before, x, y, masks_of(network, batch, 0.2))
    for one, rounded, unrounded in zip(found, expected, exact, strict=True):
        # A sum in float32 can fall on the other side of a rounding step, so single values differ by one step.
        assert_close(one, rounded, 4e-3)
        assert np.abs(one - rounded).mean() < 0.3 * np.abs(unrounded - rounded).mean() + 1e-8


def test_what_is_not_finite_stays_so_in_bfloat16():
    network = sparse([4, 20, 2], 4, storage="bfloat16")
    x, y = problem(64, 4, 2)
    for value in (np.inf, -np.inf, np.nan):
        x[3, 0] = value
        assert not np.isfinite(network.train_epoch(x, y, np.arange(64), 64, SGD(0.01), 0.0, 0, 0).loss)


def test_predictions_are_float32_however_training_stores():
    half, single = (sparse([12, 60, 50, 4], 4, storage=storage) for storage in ("bfloat16", "float32"))
    x, y = problem(300, 12, 4)
    half.train_epoch(x, y, np.arange(300), 128, SGD(0.05), 0.2, 9, 0)
    single.load_state(half.copy_state())
    assert np.array_equal(half.predict_proba(x), single.predict_proba(x))


def fused(a, b, c):
    """a * b + c of float32, rounded once: rounded to odd in float64 first, which the second rounding cannot notice."""
    product, c = np.float64(a) * np.float64(b), np.float64(c)
    rounded = product + c
    back = rounded - product
    lost = (product - (rounded - back)) + (c - back)
    even = rounded.view(np.int64) % 2 == 0
    odd = np.nextafter(rounded, np.where(lost > 0, np.inf, -np.inf))
    return np.where((lost != 0) & even, odd, rounded).astype(np.float32)


def halved(lanes):
    """Sum the last axis, lane i + lane i + n/2 each time."""
    while lanes.shape[-1] > 1:
        half = lanes.shape[-1] // 2
        lanes = lanes[..., :half] + lanes[..., half:]
    return lanes[..., 0]


def stated_gradients(x, delta, tile):
    """<x, delta> of rows [16-lane vectors] in the order that `kernels` states, one number per pair of rows."""
    total = np.float32(0)
    for start in range(0, x.shape[-2], tile):
        chains = [x[:, None, start + v] * delta[None, :, start + v] for v in range(min(tile, 2))]
        for v in range(2, tile):
            chains[v % 2] = fused(x[:, None, start + v], delta[None, :, start + v], chains[v % 2])
        total = (np.float32(0) + halved(sum(chains[1:], chains[0]))) + total
    return total


@pytest.mark.parametrize(
    ("batch", "tile"), [(16, 1), (32, 2), (48, 1), (64, 4), (112, 1), (128, 8), (256, 8), (384, 8)]
)
def test_gradients_are_summed_in_the_stated_order(batch, tile):
    x, y = problem(batch, 20, 7)
    network = sparse([20, 7], 50)
    assert network.link_counts == [140]
    network.train_epoch(x, y, np.arange(batch), batch, SGD(0.1, clip=1.0), 0.0, 0, 0)
    delta = network._workspace.space.rows[20 * batch :]
    expected = stated_gradients(x.T.reshape(20, -1, 16), delta.reshape(7, -1, 16), tile)
    assert np.array_equal(network._gradient, expected.ravel())
    squares = np.zeros(16)
    for k, g in enumerate(np.float64(network._gradient)):
        squares[k % 16] += g * g
    assert square_sum(network._gradient, np.empty(16)) == halved(squares)


def test_sums_of_links_are_fused_in_order():
    x, _ = problem(16, 30, 4)
    network = sparse([30, 9, 4], 3)
    probabilities = network.predict_proba(x)
    rows = x.T
    for block, biases in zip(network.blocks, (network.biases[:9], network.biases[9:]), strict=True):
        sums = np.repeat(biases[:, None], 16, axis=1)
        sources, targets = np.divmod(block.links(), block.n_out)
        for source, target, value in zip(sources, targets, block.values, strict=True):
            sums[target] = fused(value, rows[source], sums[target])
        rows = np.where(sums > 0, sums, sums * network.slopes[1])
    e = np.array([[libm.exp(np.float32(z)) for z in row] for row in sums - sums.max(axis=0)], np.float32)
    total = np.float32(0)
    for row in e:
        total = total + row
    assert np.array_equal(probabilities, (e / total).T)


def test_the_update_is_momentum_with_a_decay_that_eta_does_not_scale():
    x, y = problem(64, 10, 3)
    network = sparse([10, 30, 20, 3], 4)
    optimiser = SGD(rate=0.05, momentum=0.9, decay=0.01)
    values, velocity = network.copy_state()["values"].astype(float), 0.0
    biases, bias_velocity = network.biases.astype(float), 0.0
    for step in range(5):
        slopes, bias_slopes = reference_gradients(network, Reference.of_sparse(network), x, y)
        velocity = 0.9 * velocity - 0.05 * slopes
        values = values + velocity - 0.01 * values
        bias_velocity = 0.9 * bias_velocity - 0.05 * bias_slopes
        biases = biases + bias_velocity - 0.01 * biases
        network.train_epoch(x, y, np.arange(64), 64, optimiser, 0.0, 0, step)
        assert np.allclose(network.copy_state()["values"], values, atol=1e-6)
        assert np.allclose(network.biases, biases, atol=1e-6)


@pytest.mark.parametrize("clip", [1e-3, 0.05, 100.0])
@pytest.mark.parametrize("batch", [64, 256])
def test_clipping_shortens_the_gradient_to_its_norm(clip, batch):
    x, y = problem(batch, 10, 3)
    sizes = [10, 30, 20, 3]
    network, dense = sparse(sizes, 4), DenseMLP(sizes, [-0.5, 0.5], Streams(0).start)
    expected = np.concatenate(reference_gradients(network, Reference.of_sparse(network), x, y))
    of_dense = np.concatenate([g.reshape(-1) for part in Reference.of_dense(dense).gradients(x, y) for g in part])
    for net, wanted in ((network, expected), (dense, of_dense)):
        before = net.copy_state()
        net.train_epoch(x, y, np.arange(batch), batch, PURE._replace(clip=clip), 0.0, 0, 0)
        after = net.copy_state()
        moved = np.concatenate([before[name] - after[name] for name in ("values", "biases")])
        norm = np.linalg.norm(wanted)
        assert np.linalg.norm(moved) == pytest.approx(min(clip, norm), rel=1e-4)
        if net is network:
            assert_close(moved, wanted * min(1, clip / norm), 1e-4)


def test_dropout_has_the_right_rate_and_never_repeats():
    network = sparse([4, 1000, 1000, 2], 1)
    x, y = problem(128, 4, 2)
    seen = []
    for key, step in ((1, 0), (1, 1), (2, 0)):
        network.train_epoch(x, y, np.arange(128), 128, SGD(0.0), 0.2, key, step)
        seen += [mask > 0 for mask in masks_of(network, 128, 0.2)]
    for mask in seen:
        # 128,000 draws: five standard deviations are 0.0056. Columns and rows must not be alike either.
        assert abs(mask.mean() - 0.8) < 0.006
        assert abs(mask.mean(axis=0).std() - np.sqrt(0.16 / 128)) < 0.006
        assert abs(mask.mean(axis=1).std() - np.sqrt(0.16 / 1000)) < 0.004
    for i, one in enumerate(seen):
        for other in seen[:i]:
            assert abs((one == other).mean() - 0.68) < 0.01  # what independent masks agree in


def test_vector_and_scalar_hash_are_one():
    """The dense network hashes in scalar code, the sparse one in vectors: their masks must agree."""
    from truly_sparse.engine.dropout import layer_key

    network = sparse([4, 33, 2], 5)
    x, y = problem(32, 4, 2)
    network.train_epoch(x, y, np.arange(32), 32, SGD(0.0), 0.35, 77, 5)
    key = int(layer_key(np.uint64(77), 5, 1))
    low, high = np.uint32(key & 0xFFFFFFFF), np.uint32(key >> 32)
    expected = [[mix(np.uint32(o * 32 + b), low, high) >= threshold(0.35) for o in range(33)] for b in range(32)]
    assert np.array_equal(masks_of(network, 32, 0.35)[0] > 0, expected)


def test_dense_gradients():
    x, y = problem(128, 12, 4)
    network = DenseMLP([12, 40, 30, 4], [0.0, -0.5], Streams(0).start)
    matrices, biases = Reference.of_dense(network).gradients(x, y)
    before = [weight.copy() for weight in network.weights], [bias.copy() for bias in network.biases]
    network.train_epoch(x, y, np.arange(128), 128, PURE, 0.0, 0, 0)
    for layer in range(3):
        assert_close(before[0][layer] - network.weights[layer], matrices[layer].T)
        assert_close(before[1][layer] - network.biases[layer], biases[layer])


def test_a_full_sparse_network_is_the_dense_one_dropout_included():
    sizes, slopes = [12, 40, 30, 4], [0.0, 0.0]
    full, dense = (
        SparseMLP.erdos_renyi(sizes, 1000, slopes, Streams(0).start),
        DenseMLP(sizes, slopes, Streams(0).start),
    )
    for block, weight in zip(full.blocks, dense.weights, strict=True):
        assert len(block) == block.places
        weight[:] = block.values.reshape(block.n_in, block.n_out).T
    x, y = problem(500, 12, 4)
    for epoch in range(3):
        for network in (full, dense):
            result = network.train_epoch(x, y, np.arange(500), 64, SGD(0.05), 0.2, 9, epoch * 7)
            assert result.samples == 448
        assert np.allclose(full.predict_proba(x), dense.predict_proba(x), atol=1e-4)


FORCED = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.streams import Streams
rng = np.random.default_rng(0)
x, y = rng.normal(size=(256, 12)).astype(np.float32), rng.integers(0, 4, 256)
found = []
for storage in ("float32", "bfloat16"):
    network = SparseMLP.erdos_renyi([12, 60, 50, 4], 4, [-0.5, 0.5], Streams(0).start, storage=storage)
    for step in range(3):
        network.train_epoch(x, y, np.arange(256), 128, SGD(0.05), 0.2, 5, 2 * step)
    found.append(network.predict_proba(x))
np.save(sys.argv[2], found)
"""


def test_code_for_older_processors_gives_the_same_up_to_rounding(tmp_path):
    """The compiler is told of a processor with AVX2 only, and of one with neither AVX nor fused multiply-add."""
    source = Path(network_module.__file__).parents[2]
    found = {}
    for name, features in (("host", None), ("haswell", "+avx2,+fma,+avx"), ("x86-64", "+sse2")):
        if name != "host" and platform.machine() not in ("x86_64", "AMD64"):
            pytest.skip("no x86-64 processor")
        forced = {} if features is None else {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
        environment = {**os.environ, **forced, "NUMBA_CACHE_DIR": str(tmp_path / name)}
        target = tmp_path / f"{name}.npy"
        subprocess.run([sys.executable, "-c", FORCED, str(source), str(target)], env=environment, check=True)
        found[name] = np.load(target, allow_pickle=False)
    for name in ("haswell", "x86-64"):
        for one, host, tolerance in zip(found[name], found["host"], (1e-5, 2e-3), strict=True):
            assert np.allclose(one, host, atol=tolerance)
