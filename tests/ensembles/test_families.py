"""Parents and children as runs: which rows and links they train on, killed and gone on, alone and among others."""

import tracemalloc

import numpy as np
import pytest

from truly_sparse.engine import store
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.streams import Streams
from truly_sparse.ensembles import methods
from truly_sparse.ensembles.subnetworks import child_of, kept, parts_of
from truly_sparse.ensembles.trainer import Data, Trainer, create, predict_members
from truly_sparse.errors import UserError
from truly_sparse.measure.flops import operations
from truly_sparse.training import checkpoint
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.loop import Loop

FAMILY = {
    "hidden_layer_sizes": [30, 20], "members": 6, "epochs": 4, "exploration_epochs": 4, "refinement": "none",
    "evolution_every": 0, "selection": "last", "child_epochs": 4, "child_learning_rate": 0.05, "annealing_epochs": 2,
    "population": 8, "dropout": 0.1, "nesterov": True, "coupled_decay": True, "torch_momentum": True,
}  # fmt: skip
KINDS = {
    "partition": ("sparse_subnetworks", {}),
    "iterative": ("sparse_subnetworks", {"sampler": "random", "prune_epochs": 3}),
    "bag": ("sparse_subnetworks", {"bag_fraction": 0.6}),
    "annealed": ("stochastic_subnetworks", {"bag_fraction": 0.9}),
    "annealed at random": ("stochastic_subnetworks", {"annealing": "random", "inactive": "freeze"}),
    "noisy": ("noisy_subnetworks", {"members": 3}),
}
MODELS = pytest.mark.parametrize("model", ["sparse", "dense"])


def trainer_of(data, training, kind, model="sparse", **changes):
    method, own = KINDS.get(kind, (kind, {}))
    whole = training | FAMILY | own | changes | ({"epsilon": None} if model == "dense" else {})
    return Trainer(data, whole, model, method, 3)


def bytes_of(members):
    return [{name: array.tobytes() for name, array in member.arrays.items()} for member in members]


@MODELS
@pytest.mark.parametrize("kind", KINDS)
def test_a_family_is_a_parent_and_its_children(data, training, kind, model):
    trainer = trainer_of(data, training, kind, model)
    trainer.run()
    count = trainer.settings.members
    assert trainer.progress.failure is None
    assert [member.epoch for member in trainer.members][:2] == [4, 4 if kind == "noisy" else 8]
    assert len(trainer.members) == count + 1
    assert bytes_of([trainer.parent]) == bytes_of(trainer.members[:1])
    assert (
        len(
            {one["values"] for one in bytes_of(trainer.members)} | {str(m.arrays.get("noise")) for m in trainer.members}
        )
        > count
    )
    without = trainer_of(data, training, kind, model, include_parent=False)
    without.run()
    if kind != "noisy":  # which are kept, and how well they predict with their parent
        assert bytes_of(without.members) == bytes_of(trainer.members[1:])
    assert len(without.members) == count


@MODELS
@pytest.mark.parametrize("kind", [name for name in KINDS if name != "noisy"])
@pytest.mark.parametrize("stop", [1, 3, 5, 8, 10])
def test_a_killed_family_ends_in_the_bytes_of_an_undisturbed_one(tmp_path, data, training, kind, model, stop):
    """In the parent, at its end, in the first child before and after its links fell, and in the second."""
    path = tmp_path / "checkpoint.npz"
    whole, broken, again = (trainer_of(data, training, kind, model, members=2) for _ in range(3))
    whole.run()
    broken.run(lambda epoch: checkpoint.save(broken, path, {}) if epoch.number == stop else None)
    assert checkpoint.restore(again, path, {}) is None
    assert again.progress.epoch == stop + 1
    if again.parent is not None:
        parents = [predict_members([loop.parent], data.x).tobytes() for loop in (again, whole)]
        assert parents[0] == parents[1]
    again.run()
    assert bytes_of(again.members) == bytes_of(whole.members)
    rows = [[{**row, "seconds": 0} for row in loop.progress.history] for loop in (again, whole)]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("name", ["snapshot", "fast_geometric", "mc_dropout"])
