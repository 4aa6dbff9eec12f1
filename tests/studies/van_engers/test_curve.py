"""The curve, its fit, rivals and the contour, on points whose answer is known."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import curve_fit

from truly_sparse.analysis.evidence import Missing
from truly_sparse.studies.van_engers import contour, curve, structure
from truly_sparse.studies.van_engers.curve import RIVALS, Curve

GRID = [*(i / 10 for i in range(10)), *(i / 100 for i in range(91, 99)), *(i / 1000 for i in range(981, 1001))]
PRINTED = Curve(0.204, 183.0, 0.868)


def points(function=PRINTED.at, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return pd.Series([function(zeta) + noise * rng.normal() for zeta in GRID], GRID)


def test_the_grid_of_the_paper_has_38_fractions():
    assert len(set(GRID)) == 38


@pytest.mark.parametrize("digits", [3, 4, 12])
def test_a_fit_returns_what_made_the_points(digits):
    found = curve.fit(points().round(digits), PRINTED.plateau)
    tolerance = 0.02 if digits == 3 else 1e-3
    assert found.a == pytest.approx(PRINTED.a, rel=tolerance)
    assert found.b == pytest.approx(PRINTED.b, rel=tolerance)


@pytest.mark.parametrize("seed", range(5))
def test_a_fit_has_the_least_error(seed):
    noisy = points(noise=0.005, seed=seed)
    found = curve.fit(noisy, 0.868)
    zeta = noisy.index.to_numpy()
    (a, b), _ = curve_fit(lambda z, a, b: 0.868 - a * np.exp(b * (z - 1)), zeta, noisy.to_numpy(), (0.2, 180.0))
    assert (found.a, found.b) == pytest.approx((a, b), rel=1e-4)
    for a, b in ((1.01, 1.0), (0.99, 1.0), (1.0, 1.02), (1.0, 0.98)):
        assert Curve(found.a * a, found.b * b, 0.868).error(noisy) > found.error(noisy)


def test_points_without_a_fall_have_no_curve():
    with pytest.raises(Missing, match="too few"):
        curve.fit(points().iloc[:2], 0.868)
    with pytest.raises(Missing, match="no minimum"):
        curve.fit(points(lambda _: 0.868), 0.868)


def test_a_curve_says_where_it_has_fallen():
    for loss in (0.001, 0.005, 0.1):
        assert PRINTED.at(PRINTED.falls(loss)) == pytest.approx(0.868 - loss)
    assert PRINTED.falls(0.3) is None
    assert PRINTED.falls(0.001) == pytest.approx(0.9709, abs=1e-4)
    assert PRINTED.falls(0.005) == pytest.approx(0.9797, abs=1e-4)


LOSSES = {
    "logistic": lambda zeta: 0.2 / (1 + ((1 - zeta) / zeta / 0.012) ** 1.5) if zeta else 0.0,
    "power": lambda zeta: 0.2 * zeta**150,
    "survivors": lambda zeta: 0.2 * 900 / (900 + (1 - zeta) * 75_000),
}


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_fits_its_own_points_and_beats_the_curve_there(name):
    made = points(lambda zeta: 0.868 - LOSSES[name](zeta))
    errors = {other: curve.rival_error(rival, made, 0.868) for other, rival in RIVALS.items()}
    assert errors[name] < 1e-10
    assert curve.fit(made, 0.868).error(made) > 10 * errors[name]
    others = [error for other, error in errors.items() if other != name]
    assert min(others) > 10 * errors[name]


def test_the_criterion_weighs_error_and_parameters():
    assert curve.criterion(1e-4, 38, 2) == pytest.approx(38 * math.log(1e-4) + 4, rel=1e-5)
    assert curve.criterion(1e-4, 38, 3) - curve.criterion(1e-4, 38, 2) == pytest.approx(2, abs=1e-3)
    assert math.isfinite(curve.criterion(0.0, 38, 2))


def runs(value, seeds=5, spread=0.1, grid=GRID):
    offsets = np.linspace(-spread, spread, seeds) if seeds > 1 else [0.0]
    rows = [(zeta, seed, value(zeta) + offset) for zeta in grid for seed, offset in enumerate(offsets)]
    return pd.DataFrame(rows, columns=["zeta", "seed", "best"])


def test_the_contour_is_the_first_fraction_below_for_good():
    def stepped(zeta):
        return 86.0 if zeta < 0.95 else 84.0

    assert contour.contour(runs(stepped), "best") == 0.95
    # A dip that recovers is none.
    assert contour.contour(runs(lambda zeta: 80.0 if zeta == 0.92 else stepped(zeta)), "best") == 0.95
    assert contour.contour(runs(lambda _: 86.0), "best") is None
    assert contour.contour(runs(lambda zeta: 70.0 if 0.9 < zeta < 1 else 86.0), "best") is None


def test_the_standard_error_is_that_of_training():
    frame = runs(lambda _: 86.0, seeds=5, spread=0.2)
    std = frame[frame["zeta"] == 0.1]["best"].std()
    assert contour.plateau(frame, "best").error == pytest.approx(std / math.sqrt(5))
    single = runs(lambda zeta: 86.0 + zeta, seeds=1)
    assert contour.plateau(single, "best").error == pytest.approx(np.std([i / 10 for i in range(10)], ddof=1))
    assert contour.plateau(single[single["zeta"] == 0.1], "best").error is None


def test_a_loss_within_the_noise_of_training_is_none():
    def small(zeta):
        return 86.0 if zeta < 0.97 else 85.9

    assert contour.contour(runs(small, spread=0.5), "best") is None
    assert contour.contour(runs(small, spread=0.05), "best") == 0.97


def test_the_plateau_is_the_mean_before_the_contour():
    frame = runs(lambda zeta: 86.0 + zeta if zeta < 0.95 else 70.0)
    before = [86.0 + zeta for zeta in GRID if zeta < 0.95]
    assert contour.before(frame, "best") == pytest.approx(np.mean(before))
    flat = runs(lambda _: 86.0)
    assert contour.before(flat, "best") == pytest.approx(86.0)


def test_rank_correlation_is_spearmans():
    rng = np.random.default_rng(0)
    one, other = pd.Series(rng.poisson(5, 784)), pd.Series(rng.normal(size=784))
    assert structure.spearman(one, one + other) == pytest.approx(stats.spearmanr(one, one + other)[0], abs=1e-6)
    assert structure.spearman(one, pd.Series([1.0] * 784)) is None


def test_a_crossing_lies_between_fractions():
    values = pd.Series([0.8, 0.6, 0.3, 0.1, 0.0], [0.2, 0.6, 0.9, 0.96, 1.0])
    assert structure.crossing(values) == pytest.approx(0.93)
    # One that rises again has not ceased.
    again = pd.Series([0.8, 0.1, 0.4, 0.0], [0.2, 0.6, 0.9, 1.0])
    assert structure.crossing(again) == pytest.approx(0.95)
    assert structure.crossing(pd.Series([0.8, 0.5], [0.2, 1.0])) is None
    assert structure.crossing(pd.Series([0.1, 0.0], [0.2, 1.0])) is None
