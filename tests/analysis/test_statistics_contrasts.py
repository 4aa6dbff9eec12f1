"""Contrasts of crossed runs against cell means, hand-made intervals and effects put in on purpose."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from truly_sparse.analysis.statistics.contrasts import COLUMNS, contrasts
from truly_sparse.errors import UserError

FACTORS = {"escape": "random", "refinement": "none"}
BLOCKS = ("dataset", "seed")
ESCAPES = ("random", "rd", "fd")
REFINEMENTS = ("none", "eta", "full")


def runs(seeds=5, noise=0.2, together=0.0, datasets=("gesture", "higgs"), seed=0):
    """Runs in which rd adds 1, eta 0.5, full 2, and rd with full `together`; blocks differ widely."""
    rng = np.random.default_rng(seed)
    rows = []
    for dataset, k in product(datasets, range(seeds)):
        block = rng.normal(70, 10)
        for escape, refinement in product(ESCAPES, REFINEMENTS):
            gain = {"random": 0, "rd": 1, "fd": 0}[escape] + {"none": 0, "eta": 0.5, "full": 2}[refinement]
            gain += together * (escape == "rd" and refinement == "full")
            row = {"dataset": dataset, "seed": k, "escape": escape, "refinement": refinement}
            rows.append({**row, "accuracy": block + gain + rng.normal(0, noise)})
    return pd.DataFrame(rows)


def lines(found):
    return found.set_index(["term", "contrast"])


def test_contrasts_are_differences_of_cell_means():
    frame = runs(together=1.5)
    found = lines(contrasts(frame, FACTORS, BLOCKS))
    cells = frame.pivot_table(index="escape", columns="refinement", values="accuracy")
    for escape in ESCAPES[1:]:
        expected = (cells.loc[escape] - cells.loc["random"]).mean()
        assert found.loc[("escape", f"{escape} - random"), "estimate"] == pytest.approx(expected)
        for refinement in REFINEMENTS[1:]:
            four = cells.loc[[escape, "random"], [refinement, "none"]].to_numpy()
            expected = four[0, 0] - four[0, 1] - four[1, 0] + four[1, 1]
            name = f"({escape} - random) × ({refinement} - none)"
            assert found.loc[("escape:refinement", name), "estimate"] == pytest.approx(expected)
    for refinement in REFINEMENTS[1:]:
        expected = (cells[refinement] - cells["none"]).mean()
        assert found.loc[("refinement", f"{refinement} - none"), "estimate"] == pytest.approx(expected)


def test_intervals_by_hand():
    frame = runs(together=1.0)
    found = lines(contrasts(frame, FACTORS, BLOCKS))
    values = frame["accuracy"].to_numpy().reshape(10, 3, 3)  # block, escape, refinement
    residual = values - values.mean(0) - values.mean((1, 2))[:, None, None] + values.mean()
    freedom = 90 - 9 - 9
    variance = (residual**2).sum() / freedom
    for name, parts in (
        (("escape", "rd - random"), 2 / 30),
        (("escape:refinement", "(rd - random) × (eta - none)"), 4 / 10),
    ):
        row, error = found.loc[name], np.sqrt(variance * parts)
        reach = stats.t.ppf(0.975, freedom) * error
        assert (row["low"], row["high"]) == pytest.approx((row["estimate"] - reach, row["estimate"] + reach))
        assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(row["estimate"]) / error, freedom))


def test_intervals_cover_what_is_there_about_as_often_as_they_say():
    covered = []
    for seed in range(40):
        found = lines(contrasts(runs(seeds=3, datasets=("gesture",), together=1.5, seed=seed), FACTORS, BLOCKS))
        for name, truth in (
            (("escape", "rd - random"), 1.5),
            (("escape", "fd - random"), 0),
            (("refinement", "full - none"), 2.5),
            (("escape:refinement", "(rd - random) × (full - none)"), 1.5),
            (("escape:refinement", "(fd - random) × (full - none)"), 0),
        ):
            covered.append(found.loc[name, "low"] <= truth <= found.loc[name, "high"])
    assert 0.89 <= np.mean(covered) <= 0.99


def test_three_factors_missing_runs_and_names_a_formula_could_not_hold():
    frame = runs(seeds=6).rename(columns={"escape": "re-start, how"})
    frame["scaling"] = np.where(frame["seed"] % 2, "min max", "standardised")
    frame["seed"] //= 2
    frame.loc[frame["scaling"] == "standardised", "accuracy"] += 3
    frame.loc[5, "accuracy"] = None
    factors = {"re-start, how": "random", "refinement": "none", "scaling": "min max"}
    found = contrasts(frame, factors, blocks=("dataset",))
    assert set(found["runs"]) == {len(frame) - 1}
    assert tuple(found.columns) == COLUMNS
    assert len(found) == (2 + 2 + 1) + (4 + 2 + 2)
    row = lines(found).loc[("scaling", "standardised - min max")]
    assert row["low"] < row["high"]
    assert "re-start, how:scaling" in set(found["term"])


def test_without_blocks_the_noise_of_the_blocks_remains():
    frame = runs()
    blocked, free = lines(contrasts(frame, FACTORS, BLOCKS)), lines(contrasts(frame, FACTORS, blocks=()))
    name = ("escape", "rd - random")
    assert free.loc[name, "estimate"] == pytest.approx(blocked.loc[name, "estimate"])
    assert free.loc[name, "high"] - free.loc[name, "low"] > 5 * (blocked.loc[name, "high"] - blocked.loc[name, "low"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.drop(columns="seed"), 'column "seed"'),
        (lambda frame: frame[frame.escape == "random"], "factor escape has the levels"),
        (lambda frame: frame[frame.escape != "random"], "factor escape has the levels"),
        (lambda frame: frame[(frame.escape != "fd") | (frame.refinement != "eta")], "no finished run with"),
        (lambda frame: frame[(frame.seed == 0) & (frame.dataset == "higgs")], "run more seeds"),
        (lambda frame: frame.assign(accuracy=None), "factor escape has the levels"),
    ],
)
def test_bad_designs_are_refused(change, words):
    with pytest.raises(UserError, match=words):
        contrasts(change(runs()), FACTORS, BLOCKS)