@pytest.mark.parametrize("stop", [1, 4, 6])
def test_other_ensembles_of_one_network_go_on_after_a_kill(tmp_path, data, training, name, stop):
    path = tmp_path / "checkpoint.npz"
    own = {"epochs": 8, "exploration_epochs": 8, "members": 4}
    whole, broken, again = (trainer_of(data, training, name, **own) for _ in range(3))
    whole.run()
    broken.run(lambda epoch: checkpoint.save(broken, path, {}) if epoch.number == stop else None)
    assert checkpoint.restore(again, path, {}) is None
    again.run()
    assert bytes_of(again.members) == bytes_of(whole.members)


def alone(trainer, child):
    """Return a loop of the parent and one of the children."""
    return Loop(
        trainer.problem, trainer.settings, [trainer.stages[0], trainer.stages[child]], trainer._fresh, trainer._seed
    )


@MODELS
@pytest.mark.parametrize("kind", [name for name in KINDS if name != "noisy"])
def test_a_child_alone_is_the_same_as_among_others(data, training, kind, model):
    trainer = trainer_of(data, training, kind, model)
    trainer.run()
    for child in (1, 4):
        single = alone(trainer, child)
        single.run()
        assert bytes_of(single.members) == bytes_of([trainer.members[0], trainer.members[child]])


@MODELS
def test_the_same_seed_gives_the_same_bytes_and_another_others(data, training, model):
    found = []
    for seed in (3, 3, 4):
        trainer = Trainer(
            data,
            training | FAMILY | ({"epsilon": None} if model == "dense" else {}),
            model,
            "stochastic_subnetworks",
            seed,
        )
        trainer.run()
        found.append(bytes_of(trainer.members))
    assert found[0] == found[1] != found[2]


def test_a_parent_trains_as_a_single_network_does(data, training):
    trainer = trainer_of(data, training, "partition")
    trainer.run()
    single = Trainer(data, training | FAMILY | {"members": 1}, "sparse", "none", 3)
    single.run()
    assert bytes_of([trainer.parent]) == bytes_of(single.members)


@MODELS
@pytest.mark.parametrize("kind", ["partition", "annealed", "iterative"])
def test_the_parent_is_not_changed_by_its_children(data, training, kind, model):
    trainer, seen = trainer_of(data, training, kind, model), []
    trainer.run(lambda epoch: seen.append(bytes_of([trainer.parent])) if epoch.number >= 3 else None)
    assert len(seen) == len(trainer.plan) - 3
    assert all(each == seen[0] for each in seen)


def rows_seen(data, training, name, **changes):
    """Return which rows each stage trained on, epoch by epoch."""
    trainer, seen = trainer_of(data, training, name, **changes), {}
    original = trainer._order

    def order():
        rows = original()
        seen.setdefault(trainer.plan[trainer.progress.epoch].member, []).append(rows)
        return rows

    trainer._order = order
    trainer.run()
    return seen


@pytest.mark.parametrize("name", ["sparse_subnetworks", "stochastic_subnetworks", "independent"])
def test_bags_are_parts_of_the_rows_that_differ_per_member(data, training, name):
    seen = rows_seen(data, training, name, bag_fraction=0.9, members=4)
    first = 0 if name == "independent" else 1
    if first:
        assert all(sorted(rows) == list(range(100)) for rows in seen[0])
    bags = []
    for member in range(first, first + 4):
        for rows in seen[member]:
            assert len(rows) == len(set(rows.tolist())) == 90
            assert set(rows.tolist()) == set(seen[member][0].tolist())
        assert any((one != seen[member][0]).any() for one in seen[member][1:])  # shuffled anew
        bags.append(frozenset(seen[member][0].tolist()))
    assert len(set(bags)) == 4
    assert set().union(*bags) == set(range(100))


