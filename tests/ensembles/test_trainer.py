"""Whole small runs: members, invariants, the same bytes again, after a kill too."""

import numpy as np
import pytest

from truly_sparse.engine import store
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD
from truly_sparse.ensembles.trainer import Trainer, predict_members
from truly_sparse.errors import UserError
from truly_sparse.measure.metrics import predict_ensemble
from truly_sparse.training import checkpoint

METHODS = ["edst_rg", "rd_tse", "fd_tse", "dist_tse"]


def links_of(arrays):
    return [block.links() for block in store.build(arrays).blocks]


def probabilities(trainer, data):
    return predict_members(trainer.members, data.x_validation)


def single(training, **changes):
    return {**training, "members": 1, "exploration_epochs": 16, "refinement": "none", **changes}


@pytest.mark.parametrize("strategy", METHODS)
def test_a_run_collects_its_members_and_keeps_its_links(data, training, strategy):
    trainer = Trainer(data, training, "sparse", strategy, 1)
    start = trainer.network.link_counts
    trainer.run()
    assert [member.epoch for member in trainer.members] == sorted(member.epoch for member in trainer.members)
    windows = [(0, 8), (8, 12), (12, 16)]
    assert all(low < member.epoch <= high for member, (low, high) in zip(trainer.members, windows, strict=True))
    assert all([*member.arrays["counts"]] == start for member in trainer.members)
    each = probabilities(trainer, data)
    assert each.shape == (3, 30, 3)
    assert np.allclose(each.sum(axis=2), 1, atol=1e-5)
    assert np.array_equal(predict_ensemble(each), each.mean(axis=0))
    # The best of the window by validation accuracy, measured again from the stored member.
    for member, one in zip(trainer.members, each, strict=True):
        assert member.score == (one.argmax(axis=1) == data.y_validation).mean()
    history = trainer.progress.history
    for i, member in enumerate(trainer.members):
        assert member.score == max(row["validation_accuracy"] for row in history if row["member"] == i)
    assert trainer.progress.fallbacks == 0 or strategy in ("rd_tse", "fd_tse")


@pytest.mark.parametrize("strategy", METHODS)
def test_training_learns(data, training, strategy):
    trainer = Trainer(data, {**training, "epochs": 64, "dropout": 0.1}, "sparse", strategy, 0)
    trainer.run()
    accuracy = (predict_ensemble(probabilities(trainer, data)).argmax(axis=1) == data.y_validation).mean()
    assert accuracy > 0.75


def test_fd_members_stay_disjoint_through_training_and_rd_members_need_not(data, training):
    wide = {
        **training,
        "hidden_layer_sizes": [200, 200],
        "epsilon": 2.0,
        "prune_fraction": 0.3,
        "selection": "last",
        "epochs": 34,
    }
    shared = {}
    for strategy in ("rd_tse", "fd_tse"):
        trainer = Trainer(data, wide, "sparse", strategy, 3)
        seen = {}

        def note(epoch, trainer=trainer, seen=seen):
            if epoch.ends_member and not trainer.finished:
                seen[epoch.member + 1] = (trainer.network.blocks[1].links(), trainer.earlier[1].copy())

        trainer.run(note)
        assert trainer.progress.fallbacks == 0
        for member, (start, earlier) in seen.items():
            final = links_of(trainer.members[member].arrays)[1]
            grown_while_training = np.setdiff1d(final, start)
            assert len(grown_while_training)
            shared[strategy] = shared.get(strategy, 0) + np.isin(grown_while_training, earlier).sum()
    assert shared["fd_tse"] == 0
    assert shared["rd_tse"] > 0


@pytest.mark.parametrize("strategy", METHODS)
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(data, training, strategy):
    def bytes_of(seed):
        trainer = Trainer(data, training, "sparse", strategy, seed)
        trainer.run()
        return probabilities(trainer, data).tobytes()

    assert bytes_of(2) == bytes_of(2)
    assert bytes_of(2) != bytes_of(3)


@pytest.mark.parametrize(
    ("model", "strategy", "changes"),
    [("sparse", name, {}) for name in METHODS]
    + [
        ("sparse", "none", {"members": 1, "exploration_epochs": 16, "refinement": "none"}),
        ("dense", "independent", {"activation": "relu", "exploration_epochs": 16, "refinement": "none"}),
        ("sparse", "independent", {"exploration_epochs": 16, "refinement": "none"}),
    ],
)
def test_a_killed_run_ends_in_the_bytes_of_an_undisturbed_one(tmp_path, data, training, model, strategy, changes):
    settings = {**training, **changes}
    whole = Trainer(data, settings, model, strategy, 4)
    whole.run()
    path, identity = tmp_path / "checkpoint.npz", {"who": "me"}
    for stop in (1, 7, 8, 11, 15):
        broken = Trainer(data, settings, model, strategy, 4)

        def kill(epoch, stop=stop, broken=broken):
            if epoch.number == stop:
                checkpoint.save(broken, path, identity)
                raise InterruptedError

        with pytest.raises(InterruptedError):
            broken.run(kill)
        again = Trainer(data, settings, model, strategy, 4)
        assert checkpoint.restore(again, path, identity) is None
        again.run()
        assert probabilities(again, data).tobytes() == probabilities(whole, data).tobytes()
        rows = [
            [{key: value for key, value in row.items() if key != "seconds"} for row in run.progress.history]
            for run in (again, whole)
        ]
        assert rows[0] == rows[1]
        assert again.progress.draws == whole.progress.draws


