"""Noise by hash: whose weights it falls on, how much it is, and that all of it can be had again."""

import statistics

import numpy as np
import pytest

from truly_sparse.engine import store
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.noise import Noise, _normal, add_noise, noise_of, numbers_of
from truly_sparse.engine.store import perturbed
from truly_sparse.ensembles.noise_search import population
from truly_sparse.ensembles.subnetworks import child_of, every, parts_of
from truly_sparse.errors import UserError
from truly_sparse.training.config import TrainingConfig

from .test_graph import network_of

KEY = 0x123456789ABCDEF1


def large():
    return network_of(sizes=(60, 50, 40, 5), pairs=((0, 1), (1, 2), (2, 3), (0, 3)), density=0.8, slopes=[0.0, 0.0])


def added(network, noise):
    """Return what noise adds to the values of all links, in float64."""
    return perturbed(network, noise).graph.values.astype(float) - network.graph.values


def quad(sd=0.1, sparsity=0.5):
    return list(population("quad", [KEY], sd, sparsity))


def test_a_quad_is_noise_on_a_part_on_the_others_and_both_mirrored():
    """Equations 4.8 to 4.11."""
    network = large()
    one, other, mirrored, other_mirrored = (added(network, noise) for noise in quad())
    ulp = np.spacing(np.abs(network.graph.values) + 1.0).astype(float)
    assert (np.abs(one + mirrored) <= ulp).all()
    assert (np.abs(other + other_mirrored) <= ulp).all()
    assert not ((one != 0) & (other != 0)).any()
    assert ((one != 0) | (other != 0)).mean() > 0.9999  # a number so small that it rounds away is possible


@pytest.mark.parametrize("sd", [0.01, 0.3])
def test_noise_is_normal_with_the_standard_deviation_asked_for(sd):
    network = large()
    network.graph.values[:] = 0
    found = np.concatenate([added(network, Noise(key, sd, 0.0)) for key in range(20)])
    assert found.std() == pytest.approx(sd, rel=0.03)
    assert abs(found.mean()) < 4 * sd / len(found) ** 0.5
    for quantile in (0.025, 0.16, 0.5, 0.84, 0.975):
        expected = statistics.NormalDist(0, sd).inv_cdf(quantile)
        assert np.quantile(found, quantile) == pytest.approx(expected, abs=0.03 * sd)


def test_normal_deviates_are_the_inverse_of_the_distribution():
    from numba import njit

    @njit
    def drawn(words):
        found = np.zeros(len(words))
        for i in range(len(words)):
            found[i] = _normal(words[i])
        return found

    words = np.array([0, 1, 2**20, 2**28, 2**31 - 1, 2**31, 3 * 2**30, 2**32 - 2, 2**32 - 1], np.uint32)
    expected = [statistics.NormalDist().inv_cdf((int(word) + 0.5) / 2**32) for word in words]
    assert np.allclose(drawn(words), expected, rtol=1e-7, atol=1e-12)  # a logarithm is float32


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_the_share_with_noise_is_one_less_the_sparsity(sparsity):
    """A sparsity of 0.9 puts noise on 10 % of the weights."""
    network = large()
    for complement, share in ((False, 1 - sparsity), (True, sparsity)):
        marks = added(network, Noise(KEY, 0.1, sparsity, complement=complement)) != 0
        assert abs(marks.mean() - share) <= 4 * (share * (1 - share) / marks.size) ** 0.5 + 1e-4


def test_which_weights_have_noise_and_how_much_is_independent():
    network = large()
    network.graph.values[:] = 0
    whole, part = (added(network, Noise(KEY, 0.1, sparsity)) for sparsity in (0.0, 0.5))
    marks = part != 0
    assert np.array_equal(part[marks], whole[marks])  # of a key, a weight's noise does not hang on the sparsity
    for one, other in ((whole[:-1], whole[1:]), (whole, marks), (np.abs(whole), marks), (marks[:-1], marks[1:])):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / len(one) ** 0.5
    assert abs(np.corrcoef(whole, added(network, Noise(KEY + 1, 0.1, 0.0)))[0, 1]) < 4 / len(whole) ** 0.5


def test_the_same_numbers_give_the_same_bytes_and_nothing_else_changes():
    network = large()
    network.biases[:] = 0.3
    before = store.snapshot(network)
    one, other = (perturbed(network, quad()[1]) for _ in range(2))
    assert one.graph.values.tobytes() == other.graph.values.tobytes()
    assert np.array_equal(one.graph.keys(), network.graph.keys())  # absent links stay absent
    assert np.array_equal(one.biases, network.biases)
    assert {name: array.tobytes() for name, array in before.items()} == {
        name: array.tobytes() for name, array in store.snapshot(network).items()
    }


def test_noise_of_a_link_does_not_hang_on_which_others_there_are():
    network = large()
    keep = np.random.default_rng(0).random(len(network.graph)) < 0.3
    for noise in quad():
        own = perturbed(network.subnetwork(keep), noise).graph.values
        assert own.tobytes() == perturbed(network, noise).graph.values[keep].tobytes()


def test_a_dense_network_and_its_sparse_copy_get_the_same_noise():
    dense = DenseMLP([7, 11, 9, 4], [0.0, 0.0], np.random.default_rng(0))
    parts = parts_of(dense)
    copy = child_of(dense, {pair: every(part) for pair, part in parts.items()}, TrainingConfig(), None)
    for noise in quad():
        one, other = parts_of(perturbed(dense, noise)), parts_of(perturbed(copy, noise))
        for pair in parts:
            assert one[pair].values.tobytes() == other[pair].values.tobytes()
            assert (one[pair].values != parts[pair].values).any()


def test_noise_comes_back_from_a_file(tmp_path):
    network, noise = large(), Noise(2**64 - 3, 0.07, 0.25, -1, True)
    assert noise_of(numbers_of(noise)) == noise
    store.save(store.snapshot(network) | {"noise": numbers_of(noise)}, tmp_path / "noisy.npz")
    expected = perturbed(network, noise).graph.values
    add_noise(network, noise)
    assert store.load(tmp_path / "noisy.npz").graph.values.tobytes() == expected.tobytes()
    assert network.graph.values.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "change",
    [(0, -1), (1, 2.0**32), (2, -0.1), (2, np.nan), (3, 1.5), (3, -0.1), (4, 0), (5, 2)],
)
def test_numbers_that_are_no_noise_are_one_line(change):
    numbers = numbers_of(Noise(5, 0.1, 0.5))
    numbers[change[0]] = change[1]
    with pytest.raises(UserError, match=r"^noise ") as error:
        noise_of(numbers)
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="not a key and four numbers"):
        noise_of(numbers[:5])


@pytest.mark.parametrize("noise", [Noise(0, 0.0, 0.0), Noise(2**64 - 1, 0.5, 1.0, -1, True)])
def test_numbers_at_the_edge_of_what_is_possible_are_noise(noise):
    assert noise_of(numbers_of(noise)) == noise
