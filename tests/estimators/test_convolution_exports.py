"""Exports of convolutional networks against the network itself, and their orders against a slow forward pass."""

from functools import cache

import numpy as np
import pytest
from scipy.special import softmax

from truly_sparse.engine.convolution import architectures
from truly_sparse.engine.convolution.layers import Convolution, MaxPool
from truly_sparse.engine.optimisers import SGD, Adam
from truly_sparse.estimators.convolved import convolved
from truly_sparse.estimators.export import to_csr
from truly_sparse.estimators.onnx_export import network_to_onnx

from ..engine.convolution.reference import BEND, by_three, pooled
from ..engine.convolution.test_kernels import SMALL, drawn, problem

CIFAR = (3, 32, 32)
LARGE = {
    "SPaS-CNN": architectures.spas(10),
    "plain CNN of SPaS": architectures.spas(10, shortcuts=False),
    "DenseNet": architectures.densenet(10),
    "LeNet-S": architectures.lenet(10),
    "plain CNN": architectures.plain(10),
}
NETWORKS = {**SMALL, **{name: (CIFAR, layers) for name, layers in LARGE.items()}}
BOTH = pytest.mark.parametrize("density", [1.0, 0.3])
ALL = pytest.mark.parametrize("name", NETWORKS)


@cache
def trained(name, density):
    """Return a network after some steps, with scales, shifts, biases and running moments of its own, and pictures."""
    network = drawn(*NETWORKS[name], density)
    x, y = problem(network, 64)
    rng = np.random.default_rng(2)
    network.biases[:] += rng.normal(size=len(network.biases)).astype(np.float32) * 0.1
    x = x * 2 + 0.5
    network.train_epoch(x, y, rng.permutation(64), 16, Adam(0.002))
    return network, problem(network, 37, seed=3)[0] * 2 + 0.5


def close(found, expected):
    assert np.abs(found - expected).max() < 1e-5


def spread(z, layer):
    """Return the taps of a layer at each position of maps [sample][channel][row][column], in the engine's order."""
    if layer.pool.startswith("flatten"):
        return z.transpose(0, 2, 1, 3).reshape(len(z), 1, 1, -1)
    z = np.pad(z, ((0, 0), (0, 0), *2 * [(layer.border, layer.border)]))
    windows = np.lib.stride_tricks.sliding_window_view(z, (layer.kernel, layer.kernel), (2, 3))
    return windows.transpose(0, 2, 3, 4, 1, 5).reshape(len(z), *windows.shape[2:4], -1)


@BOTH
@ALL
def test_csr_weights_are_a_slow_forward_pass(name, density):
    network, x = trained(name, density)
    plan, state, blocks = network.plan, network.copy_state(), iter(to_csr(network))
    starts, norm = np.cumsum([0, *(shape.channels for shape in plan.shapes)]), 0
    maps = [x.reshape(len(x), *plan.picture)]
    for layer in plan.layers:
        if isinstance(layer, MaxPool):
            maps.append(by_three(maps[layer.source]))
            continue
        made = 0
        for source in layer.sources:
            weights, biases, (taken,) = next(blocks)
            z, own = maps[source], slice(starts[source], starts[source + 1])
            assert (taken, weights.dtype, biases.dtype) == (source, np.float32, np.float32)
            if layer.norm:
                mean, variance = (state[f"running_{kind}"][own, None, None] for kind in ("means", "variances"))
                scale, shift = (part[norm : norm + z.shape[1], None, None] for part in np.split(network.norms, 2))
                z, norm = (z - mean) / np.sqrt(variance + 1e-5) * scale + shift, norm + z.shape[1]
            # What is flattened is pooled before, but not yet flattened by the reference.
            pool = {"flatten_max": "max", "flatten": "none"}.get(layer.pool, layer.pool)
            made = made + spread(pooled(BEND[layer.activation](z), pool), layer) @ weights.toarray().T + biases
        maps.append(made.transpose(0, 3, 1, 2))
    assert next(blocks, None) is None
    close(softmax(maps[-1][:, :, 0, 0], axis=1), network.predict_proba(x))


