"""Rules about stochastic subnetworks: the printed signs on the printed numbers, and both verdicts on made-up ones."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.judging import CONFIRMED, EXPLAINED, NOT_CONFIRMED, NOT_TESTED, judge
from truly_sparse.studies.whitaker.verdicts import stochastic
from truly_sparse.studies.whitaker.verdicts.comparing import PRINTED, printed_numbers
from truly_sparse.studies.whitaker.verdicts.stochastic import (
    EXPERIMENT,
    ITERATIVE,
    LARGE,
    LENET,
    METHODS,
    ONE_SHOT,
    RANDOM,
    RATES,
    SAMPLERS,
    TEMPERATURE,
    TUNING,
    counts,
    printed_gaps,
)

from .made_up import evidence, from_print

CLAIMS = list(stochastic.claims())
SPARSITIES = (0.5, 0.7, 0.9, 0.95, 0.98)
#: By how much seeds differ, and with them all methods alike.
SEEDS = (-0.3, 0.0, 0.2)
OF_TABLE = ("t1/one_shot", "t2/iterative", "t3/random", "t4/random", "t5/constant", "t5/one_cycle", "t6/magnitude",
            "t7/one_cycle", "t7/gap")  # fmt: skip


def judged(rows: Iterable[dict[str, Any]], spread: Iterable[float] = SEEDS) -> Any:
    return judge(CLAIMS, evidence(rows, spread)).set_index("claim")


def run(method: str, sampler: str, rate: str, sparsity: float, accuracy: float, part: float = 0.25, **more: Any) -> Any:
    """Return a run of Table 6.1, whose links fall over a part of the child's epochs."""
    epochs = more.pop("epochs", 100)
    child = epochs // 5
    falls = {"annealing_epochs": round(part * child)} if method in (TEMPERATURE, RANDOM) else {}
    falls |= {"prune_epochs": round(part * child)} if method == ITERATIVE else {}
    keys = {"experiment": EXPERIMENT, "dataset": "a", "epochs": epochs, "child_epochs": child, "method": method}
    cell = {"sampler": sampler, "rate": rate, "sparsity": sparsity}
    return {**keys, **cell, **falls, "accuracy": accuracy, "validation": accuracy, **more}


@pytest.mark.parametrize(("gain", "word"), [(0.5, CONFIRMED), (0.0, NOT_CONFIRMED), (-0.5, NOT_CONFIRMED)])
def test_annealing_is_compared_with_as_many_link_steps(gain, word):
    epochs = {0.5: 22, 0.7: 24, 0.9: 34, 0.95: 49, 0.98: 94}
    rows = [
        run(TEMPERATURE, "random", "one_cycle", sparsity, 70 - 20 * sparsity + gain, temperature=0.5)
        for sparsity in epochs
    ]
    longer = [run("one_shot_longer", "random", "one_cycle", sparsity, 70 - 20 * sparsity) for sparsity in epochs]
    longer = [row | {"child_epochs": epochs[row["sparsity"]]} for row in longer]
    found = judged(rows + longer[:-1]).loc["t1/work"]  # the sparsest has no pair
    assert found["verdict"] == word
    assert found["value"] == pytest.approx(gain)
    assert judged(rows).loc["t1/work", "verdict"] == NOT_TESTED


def table(gain: Callable[[dict[str, Any]], float], **more: Any) -> list[dict[str, Any]]:
    """Return the runs of the whole table, each with an accuracy of 70 % and a gain by a formula."""
    return [run(**cell, accuracy=70 + gain(cell), **more) for cell in cells_of_table()]


def cells_of_table() -> list[dict[str, Any]]:
    return [
        {"method": method, "sampler": sampler, "rate": rate, "sparsity": sparsity}
        for method in METHODS
        for sampler in SAMPLERS
        for rate in RATES
        for sparsity in SPARSITIES
        if method != RANDOM or sampler == "random"
    ]


def as_printed() -> list[dict[str, Any]]:
    rows = evidence([]).rows(PRINTED, table="whitaker_table6_1").to_dict("records")
    return [run(row["method"], row["sampler"], row["rate"], row["sparsity"], row["published"]) for row in rows]


