"""Gradients of inputs against finite differences of the networks' own predictions, and maps by hand."""

import numpy as np
import pytest

from truly_sparse.engine import shortcuts
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import SparseMLP
from truly_sparse.errors import UserError
from truly_sparse.measure.saliency import Gradients, map_distances, rmse, saliency_maps

SIZES = (12, 9, 7, 4)
STEP = 1e-5


def networks():
    rng = np.random.default_rng(5)
    sparse = SparseMLP.erdos_renyi(SIZES, 4.0, [-0.6, 0.3], rng)
    links = {(0, 1): np.arange(0, 108, 2), (0, 3): np.arange(0, 48, 5), (1, 2): np.arange(63), (1, 3): np.arange(9)}
    links[2, 3] = np.arange(0, 28, 3)
    skipping = SparseMLP.start(SIZES, links, [0.0, 0.2], rng, bias_per_block=True)
    dense = DenseMLP(SIZES, [0.0, 0.1], rng)
    for network in (sparse, skipping):
        network.biases[:] = rng.normal(scale=0.3, size=len(network.biases))
    for bias in dense.biases:
        bias[:] = rng.normal(scale=0.3, size=len(bias))
    return {"sparse": sparse, "skipping": skipping, "dense": dense}


@pytest.fixture(params=["sparse", "skipping", "dense"])
def network(request):
    return networks()[request.param]


@pytest.fixture
def x():
    return np.random.default_rng(1).normal(size=(20, SIZES[0]))


def logits(network, x):
    """The network in loops over its links, in float64."""
    if isinstance(network, DenseMLP):
        blocks = {(i, i + 1): weight.T.astype(float) for i, weight in enumerate(network.weights)}
        biases, slopes = np.concatenate(network.biases), [0.0, *network.slopes, 0.0]
    else:
        blocks = {}
        for block in network.blocks:
            matrix = np.zeros(block.n_in * block.n_out)
            matrix[block.links()] = block.values
            blocks[block.pair] = matrix.reshape(block.n_in, block.n_out)
        biases, slopes = network.summed_biases(), network.slopes
    layers, start = [x], 0
    for layer in range(1, len(SIZES)):
        z = biases[start : start + SIZES[layer]].astype(float)
        z = z + sum(layers[source] @ matrix for (source, target), matrix in blocks.items() if target == layer)
        start += SIZES[layer]
        layers.append(z if layer == len(SIZES) - 1 else np.where(z > 0, z, slopes[layer] * z))
    return layers[-1]


def test_gradients_are_finite_differences(network, x):
    gradients = Gradients(network)
    classes = gradients.predicted(x)
    found = gradients.of(x, classes)
    rows = np.arange(len(x))
    for feature in range(SIZES[0]):
        step = STEP * (np.arange(SIZES[0]) == feature)
        change = (logits(network, x + step) - logits(network, x - step))[rows, classes] / (2 * STEP)
        np.testing.assert_allclose(found[:, feature], change, rtol=1e-4, atol=1e-5)


def test_classes_are_those_that_the_network_predicts(network, x):
    np.testing.assert_array_equal(Gradients(network).predicted(x), network.predict_proba(x).argmax(axis=1))


def test_smoothing_without_noise_is_the_plain_gradient(network, x):
    gradients = Gradients(network)
    classes = gradients.predicted(x)
    smooth = gradients.smooth(x, classes, 3, np.zeros(len(x)), np.random.default_rng(0))
    np.testing.assert_allclose(smooth, gradients.of(x, classes), rtol=1e-12)
    sd = np.linspace(0.1, 1, len(x))
    noisy = gradients.smooth(x, classes, 2, sd, np.random.default_rng(0))
    draws = sd[:, None] * np.random.default_rng(0).normal(size=(2, *x.shape))
    np.testing.assert_allclose(noisy, np.mean([gradients.of(x + draw, classes) for draw in draws], axis=0))


def test_a_sparse_network_stays_sparse():
    wide = SparseMLP.erdos_renyi((3000, 2000, 10), 2.0, [0.0], np.random.default_rng(0))
    gradients = Gradients(wide)
    assert [block.forward.nnz for block in gradients.blocks] == wide.link_counts
    assert [block.backward.nnz for block in gradients.blocks] == wide.link_counts


def test_mish_is_refused():
    network = shortcuts.start((4, 3, 2), 10, 4, "mish", np.random.default_rng(0))
    with pytest.raises(UserError, match="Mish"):
        Gradients(network)


def test_maps_are_the_largest_magnitude_over_channels_from_0_to_1():
    gradients = np.array([[1.0, -2, 0, 3, 0, 0.5, -4, 1]])  # two channels of 2 x 2
    np.testing.assert_allclose(saliency_maps(gradients, (2, 2, 2)), [[[0, 1 / 3], [1, 2 / 3]]])
    np.testing.assert_array_equal(saliency_maps(np.zeros((1, 4)), (1, 2, 2)), np.zeros((1, 2, 2)))


def test_distances_of_maps():
    rng = np.random.default_rng(0)
    maps = saliency_maps(rng.normal(size=(5, 28 * 28)), (1, 28, 28))
    assert set(map_distances(maps, maps).values()) == {0.0}
    found = map_distances(maps, 1 - maps)
    assert found["average_hash"] > 60
    assert found["rmse"] == pytest.approx(np.mean([np.sqrt(np.mean((1 - 2 * one) ** 2)) for one in maps]))
    np.testing.assert_allclose(rmse(maps, maps + 0.25), 0.25)
