"""Rounding of what is written: fractions in significant digits, differences against what they were taken of."""

import math

import numpy as np
import pandas as pd
import pytest

from truly_sparse.analysis.build import write_csv
from truly_sparse.analysis.rounding import DIGITS, decimals, differences, less, rounded, settled


def test_sums_in_another_order_are_written_alike(tmp_path):
    values = np.random.default_rng(0).uniform(60, 80, 1000)
    one, other = (pd.DataFrame({"value": [math.fsum(v), sum(v), 1 / 3]}) for v in (values, values[::-1]))
    assert not one.equals(other)
    for name, frame in (("one", one), ("other", other)):
        write_csv(rounded(frame), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_only_fractions_are_rounded_and_missing_ones_stay_missing():
    long = 1.23456789012345
    found = rounded(pd.DataFrame({"whole": [12345678901234, 1], "text": [str(long), ""], "part": [long, None]}))
    assert found["whole"][0] == 12345678901234
    assert found["text"][0] == str(long)
    assert str(found["part"][0]) == f"{long:.{DIGITS}g}"
    assert found["part"].isna()[1]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (0.3, 0.1 + 0.2, 0.0),
        (70.3 + 0.1 - 0.1, 70.3, 0.0),
        (1e-19, 3e-19, -2e-19),  # small is not the same as nothing
        (1.71e13, 1.71e13 + 1e-3, 0.0),
        (73.2911, 72.8607, 0.4304),
    ],
)
def test_difference_is_settled_by_what_it_is_taken_of(one, other, expected):
    found = less(one, other)
    assert found == pytest.approx(expected, rel=1e-9, abs=0)
    assert math.copysign(1, found) == (-1 if expected < 0 else 1)


def test_what_is_no_number_stays_so():
    assert math.isnan(settled(math.nan, 1.0))
    assert math.isinf(settled(math.inf, math.inf))
    assert settled(0.0, 0.0) == 0
    assert decimals(70.0) == decimals(99.0) == decimals(100.0) + 1


def test_differences_of_a_frame_have_no_noise_and_leave_missing_cells():
    frame = pd.DataFrame({"value": [0.1 + 0.2, None, 5.0], "published": [0.3, 1.0, None]}, dtype="Float64")
    found = differences(frame)
    assert found[0] == 0
    assert list(found.isna()) == [False, True, True]