def test_bags_are_the_same_over_the_methods_of_a_seed(data, training):
    found = []
    for name, first in (("sparse_subnetworks", 1), ("stochastic_subnetworks", 1)):
        seen = rows_seen(data, training, name, bag_fraction=0.7, members=2)
        found.append([set(seen[first + i][0].tolist()) for i in range(2)])
    assert found[0] == found[1]
    independent = rows_seen(data, training, "independent", bag_fraction=0.7, members=3)
    assert [set(independent[i][0].tolist()) for i in (1, 2)] == found[0]


def test_validation_rows_are_never_in_a_bag(data, training):
    """They are other rows altogether: labels that cannot be there change no bit of the training."""
    poisoned = Data(data.x, data.y, data.x_validation * 1000, 2 - data.y_validation, 3)
    one, other = (trainer_of(each, training, "bag") for each in (data, poisoned))
    one.run()
    other.run()
    assert bytes_of(one.members) == bytes_of(other.members)


def test_a_bag_smaller_than_a_batch_is_one_line(data, training):
    for name in ("sparse_subnetworks", "independent"):
        with pytest.raises(
            UserError, match=r"batch_size 16 exceeds the 10 training rows of bag_fraction 0\.1;"
        ) as error:
            trainer_of(data, training, name, bag_fraction=0.1)
        assert "\n" not in str(error.value)


@MODELS
@pytest.mark.parametrize("selection", ["last", "best_validation"])
@pytest.mark.parametrize("annealing_epochs", [1, 3, 4])
def test_annealed_children_end_with_their_links_however_late(data, training, model, selection, annealing_epochs):
    trainer = trainer_of(data, training, "annealed", model, selection=selection, annealing_epochs=annealing_epochs)
    pruned = trainer_of(data, training, "partition", model, selection=selection)
    for one in (trainer, pruned):
        one.run()
    for member, own in zip(trainer.members[1:], pruned.members[1:], strict=True):
        assert member.arrays["counts"].tolist() == own.arrays["counts"].tolist()
        assert np.array_equal(member.arrays["targets"], own.arrays["targets"])
        network = store.build(member.arrays)
        score = (network.predict_as_trained(data.x_validation).argmax(axis=1) == data.y_validation).mean()
        assert member.score == pytest.approx(score)


def test_children_that_might_be_kept_before_their_links_fell_are_one_line(data, training):
    with pytest.raises(UserError, match="prune_epochs 3 with selection best_validation could keep a child before"):
        trainer_of(data, training, "iterative", selection="best_validation")
    # Nor could patience end a child before: it needs that selection.
    with pytest.raises(UserError, match="patience looks for the best validation score"):
        trainer_of(data, training, "iterative", patience=2)


@MODELS
def test_operations_of_annealed_children_count_active_links(data, training, model):
    """Exactly those that the slow hash lets take part, step by step."""
    from .subnetwork_reference import active_links

    trainer = trainer_of(data, training, "annealed", model, members=2, bag_fraction=1.0)
    trainer.run()
    stage, steps = trainer.stages[2], 100 // 16
    begun = stage.derive(store.build(trainer.parent.arrays), trainer._drawn)
    annealing = stage.anneal(begun, trainer._drawn)
    key, inputs = int(Streams(3, 2).gate.integers(2**64, dtype=np.uint64)), begun.input_links
    rows = [row for row in trainer.progress.history if row["member"] == 2]
    for epoch, row in enumerate(rows):
        p = annealing.probabilities(epoch)
        marks = [active_links(begun, p, key, epoch * steps + step) for step in range(steps)]
        counted = operations([row], 0)
        assert counted["forward"] == np.sum(marks) * 16
        assert counted["backward"] == sum(own[inputs:].sum() for own in marks) * 16


