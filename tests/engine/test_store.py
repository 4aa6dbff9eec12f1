"""Saved networks: the same bytes back, and nothing hostile gets to the kernels."""

import io
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest

from truly_sparse.engine import store
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD, Adam
from truly_sparse.engine.streams import Streams
from truly_sparse.errors import UserError

SIZES = [6, 20, 15, 3]
SHORTCUTS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


def networks():
    rng = np.random.default_rng(0)
    links = {pair: np.flatnonzero(rng.random(SIZES[pair[0]] * SIZES[pair[1]]) < 0.2) for pair in SHORTCUTS}
    return [
        SparseMLP.erdos_renyi(SIZES, 3, [-0.5, 0.5], Streams(0).start),
        DenseMLP(SIZES, [0.0, 0.0], Streams(0).start),
        SparseMLP.start(SIZES, links, "mish", rng, bias_per_block=True),
    ]


def train(network, step=0, optimiser=None):
    rng = np.random.default_rng(step)
    x, y = rng.normal(size=(64, 6)).astype(np.float32), rng.integers(0, 3, 64)
    if optimiser is None:
        optimiser = Adam(0.01, l1=1e-4) if getattr(network, "mish", False) else SGD(0.05)
    network.train_epoch(x, y, np.arange(64), 16, optimiser, 0.2, 5, step)
    return network.predict_proba(x).tobytes()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_loaded_network_is_the_saved_one_and_trains_on_as_if_never_saved(tmp_path, number):
    network = networks()[number]
    train(network)
    store.save(store.snapshot(network), tmp_path / "member.npz")
    loaded = store.load(tmp_path / "member.npz")
    x = np.random.default_rng(1).normal(size=(77, 6)).astype(np.float32)
    assert loaded.predict_proba(x).tobytes() == network.predict_proba(x).tobytes()
    assert train(loaded, 1) == train(network, 1)


def test_a_network_has_the_file_that_was_named(tmp_path):
    store.save(store.snapshot(networks()[0]), tmp_path / "member")
    assert [path.name for path in tmp_path.iterdir()] == ["member"]
    assert len(store.load(tmp_path / "member").graph) == len(networks()[0].graph)


def test_a_dense_network_is_saved_with_the_second_moments_of_adam():
    network = networks()[1]
    train(network, optimiser=Adam(0.01))
    loaded = store.build(store.snapshot(network))
    assert train(loaded, 1, Adam(0.01)) == train(network, 1, Adam(0.01))


def test_a_network_without_links_is_saved_with_the_moments_of_its_biases():
    network = networks()[2]
    train(network)
    bare = network.without(np.ones(len(network.graph), bool))
    loaded = store.build(store.snapshot(bare))
    assert sum(loaded.link_counts) == 0
    assert train(loaded, 1) == train(bare, 1)


def spoilt(**changes):
    return {**store.snapshot(networks()[0]), **changes}


def with_item(name, place, value):
    array = store.snapshot(networks()[0])[name].copy()
    array[place] = value
    return {name: array}


REVERSED = "block (3, 2): it must lead from one of 4 layers to a later one"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"format": np.array(99)}, "network format 99 is not 3"),
        ({"sizes": np.array([6, -20, 15, 3])}, "layer sizes are not valid"),
        ({"sizes": np.array([6])}, "layer sizes are not valid"),
        ({"sizes": np.array([6, 10**15, 15, 3])}, "layer sizes are not valid"),
        ({"counts": np.array([1, 2, 3])}, "link counts are not those of the blocks"),
        ({"counts": np.array([10**6, 1, 1])}, "link counts are not those of the blocks"),
        ({"values": np.zeros(3, np.float32)}, "values is float32 (3,), not float32 (229,)"),
        ({"values": np.zeros(3, np.float64)}, "values is float64 (3,), not float32 (229,)"),
        ({"slopes": np.zeros(2, np.float32)}, "slopes do not fit the layers"),
        ({"bounds": np.zeros(1)}, "blocks or bounds do not fit the layers"),
        ({"bounds": np.array([1.0, np.nan, 1.0])}, "bounds hold a value that is not finite"),
        ({"slopes": np.array([1.0, np.inf, 1.0, 1.0])}, "slopes hold a value that is not finite"),
        ({"pointers": np.zeros(3, np.int64)}, "pointers do not fit the layers"),
        ({"targets": np.zeros(3, np.int64)}, "targets are not a list of 32-bit numbers"),
        (with_item("targets", 0, -1), "a link leads to a neuron that does not exist"),
        (with_item("targets", 0, 44), "a link leads to a neuron that does not exist"),
        (with_item("targets", 0, 0), "a link belongs to no block"),
        (with_item("targets", slice(0, 2), 7), "links are not sorted or not distinct"),
        (with_item("targets", 0, 3), "a link belongs to no block"),  # a neuron of its own layer
        (
            with_item("targets", slice(0, None), 40),
            "links are not sorted or not distinct",
        ),  # a layer to which no block leads
        (with_item("pointers", 1, 10**9), "pointers are not ascending from 0 to the number of links"),
        (with_item("pointers", 1, -5), "pointers are not ascending from 0 to the number of links"),
        (with_item("pointers", 0, 1), "pointers are not ascending from 0 to the number of links"),
        ({"blocks": np.array([[0, 1], [1, 2]])}, "blocks or bounds do not fit the layers"),
        (
            {"blocks": np.array([[0, 1], [1, 2], [3, 2]])},
            REVERSED,
        ),
        ({"blocks": np.array([[0, 1], [2, 3], [1, 2]])}, "blocks or bounds do not fit the layers"),
        ({"second": np.zeros(3, np.float32)}, "second is float32 (3,), not float32 (229,)"),
        ({"powers": np.array([0.5, 2.0])}, "powers are not two numbers from 0 to 1"),
        (with_item("values", 3, np.nan), "values holds a value that is not finite"),
        (with_item("velocity", 3, np.inf), "velocity holds a value that is not finite"),
        (with_item("biases", 0, np.nan), "biases holds a value that is not finite"),
    ],
)
def test_arrays_that_make_no_network_are_refused(refusal, changes, text):
    assert refusal(spoilt(**changes)) == text


