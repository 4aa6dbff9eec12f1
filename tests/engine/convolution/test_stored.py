"""Saved convolutional networks: the same bytes back, and nothing hostile gets to the kernels."""

import json

import numpy as np
import pytest

from truly_sparse.engine import store
from truly_sparse.engine.convolution import architectures, stored
from truly_sparse.engine.convolution.layers import Convolution, Plan
from truly_sparse.engine.convolution.start import start
from truly_sparse.engine.optimisers import SGD, Adam
from truly_sparse.errors import UserError

PICTURE = (1, 16, 16)
LAYERS = {
    "spas": architectures.spas(3, channels=(3, 4)),
    "densenet": architectures.densenet(3, 2),
    "lenet": architectures.lenet(3, (2, 3), (5,)),
}


def network(kind="spas", storage="float32"):
    plan = Plan(PICTURE, LAYERS[kind])
    counts = (200, 100) if kind == "spas" else (150, 0)
    return start(plan, counts, np.random.default_rng(0), storage=storage)


def train(network, step=0, optimiser=None):
    rng = np.random.default_rng(step)
    x, y = rng.normal(size=(48, 256)).astype(np.float32), rng.integers(0, 3, 48)
    network.train_epoch(x, y, np.arange(48), 16, optimiser or Adam(0.01, l1=1e-4))
    return network.predict_proba(x).tobytes()


@pytest.mark.parametrize(("kind", "storage"), [("spas", "float32"), ("spas", "bfloat16"), ("lenet", "float32")])
@pytest.mark.parametrize("optimiser", [Adam(0.01, l1=1e-4), SGD(0.05)], ids=["adam", "sgd"])
def test_a_loaded_network_is_the_saved_one_and_trains_on_as_if_never_saved(tmp_path, kind, storage, optimiser):
    made = network(kind, storage)
    train(made, 0, optimiser)
    store.save(store.snapshot(made), tmp_path / "member.npz")
    loaded = store.load(tmp_path / "member.npz")
    assert (loaded.plan.layers, loaded.storage) == (made.plan.layers, storage)
    assert train(loaded, 1, optimiser) == train(made, 1, optimiser)


def spoilt(**changes):
    return {**store.snapshot(network()), **changes}


def with_item(name, place, value):
    array = store.snapshot(network())[name].copy()
    array[place] = value
    return {name: array}


def with_layer(number, **changes):
    text = json.loads(store.snapshot(network())["layers"].tobytes())
    text[number] |= changes
    return {"layers": np.frombuffer(json.dumps(text).encode(), np.uint8)}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"picture": np.array([1, 16])}, "picture or layers are not valid"),
        ({"picture": np.array([1, 5000, 5000])}, "a picture of (1, 5000, 5000) is not one of 1 to 16,777,216 numbers"),
        ({"picture": np.array([1, -16, -16])}, "a picture of (1, -16, -16) is not one of 1 to 16,777,216 numbers"),
        (
            {"picture": np.array([10**9, 16, 16])},
            "a picture of (1000000000, 16, 16) is not one of 1 to 16,777,216 numbers",
        ),
        ({"picture": np.array([1, 16, 16], np.int32)}, "picture or layers are not valid"),
        ({"layers": np.zeros(3)}, "picture or layers are not valid"),
        ({"layers": np.frombuffer(b"[]", np.uint8)}, "layers are not a list"),
        ({"layers": np.frombuffer(b"{}", np.uint8)}, "layers are not a list"),
        (
            {"layers": np.frombuffer(json.dumps([{"kind": "max_pool", "source": 0}] * 1001).encode(), np.uint8)},
            "layers are not a list",
        ),
        (with_layer(0, kind="dense"), "layer 1 is neither a convolution nor a pool"),
        (with_layer(0, kind="max_pool"), "layer 1 is neither a convolution nor a pool"),
        (with_layer(0, channels=4), "blocks are not those of the layers"),
        (with_layer(0, channels=3.0), "layer 1: channels is not int"),
        (with_layer(0, channels=True), "layer 1: channels is not int"),
        (with_layer(0, channels=10**12), "blocks are not those of the layers"),
        (with_layer(0, kernel=5), "blocks are not those of the layers"),
        (with_layer(0, border=-1), "layer 1: channels 3, kernel 3, border -1; a border is smaller than the kernel"),
        (with_layer(0, norm=1), "layer 1: norm is not bool"),
        (with_layer(0, sources=[1]), "layer 1 takes maps (1,); there are maps 0 to 0 before it"),
        (with_layer(0, sources=0), "layer 1: sources is not int"),
        (with_layer(0, sources=[]), "layer 1 takes maps (); there are maps 0 to 0 before it"),
        (with_layer(0, activation="tanh"), "layer 1: activation 'tanh' or pool 'none' is unknown"),
        (with_layer(0, pool=["max"]), "layer 1: pool is not str"),
        (with_layer(0, another=1), "layer 1 is neither a convolution nor a pool"),
        (with_layer(1, source="0"), "layer 2: source is not int"),
        ({"counts": np.array([1, 2, 3])}, "link counts are not those of the blocks"),
        ({"values": np.zeros(3, np.float32)}, "values is float32 (3,), not float32 (300,)"),
        ({"norms": np.zeros(3, np.float32)}, "norms is float32 (3,), not float32 (90,)"),
        ({"biases": np.zeros(3, np.float32)}, "biases is float32 (3,), not float32 (52,)"),
        ({"running_means": np.zeros(3, np.float32)}, "running_means is float32 (3,), not float32 (35,)"),
        ({"bounds": np.zeros(1)}, "blocks or bounds do not fit the layers"),
        ({"powers": np.array([0.5, 2.0])}, "powers are not two numbers from 0 to 1"),
        ({"second": np.zeros(3, np.float32)}, "second is float32 (3,), not float32 (300,)"),
        (
            {"norm_second": np.zeros(3, np.float32), "bias_second": np.zeros(2, np.float32)},
            "second is float32 (0,), not float32 (300,)",
        ),
        (with_item("targets", 0, -1), "a link leads to a neuron that does not exist"),
        (with_item("targets", 0, 1), "a link belongs to no block"),
        (with_item("pointers", 1, 10**9), "pointers are not ascending from 0 to the number of links"),
        (with_item("blocks", 0, 5), "block (5, 5): it must lead from one of 24 layers to a later one"),
        (with_item("running_variances", 0, -1.0), "a running variance is negative"),
        (with_item("running_variances", 0, np.nan), "running_variances holds a value that is not finite"),
        (with_item("norms", 0, np.inf), "norms holds a value that is not finite"),
        (with_item("values", 0, np.nan), "values holds a value that is not finite"),
    ],
)
def test_arrays_that_make_no_network_are_refused(refusal, changes, text):
    assert refusal(spoilt(**changes)) == text


def test_layers_that_are_no_json_are_refused(tmp_path):
    store.save(spoilt(layers=np.frombuffer(b"nonsense", np.uint8)), tmp_path / "member.npz")
    with pytest.raises(UserError, match=r"member\.npz is not a network file \(.*\); delete it and train again$"):
        store.load(tmp_path / "member.npz")


@pytest.mark.parametrize("picture", [(1, 2, 1), (2**23, 1, 2), (1, 2**12, 2**12)])
def test_pictures_at_the_edge_of_what_is_possible_are_read(picture):
    plan = Plan(picture, [Convolution((0,), 2, 1, 0, pool="global")])
    assert stored.plan_of(stored.described(plan)).picture == picture