@pytest.mark.parametrize(("parts", "share"), [(2, 0.85), (3, 0.8), (6, 0.75)])
def test_children_cost_what_their_links_do(parts, share):
    """14 epochs of a parent and 6 of children, in 20: the budget of 140 + 6 x 10 in 200, with all blocks pruned."""
    rng = np.random.default_rng(0)
    data = Data(
        rng.normal(size=(64, 60)).astype(np.float32),
        np.arange(64) % 12,
        np.zeros((0, 60), np.float32),
        np.zeros(0, int),
        12,
    )
    training = {
        "hidden_layer_sizes": [60, 48], "batch_size": 16, "learning_rate": 0.01, "dropout": 0.0, "members": 6,
        "epochs": 14, "exploration_epochs": 14, "child_epochs": 1, "child_learning_rate": 0.01, "parts": parts,
        "prune_output_block": True, "evolution_every": 0, "refinement": "none", "selection": "last",
        "activation": "relu",
    }  # fmt: skip
    trainer = Trainer(data, training, "dense", "sparse_subnetworks", 0)
    single = Trainer(data, training | {"members": 1, "epochs": 20, "exploration_epochs": 20}, "dense", "none", 0)
    for one in (trainer, single):
        one.run()
        assert one.progress.failure is None
    found, whole = (operations(one.progress.history, 0) for one in (trainer, single))
    for name in ("forward", "gradient", "total_training"):
        assert found[name] / whole[name] == pytest.approx(share, rel=1e-3)
    assert methods.kind("sparse_subnetworks").passes(trainer.settings) == pytest.approx(20 * share)
    assert len(trainer.plan) == 20
    members = [int(member.arrays["counts"].sum()) for member in trainer.members[1:]]
    assert sum(members) == 6 // parts * sum(single.network.link_counts)


@pytest.mark.parametrize(
    "kind", ["sparse_subnetworks", "stochastic_subnetworks", "snapshot", "fast_geometric", "mc_dropout"]
)
def test_recipes_have_the_epochs_of_their_budget(training, kind):
    own = {
        "sparse_subnetworks": {"epochs": 140, "members": 6, "child_epochs": 10},
        "stochastic_subnetworks": {"epochs": 140, "members": 6, "child_epochs": 10},
        "snapshot": {"epochs": 200, "members": 5},
        "fast_geometric": {"epochs": 200, "members": 12},
        "mc_dropout": {"epochs": 200, "members": 10, "dropout": 0.3},
    }[kind]
    settings = TrainingConfig.of(training | FAMILY | own | {"exploration_epochs": own["epochs"]})
    stages = list(create(kind, settings).stages())
    assert sum(len(stage.epochs) for stage in stages) == 200
    ends = {"snapshot": [40] * 5, "fast_geometric": [120, 36, *[2, 4, 4, 4, 4, 4] * 2], "mc_dropout": [200, 0]}
    lengths = ends.get(kind, [140, *[10] * 6])
    assert [len(stage.epochs) for stage in stages] == lengths


def test_snapshots_are_the_ends_of_cycles_and_geometric_members_lie_where_the_rate_is_lowest(training):
    settings = TrainingConfig.of(
        training | FAMILY | {"epochs": 200, "exploration_epochs": 200, "members": 5, "learning_rate": 0.1}
    )
    rates = [epoch.curve.rates(10, 0.9)[0] for stage in create("snapshot", settings).stages() for epoch in stage.epochs]
    whole = np.concatenate(rates)
    minima = np.flatnonzero((whole[1:-1] < whole[:-2]) & (whole[1:-1] < whole[2:])).size + 1
    assert minima == 5
    assert [rates[start][0] for start in range(0, 200, 40)] == [0.1] * 5
    settings = TrainingConfig.of(
        training | FAMILY | {"epochs": 200, "exploration_epochs": 200, "members": 12, "learning_rate": 0.1}
    )
    first, second, *cycles = create("fast_geometric", settings).stages()
    assert [stage.start for stage in cycles] == ["previous"] * 6 + ["parent"] + ["previous"] * 5
    assert not first.collects
    assert not second.collects
    assert all(stage.collects for stage in cycles)
    for stage in cycles:
        own = np.concatenate([epoch.curve.rates(100, 0.9)[0] for epoch in stage.epochs])
        assert own[-1] == pytest.approx(0.01, rel=0.05)
        assert own.max() == pytest.approx(0.05)


