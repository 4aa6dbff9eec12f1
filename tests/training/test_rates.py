"""Rates on their way, against the numbers that the sources' code gives."""

from math import cos, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.rates import CosineCycle, Triangle, hold_linear, tenths
from truly_sparse.training.schedule import schedule, tuning


def every_step(curves, steps, momentum=0.9):
    """Return rates and momenta of all steps of some epochs."""
    return np.concatenate([np.stack(curve.rates(steps, momentum)) for curve in curves], axis=1)


def one_cycle(epochs, steps, peak=0.1, momentum=0.9):
    return every_step([epoch.curve for epoch in tuning(epochs, peak, "one_cycle")], steps, momentum)


def test_one_cycle_begins_peaks_and_ends_where_the_sources_code_does():
    """3,900 steps: 10 epochs of 390 batches."""
    rates, momenta = one_cycle(10, 390)
    up = 389
    for step, rate, momentum in ((0, 1e-3, 0.95), (up, 0.1, 0.85), (3899, 1e-7, 0.95)):
        assert rates[step] == pytest.approx(rate, rel=1e-9)
        assert momenta[step] == pytest.approx(momentum, rel=1e-9)
    assert rates.argmax() == up
    assert (np.diff(rates[: up + 1]) > 0).all()
    assert (np.diff(rates[up:]) < 0).all()
    # Half of each way, where a cosine is half as high.
    assert rates[(up + 3899) // 2] == pytest.approx((0.1 + 1e-7) / 2, rel=1e-6)


def test_the_printed_formula_of_one_cycle_is_another():
    """Equation 5.4 divides by all steps: its way up would not be over at a tenth of them."""
    printed = 1e-3 + (0.1 - 1e-3) * (1 - cos(pi * 389 / 3900)) / 2
    assert printed < 0.01
    assert one_cycle(10, 390)[0][389] == pytest.approx(0.1)


@given(st.integers(1, 30), st.integers(1, 200), st.floats(1e-4, 10), st.floats(0.0, 0.99))
def test_one_cycle_stays_between_its_ends_however_short(epochs, steps, peak, momentum):
    rates, momenta = one_cycle(epochs, steps, peak, momentum)
    assert len(rates) == len(momenta) == epochs * steps
    assert np.isfinite(rates).all()
    assert np.isfinite(momenta).all()
    assert (rates >= peak / 1e6 * 0.999).all()
    assert (rates <= peak * 1.001).all()
    assert (momenta >= 0).all()
    assert (momenta < 1).all()
    # Where the rate is highest the momentum is lowest: the floors of both ways are a hundredth of the peak apart, so
    # that the highest rate may lie a step beside the lowest momentum, no more than a hundredth of its dip above it.
    assert momenta[rates.argmax()] - momenta.min() <= 0.0011


@pytest.mark.parametrize("steps", [2, 3, 20, 390])  # PyTorch divides by 0 where the rise is one step
def test_one_cycle_is_pytorchs(steps):
    torch = pytest.importorskip("torch")
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], 0.1, momentum=0.9)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        0.1,
        total_steps=10 * steps,
        pct_start=0.1,
        anneal_strategy="cos",
        div_factor=100,
        final_div_factor=1e4,
    )
    expected = []
    for _ in range(10 * steps):
        expected.append((optimiser.param_groups[0]["lr"], optimiser.param_groups[0]["momentum"]))
        optimiser.step()
        cycle.step() if len(expected) < 10 * steps else None
    assert np.allclose(one_cycle(10, steps).T, expected, rtol=1e-6)


def test_the_parents_rate_is_held_then_falls_along_a_line_then_is_held():
    assert [hold_linear(part) for part in (0, 0.5, 0.7, 0.9, 1.0)] == pytest.approx([1, 1, 0.505, 0.01, 0.01])
    assert [tenths(part) for part in (0, 0.499, 0.5, 0.899, 0.9, 0.99)] == [1, 1, 0.1, 0.1, 0.01, 0.01]
    plan = schedule(
        TrainingConfig(
            epochs=200, exploration_epochs=200, members=1, refinement="none", learning_rate_schedule="hold_linear"
        )
    )
    rates = [plan[epoch].learning_rate for epoch in (0, 100, 140, 180, 199)]
    assert rates == pytest.approx([0.1, 0.1, 0.0505, 0.001, 0.001])


def test_a_constant_tuning_has_one_rate():
    assert [(epoch.learning_rate, epoch.curve) for epoch in tuning(3, 0.01, "constant")] == [(0.01, None)] * 3


def test_a_cosine_cycle_falls_from_the_rate_to_nearly_nothing():
    rates, momenta = every_step([CosineCycle(0.1, epoch, 40) for epoch in range(40)], 10)
    expected = [0.05 * (cos(pi * t / 400) + 1) for t in range(400)]
    assert np.allclose(rates, expected, rtol=1e-12)
    assert rates[0] == 0.1
    assert 0 < rates[-1] < 1e-5
    assert (momenta == 0.9).all()


def test_a_triangle_is_lowest_after_epochs_2_6_and_so_on():
    steps = 50
    rates, _ = every_step([Triangle(0.05, 0.01, epoch, 4) for epoch in range(22)], steps)
    assert rates[0] == pytest.approx(0.05)
    for t, rate in enumerate(rates):
        x = (t // steps % 4 + t % steps / steps) / 4
        expected = 0.05 * (1 - 2 * x) + 0.01 * 2 * x if x < 0.5 else 0.01 * (2 - 2 * x) + 0.05 * (2 * x - 1)
        assert rate == pytest.approx(expected)
    lowest = np.flatnonzero(np.isclose(rates, 0.01))
    assert (lowest / steps).tolist() == [2, 6, 10, 14, 18]