def test_weights_are_copies_and_have_the_links():
    network = drawn(*SMALL["all"], density=0.4)
    before = network.graph.values.copy()
    for block, (weights, biases, _) in zip(network.blocks, to_csr(network), strict=True):
        places = weights.T.tocsr().sorted_indices().tocoo()
        assert (places.row * block.n_out + places.col == block.links()).all()
        assert (places.data == block.values).all()
        weights.data[:] = biases[:] = 7
    assert (network.graph.values == before).all()
    assert (network.biases != 7).all()


def test_a_kernel_has_each_link_at_its_place():
    """Of a picture of two channels, flattened: the engine's order is rows first, that of PyTorch channels first."""
    network = drawn((2, 3, 4), [Convolution((0,), 1, 1, 0, activation="none", pool="flatten")], 1.0)
    network.graph.values[:] = np.arange(24)  # rows, channels, columns
    (own,) = convolved(network)
    kernel = own.weights.toarray().reshape(2, 3, 4)
    assert kernel[1, 2, 3] == 23
    assert kernel[1, 0].tolist() == [4, 5, 6, 7]
    assert kernel[0, 1].tolist() == [8, 9, 10, 11]


@BOTH
@ALL
def test_torch_predicts_the_same(name, density):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from truly_sparse.estimators.torch_export import network_to_torch

    network, x = trained(name, density)
    module = network_to_torch(network)
    with torch.no_grad():
        logits = module(torch.as_tensor(x))
        assert (module(torch.as_tensor(x.reshape(-1, *network.plan.picture))) == logits).all()
    close(torch.softmax(logits, dim=1).numpy(), network.predict_proba(x))
    assert module(torch.zeros(0, network.features)).shape == (0, network.sizes[-1])


def with_ties(network, samples):
    """Return pictures in which many neighbours are equal, and so are what links make of them, and classes."""
    channels, rows, columns = network.plan.picture
    rng = np.random.default_rng(4)
    coarse = rng.integers(0, 2, (samples, channels, rows // 3 + 1, columns // 3 + 1))
    fine = np.repeat(np.repeat(coarse, 3, axis=2), 3, axis=3)[:, :, :rows, :columns]
    return fine.reshape(samples, -1).astype(np.float32), rng.integers(0, network.sizes[-1], samples)


@BOTH
@ALL
def test_torch_trains_on_as_the_network_does(name, density):
    """One step from the same place: a maximum's error goes to the first of equal ones, running moments move alike."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from truly_sparse.estimators.torch_export import network_to_torch

    network = drawn(*NETWORKS[name], density)
    network.load_state(trained(name, density)[0].copy_state())
    network.rest()
    module = network_to_torch(network).train()
    x, y = with_ties(network, 24)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    torch.nn.functional.cross_entropy(module(torch.as_tensor(x)), torch.as_tensor(y)).backward()
    torch.optim.SGD(module.parameters(), 0.1).step()
    network.train_epoch(x, y, np.arange(24), 24, SGD(0.1, 0.0, 0.0))
    moved = network_to_torch(network).state_dict()
    for key, found in module.state_dict().items():
        if key.endswith("num_batches_tracked"):
            continue
        layer = network.plan.layers[int(key.split(".")[1])]
        # Biases of a channel, one for each map, move together; weights that are no links stay zero.
        times = len(layer.sources) if key.endswith("links.bias") and layer.bias_per_map else 1
        there = before[key] != 0 if key.endswith("links.weight") else torch.ones_like(found, dtype=bool)
        own, other = (times * (found - before[key]))[there], (moved[key] - before[key])[there]
        # Rounding may decide between positions that are nearly equal; of equal ones the last would change all.
        assert (own - other).abs().max() <= 0.02 * other.abs().max() + 5e-6, key


@pytest.mark.parametrize("sparse", [False, True])
@BOTH
@ALL
def test_onnx_predicts_the_same(name, density, sparse, tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    network, x = trained(name, density)
    network_to_onnx(network, tmp_path / "network.onnx", sparse)
    session = runtime.InferenceSession(tmp_path / "network.onnx")
    close(session.run(None, {"X": x})[0], network.predict_proba(x))


def test_sparse_onnx_files_are_smaller(tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    network = drawn(*NETWORKS["SPaS-CNN"], 0.05)
    for sparse in (False, True):
        network_to_onnx(network, tmp_path / f"{sparse}.onnx", sparse)
    assert (tmp_path / "True.onnx").stat().st_size < 0.3 * (tmp_path / "False.onnx").stat().st_size
