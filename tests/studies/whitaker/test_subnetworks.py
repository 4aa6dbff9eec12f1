"""Rules about sparse subnetworks: the printed verdicts on the printed numbers, and both verdicts on made-up ones."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.judging import CONFIRMED, EXPLAINED, NOT_CONFIRMED, NOT_TESTED, judge
from truly_sparse.experiments.configuration import load_config
from truly_sparse.studies.whitaker.catalogue import STUDY
from truly_sparse.studies.whitaker.runs import PICTURES, frame_of
from truly_sparse.studies.whitaker.verdicts import subnetworks
from truly_sparse.studies.whitaker.verdicts.comparing import judged
from truly_sparse.studies.whitaker.verdicts.correcting import judge_all
from truly_sparse.studies.whitaker.verdicts.subnetworks import (
    EARLY,
    LANDSCAPE,
    LARGE,
    LENETS,
    PARTS,
    RATES,
    SIZE,
    SIZES,
    SMALL,
    SPARSITY,
    SPLIT,
)

from ..conftest import REPOSITORY
from .made_up import evidence, from_print

CLAIMS = [*subnetworks.claims(), *subnetworks.ours()]


def verdicts(rows: list[dict[str, Any]], spread: tuple[float, ...] = (-0.001, 0.0, 0.001)) -> dict[str, str]:
    """Judge all claims on made-up runs; return their verdicts by name."""
    judged = judge(CLAIMS, evidence(rows, spread))
    return dict(zip(judged["claim"], judged["verdict"], strict=True))


def test_table_5_1_as_printed():
    rows = from_print("table5_1", **SMALL)
    judged = judge(CLAIMS, evidence(rows)).set_index("claim")
    own = judged.loc[["s1/dense", "s2/dropout", "s3/bagging", "s4/partition", "s5/dropout", "s5/bagging"]]
    assert set(own["verdict"]) == {CONFIRMED}
    assert own["ours"].tolist()[-2:] == own["printed"].tolist()[-2:] == ["6 of 6", "5 of 6"]
    assert np.allclose(own["value"].astype(float), own["published"].astype(float), atol=1e-6)
    rest = judged.drop(own.index)
    assert set(rest["verdict"]) == {NOT_TESTED}


def test_table_5_1_the_other_way_round():
    rows = from_print("table5_1", **SMALL)
    swapped = {"sse_np": "dense", "dense": "sse_np"}
    found = verdicts([row | {"method": swapped.get(row["method"], row["method"])} for row in rows])
    assert {found[name] for name in ("s1/dense", "s4/partition")} == {NOT_CONFIRMED}


def test_what_is_in_no_mean_is_not_counted():
    several = {"pol": np.array([1.0, 1.1]), "heloc": np.array([0.9, 1.3])}
    found = judged({**several, "fashion_mnist": np.array([-4.0])}, "accuracy", 0.0)
    assert found == judged(several, "accuracy", 0.0)
    assert found.why == "above 0 on 2 of 2 datasets, 4 pairs"


def of_lenet(size: str) -> list[dict[str, Any]]:
    """Return made-up runs of LeNet with the printed numbers of LeNet-L."""
    rows = [row for row in from_print("table5_1", **LENETS[size]) if row["dataset"].endswith(" lenet_l")]
    return [row | {"dataset": row["dataset"].removesuffix(" lenet_l")} for row in rows]


@pytest.mark.parametrize("size", LENETS)
def test_lenet_as_printed_is_judged_apart_on_each_dataset(size):
    judged = judge(CLAIMS, evidence(of_lenet(size))).set_index("claim")
    names = ("s1/{}/{}/dense", "s3/{}/{}/bagging", "s4/{}/{}/partition", "s5/{}/{}/bagging")
    own = judged.loc[[name.format(size, dataset) for dataset in ("cifar10", "cifar100") for name in names]]
    assert set(own["verdict"]) == {CONFIRMED}
    assert np.allclose(own["value"].astype(float), own["published"].astype(float), atol=1e-6)
    assert own["published"].astype(float).round(2).tolist() == [5.46, 4.78, 0.24, 1.0, 7.46, 9.45, 0.17, 1.0]
    # Printed numbers are those of LeNet-L, and are called so beside another network.
    named = own["printed"].str.endswith(", LeNet-L") & own["text"].str.contains("(in print LeNet-L)", regex=False)
    assert set(named) == {size == "lenet_s"}
    assert own.loc[f"s5/{size}/cifar10/bagging", "text"].split(": ")[1].startswith("a single network is behind bagging")
    assert (
        own.loc[f"s5/{size}/cifar100/bagging", "text"].split(": ")[1].startswith("bagging is behind a single network")
    )
    assert set(judged.drop(own.index)["verdict"]) == {NOT_TESTED}
    assert judged.loc[f"s2/{size}/dropout", "note"] == "convolutional networks have no dropout here"
    # Holm's correction takes the claims of a topic together.
    topic = judged.index[judged["topic"] == own["topic"].iloc[0]]
    assert set(topic) == {*own.index, f"s2/{size}/dropout", f"s5/{size}/dropout"}


@pytest.mark.parametrize("size", LENETS)
def test_lenet_the_other_way_round(size):
    swapped = {"sse_np": "dense", "dense": "sse_np"}
    rows = [row | {"method": swapped.get(row["method"], row["method"])} for row in of_lenet(size)]
    found = verdicts(rows)
    for dataset in ("cifar10", "cifar100"):
        assert {found[f"s1/{size}/{dataset}/dense"], found[f"s4/{size}/{dataset}/partition"]} == {NOT_CONFIRMED}
    ahead = [row | {"accuracy": 99.0 if row["method"] == "bagging" else row["accuracy"]} for row in of_lenet(size)]
    found = verdicts(ahead)
    assert {found[f"s3/{size}/{dataset}/bagging"] for dataset in ("cifar10", "cifar100")} == {NOT_CONFIRMED}
    assert found[f"s5/{size}/cifar100/bagging"] == NOT_CONFIRMED
    assert found[f"s5/{size}/cifar10/bagging"] == CONFIRMED
    behind = [row | {"accuracy": 1.0 if row["method"] == "bagging" else row["accuracy"]} for row in of_lenet(size)]
    assert verdicts(behind)[f"s5/{size}/cifar10/bagging"] == NOT_CONFIRMED
    worse = [row | {"accuracy": row["accuracy"] - (row["method"] == "sse_np") / 2} for row in of_lenet(size)]
    assert verdicts(worse)[f"s4/{size}/cifar10/partition"] == NOT_CONFIRMED


def test_one_dataset_of_lenet_is_no_sign_of_the_other():
    one = [row for row in of_lenet("lenet_s") if row["dataset"] == "cifar10"]
    found = judge(CLAIMS, evidence(one)).set_index("claim")
    assert found.loc["s5/lenet_s/cifar100/bagging", "verdict"] == NOT_TESTED
    assert found.loc["s1/lenet_s/cifar10/dense", "printed"] == "+5.46, LeNet-L"


def test_the_mean_without_gesture_stands_beside_that_with_it():
    values = {"gesture": np.array([-12.0, -11.0]), "pol": np.array([1.0, 1.1]), "heloc": np.array([1.1, 1.4])}
    found = judged(values, "accuracy", 0.0)
    assert found.why == "above 0 on 2 of 3 datasets, 6 pairs; median +1.05, mean without Gesture Phase +1.15"
    assert found.verdict == NOT_CONFIRMED
    assert "without" not in judged({"gesture": values["gesture"]}, "accuracy", 0.0).why


def test_the_small_budget_has_eight_times_the_printed_epochs():
    config = load_config(REPOSITORY / "config/whitaker.yaml")
    inputs = Inputs(config | {"train": False}, STUDY, STUDY.tables["whitaker_table5_1"])
    frame = frame_of(inputs, "whitaker_small")
    own = frame[frame["judged"] & (frame["optimiser"] == "adam")]
    totals = own.groupby(own["dataset"].isin(PICTURES))["total"].unique()
    assert totals[True].tolist() == [16]
    assert totals[False].tolist() == [8 * 16]
    for name in ("s1/dense", "s2/dropout", "s3/bagging"):
        (claim,) = (one for one in CLAIMS if one.id == name)
        assert claim.text.startswith("With a small budget (in print 16 epochs in all, here eight times as many")


def test_lenet_changes_no_verdict_on_perceptrons():
    small = from_print("table5_1", **SMALL)
    lenet = [row | {"accuracy": 100 - row["accuracy"]} for size in LENETS for row in of_lenet(size)]
    alone, beside = (judge(CLAIMS, evidence(rows)).set_index("claim") for rows in (small, [*small, *lenet]))
    names = [name for name in alone.index if not any(size in name for size in LENETS)]
    columns = ["ours", "verdict", "note"]
    # What says which column is missing depends on what columns there are.
    tested = alone.loc[names, "verdict"] != NOT_TESTED
    assert alone.loc[names, columns][tested].equals(beside.loc[names, columns][tested])
    assert beside.loc[names, "verdict"].equals(alone.loc[names, "verdict"])
    assert beside.loc["s1/lenet_s/cifar10/dense", "verdict"] == NOT_CONFIRMED


def test_partitions_that_are_as_good_are_no_worse():
    two = [{"dataset": "a", **SMALL, "method": name, "accuracy": 80.0} for name in ("sse_np", "sse_r")]
    assert verdicts(two)["s4/partition"] == EXPLAINED


def test_table_5_2_as_printed():
    rows = from_print("table5_2", **LARGE)
    # Printed as 1.00 for 800 epochs: four times the operations are meant.
    for row in rows:
        row["operations"] = {"dense": 1.0, "dense_ensemble": 4.0}.get(row["method"], row["operations"])
    rows += [row | {"accuracy_children": row["accuracy"]} for row in rows if row["method"] == "sse_np"]
    judged = judge(CLAIMS, evidence(rows, (-1e-5, 0.0, 1e-5))).set_index("claim")
    own = judged[judged.index.str.match("s14|s15|s16")]
    assert set(own["verdict"]) == {CONFIRMED}
    assert len(own) == 9
    tested = own["value"].astype(float)
    assert np.allclose(tested, own["published"].astype(float), atol=1e-5)
    assert judged.loc["s14/fge", "ours"].startswith("+0.30")
    assert "0.21×" in judged.loc["s16/dense_ensemble", "note"]


def test_as_good_as_four_networks_but_at_their_cost_is_not_it():
    rows = [{"dataset": "a", **LARGE, "method": name, "accuracy": 90.0} for name in ("sse_np", "dense_ensemble")]
    assert verdicts([row | {"operations": 4.0} for row in rows])["s16/dense_ensemble"] == NOT_CONFIRMED


def test_table_5_3_as_printed():
    rows = []
    for kept, (child, ensemble, operations) in {
        2: (95.5, 96.5, 0.85),
        3: (95.3, 96.4, 0.8),
        6: (92.9, 95.1, 0.75),
    }.items():
        scores = {"accuracy": ensemble, "child_accuracy": child, "operations": operations, "seconds": operations}
        rows.append({"dataset": "cifar10", **PARTS, "parts": kept, **scores})
    rows.append({"dataset": "cifar10", **LARGE, "method": "dense", "operations": 1.0, "seconds": 1.0})
    rows.append({"dataset": "cifar10", **LARGE, "method": "sse_np", "child_accuracy": 95.5, "parent_accuracy": 96.0})
    judged = judge(CLAIMS, evidence(rows, (0.0, 0.0, 0.0))).set_index("claim")
    own = judged[judged.index.str.match("s17|s18|s19")]
    assert set(own["verdict"]) == {CONFIRMED}
    assert len(own) == 6
    assert judged.loc["s18/third", ["ours", "printed"]].tolist() == ["−0.10 (−0.10 to −0.10)", "−0.10"]
    assert judged.loc["s18/sixth", "printed"] == "+1.40"


@pytest.mark.parametrize(("operations", "wanted"), [(0.857, CONFIRMED), (0.87, NOT_CONFIRMED)])
def test_operations_are_right_within_a_percent(operations, wanted):
    rows = [
        {"dataset": "a", **PARTS, "parts": 2, "operations": operations, "seconds": 1.0},
        {"dataset": "a", **LARGE, "method": "dense", "operations": 1.0, "seconds": 1.0},
    ]
    assert verdicts(rows, (0.0,))["s17/2"] == wanted


def rates(**accuracies: float) -> list[dict[str, Any]]:
    """Return runs of both samplers at both rates."""
    return [
        {"dataset": "a", **RATES, "method": method, "rate": rate, "accuracy": accuracies[f"{method}_{rate}"]}
        for method in ("sse_r", "sse_np")
        for rate in ("constant", "one_cycle")
    ]


def test_rates_and_samplers():
    found = verdicts(rates(sse_r_constant=70, sse_np_constant=71, sse_r_one_cycle=72, sse_np_one_cycle=73))
    assert {value for name, value in found.items() if name.startswith(("s6", "s7"))} == {CONFIRMED}
    found = verdicts(rates(sse_r_constant=70, sse_np_constant=74, sse_r_one_cycle=72, sse_np_one_cycle=73))
    assert found["s7/sse_np/constant"] == NOT_CONFIRMED
    assert found["s7/sse_r/constant"] == CONFIRMED
    assert found["s6/one_cycle"] == CONFIRMED


def sparsities(best: dict[int, float], neurons: float = 0.0) -> list[dict[str, Any]]:
    """Return runs whose accuracy falls from a best sparsity on, by width; networks without neurons lose some more."""
    rows = []
    for width, peak in best.items():
        for tenths in range(1, 10):
            accuracy = 80 - 10 * abs(tenths / 10 - peak)
            keys = {"dataset": "a", **SPARSITY, "hidden": f"{width}-{width}", "sparsity": tenths / 10}
            rows.append({**keys, "structure": "links", "accuracy": accuracy, "validation": accuracy})
            lost = neurons * max(0, tenths - 5)
            rows.append({**keys, "structure": "neurons", "accuracy": accuracy - lost, "validation": accuracy})
    return rows


def test_a_region_of_sparsities_that_moves_with_the_width():
    found = verdicts(sparsities({250: 0.4, 500: 0.5, 1000: 0.7}, neurons=0.5))
    names = ("s8/region", "s9/width", "s10/beyond", "s10/half")
    assert [found[name] for name in names] == [CONFIRMED] * 4
    found = verdicts(sparsities({250: 0.1, 500: 0.1, 1000: 0.1}, neurons=-0.5))
    assert [found[name] for name in names[:3]] == [NOT_CONFIRMED] * 3
    assert found["s10/half"] == CONFIRMED


def test_more_children_are_better_and_steadier():
    rows = [{"dataset": "a", **SIZE, "method": "sse_np", "members": count, "accuracy": 70.0} for count in SIZES]
    found = evidence(rows, (-1.0, -0.4, 0.0, 0.5, 1.0))
    runs = found.frames["runs"]
    spread, doublings = runs["accuracy"] - 70, np.log2(runs["members"])
    runs["accuracy"] = 70 + doublings + spread / runs["members"]
    judged = judge(CLAIMS, found).set_index("claim")["verdict"]
    assert judged["s11/rises"] == judged["s11/spread"] == CONFIRMED
    runs["accuracy"] = 80 - doublings + spread * runs["members"]
    judged = judge(CLAIMS, found).set_index("claim")["verdict"]
    assert judged["s11/rises"] == judged["s11/spread"] == NOT_CONFIRMED


@pytest.mark.parametrize(("best", "wanted"), [(140, CONFIRMED), (158, CONFIRMED), (182, NOT_CONFIRMED)])
def test_a_split_is_good_where_it_is_nearly_the_best(best, wanted):
    gains = {140: 0.0, best: 0.0 if best == 140 else 0.1 if best == 158 else 0.9}
    rows = [
        {"dataset": "a", **SPLIT, "method": "sse_np", "epochs": epochs, "accuracy": 80 + gains.get(epochs, -1.0)}
        for epochs in (98, 122, 140, 158, 182)
    ]
    assert verdicts(rows)["s21/split"] == wanted


def test_what_was_not_run_says_why():
    judged = judge(CLAIMS, evidence([])).set_index("claim")
    assert set(judged["verdict"]) == {NOT_TESTED}
    assert judged.loc["s12/mothernet", "note"] == "networks that grow are not part of this"
    assert (judged["note"].str.len() > 10).all()


def test_one_seed_shows_a_difference_and_no_verdict():
    judged = judge(CLAIMS, evidence(from_print("table5_1", **SMALL), (0.0,))).set_index("claim")
    assert judged.loc["s1/dense", "verdict"] == NOT_TESTED
    assert judged.loc["s1/dense", "ours"] == judged.loc["s1/dense", "printed"]
    assert "too few seeds" in judged.loc["s1/dense", "note"]


def test_two_weak_differences_of_a_topic_are_one_too_many():
    sse = {"dataset": "a", **LARGE, "method": "sse_np", "accuracy": 80.0, "accuracy_children": 80.0}
    others = {"snapshot": 79.9, "fge": 79.9, "mc_dropout": 70.0}
    rows = [sse, *({"dataset": "a", **LARGE, "method": name, "accuracy": value} for name, value in others.items())]
    found = evidence(rows, (0.0,) * 8)
    runs = found.frames["runs"]
    weak = runs["method"].isin(["snapshot", "fge"])
    runs.loc[weak, "accuracy"] += np.tile([-0.16, -0.11, -0.06, -0.02, 0.03, 0.05, 0.12, 0.15], 2)
    names = [f"s14/{name}" for name in others]
    alone, together = (one(CLAIMS, found).set_index("claim").loc[names] for one in (judge, judge_all))
    assert set(alone["verdict"]) == {CONFIRMED}
    assert together["verdict"].tolist() == [NOT_CONFIRMED, NOT_CONFIRMED, CONFIRMED]
    assert "Holm" in together.loc["s14/snapshot", "note"]


@pytest.mark.parametrize(("gain", "expected"), [(0.5, CONFIRMED), (-0.5, NOT_CONFIRMED)])
def test_half_the_neurons(gain, expected):
    methods = {"sse_neurons": 80.0, "dropout": 80.0 - gain, "sse_neurons_fresh": 80.0 - 2 * gain}
    rows = [
        {**EARLY, "dataset": dataset, "method": method, "accuracy": accuracy}
        for dataset in ("pol", "heloc")
        for method, accuracy in methods.items()
    ]
    found = verdicts(rows)
    assert {found["s13/dropout"], found["s13/fresh"]} == {expected}


@pytest.mark.parametrize(
    ("rises", "expected"), [((0.5, 0.4, 0.3, 0.1), CONFIRMED), ((0.1, 0.2, 0.2, 0.3), NOT_CONFIRMED)]
)
def test_flat_regions(rises, expected):
    kinds = [("sse_np", "parent"), ("sse_np", "pruned"), ("sse_unpruned", "tuned"), ("sse_np", "tuned")]
    rows = [
        {"dataset": dataset, "method": method, "seed": seed, "network": network, "norm": norm,
         "rise": rise * norm + 0.001 * seed}
        for (method, network), rise in zip(kinds, rises, strict=True)
        for dataset in ("pol", "heloc") for seed in range(3) for norm in (0.05, 0.2)
    ]  # fmt: skip
    found = judge(CLAIMS, Evidence({LANDSCAPE: pd.DataFrame(rows)})).set_index("claim")["verdict"]
    assert set(found[["s22/flat", "s22/tuned", "s22/unpruned"]]) == {expected}
    without = judge(CLAIMS, evidence([])).set_index("claim")["verdict"]
    assert without["s22/flat"] == NOT_TESTED