def test_printed_signs():
    printed = evidence([])
    assert counts(printed_gaps(printed, TEMPERATURE, ONE_SHOT)) == (19, 1, 0)
    assert counts(printed_gaps(printed, TEMPERATURE, ITERATIVE)) == (20, 0, 0)
    assert counts(printed_gaps(printed, TEMPERATURE, RANDOM)) == (10, 0, 0)
    assert counts(printed_gaps(printed, RANDOM, ITERATIVE)) == (7, 2, 1)
    assert counts(printed_gaps(printed, RANDOM, ONE_SHOT)) == (10, 0, 0)
    gaps = printed_gaps(printed, TEMPERATURE, ONE_SHOT)
    for rate, found in (("constant", [1.8, 0.9, 4.2, 6.4, 6.2]), ("one_cycle", [0.4, 1.1, 2.9, 2.9, 4.0])):
        np.testing.assert_allclose(gaps.xs(("random", rate), level=("sampler", "rate")), found)


def test_table_6_1_as_printed():
    found = judged(as_printed()).loc[list(OF_TABLE)]
    assert found["verdict"].drop("t4/random").drop(["t5/constant", "t5/one_cycle"]).eq(CONFIRMED).all()
    # What the caption claims is not what the table shows.
    assert found.loc["t4/random", ["verdict", "ours", "printed"]].tolist() == [NOT_CONFIRMED, *["7 of 10 (2 ties)"] * 2]
    assert found.loc["t1/one_shot", "ours"] == found.loc["t1/one_shot", "printed"] == "19 of 20 (1 tie)"
    assert found.loc["t2/iterative", "ours"] == "20 of 20"
    np.testing.assert_allclose(found["value"].astype(float), found["published"].astype(float), atol=1e-9)


def test_table_6_1_of_lenet_is_judged_apart():
    lenet = [row | {"experiment": LENET} for row in as_printed() if row["sampler"] == "random"]
    names = ["t1/lenet/one_shot", "t2/lenet/iterative", "t3/lenet/random", "t4/lenet/random"]
    found = judged(lenet)
    own = found.loc[names]
    assert own["verdict"].tolist() == [CONFIRMED, CONFIRMED, CONFIRMED, NOT_CONFIRMED]
    assert own["ours"].tolist()[:2] == own["printed"].tolist()[:2] == ["10 of 10", "10 of 10"]
    assert own.loc["t4/lenet/random", "ours"] == own.loc["t4/lenet/random", "printed"] == "7 of 10 (2 ties)"
    np.testing.assert_allclose(own["value"].astype(float), own["published"].astype(float), atol=1e-9)
    assert set(found.drop(names)["verdict"]) == {NOT_TESTED}
    worse = [row | {"accuracy": 100 - row["accuracy"]} for row in lenet]
    perceptrons = judged(as_printed()).drop(names)
    both = judged([*as_printed(), *worse])
    assert set(both.loc[names[:3], "verdict"]) == {NOT_CONFIRMED}
    columns = ["ours", "verdict", "note"]
    assert both.loc[perceptrons.index, columns].equals(perceptrons[columns])


def test_gaps_that_grow():
    for start, slope, word in ((3, 4, CONFIRMED), (8, -4, NOT_CONFIRMED)):
        runs = table(lambda cell: (start + slope * cell["sparsity"]) * (cell["method"] == TEMPERATURE))  # noqa: B023
        found = judged(runs)["verdict"]
        assert set(found[["t5/constant", "t5/one_cycle"]]) == {word}


@pytest.mark.parametrize(("sign", "word"), [(1, CONFIRMED), (-1, NOT_CONFIRMED)])
def test_both_outcomes(sign, word):
    def accuracy(cell):
        gap = 3 + (cell["sampler"] == "random") + (cell["rate"] == "constant")
        order = {ONE_SHOT: 0, ITERATIVE: 0, RANDOM: 1, TEMPERATURE: gap}
        return sign * (order[cell["method"]] + 4 * (cell["rate"] == "one_cycle"))

    found = judged(table(accuracy))["verdict"]
    names = [name for name in OF_TABLE if not name.startswith("t5")]
    assert set(found[names]) == {word}


def test_over_how_many_epochs_links_fall_is_chosen_by_validation():
    good = run(TEMPERATURE, "random", "constant", 0.9, 71.0, 0.25)
    lucky = run(TEMPERATURE, "random", "constant", 0.9, 75.0, 0.5, validation=60.0)
    found = judged([good, lucky, run(ONE_SHOT, "random", "constant", 0.9, 70.0)])
    assert found.loc["t1/one_shot", "note"].startswith("mean +1.00")
    warm = run(TEMPERATURE, "random", "constant", 0.9, 90.0, 0.25, temperature=1.0)
    assert (
        judged([good, lucky, warm, run(ONE_SHOT, "random", "constant", 0.9, 70.0)]).loc["t1/one_shot", "note"]
        == (found.loc["t1/one_shot", "note"])
    )