@pytest.mark.parametrize("name", ["snapshot", "fast_geometric"])
def test_a_sum_of_gradients_goes_on_where_the_rate_jumps(data, training, name):
    """Held against a network whose velocity is PyTorch's buffer: it is multiplied by the rate of each step alone."""
    from .subnetwork_reference import SlowChild

    own = {"epochs": 8, "exploration_epochs": 8, "members": 4, "dropout": 0.0, "weight_decay": 0.001,
           "learning_rate_schedule": "hold_linear", "learning_rate": 0.02, "activation": "relu"}  # fmt: skip
    trainer, after, begun = trainer_of(data, training, name, **own), {}, {}
    slow = SlowChild(trainer.network, 0.001, True)
    orders = {}
    original = trainer._order
    trainer._order = lambda: orders.setdefault(trainer.progress.epoch, original())
    trainer.run(trained=lambda epoch: after.setdefault(epoch.number, store.build(store.snapshot(trainer.network))))
    del begun
    kept_parent, rate = None, 0.0
    for epoch in trainer.plan:
        stage = trainer.stages[epoch.member]
        if stage.start == "parent" and epoch.number and trainer.plan[epoch.number - 1].member != epoch.member:
            slow.weights, slow.biases, slow.velocity = kept_parent
        rates = np.broadcast_to(trainer._rates(epoch, 6)[0], 6)
        for step, rate in enumerate(rates):
            rows = orders[epoch.number][step * 16 : (step + 1) * 16]
            slow.step(data.x[rows], data.y[rows], rate, 0.9)
        assert slow.far(after[epoch.number], rate) < 1e-4
        if epoch.member == 0 and epoch.ends_member:
            kept_parent = [[array.copy() for array in own] for own in (slow.weights, slow.biases, slow.velocity)]


def test_members_of_mc_dropout_are_the_network_with_units_dropped_and_the_others_scaled(data, training):
    for model in ("sparse", "dense"):
        trainer = trainer_of(data, training, "mc_dropout", model, dropout=0.4, members=40)
        trainer.run()
        parent = parts_of(store.build(trainer.parent.arrays))
        stayed = []
        for member in trainer.members:
            network = store.build(member.arrays)
            found, whole = (
                parts_of(network),
                {
                    pair: dict(zip(zip(part.sources, part.targets, strict=True), part.values, strict=True))
                    for pair, part in parent.items()
                },
            )
            for pair, part in found.items():
                there = part.values != 0
                expected = np.array([whole[pair][ends] for ends in zip(part.sources, part.targets, strict=True)])
                scale = np.float32(1 / 0.6) if pair[0] else np.float32(1)
                assert np.allclose(part.values[there], (expected * scale)[there])
            stayed.append(len(set(found[1, 2].sources[found[1, 2].values != 0])) / len(set(parent[1, 2].sources)))
        assert np.mean(stayed) == pytest.approx(0.6, abs=0.06)
        mean = predict_members(trainer.members, data.x).mean(axis=0)
        assert np.abs(mean - predict_members([trainer.parent], data.x)[0]).mean() < 0.1