def test_a_checkpoint_of_another_run_or_a_damaged_one_is_left_alone(tmp_path, data, training):
    path = tmp_path / "checkpoint.npz"
    trainer = Trainer(data, training, "sparse", "fd_tse", 0)
    assert checkpoint.restore(trainer, path, {}) == "there is none"
    checkpoint.save(trainer, path, {"seed": 0})
    assert checkpoint.restore(trainer, path, {"seed": 1}) == "it is of another seed"
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["network/biases"] = arrays["network/biases"] + 1
    np.savez(path, allow_pickle=False, **arrays)
    assert checkpoint.restore(trainer, path, {"seed": 0}) == "its checksum is wrong"
    checkpoint.save(trainer, path, {"seed": 0})
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "damaged" in checkpoint.restore(trainer, path, {"seed": 0})
    saved = trainer.network.copy_state()
    refused = 0
    for place in range(50, len(content), len(content) // 60):
        path.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
        # A byte that says nothing, such as a date, may differ; what is taken over never does.
        refused += checkpoint.restore(trainer, path, {"seed": 0}) is not None
        assert all(np.array_equal(value, saved[name]) for name, value in trainer.network.copy_state().items())
    assert refused > 45


def test_a_member_can_be_saved_loaded_and_trained_further(tmp_path, data, training):
    trainer = Trainer(data, training, "sparse", "rd_tse", 0)
    trainer.run()
    member = trainer.members[1]
    store.save(member.arrays, tmp_path / "member_1.npz")
    loaded, kept = store.load(tmp_path / "member_1.npz"), store.build(member.arrays)
    assert loaded.predict_proba(data.x).tobytes() == kept.predict_proba(data.x).tobytes()
    order = np.arange(96)
    for network in (loaded, kept):
        network.train_epoch(data.x, data.y, order, 16, SGD(0.05), 0.2, 7, 0)
    assert loaded.predict_proba(data.x).tobytes() == kept.predict_proba(data.x).tobytes()
    assert not np.array_equal(loaded.copy_state()["values"], member.arrays["values"])


def test_divergence_is_a_status_with_advice(data, training):
    trainer = Trainer(data, {**training, "learning_rate": 1e6}, "sparse", "edst_rg", 0)
    trainer.run()
    assert trainer.finished
    assert "lower training.learning_rate" in trainer.progress.failure


def test_static_topology_never_changes_and_set_topology_does(data, training):
    for every, same in ((0, True), (2, False)):
        trainer = Trainer(data, single(training, evolution_every=every), "sparse", "none", 0)
        start = [block.links() for block in trainer.network.blocks]
        trainer.run()
        end = [block.links() for block in trainer.network.blocks]
        assert all(np.array_equal(a, b) for a, b in zip(start[:-1], end[:-1], strict=True)) == same
        assert np.array_equal(start[-1], end[-1])  # the output block never takes part


def test_streams_are_independent(data, training):
    """Dropout and evolution must not change the start, the order of training, or each other's draws."""
    base = Trainer(data, training, "sparse", "edst_rg", 0)
    other = Trainer(data, {**training, "dropout": 0.0, "evolution_every": 0}, "sparse", "edst_rg", 0)
    assert all(
        np.array_equal(a.links(), b.links()) and np.array_equal(a.values, b.values)
        for a, b in zip(base.network.blocks, other.network.blocks, strict=True)
    )
    base.run()
    other.run()
    assert base.streams.order.bit_generator.state == other.streams.order.bit_generator.state
    assert base.streams.dropout.bit_generator.state == other.streams.dropout.bit_generator.state


def test_the_input_block_can_be_left_alone_at_the_escape(data, training):
    settings = {**training, "evolution_every": 0, "escape_input_block": False, "selection": "last"}
    trainer = Trainer(data, settings, "sparse", "edst_rg", 0)
    trainer.run()
    first, second = (links_of(member.arrays) for member in trainer.members[:2])
    assert np.array_equal(first[0], second[0])
    assert not np.array_equal(first[1], second[1])


@pytest.mark.parametrize(
    ("model", "strategy", "changes", "words"),
    [
        ("sparse", "edst_rg", {"batch_size": 101}, "batch_size 101 exceeds the 100 training rows"),
        ("sparse", "none", {}, "which trains one network"),
        ("dense", "rd_tse", {}, "dense model does not have"),
        ("sparse", "nowhere", {}, "no escape strategy"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line(data, training, model, strategy, changes, words):
    with pytest.raises(UserError, match=words):
        Trainer(data, {**training, **changes}, model, strategy, 0)


def test_dense_and_sparse_members_are_what_they_say(data, training):
    trainer = Trainer(data, single(training, activation="relu"), "dense", "none", 0)
    trainer.run()
    network = store.build(trainer.members[0].arrays)
    assert not isinstance(network, SparseMLP)
    assert network.link_counts == [8 * 40, 40 * 30, 30 * 20, 20 * 3]


def test_a_checkpoint_of_a_network_of_another_shape_is_refused_even_with_the_right_identity(tmp_path, data, training):
    path, identity = tmp_path / "checkpoint.npz", {"who": "me"}
    other = Trainer(data, training | {"hidden_layer_sizes": [400, 30, 20]}, "sparse", "fd_tse", 4)
    other.run(lambda epoch: checkpoint.save(other, path, identity) if epoch.number == 9 else None)
    reason = checkpoint.restore(Trainer(data, training, "sparse", "fd_tse", 4), path, identity)
    assert reason == "it is damaged (a network has another shape)"
