"""The training loop itself: its callbacks, early ends of phases, and runs that go on from others."""

import numpy as np
import pytest

from truly_sparse.engine import store
from truly_sparse.training import checkpoint
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.loop import Loop, Problem
from truly_sparse.training.sampling import Shuffled
from truly_sparse.training.schedule import schedule, windows
from truly_sparse.training.stage import Stage
from truly_sparse.training.start import fresh
from truly_sparse.training.targets import Classes

SMALL = {"hidden_layer_sizes": (30, 20), "epsilon": 3.0, "learning_rate": 0.05, "batch_size": 16, "evolution_every": 1}
FRESH = TrainingConfig.of(SMALL | {"members": 1, "epochs": 6, "exploration_epochs": 3, "refinement": "none"})


class Told:
    """Targets whose score is told in advance."""

    metric, classes = "told", 3

    def __init__(self, y, scores):
        self.y, self.scores = y, iter(scores)

    def draw(self, rng):
        del rng
        return self.y

    def score(self, probabilities):
        assert probabilities.shape == (30, 3)
        return next(self.scores)


def rows():
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 130)
    x = (rng.normal(size=(3, 8))[y] + 0.7 * rng.normal(size=(130, 8))).astype(np.float32)
    return x[:100], y[:100], x[100:], y[100:]


def loop_of(settings, stages=None, scores=None, before=None):
    x, y, x_validation, y_validation = rows()
    targets = Classes(y, y_validation, 3) if scores is None else Told(y, scores)
    problem = Problem(x, x_validation, Shuffled(100), targets)
    stages = [Stage(window) for window in windows(schedule(settings))] if stages is None else stages
    return Loop(problem, settings, stages, fresh("sparse", 8, 3, settings), 1, before)


def test_watchers_see_the_network_before_links_are_regrown_and_the_others_after():
    loop = loop_of(FRESH)
    seen, after = [], []
    loop.run(lambda _: after.append(loop.network.copy_state()), lambda _: seen.append(loop.network.copy_state()))
    assert len(seen) == len(after) == 6
    moved = [not np.array_equal(one["targets"], other["targets"]) for one, other in zip(seen, after, strict=True)]
    assert moved == [epoch.evolve for epoch in loop.plan] == [True] * 5 + [False]


def test_the_score_has_the_name_of_the_metric_and_the_best_state_is_kept():
    scores = [0.1, 0.5, 0.3, 0.5, 0.4, 0.2]
    loop = loop_of(FRESH, scores=scores)
    loop.run()
    assert [row["validation_told"] for row in loop.progress.history] == scores
    (member,) = loop.members
    assert (member.epoch, member.score) == (2, 0.5)  # of equal ones the first


@pytest.mark.parametrize("name", ["values", "velocity"])
def test_an_epoch_that_leaves_no_number_is_told_though_its_loss_is_one(monkeypatch, name):
    loop = loop_of(FRESH)
    train = loop.network.train_epoch

    def spoil(*arguments):
        result = train(*arguments)
        getattr(loop.network.graph, name)[3] = np.inf
        return result

    monkeypatch.setattr(loop.network, "train_epoch", spoil)
    loop.run()
    assert loop.progress.failure.startswith("a value of the network became infinite or not a number in epoch 1 ")
    assert loop.finished
    assert not loop.members


@pytest.mark.parametrize(
    ("patience", "trained"),
    [
        # Worse from the second epoch on: exploration is left after one, two ... worse epochs, then the window.
        (1, [1, 2, 5]),
        (2, [1, 2, 3, 5, 6]),
        (0, [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_patience_ends_a_phase_early(patience, trained):
    settings = TrainingConfig.of(
        SMALL | {"members": 1, "epochs": 8, "exploration_epochs": 4, "patience": patience, "evolution_every": 0}
    )
    loop = loop_of(settings, scores=[1 / number for number in range(1, 9)])
    loop.run()
    assert [row["epoch"] for row in loop.progress.history] == trained
    assert loop.finished
    assert loop.members[0].epoch == 1


def test_a_killed_run_with_patience_knows_for_how_long_nothing_was_better(tmp_path):
    settings = TrainingConfig.of(
        SMALL | {"members": 1, "epochs": 8, "exploration_epochs": 4, "patience": 2, "evolution_every": 0}
    )
    path, scores = tmp_path / "checkpoint.npz", [1.0, 0.9, 0.8, 0.7, 0.6, 0.5]
    broken = loop_of(settings, scores=scores)
    broken.run(lambda epoch: checkpoint.save(broken, path, {}) if epoch.number == 1 else None)
    again = loop_of(settings, scores=scores[2:])
    assert checkpoint.restore(again, path, {}) is None
    again.run()
    assert [row["epoch"] for row in again.progress.history] == [row["epoch"] for row in broken.progress.history]


def test_a_run_goes_on_where_another_ended_with_random_streams_of_its_own():
    first = loop_of(FRESH)
    first.run()
    end = first.end()
    further = loop_of(FRESH, [Stage(schedule(FRESH), "previous")], before=end)
    assert all(np.array_equal(end.network[name], value) for name, value in store.snapshot(further.network).items())
    assert further.streams.state() != loop_of(FRESH).streams.state()
    further.run()
    assert further.end().epochs == 12
    assert further.progress.history[-1]["loss"] < first.progress.history[0]["loss"]


@pytest.mark.parametrize(("schedule", "optimiser"), [("one_cycle", "sgd"), ("one_cycle", "adam"), ("cosine", "sgd")])
def test_a_decay_that_is_multiplied_by_the_rate_is_so_in_every_step(schedule, optimiser):
    loop = loop_of(TrainingConfig.of(SMALL | {
        "members": 1, "epochs": 4, "exploration_epochs": 4, "weight_decay": 0.01, "decay_times_learning_rate": True,
        "learning_rate_schedule": schedule, "optimiser": optimiser,
    }))  # fmt: skip
    for epoch in loop.plan:
        made = loop._optimiser(epoch, 5)
        np.testing.assert_array_equal(made.decay, 0.01 * np.asarray(made.rate))
    assert (np.ptp(made.decay) > 0) == (schedule == "one_cycle")


def test_velocities_go_on_from_the_last_epoch_that_was_trained():
    """Patience leaves out epochs, whose rates multiplied no velocity."""
    settings = TrainingConfig.of(SMALL | {
        "members": 1, "epochs": 8, "exploration_epochs": 4, "patience": 1, "evolution_every": 0,
        "torch_momentum": True, "learning_rate_schedule": "cosine",
    })  # fmt: skip
    loop, before = loop_of(settings, scores=[0.5, 0.4, 0.4, 0.4]), []
    known = loop._rate_before
    loop._rate_before = lambda epoch, steps: before.append((epoch.number, known(epoch, steps))) or before[-1][1]
    loop.run()
    trained = [row["epoch"] - 1 for row in loop.progress.history]
    assert trained[:3] == [0, 1, 4]  # the others of the first phase were left out
    assert dict(before)[4] == loop.plan[1].learning_rate
