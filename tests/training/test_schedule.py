"""The schedule against the phases as the sources word them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.errors import UserError
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.schedule import REFINEMENTS, schedule, windows

PAPER = {
    "epochs": 350,
    "exploration_epochs": 100,
    "members": 5,
    "learning_rate": 0.1,
    "prune_fraction": 0.2,
    "evolution_every": 2,
    "refinement": "comprehensive",
    "warmup_epochs": 0,
}


def plan_of(**changes):
    return schedule(TrainingConfig.of(PAPER | changes))


def test_paper_schedule_is_the_journals():
    plan = plan_of()
    assert [epoch.number for epoch in plan] == list(range(350))
    assert [epoch.number + 1 for epoch in plan if epoch.ends_member] == [150, 200, 250, 300, 350]
    # Window 0 includes exploration; the others are 50 epochs each.
    assert [sum(epoch.member == i for epoch in plan) for i in range(5)] == [150, 50, 50, 50, 50]
    evolving = [epoch.number + 1 for epoch in plan if epoch.evolve]
    assert evolving[:51] == [*range(2, 101, 2), 104]
    assert [n for n in evolving if 125 < n <= 150] == [128, 136, 144]
    assert {epoch.learning_rate for epoch in plan[:125]} == {0.1}
    assert {(epoch.learning_rate, epoch.prune_fraction) for epoch in plan[125:150]} == {(0.05, 0.1)}
    assert {(epoch.learning_rate, epoch.prune_fraction) for epoch in plan[150:175]} == {(0.1, 0.2)}


@pytest.mark.parametrize(
    ("refinement", "rate", "fraction", "steps"),
    [("none", 0.1, 0.2, 12), ("eta", 0.05, 0.2, 12), ("eta_zeta", 0.05, 0.1, 12), ("comprehensive", 0.05, 0.1, 3)],
)
def test_refinements_change_what_they_say(refinement, rate, fraction, steps):
    second = plan_of(refinement=refinement)[125:150]
    assert {(epoch.learning_rate, epoch.prune_fraction) for epoch in second} == {(rate, fraction)}
    assert sum(epoch.evolve for epoch in second) == steps


def test_a_single_network_explores_to_the_end():
    single = plan_of(members=1, exploration_epochs=350, refinement="none")
    assert [epoch.ends_member for epoch in single] == [False] * 349 + [True]
    assert sum(epoch.evolve for epoch in single) == 174  # never after the last epoch
    assert not any(epoch.evolve for epoch in plan_of(evolution_every=0))


def test_warm_up_raises_the_rate_linearly():
    plan = plan_of(warmup_epochs=4)
    assert [epoch.learning_rate for epoch in plan[:6]] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1, 0.1])


def test_a_cosine_falls_anew_in_every_window():
    plan = plan_of(members=2, exploration_epochs=6, epochs=14, learning_rate=0.2, learning_rate_schedule="cosine")
    rates = [[epoch.learning_rate for epoch in window] for window in windows(plan)]
    assert [len(window) for window in rates] == [10, 4]
    for window in rates:
        assert window[0] == pytest.approx(0.2)
        assert all(later < earlier for earlier, later in zip(window, window[1:], strict=False))
        assert window[-1] < 0.2 * 0.2
    assert rates[0][5] == pytest.approx(0.2 * (0.01 + 0.99 * 0.5))


@given(
    st.integers(1, 6), st.integers(2, 12), st.integers(0, 20), st.integers(0, 5), st.sampled_from(sorted(REFINEMENTS))
)
def test_every_member_gets_one_window(members, each, exploration, every, refinement):
    plan = plan_of(
        members=members,
        epochs=exploration + members * each,
        exploration_epochs=exploration,
        evolution_every=every,
        refinement=refinement,
    )
    ends = [epoch.member for epoch in plan if epoch.ends_member]
    assert ends == list(range(members))
    assert plan[-1].ends_member
    assert not any(epoch.evolve and epoch.ends_member for epoch in plan)
    assert [epoch.member for epoch in plan] == sorted(epoch.member for epoch in plan)


@pytest.mark.parametrize("change", [{"members": 7}, {"epochs": 104}, {"exploration_epochs": 400}, {"members": 250}])
def test_impossible_schedules_are_refused_in_one_line(change):
    with pytest.raises(UserError, match=r"training\.epochs") as error:
        plan_of(**change)
    assert "\n" not in str(error.value)
