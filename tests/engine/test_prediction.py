"""Prediction by several networks at once against each network's own, to the last bit."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.engine import prediction
from truly_sparse.engine.network import FEW_ROWS, SparseMLP
from truly_sparse.engine.prediction import OneRow, Ordered, Outputs, alike
from truly_sparse.engine.prediction_kernels import ROWS, STRIP
from truly_sparse.engine.rows import Bytes, chosen
from truly_sparse.engine.streams import Streams

from .test_graph import network_of
from .test_ramped import ramps

#: Layers whose strips and groups of 16 neurons are full, or not, and links that skip layers.
SHAPES = {
    "small": ((7, 5, 4, 3), ((0, 1), (1, 2), (2, 3))),
    "several strips": ((2 * STRIP + 37, 33, STRIP + 1, 2), ((0, 1), (1, 2), (2, 3))),
    "whole groups": ((STRIP, 32, 16, 16), ((0, 1), (1, 2), (2, 3))),
    "no hidden layer": ((50, 4), ((0, 1),)),
    "skipping": ((20, 18, 17, 6), ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))),
    "a layer without links": ((20, 18, 17, 6), ((0, 1), (1, 3), (2, 3))),
}


def networks(sizes, pairs, slopes, density, count, seed=0):
    """Return random networks with biases, and rows."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        links = {(i, j): np.flatnonzero(rng.random(sizes[i] * sizes[j]) < density) for i, j in pairs}
        network = SparseMLP.start(sizes, links, slopes, rng)
        network.biases[:] = rng.normal(size=len(network.biases))
        made.append(network)
    return made, rng.normal(size=(150, sizes[0])).astype(np.float32)


@pytest.fixture
def ordered(monkeypatch):
    """Have links put in order for any rows and any density."""
    monkeypatch.setattr(prediction, "MANY", 1)
    monkeypatch.setattr(prediction, "LONG", 0)


@pytest.mark.usefixtures("ordered")
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("density", [0.02, 0.4, 1.0])
@pytest.mark.parametrize("activation", ["slopes", "mish"])
def test_many_rows_and_one_are_predicted_to_the_bits_of_each_network(shape, density, activation):
    sizes, pairs = shape
    slopes = "mish" if activation == "mish" else [0.3, -0.2][: len(sizes) - 2]
    made, x = networks(sizes, pairs, slopes, density, 3)
    wanted = np.array([network.predict_proba(x) for network in made])
    predict, one = Outputs(made, len(x)), OneRow(Ordered(made))
    assert predict.threads
    for rows in (1, 2, ROWS - 1, ROWS, ROWS + 1, 150):
        assert predict(x[:rows]).tobytes() == wanted[:, :rows].tobytes()
    for row in range(20):
        one.inputs[:] = x[row]
        assert one().tobytes() == wanted[:, row].tobytes()


@pytest.mark.usefixtures("ordered")
@pytest.mark.parametrize("counts", [(1,), (3, 0, 5, 0), (STRIP - 5, 20, 0, 0, 200), (0, 0, STRIP, STRIP, 1), (4,) * 60])
def test_rows_of_ramps_are_predicted_to_the_bits_of_rows_written_out(counts):
    made, _ = networks((sum(counts), 21, 3), ((0, 1), (1, 2)), "mish", 0.4, 2)
    x, whole = ramps(2 * ROWS + 7, counts, np.random.default_rng(0))
    wanted = np.array([network.predict_proba(whole) for network in made])
    predict = Outputs(made, len(whole))
    assert predict.ramps
    for rows in (1, ROWS, len(whole)):
        assert predict(x.some(slice(rows))).tobytes() == wanted[:, :rows].tobytes()
    assert not Ordered(made).ramps
    apart = Outputs([*made, *networks((sum(counts), 22, 3), ((0, 1), (1, 2)), "mish", 0.4, 1)[0]], len(whole))
    assert not apart.ramps
    assert apart(x)[:2].tobytes() == wanted.tobytes()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("activation", ["slopes", "mish"])
def test_a_few_rows_are_predicted_to_the_bits_of_each_network(shape, activation):
    sizes, pairs = shape
    slopes = "mish" if activation == "mish" else [0.3, -0.2][: len(sizes) - 2]
    made, x = networks(sizes, pairs, slopes, 0.3, 2)
    wanted = np.array([network.predict_proba(x) for network in made])
    predict = Outputs(made, 3)
    assert not predict.threads
    for rows in range(7):
        assert predict(x[:rows]).tobytes() == wanted[:, :rows].tobytes()


@pytest.mark.parametrize("kind", ["bytes", "ramps", "float64"])
def test_a_few_samples_of_any_kind_have_the_bits_of_many(kind):
    made, rng = networks((30, 17, 3), ((0, 1), (1, 2)), [0.3], 0.4, 1)[0][0], np.random.default_rng(0)
    if kind == "bytes":
        scale, shift = rng.random((2, 30), dtype=np.float32)
        samples = Bytes(rng.integers(0, 256, (20, 30), dtype=np.uint8), scale, shift)
    else:
        samples = ramps(20, (10,) * 3, rng)[0] if kind == "ramps" else rng.normal(size=(20, 30))
    wanted = made.predict_proba(samples)
    for rows in (0, 1, FEW_ROWS, FEW_ROWS + 1):
        assert made.predict_proba(chosen(samples, slice(rows))).tobytes() == wanted[:rows].tobytes()
    with pytest.raises(ValueError, match="30 features expected"):
        made.predict_proba(np.zeros((1, 29), np.float32))


