"""Every rule of the verdicts confirms what it says, refuses what it says, and is "not tested" without its evidence."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.judging import (
    CONFIRMED,
    EXPLAINED,
    NOT_CONFIRMED,
    NOT_TESTED,
    VERDICTS,
    Claim,
    judge,
)
from truly_sparse.analysis.published import load
from truly_sparse.analysis.verdicts import in_short
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.records import run_folder
from truly_sparse.files import write_json
from truly_sparse.studies import make
from truly_sparse.studies.journal.catalogue import STUDY, TABLES
from truly_sparse.studies.journal.tables.verdicts import make as verdicts
from truly_sparse.studies.journal.verdicts import accuracy, cost, others, protocol
from truly_sparse.studies.journal.verdicts.claims import RULES, claims

from ..conftest import record_of

ENSEMBLES = ("edst_rg", "rd_tse", "fd_tse", "dist_tse")
SETTINGS = {method: "eps20_lambda1.5" if method == "dist_tse" else "eps20" for method in ENSEMBLES}


def row(method, value, published, std=0.2, seeds=5, metric="test_accuracy", **more):
    dense = method.startswith("dense")
    return {
        "dataset": "gesture",
        "method": method,
        "metric": metric,
        "epsilon": None if dense else 20.0,
        "setting": "default" if dense else SETTINGS.get(method, "eps20"),
        "value": value,
        "std": std,
        "seeds": seeds,
        "published": published,
        "published_std": 0.2,
        "published_runs": 3,
        "note": "",
        **more,
    }


def table1(changes=None, metric="test_accuracy", **more):
    values = {"edst_rg": 73.0, "rd_tse": 74.0, "fd_tse": 75.0, "dist_tse": 76.0, "dense": 55.0}
    printed = dict(values)
    rows = [row(m, {**values, **(changes or {})}[m], printed[m], metric=metric, **more) for m in values]
    return pd.DataFrame(rows)


def judged(rule, frames, **keys):
    (found,) = judge([Claim("id", "topic", "text", "where", rule, keys)], Evidence(frames)).to_dict("records")
    assert found["verdict"] in VERDICTS
    return found


AT = {"dataset": "gesture", "epsilon": 20.0}
GAIN = {"dataset": "gesture", "method": "rd_tse", "setting": "eps20", "baseline": "eps20"}


@pytest.mark.parametrize("gain", [-1.0, -0.1, 0.1, 0.3, 1.0])
def test_a_gain_needs_the_sign_and_welchs_test(gain):
    found = judged(accuracy.GAIN, {"table1": table1({"rd_tse": 73.0 + gain})}, **GAIN)
    p = stats.ttest_ind_from_stats(73.0 + gain, 0.2, 5, 73.0, 0.2, 5, equal_var=False).pvalue
    assert found["verdict"] == (CONFIRMED if gain > 0 and p < 0.05 else NOT_CONFIRMED)
    assert found["value"] == pytest.approx(gain)
    assert found["published"] == pytest.approx(1.0)
    assert found["printed"] == "+1.0"


def test_single_runs_and_missing_runs_are_not_tested():
    assert judged(accuracy.GAIN, {"table1": table1(seeds=1, std=None)}, **GAIN)["verdict"] == NOT_TESTED
    assert judged(accuracy.GAIN, {"table1": table1({"rd_tse": None})}, **GAIN)["verdict"] == NOT_TESTED
    missing = judged(accuracy.GAIN, {}, **GAIN)
    assert missing["verdict"] == NOT_TESTED
    assert "table1" in missing["note"]


def test_a_part_of_a_dataset_is_said():
    frame = table1(note="partial data: 9 of 99 rows; more")
    assert "partial data: 9 of 99 rows" in judged(accuracy.GAIN, {"table1": frame}, **GAIN)["note"]


def test_the_order_may_be_unclear_but_not_turned_round():
    assert judged(accuracy.ORDER, {"table1": table1()}, **AT)["verdict"] == CONFIRMED
    close = judged(accuracy.ORDER, {"table1": table1({"fd_tse": 76.1})}, **AT)
    assert close["verdict"] == CONFIRMED
    assert (close["value"], close["published"]) == (9, 10)
    assert "not told apart: FD-TSE and Dist-TSE" in close["note"]
    turned = judged(accuracy.ORDER, {"table1": table1({"fd_tse": 78.0})}, **AT)
    assert turned["verdict"] == NOT_CONFIRMED
    assert "FD-TSE and Dist-TSE" in turned["note"]


def test_agreement_is_welchs_test_by_row_with_bonferronis_correction():
    frame = table1({"rd_tse": 74.3})
    assert judged(accuracy.AGREEMENT, {"table1": frame}, dataset="gesture")["verdict"] == CONFIRMED
    frame = table1({"rd_tse": 76.0})
    found = judged(accuracy.AGREEMENT, {"table1": frame}, dataset="gesture")
    assert (found["verdict"], found["value"], found["published"]) == (NOT_CONFIRMED, 4, 5)


def test_dense_models_are_beaten_by_every_proposed_method():
    assert judged(accuracy.ABOVE_DENSE, {"table1": table1()}, **AT)["verdict"] == CONFIRMED
    found = judged(accuracy.ABOVE_DENSE, {"table1": table1({"dense": 73.7})}, **AT)
    assert found["verdict"] == NOT_CONFIRMED
    assert found["value"] == pytest.approx(0.3)
    assert found["published"] == pytest.approx(19.0)


def test_best_differs_only_where_the_best_is_told_apart():
    cells = (("gesture", 20.0), ("higgs", 20.0))

    def over(higgs):
        both = pd.concat([table1(), table1(higgs).assign(dataset="higgs")])
        return judged(accuracy.BEST_DIFFERS, {"table1": both}, cells=cells)

    assert over({})["verdict"] == NOT_CONFIRMED  # the same one twice
    assert over({"rd_tse": 79.0})["verdict"] == CONFIRMED
    alone = judged(accuracy.BEST_DIFFERS, {"table1": table1()}, cells=cells)
    assert alone["verdict"] == NOT_TESTED


def table3(values, published):
    rows = [
        row(method, value, published.get(refinement)) | {"refinement": refinement}
        for (method, refinement), value in values.items()
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("ours", "printed", "expected"),
    [(1.0, 0.5, CONFIRMED), (0.1, 0.5, NOT_CONFIRMED), (-1.0, 0.5, NOT_CONFIRMED), (0.1, 0.0, CONFIRMED),
     (1.0, 0.0, NOT_CONFIRMED)],
)  # fmt: skip
def test_the_ablation_has_the_printed_direction(ours, printed, expected):
    values = {("rd_tse", "comprehensive"): 73.0 + ours, ("rd_tse", "eta_zeta"): 73.0}
    frame = table3(values, {"comprehensive": 71.0 + printed, "eta_zeta": 71.0})
    assert judged(accuracy.ABLATION, {"table3": frame}, dataset="gesture", method="rd_tse")["verdict"] == expected


@pytest.mark.parametrize(("ours", "expected"), [(1.0, CONFIRMED), (0.1, NOT_CONFIRMED), (-1.0, NOT_CONFIRMED)])
def test_with_the_same_refinement_the_gain_is_that_of_table_3(ours, expected):
    values = {("rd_tse", "comprehensive"): 73.0 + ours, ("edst_rg", "comprehensive"): 73.0}
    found = judged(protocol.SAME_REFINEMENT, {"table1": table1(), "table3": table3(values, {})}, **GAIN)
    assert found["verdict"] == expected
    assert found["published"] == pytest.approx(1.0)  # of Table 1


def contrast(dataset, low, note=""):
    head = {"metric": "contrast", "setting": "refinement", "contrast": "rd_tse - edst_rg", "epsilon": 20}
    return {**head, "dataset": dataset, "value": low + 0.5, "low": low, "high": low + 1, "seeds": 80, "note": note}


def test_regrowth_alone_is_judged_by_its_interval_over_all_datasets_where_there_are_several():
    one = pd.DataFrame([contrast("gesture", 0.1)])
    assert judged(protocol.REGROWTH, {"ablations": one}, method="rd_tse")["verdict"] == CONFIRMED
    both = pd.DataFrame([contrast("gesture", 0.1), contrast("pooled", -0.2, "over 7 datasets")])
    found = judged(protocol.REGROWTH, {"ablations": both}, method="rd_tse")
    assert found["verdict"] == NOT_CONFIRMED
    assert "over 7 datasets" in found["note"]
    assert judged(protocol.REGROWTH, {"ablations": both}, method="fd_tse")["verdict"] == NOT_TESTED


@pytest.mark.parametrize(("rival", "expected"), [(74.0, CONFIRMED), (75.9, NOT_CONFIRMED), (78.0, NOT_CONFIRMED)])
def test_the_best_proposed_method_against_the_best_rival_trained_alike(rival, expected):
    values = {"rd_tse": 74.0, "fd_tse": 75.0, "dist_tse": 76.0, "set_mlp_tse": 60.0, "static_tse": rival}
    ablations = pd.DataFrame([row(method, value, None) | {"effect": "protocol"} for method, value in values.items()])
    first = pd.concat([table1(), pd.DataFrame([row("set_mlp", 62.0, 70.0), row("static", 66.0, 68.0)])])
    keys = {**AT, "rivals": ("set_mlp_tse", "static_tse"), "printed": ("set_mlp", "static")}
    found = judged(protocol.LEAD, {"ablations": ablations, "table1": first}, **keys)
    assert found["verdict"] == expected
    assert found["value"] == pytest.approx(76.0 - rival)
    assert found["published"] == pytest.approx(6.0)
    unprinted = judged(protocol.LEAD, {"ablations": ablations, "table1": first}, **keys | {"printed": ()})
    assert unprinted["printed"] == "–"


@pytest.mark.parametrize(("tuned", "expected"), [(70.0, CONFIRMED), (82.0, NOT_CONFIRMED)])
def test_the_tuned_dense_model_is_that_of_the_printed_split(tuned, expected):
    values = {"rd_tse": 74.0, "fd_tse": 75.0, "dist_tse": 76.0, "dense_tuned": tuned}
    frame = pd.DataFrame([row(m, v, None, metric="accuracy") | {"split": "authors"} for m, v in values.items()])
    videos = frame.assign(split="videos", value=99.0)
    frames = {"baselines": pd.concat([videos[videos["method"] == "dense_tuned"], frame]), "table1": table1()}
    assert judged(protocol.ABOVE_TUNED, frames, **AT)["verdict"] == expected
    frames["baselines"] = videos
    assert judged(protocol.ABOVE_TUNED, frames, **AT)["verdict"] == NOT_TESTED


def ratios(values, printed, metric):
    rows = []
    for epsilon, (own, theirs) in zip((10.0, 20.0, 30.0), zip(values, printed, strict=True), strict=True):
        for method in ENSEMBLES:
            rows.append(row(method, own, theirs, metric=metric, epsilon=epsilon, setting=f"eps{epsilon:g}"))
            rows.append(row(method, 70.0, 70.0, epsilon=epsilon, setting=f"eps{epsilon:g}"))
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("values", "expected"),
    [((0.04, 0.07, 0.11), CONFIRMED), ((0.025, 0.048, 0.072), EXPLAINED), ((0.025, 0.03, 0.072), NOT_CONFIRMED),
     ((0.08, 0.14, 0.22), NOT_CONFIRMED)],
)  # fmt: skip
def test_operations_differ_by_one_factor_or_are_not_explained(values, expected):
    frame = ratios(values, (0.04, 0.07, 0.11), "training_operations_ratio")
    keys = {**AT, "epsilons": (10.0, 20.0, 30.0)}
    assert judged(cost.OPERATIONS_RATIO, {"table1": frame}, **keys)["verdict"] == expected


@pytest.mark.parametrize(
    ("ours", "inner", "expected"),
    [(0.25, 0.2, CONFIRMED), (0.27, 0.251, EXPLAINED), (0.27, 0.26, NOT_CONFIRMED)],
)
def test_weights_may_differ_by_the_output_block_only(ours, inner, expected):
    frame = ratios((0.1, ours, 0.4), (0.12, 0.25, 0.37), "weights_ratio")
    shapes = pd.DataFrame([{"dataset": "gesture", "method": m, "setting": "eps20", "value": inner} for m in ENSEMBLES])
    assert judged(cost.WEIGHTS, {"table1": frame, "shapes": shapes}, **AT)["verdict"] == expected


@pytest.mark.parametrize(
    ("ours", "formula", "expected"), [(1.71, 1.2, CONFIRMED), (1.34, 1.71, EXPLAINED), (1.34, 1.5, NOT_CONFIRMED)]
)
def test_dense_operations_are_explained_by_the_printed_formula(ours, formula, expected):
    frame = pd.DataFrame([row("dense", ours * 1e13, 1.71e13, metric="training_operations")])
    shapes = pd.DataFrame([{"dataset": "gesture", "method": "dense", "dense_operations": formula * 1e13}])
    frames = {"table1": frame, "shapes": shapes}
    assert judged(cost.DENSE_OPERATIONS, frames, dataset="gesture")["verdict"] == expected
    frames["table1"] = frame.assign(note="partial data: 9 of 99 rows")
    assert judged(cost.DENSE_OPERATIONS, frames, dataset="gesture")["verdict"] == NOT_TESTED


def test_times_are_compared_at_the_same_sparsity():
    frame = table1({"edst_rg": 10.0, "rd_tse": 10.5, "fd_tse": 10.2, "dist_tse": 10.9}, metric="train_time")
    found = judged(cost.OVERHEAD, {"table1": frame}, dataset="gesture")
    assert (found["verdict"], found["value"]) == (CONFIRMED, pytest.approx(1.09))
    slow = frame.assign(value=frame["value"].where(frame["method"] != "fd_tse", 12.0))
    found = judged(cost.OVERHEAD, {"table1": slow}, dataset="gesture")
    assert found["verdict"] == NOT_CONFIRMED
    assert "FD-TSE" in found["note"]
    assert judged(cost.FASTER, {"table1": frame}, dataset="gesture")["verdict"] == CONFIRMED
    fast = frame.assign(value=frame["value"].where(frame["method"] != "dense", 5.0))
    assert judged(cost.FASTER, {"table1": fast}, dataset="gesture")["verdict"] == NOT_CONFIRMED
    without = frame[frame["method"] != "dense"]
    assert judged(cost.FASTER, {"table1": without}, dataset="gesture")["verdict"] == NOT_TESTED


def significance(p, gains):
    rows = []
    for method in ENSEMBLES[1:]:
        rows.append(row(method, p, 0.01, metric="p_value"))
        rows.append(row(method, p, None, metric="paired_t_p_holm"))
        rows.append(row(method, gains, None, metric="paired_difference"))
    return pd.DataFrame(rows)


def test_significance_is_that_of_the_same_methods():
    good, unclear = {"table5": significance(0.01, 1.0)}, {"table5": significance(0.2, 1.0)}
    for rule in (others.AUTHORS, others.OVER_SEEDS):
        assert judged(rule, good, **AT)["verdict"] == CONFIRMED
        assert judged(rule, unclear, **AT)["verdict"] == NOT_CONFIRMED
        assert judged(rule, {}, **AT)["verdict"] == NOT_TESTED
    assert judged(others.OVER_SEEDS, {"table5": significance(0.01, -1.0)}, **AT)["verdict"] == NOT_CONFIRMED


def points(values, datasets=14):
    printed = {
        "dist_tse": 6.5,
        "rd_tse": 2.5,
        "fd_tse": 3.0,
        "edst_rg": 1.0,
        "set_mlp": 1.0,
        "static": 0.0,
        "dense": 0.0,
    }
    rows = [row(m, values.get(m, 0.0), printed[m], metric="bpm", note=f"over {datasets} datasets") for m in printed]
    return {"table2": pd.DataFrame(rows).assign(dataset="tabular14")}


def test_points_count_over_all_fourteen_datasets_and_all_models():
    whole = points({"dist_tse": 7.0, "rd_tse": 3.0, "fd_tse": 2.0, "edst_rg": 2.0})
    assert judged(others.TOP, whole)["verdict"] == CONFIRMED
    assert "3 of 7 models would have 6.00 by chance" in judged(others.TOP, whole)["note"]
    assert judged(others.MOST, whole, method="dist_tse")["verdict"] == CONFIRMED
    other = points({"dist_tse": 1.0, "static": 13.0})
    assert judged(others.TOP, other)["verdict"] == NOT_CONFIRMED
    assert judged(others.MOST, other, method="dist_tse")["verdict"] == NOT_CONFIRMED
    assert judged(others.TOP, points({"dist_tse": 7.0}, datasets=4))["verdict"] == NOT_TESTED
    less = {"table2": whole["table2"][whole["table2"]["method"] != "dense"]}
    assert "Dense" in judged(others.TOP, less)["note"]


@pytest.mark.parametrize(("last", "expected"), [(12.0, CONFIRMED), (30.0, NOT_CONFIRMED)])
def test_time_may_grow_as_the_links_do(last, expected):
    rows = [
        row("rd_tse", value, 1.0, metric=metric) | {"n": n, "distance": ""}
        for metric, values in (("running_time", (1.0, last)), ("connections", (20.0, 200.0)))
        for n, value in zip((1000, 10000), values, strict=True)
    ]
    assert judged(others.SCALES, {"table4": pd.DataFrame(rows)}, method="rd_tse")["verdict"] == expected


def test_topology_is_judged_by_the_direction_described():
    rows = [
        {"method": m, "kind": "distance_own", "value": v, "std": 0.001, "pairs": 10}
        for m, v in (("edst_rg", 0.91), ("rd_tse", 0.92))
    ]
    frames = {"figure4": pd.DataFrame(rows)}
    for closer, expected in ((False, CONFIRMED), (True, NOT_CONFIRMED)):
        assert judged(others.TOPOLOGY, frames, method="rd_tse", closer=closer)["verdict"] == expected


def test_all_claims_have_their_own_name_and_a_rule_that_is_printed():
    found = claims(*(load(f"journal_{name}") for name in ("table1", "table3", "table5")))
    assert len({claim.id for claim in found}) == len(found)
    assert {claim.rule.name for claim in found} == {rule.name for rule in RULES}
    assert len({rule.name for rule in RULES}) == len(RULES)
    everything = judge(found, Evidence({}))
    assert set(everything["verdict"]) == {NOT_TESTED}
    assert everything["note"].str.len().min() > 10


def test_the_page_is_worked_out_from_the_runs(paper, repository):
    inputs = Inputs(paper, STUDY, TABLES["verdicts"])
    before = verdicts(inputs).frame.set_index("claim")
    name = "gain/gesture/20/rd_tse"
    specs = [s for s in runs(paper, "table1") if s.dataset == "gesture" and s.setting == "eps20" and s.seed < 3]
    accuracies = {
        method: [100 * record_of(s)["accuracy"]["test"] for s in specs if s.method == method]
        for method in ("rd_tse", "edst_rg")
    }
    assert before.loc[name, "value"] == pytest.approx(np.mean(accuracies["rd_tse"]) - np.mean(accuracies["edst_rg"]))
    assert before.loc[name, "verdict"] == NOT_CONFIRMED  # made-up runs are all alike
    for spec in (s for s in specs if s.method == "rd_tse"):
        record = record_of(spec)
        record["accuracy"]["test"] += 0.1
        write_json(repository / run_folder(paper, spec) / "run.json", record)
    table = verdicts(Inputs(paper, STUDY, TABLES["verdicts"]))
    after = table.frame.set_index("claim")
    assert after.loc[name, "verdict"] == CONFIRMED
    printed = load("journal_table1").set_index(["dataset", "metric", "method", "setting"])["published"][
        "gesture", "test_accuracy"
    ]
    gain = printed["rd_tse", "eps20"] - printed["edst_rg", "eps20"]
    assert after.loc[name, "difference"] == pytest.approx(10 - gain)
    assert (after.loc[name, "dataset"], after.loc[name, "metric"]) == ("gesture", "gain")
    counts = {v: int((after["verdict"] == v).sum()) for v in VERDICTS}
    for name, count in counts.items():
        assert f"{count} {name}" in table.parts[0].caption
    printed = table.parts[0].cells
    assert sum(int(cell or 0) for v in VERDICTS for cell in printed[v]) == len(after)


def test_in_short_follows_its_stated_rule():
    words = {
        "holds": [CONFIRMED, EXPLAINED, NOT_TESTED],
        "holds in part": [CONFIRMED, NOT_CONFIRMED],
        "does not hold": [NOT_CONFIRMED, NOT_TESTED],
        "not tested": [NOT_TESTED, NOT_TESTED],
    }
    rows = [{"topic": "t", "rule": word, "verdict": v} for word, verdicts_ in words.items() for v in verdicts_]
    found = in_short(pd.DataFrame(rows))
    assert found["word"].tolist() == found["rule"].tolist() == list(words)


def test_the_page_is_written_with_every_rule_below_it(paper):
    csv, tex = make.table(paper, "verdicts")
    frame, text = pd.read_csv(csv), tex.read_text(encoding="utf-8")
    assert set(frame["verdict"]) <= set(VERDICTS)
    assert not frame["note"][frame["verdict"] == NOT_TESTED].isna().any()
    rules = text[text.index("verdicts-V3") :]
    for rule in RULES:
        assert re.search(rf"^{re.escape(rule.name)} &", rules, re.MULTILINE), rule.name
    assert "?" not in text.split("verdicts-V2")[1]  # no sign that the fonts lack