def test_eight_times_the_epochs_stand_beside():
    better = table(lambda cell: cell["method"] == TEMPERATURE)
    worse = table(lambda cell: -(cell["method"] == TEMPERATURE), epochs=800)
    found = judged([*better, *worse]).loc["t1/one_shot"]
    assert found["verdict"] == CONFIRMED
    assert "with eight times the epochs 0 of 20, mean −1.00" in found["note"]
    equal_work = run(ONE_SHOT, "random", "constant", 0.9, 99.0) | {"child_epochs": 34}
    assert judged([*better, equal_work]).loc["t1/one_shot", "ours"] == "20 of 20"


@pytest.mark.parametrize(("best", "word"), [(0.25, CONFIRMED), (1.0, NOT_CONFIRMED)])
def test_shorter_annealing(best, word):
    rows = [
        run(TEMPERATURE, "random", "constant", 0.9, 70 - 5 * abs(part - best), part) for part in (0.25, 0.5, 0.75, 1.0)
    ]
    assert judged(rows)["verdict"]["t8/epochs"] == word
    assert judged(rows[:3])["verdict"]["t8/epochs"] == NOT_TESTED


@pytest.mark.parametrize(
    ("best", "by_part", "word"), [(0.4, 9, CONFIRMED), (1.0, 9, NOT_CONFIRMED), (0.4, 0.1, NOT_CONFIRMED)]
)
def test_temperatures(best, by_part, word):
    rows = [
        run(TEMPERATURE, "random", "constant", 0.9, 70 - abs(tau - best) - by_part * part, part, temperature=tau)
        for tau in (0.2, 0.4, 0.6, 0.8, 1.0)
        for part in (0.25, 0.5, 0.75, 1.0)
    ]
    found = judged(rows).loc["t9/temperature"]
    assert found["verdict"] == word
    assert found["value"] == best


def test_table_6_2_as_printed_and_at_equal_work():
    rows = from_print("table6_2", **LARGE)
    for row in rows:
        row["operations"] = {"dense": 1.0}.get(row["method"], row["operations"])
    rows = [row | {"seconds": 1.0} for row in rows]
    more = [
        row | {"method": "sse_longer", "accuracy": row["accuracy"] + 0.5} for row in rows if row["method"] == "sse_np"
    ]
    found = judged([*rows, *more], (0.0, 0.0, 0.0))
    assert found.loc["t11/ensembles", "verdict"] == CONFIRMED
    assert found.loc["t11/ensembles", ["value", "published"]].astype(float).tolist() == pytest.approx([0.3, 0.3])
    assert found.loc["t11/work", "verdict"] == NOT_CONFIRMED
    assert found.loc["t12/cost", "verdict"] == CONFIRMED
    assert found.loc["t10/overtakes", "verdict"] == NOT_TESTED


@pytest.mark.parametrize(
    ("early", "late", "word"), [(-2.0, 1.0, CONFIRMED), (2.0, 1.0, NOT_CONFIRMED), (-2.0, -1.0, NOT_CONFIRMED)]
)
def test_who_is_behind_at_first_and_ahead_at_last_overtakes(early, late, word):
    rows = [
        {"dataset": "gesture", "method": method, "seed": seed, "epoch": epoch,
         "accuracy": 60 + 0.1 * seed + gap * (method == "annealing")}
        for method in ("annealing", "iterative") for seed in range(3)
        for epoch, gap in ((1, 0.0), (3, early), (20, late))
    ]  # fmt: skip
    found = judge(CLAIMS, Evidence({TUNING: pd.DataFrame(rows), PRINTED: printed_numbers()})).set_index("claim")
    assert found.loc["t10/overtakes", "verdict"] == word
    assert found.loc["t10/overtakes", "value"] == pytest.approx(late)


@pytest.mark.parametrize(("cost", "word"), [(0.851, CONFIRMED), (0.866, EXPLAINED), (0.9, NOT_CONFIRMED)])
def test_links_that_are_active_for_a_while_count(cost, word):
    rows = [
        {"dataset": "a", **LARGE, "method": name, "operations": operations, "seconds": 1.0}
        for name, operations in (("stochastic", cost), ("dense", 1.0))
    ]
    assert judged(rows)["verdict"]["t12/cost"] == word


def test_without_runs_nothing_is_tested():
    assert set(judged([{"dataset": "a", **LARGE, "method": "dense"}])["verdict"]) == {NOT_TESTED}