@given(
    st.integers(1, 40), st.integers(1, 30), st.integers(2, 20), st.integers(1, 5), st.floats(0, 1), st.integers(0, 9)
)
def test_any_networks_are_joined(inputs, hidden, classes, count, density, seed):
    made, x = networks((inputs, hidden, classes), ((0, 1), (1, 2)), [0.1], density, count, seed)
    wanted, one = np.array([network.predict_proba(x[:3]) for network in made]), OneRow(Ordered(made))
    for row in range(3):
        one.inputs[:] = x[row]
        assert one().tobytes() == wanted[:, row].tobytes()


@pytest.mark.parametrize(("inputs", "kind"), [(65_527, np.uint16), (65_528, np.int32)])
def test_numbers_of_neurons_take_two_bytes_where_they_fit(inputs, kind):
    """The last number is that of no neuron."""
    made, x = networks((inputs, 5, 3), ((0, 1), (1, 2)), [0.1], 0.001, 1)
    kept = Ordered(made)
    assert kept.columns.sources.dtype == kind
    assert kept.columns.sources.max() == inputs + 8
    assert kept(x[:2]).tobytes() == np.array([made[0].predict_proba(x[:2])]).tobytes()


def test_what_is_in_order_knows_whether_it_is_still_of_its_networks():
    made, x = networks((30, 20, 3), ((0, 1), (1, 2)), [0.1], 0.4, 2)
    kept = Ordered(made)
    assert kept(x[:3]).tobytes() == np.array([network.predict_proba(x[:3]) for network in made]).tobytes()
    assert kept.is_of(made)
    assert not kept.is_of(made[:1])
    assert not kept.is_of(made[::-1])
    for change in (
        lambda: made[1].graph.values.__setitem__(7, 0.5),
        lambda: made[0].biases.__setitem__(2, 0.5),
        lambda: made[0].evolve(0.3, Streams(0)),
    ):
        kept = Ordered(made)
        assert kept.is_of(made)
        change()
        assert not kept.is_of(made)


def test_links_in_strips_are_of_networks_as_they_are():
    made, _ = networks((300, 200, 3), ((0, 1), (1, 2)), [0.1], 0.3, 2)
    assert not Outputs(made, 3).is_of(made)  # nothing is in order for few rows
    kept = Outputs(made, 5000)
    assert kept.is_of(made)
    assert not kept.is_of(made[:1])
    made[1].graph.values[7] = 0.5
    assert not kept.is_of(made)


@pytest.mark.usefixtures("ordered")
def test_several_biases_count_as_their_sum_and_groups_of_networks_are_as_good_as_all(monkeypatch):
    made = [network_of(slopes=[0.0, -0.3, 0.2], bias_per_block=True) for _ in range(3)]
    for number, network in enumerate(made):
        network.biases[:] = np.random.default_rng(number).normal(size=len(network.biases))
    x = np.random.default_rng(0).normal(size=(90, made[0].sizes[0])).astype(np.float32)
    wanted = np.array([network.predict_proba(x) for network in made])
    assert Outputs(made, 90)(x).tobytes() == wanted.tobytes()
    monkeypatch.setattr(prediction, "second_level_cache", lambda: 1)
    alone = Outputs(made, 90)
    assert len(alone._parts) == 3
    assert alone(x).tobytes() == wanted.tobytes()


def test_networks_that_differ_go_one_by_one():
    pairs = ((0, 1), (1, 2))
    first, x = networks((600, 20, 3), pairs, [0.1], 0.5, 1)
    for sizes, slopes in (((600, 21, 3), [0.1]), ((600, 20, 3), [0.2]), ((600, 20, 3), "mish")):
        other = networks(sizes, pairs, slopes, 0.5, 1)[0]
        both = [*first, *other]
        assert not alike(both)
        predict = Outputs(both, 5000)
        assert not predict.threads
        assert predict(x).tobytes() == np.array([network.predict_proba(x) for network in both]).tobytes()


def test_short_runs_stay_with_rows_of_all_sources():
    for density, long in ((0.01, False), (0.3, True)):
        made, _ = networks((300, 200, 3), ((0, 1), (1, 2)), [0.1], density, 2)
        assert Outputs(made, 5000).threads == long


@pytest.mark.usefixtures("ordered")
def test_threads_may_call_at_once():
    made, x = networks((STRIP + 9, 40, 3), ((0, 1), (1, 2)), [0.1], 0.4, 2)
    rows = np.tile(x, (40, 1))
    predict = Outputs(made, len(rows))
    wanted, found = predict(rows).tobytes(), []
    threads = [threading.Thread(target=lambda: found.append(predict(rows).tobytes())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 4