def test_layers_of_one_neuron_are_read():
    network = SparseMLP.erdos_renyi((6, 1, 1), 2, [0.0], np.random.default_rng(0))
    assert store.build(store.snapshot(network)).sizes == network.sizes


class Bomb:
    """Unpickling this would raise something no one expects."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


def test_files_that_are_no_archives_are_refused_and_nothing_is_unpickled(tmp_path):
    path = tmp_path / "member.npz"
    with pytest.raises(UserError, match="no network file"):
        store.load(path)
    store.save(store.snapshot(networks()[0]), path)
    content = path.read_bytes()
    hostile = io.BytesIO()
    np.savez(hostile, **{**store.snapshot(networks()[0]), "values": np.array([Bomb()], dtype=object)})
    for bad in (content[: len(content) // 2], b"", b"hello", pickle.dumps(Bomb()), hostile.getvalue()):
        path.write_bytes(bad)
        with pytest.raises(UserError, match=r"member\.npz"):
            store.load(path)


def test_a_save_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "member.npz"
    store.save(store.snapshot(networks()[0]), path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="allow_pickle"):
        store.save({"values": np.array([Bomb()], dtype=object)}, path)
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


def test_an_entry_that_is_no_array_is_refused(tmp_path):
    path = tmp_path / "member.npz"
    store.save(store.snapshot(networks()[0]), path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("note.txt", "hello")
    with pytest.raises(UserError, match=r"note\.txt is no array"):
        store.load(path)


def test_entries_that_lie_over_each_other_are_refused(tmp_path):
    path = tmp_path / "member.npz"
    store.save(store.snapshot(networks()[0]), path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.getinfo("values.npy").file_size = archive.getinfo("values.npy").compress_size = 1 << 30
        archive.writestr("more.npy", b"")  # so that the directory is written anew
    with pytest.raises(UserError, match="its entries overlap"):
        store.load(path)


def test_compressed_files_are_refused_before_they_unfold(tmp_path):
    path = tmp_path / "member.npz"
    np.savez_compressed(path, values=np.zeros(10**6))
    with pytest.raises(UserError, match="compressed"):
        store.load(path)


@pytest.mark.parametrize("number", [0, 1])
def test_data_of_another_width_are_refused(number):
    with pytest.raises(ValueError, match="6 features expected"):
        networks()[number].predict_proba(np.zeros((5, 3), np.float32))


def test_pointers_that_wrap_around_are_refused():
    """Their differences are all positive and sum up to the number of links; the expansion of them would not fit."""
    arrays = store.snapshot(networks()[0])
    pointers = arrays["pointers"].copy()
    pointers[1:4] = [2**62, -(2**63), -(2**62)]
    assert (np.diff(pointers[:7]) >= 0).all()
    with pytest.raises(UserError, match="not ascending"):
        store.build(arrays | {"pointers": pointers})


def test_a_last_layer_that_is_said_to_be_huge_takes_no_memory():
    arrays = store.snapshot(networks()[0])
    sizes = arrays["sizes"].copy()
    sizes[-1] = 2**31 - 1 - sizes[:-1].sum()
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="biases is float32"):
            store.build({**arrays, "sizes": sizes})
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_what_numpy_says_in_several_lines_is_one(tmp_path):
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }".ljust(20_000) + b"\n"
    with zipfile.ZipFile(tmp_path / "member.npz", "w") as archive:
        archive.writestr("sizes.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
    with pytest.raises(UserError, match="is not a network file") as error:
        store.load(tmp_path / "member.npz")
    assert "\n" not in str(error.value)