def wide_parent(places=20_000):
    """Return a parent of 20,000 x 20,000 places in its middle block, and data for it."""
    rng = np.random.default_rng(0)
    training = {
        "hidden_layer_sizes": [places, places], "epsilon": 1.0, "batch_size": 16, "learning_rate": 0.01, "members": 2,
        "epochs": 1, "exploration_epochs": 1, "child_epochs": 2, "child_learning_rate": 0.01, "annealing_epochs": 1,
        "evolution_every": 0, "refinement": "none", "selection": "last", "dropout": 0.0, "activation": "relu",
        "activation_storage": "float32", "population": 4, "noise_sd": 0.01,
    }  # fmt: skip
    data = Data(
        rng.normal(size=(32, 20)).astype(np.float32),
        np.arange(32) % 3,
        np.zeros((16, 20), np.float32),
        np.arange(16) % 3,
        3,
    )
    return training, data


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("sparse_subnetworks", {}),
        ("sparse_subnetworks", {"sampler": "magnitude", "prune_epochs": 2, "sparsity": 0.5}),
        ("sparse_subnetworks", {"sampler": "random", "structure": "neurons"}),
        ("stochastic_subnetworks", {}),
        ("noisy_subnetworks", {}),
    ],
)
def test_children_of_a_wide_parent_take_memory_by_their_links(method, changes):
    """Half a byte a place would be 200 MB; what children take is counted in links, neurons and rows of a batch."""
    training, data = wide_parent()
    trainer = Trainer(data, training | changes, "sparse", method, 0)
    links, neurons = sum(trainer.network.link_counts), sum(trainer.network.sizes)
    assert 60_000 < links < 120_000
    peaks = []
    tracemalloc.start()

    def note(_):
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()

    trainer.run(note)
    peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    assert trainer.progress.failure is None
    batch = 64 * neurons * 4
    assert max(peaks) < 400 * links + 60 * neurons + 3 * batch < 20_000**2 / 4


@MODELS
def test_a_parent_that_diverges_is_one_line_and_has_no_children(data, training, model):
    for kind in ("partition", "annealed", "noisy"):
        trainer = trainer_of(data, training, kind, model, learning_rate=1e6)
        trainer.run()
        assert trainer.finished
        assert trainer.members == []
        assert trainer.parent is None
        assert trainer.progress.failure.startswith("the loss became infinite or not a number in epoch ")
        assert "\n" not in trainer.progress.failure


def test_children_without_links_are_one_line(data, training):
    with pytest.raises(UserError, match="of a child has no links; lower sparsity or parts, or raise epsilon") as error:
        trainer_of(data, training, "sparse_subnetworks", sampler="random", sparsity=0.999, epsilon=0.5).run()
    assert "\n" not in str(error.value)


def test_noisy_children_without_validation_rows_are_one_line(data, training):
    bare = Data(data.x, data.y, data.x[:0], data.y[:0], 3)
    with pytest.raises(UserError, match="'noisy_subnetworks' chooses by validation rows; raise data") as error:
        trainer_of(bare, training, "noisy")  # at once, not after the parent has been trained
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [-0.1, 1.0, 1.5])
def test_a_sparsity_outside_its_range_is_one_line(value):
    from truly_sparse.training.settings import settings_of

    (setting,) = [one for name, one, _ in settings_of(TrainingConfig) if name == "sparsity"]
    with pytest.raises(UserError, match=r"^sparsity is .*; give a number that is at least 0 and less than 1") as error:
        setting.check("sparsity", value)
    assert "\n" not in str(error.value)


def test_a_childs_epoch_costs_less_the_fewer_links_it_has():
    """Counted, not timed: multiply-adds of one epoch fall as 1 / parts."""
    network = DenseMLP([50, 60, 48, 12], [0.0, 0.0], np.random.default_rng(0))
    x, y = np.random.default_rng(1).normal(size=(32, 50)).astype(np.float32), np.arange(32) % 12
    counted = []
    for parts in (2, 3, 6):
        settings = TrainingConfig(members=6, parts=parts, prune_output_block=True)
        child = child_of(network, kept(network, settings, 0, lambda n: Streams(0, n)), settings, None)
        counted.append(child.train_epoch(x, y, np.arange(32), 16, SGD(0.01), 0.0, 0, 0).links)
    whole = sum(network.link_counts)
    assert counted == pytest.approx([whole / 2, whole / 3, whole / 6], abs=3)
