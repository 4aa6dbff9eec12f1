"""Convolutional networks in whole runs: members, operations, the same bytes again after a kill, and refusals."""

import numpy as np
import pytest

from truly_sparse.engine import store
from truly_sparse.ensembles.trainer import Data, Trainer
from truly_sparse.errors import UserError
from truly_sparse.experiments import cost_estimate
from truly_sparse.golden.cases import DATA, TRAINING
from truly_sparse.measure.flops import operations
from truly_sparse.training import checkpoint

PLAIN = TRAINING | {
    "architecture": "plain_cnn", "hidden_layer_sizes": [4, 6], "epsilon": None, "compression": 3.0, "epochs": 4,
    "exploration_epochs": 4, "batch_size": 32, "evolution_every": 1, "momentum": 0.9,
}  # fmt: skip
SPAS = PLAIN | {
    "architecture": "spas_cnn", "shortcut_ratio": 0.5, "optimiser": "adam", "learning_rate": 0.01, "l1": 1e-4,
    "activation": "mish", "pruning": "global", "patience": 3, "selection": "best_validation",
}  # fmt: skip
TWO = {"members": 2, "epochs": 8}
CHILDREN = {"members": 2, "child_epochs": 2, "child_learning_rate": 0.05}
METHODS = [
    ("none", SPAS),
    ("edst_rg", PLAIN | TWO),
    ("fd_tse", PLAIN | TWO),
    ("rd_tse", PLAIN | TWO),
    ("dist_tse", PLAIN | TWO | {"distance_samples": 4, "distance_max_draws": 20}),
    ("independent", PLAIN | {"members": 2, "epochs": 2, "exploration_epochs": 2}),
    ("sparse_subnetworks", PLAIN | CHILDREN),
    ("stochastic_subnetworks", PLAIN | CHILDREN | {"annealing_epochs": 1}),
    ("noisy_subnetworks", PLAIN | {"members": 2, "population": 4}),
    ("snapshot", PLAIN | TWO | {"exploration_epochs": 8}),
    ("fast_geometric", PLAIN | {"members": 2, "epochs": 12, "exploration_epochs": 12}),
]


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    x = rng.random((200, 64), dtype=np.float32)
    y = (x[:, :32].sum(axis=1) > x[:, 32:].sum(axis=1)).astype(np.int64)
    return Data(x[:160], y[:160], x[160:], y[160:], 2)


def bytes_of(trainer):
    return [array.tobytes() for member in trainer.members for array in member.arrays.values()]


@pytest.mark.parametrize(("method", "training"), METHODS, ids=[name for name, _ in METHODS])
def test_a_killed_run_ends_in_the_bytes_of_an_undisturbed_one(tmp_path, pictures, method, training):
    path, whole = tmp_path / "checkpoint.npz", Trainer(pictures, training, "sparse", method, 1)
    whole.run(lambda _: whole.progress.epoch == 3 and checkpoint.save(whole, path, {}))
    again = Trainer(pictures, training, "sparse", method, 1)
    assert checkpoint.restore(again, path, {}) is None
    again.run()
    assert bytes_of(again) == bytes_of(whole)
    assert all(isinstance(store.build(member.arrays), type(whole.network)) for member in whole.members)


def test_a_checkpoint_of_other_layers_is_left_alone(tmp_path, pictures):
    path, trainer = tmp_path / "checkpoint.npz", Trainer(pictures, PLAIN, "sparse", "none", 1)
    trainer.run(lambda _: trainer.progress.epoch == 3 and checkpoint.save(trainer, path, {}))
    other = Trainer(pictures, PLAIN | {"hidden_layer_sizes": [6, 4]}, "sparse", "none", 1)
    assert "another shape" in checkpoint.restore(other, path, {})


def test_operations_count_every_link_at_all_its_positions(pictures):
    trainer = Trainer(pictures, PLAIN | {"evolution_every": 0}, "sparse", "none", 1)
    trainer.run()
    plan, network = trainer.network.plan, trainer.network
    own = {pair: n * count for pair, n, count in zip(plan.pairs, plan.positions, network.link_counts, strict=True)}
    forward = sum(own.values())
    found = operations(trainer.progress.history, 40)
    assert found["forward"] == found["gradient"] == 4 * 160 * forward
    assert found["backward"] == 4 * 160 * (forward - own[0, 1])
    assert found["validation"] == 4 * 40 * forward
    run = {"model": "sparse", "strategy": "none", "data": DATA | {"validation_fraction": 0.0}, "training": PLAIN}
    entry = {"rows": 200, "features": 64, "class_counts": {"0": 100, "1": 100}}
    assert cost_estimate.operations(run, entry) == pytest.approx(found["forward"] * 3, rel=0.1)


def test_children_of_a_convolutional_parent_share_its_links(pictures):
    trainer = Trainer(
        pictures, PLAIN | CHILDREN | {"parts": 2, "evolution_every": 0}, "sparse", "sparse_subnetworks", 1
    )
    trainer.run()
    parent, *children = [store.build(member.arrays) for member in trainer.members]
    for number, block in enumerate(parent.blocks[:-1]):
        own = [child.blocks[number].links() for child in children]
        assert np.array_equal(np.sort(np.concatenate(own)), block.links())


def test_children_that_begin_anew_forget_scales_and_moments(pictures):
    changes = CHILDREN | {"inherit": False, "child_learning_rate": 1e-9, "momentum": 0.0, "evolution_every": 0}
    trainer = Trainer(pictures, PLAIN | changes, "sparse", "sparse_subnetworks", 1)
    trainer.run()
    networks = [store.build(member.arrays) for member in trainer.members]
    norms = [network.norms[: network.plan.norms] for network in networks]
    assert abs(norms[0] - 1).max() > 1e-3
    assert all(abs(own - 1).max() < 1e-6 for own in norms[1:])


@pytest.mark.parametrize(
    ("method", "changes", "said"),
    [
        ("none", {"epsilon": 4.0, "compression": None}, "takes compression or links, not epsilon"),
        ("none", {"dropout": 0.2}, "has no dropout; set dropout 0"),
        ("none", {"activation": "all_relu"}, "has activation relu or mish"),
        ("none", {"shortcut_ratio": 0.5}, "has no shortcuts"),
        ("none", {"hidden_layer_sizes": [2] * 9}, "plain_cnn .* for a picture"),
        ("sparse_subnetworks", CHILDREN | {"structure": "neurons"}, "structure links or rows, not neurons"),
    ],
)
def test_what_they_have_not_is_one_line(pictures, method, changes, said):
    with pytest.raises(UserError, match=said) as error:
        Trainer(pictures, PLAIN | changes, "sparse", method, 1)
    assert "\n" not in str(error.value)


def test_a_dense_model_has_no_architecture(pictures):
    training = PLAIN | {"compression": None}
    with pytest.raises(UserError, match="a dense model has no architecture"):
        Trainer(pictures, training, "dense", "independent", 1)


def test_rows_that_are_no_pictures_are_one_line(pictures):
    data = pictures.__class__(pictures.x[:, :60], pictures.y, pictures.x_validation[:, :60], pictures.y_validation, 2)
    with pytest.raises(UserError, match="60 features are no square picture"):
        Trainer(data, PLAIN, "sparse", "none", 1)
