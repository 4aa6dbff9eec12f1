"""Methods of ensembles: which stages they ask for, what the loop makes of them, and what cannot be trained."""

import numpy as np
import pytest

from truly_sparse.engine import store, topology
from truly_sparse.ensembles import methods
from truly_sparse.ensembles.method import Method
from truly_sparse.ensembles.trainer import create, kind_of, predict_members
from truly_sparse.errors import UserError
from truly_sparse.training import checkpoint
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.loop import Loop, Problem
from truly_sparse.training.sampling import Shuffled
from truly_sparse.training.schedule import schedule, windows
from truly_sparse.training.stage import Regrowth, Stage
from truly_sparse.training.start import fresh
from truly_sparse.training.targets import Classes


class Branches(Method):
    """Every member starts from the same explored parent, with other links."""

    def stages(self, begun=False):
        first, *others = windows(schedule(self.settings))
        explored = [epoch for epoch in first if epoch.phase == "exploration"]
        yield Stage(explored, "previous" if begun else "fresh", collects=False)
        for window in (first[len(explored) :], *others):
            yield Stage(window, "parent", self._branch)

    def _branch(self, network, streams, earlier):
        del earlier
        return [Regrowth(network.evolve(self.settings.restart_prune_fraction, streams))]


def loop_of(data, training, method, seed=3):
    settings = TrainingConfig.of(training)
    problem = Problem(
        data.x, data.x_validation, Shuffled(len(data.y)), Classes(data.y, data.y_validation, data.classes)
    )
    start = fresh("sparse", data.x.shape[1], data.classes, settings)
    return Loop(problem, settings, create(method, settings).stages(), start, seed)


def starts(stages):
    return [(stage.start, len(stage.epochs), stage.change is not None, stage.disjoint) for stage in stages]


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("none", {"members": 1}, [("fresh", 16, False, False)]),
        ("independent", {}, [("fresh", 16, False, False)] * 3),
        ("edst_rg", {}, [("fresh", 8, False, False), *[("previous", 4, True, False)] * 2]),
        ("rd_tse", {}, [("fresh", 8, False, False), *[("previous", 4, True, False)] * 2]),
        ("fd_tse", {}, [("fresh", 8, False, True), *[("previous", 4, True, True)] * 2]),
        ("dist_tse", {}, [("fresh", 8, False, False), *[("previous", 4, True, False)] * 2]),
    ],
)
def test_the_stages_of_every_method(training, name, changes, expected):
    method = create(name, TrainingConfig.of(training | changes))
    assert starts(method.stages()) == expected
    # Another run may follow: a member after the last one, or more epochs of the same network.
    follows = {"none": ("previous", 16, False, False), "independent": expected[0]}
    escape = ("previous", 8, True, name == "fd_tse")
    assert starts(method.stages(begun=True))[0] == follows.get(name, escape)


def test_independent_members_train_for_all_epochs_each_and_are_numbered_through(data, training):
    loop = loop_of(data, training | {"exploration_epochs": 16, "refinement": "none"}, "independent")
    assert [epoch.number for epoch in loop.plan] == list(range(48))
    assert [epoch.member for epoch in loop.plan] == [0] * 16 + [1] * 16 + [2] * 16
    assert [epoch.number + 1 for epoch in loop.plan if epoch.ends_member] == [16, 32, 48]


def test_every_method_has_a_class_and_other_names_are_strategies():
    families = ["noisy_subnetworks", "sparse_subnetworks", "stochastic_subnetworks"]
    assert methods.names() == sorted([*families, "fast_geometric", "independent", "mc_dropout", "none", "snapshot"])
    assert methods.of_many() == [name for name in methods.names() if name != "none"]
    assert [name for name in methods.names() if methods.kind(name).single] == ["none"]
    assert [name for name in methods.names() if methods.kind(name).family] == families
    assert kind_of("fd_tse") is kind_of("no_such") is not kind_of("none")
    with pytest.raises(UserError, match="no escape strategy 'no_such'"):
        create("no_such", TrainingConfig())


def test_branches_start_from_their_parent_and_the_parent_is_no_member(data, training):
    loop = loop_of(data, training | {"selection": "last", "evolution_every": 0}, Branches)
    begun = {}

    def note(epoch):
        if epoch.ends_member and not loop.finished:
            begun[epoch.member + 1] = [set(block.links()) for block in loop.network.blocks]

    loop.run(note)
    assert [member.epoch for member in loop.members] == [8, 12, 16]
    *regrown, output = store.build(loop.parent.arrays).blocks
    for number in (1, 2, 3):
        # The weakest of the parent's links go, the same each time; what grows instead is drawn anew.
        assert begun[number][-1] == set(output.links())
        assert begun[number][0] != begun[number % 3 + 1][0]
        for block, own in zip(regrown, begun[number], strict=False):
            assert set(block.links()[topology.survivors(block.values, training["restart_prune_fraction"])]) <= own
    assert loop.progress.draws == []


@pytest.mark.parametrize("stop", [1, 3, 5, 7, 12])
def test_a_killed_run_with_a_parent_ends_in_the_bytes_of_an_undisturbed_one(tmp_path, data, training, stop):
    path = tmp_path / "checkpoint.npz"
    whole, broken, again = (loop_of(data, training, Branches) for _ in range(3))
    whole.run()
    broken.run(lambda epoch: checkpoint.save(broken, path, {}) if epoch.number == stop else None)
    assert checkpoint.restore(again, path, {}) is None
    assert (again.parent is not None) == (stop >= 3)
    again.run()
    expected, found = (predict_members(loop.members, data.x).tobytes() for loop in (whole, again))
    assert found == expected


def test_a_first_stage_without_a_network_is_refused(data, training):
    class Astray(Branches):
        def stages(self, begun=False):
            del begun
            return super().stages(begun=True)

    with pytest.raises(ValueError, match="first stage wants a network"):
        loop_of(data, training, Astray)


def test_a_stage_without_epochs_is_one_line(data, training):
    with pytest.raises(UserError, match="no epochs; raise epochs or exploration_epochs"):
        loop_of(data, training | {"exploration_epochs": 0, "epochs": 12}, Branches)


def test_two_runs_of_a_method_share_no_state(data, training):
    first, second = (loop_of(data, training, "fd_tse") for _ in range(2))
    first.run()
    assert second.earlier == {}
    second.run()
    one, other = (predict_members(loop.members, data.x) for loop in (first, second))
    assert np.array_equal(one, other)
