"""The rules say of the printed numbers what the thesis says of them, refuse what they say, and want several seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import (
    CONFIRMED,
    EXPLAINED,
    NOT_CONFIRMED,
    NOT_TESTED,
    VERDICTS,
    common_factor,
    judge,
)
from truly_sparse.analysis.published import load, read_text
from truly_sparse.experiments.configuration import load_config
from truly_sparse.studies import make
from truly_sparse.studies.thesis.member_topology import tidy
from truly_sparse.studies.thesis.tables import counts
from truly_sparse.studies.thesis.verdicts.claims import RULES, claims
from truly_sparse.studies.thesis.verdicts.protocol import refinement_pairs
from truly_sparse.studies.thesis.verdicts.reading import FASHION, PRINTED, RUNS, TABLES, difference

from ..conftest import REPOSITORY
from ..made_up import METHODS
from .conftest import made_up_members

CLAIMS = {claim.id: claim for claim in claims()}
#: Runs differ by this much from seed to seed, the same for all rows, and by this much on their own.
SHARED, OWN = 0.05, 0.03


def printed_numbers():
    return pd.concat([load(f"thesis_{name}") for name in TABLES], ignore_index=True)


def runs_of(printed, seeds=5):
    """Runs whose means over seeds are the printed accuracies."""
    rng = np.random.default_rng(0)
    rows = printed[printed["metric"] == "test_accuracy"]
    lines = []
    for place in rows.to_dict("records"):
        own = rng.normal(0, OWN, seeds)
        own -= own.mean()
        dense = place["method"].startswith("dense")
        for seed in range(1 if dense else seeds):
            lines.append(
                {
                    **{key: place[key] for key in ("dataset", "method", "setting")},
                    "seed": seed,
                    "status": "ok",
                    "learning_rate": 0.01 if dense else 0.1,
                    "classes": {"cifar10": 10, "gesture": 5, "higgs": 2}[place["dataset"]],
                    "accuracy": place["published"] + (0 if dense else SHARED * (seed - (seeds - 1) / 2) + own[seed]),
                    "balanced": 0.6,
                }
            )
    return pd.DataFrame(lines)


@pytest.fixture
def evidence():
    """What the rules read, were every one of our numbers the printed one."""
    printed = printed_numbers()
    config = load_config(REPOSITORY / "config/thesis.yaml")
    tables = pd.concat([load(f"thesis_{name}") for name in counts.TABLES], ignore_index=True)
    counted = counts.tidy(config, tables, read_text("thesis_table1"))
    measured = printed.assign(value=printed["published"])
    refined = measured[measured["table"] == "thesis_table12"]
    refined = refined.assign(refinement=refined["setting"].str.extract("refinement([a-z]+)")[0])
    members = {f"thesis_figure{number}": name for number, name in ((9, "cifar10"), (10, "gesture"), (11, "higgs"))}
    frames = {figure: tidy(made_up_members({name: 5}), figure) for figure, name in members.items()}
    frames |= {RUNS: runs_of(printed), PRINTED: printed, "thesis_table12": refined, "thesis_counts": counted}
    frames["thesis_table7"] = measured[measured["table"] == "thesis_table7"]
    return Evidence(frames)


def judged(evidence, name):
    (found,) = judge([CLAIMS[name]], evidence).to_dict("records")
    assert found["verdict"] in VERDICTS
    return found


def changed(evidence, change, name=RUNS):
    """The evidence with `change` made to a copy of one frame."""
    frame = evidence.frames[name].copy()
    change(frame)
    return Evidence({**evidence.frames, name: frame})


def moved(evidence, points, **keys):
    """The evidence with the accuracies of some runs moved by points."""

    def move(frame):
        chosen = np.logical_and.reduce([frame[column] == value for column, value in keys.items()])
        assert chosen.any()
        frame.loc[chosen, "accuracy"] += points

    return changed(evidence, move)


#: What the printed numbers themselves say otherwise, or what cannot be seen in them.
PRINTED_OTHERWISE = {
    "unstable/cifar10": NOT_TESTED,  # is said of other software
    "unstable/gesture": NOT_TESTED,
    "unstable/higgs": NOT_TESTED,
    "rate": NOT_TESTED,
    **dict.fromkeys((f"weights/cifar10/{epsilon}" for epsilon in (10, 20, 30)), EXPLAINED),
    **dict.fromkeys((f"operations/cifar10/{epsilon}" for epsilon in (10, 20, 30)), EXPLAINED),
    **dict.fromkeys((f"gaussian/{name}" for name in ("cifar10", "gesture", "higgs")), NOT_TESTED),
    **dict.fromkeys((f"members/{name}" for name in METHODS), NOT_TESTED),
    "alike/depth": NOT_TESTED,
    "alike/width": NOT_TESTED,
}


@pytest.mark.parametrize("name", [name for name in CLAIMS if not name.startswith("fair/") and FASHION not in name])
def test_of_the_printed_numbers_every_rule_says_what_the_thesis_says(evidence, name):
    found = judged(evidence, name)
    assert found["verdict"] == PRINTED_OTHERWISE.get(name, CONFIRMED), found
    if found["verdict"] == CONFIRMED and not pd.isna(found["published"]) and not pd.isna(found["value"]):
        assert found["value"] == pytest.approx(found["published"], rel=0.03, abs=1e-6)


SEEDS_WANTED = ("ahead", "behind", "lead/", "above_ensemble", "refinement/cifar10", "refinement/gesture")


@pytest.mark.parametrize("name", [name for name in CLAIMS if name.startswith(SEEDS_WANTED) and FASHION not in name])
@pytest.mark.parametrize(("seeds", "words"), [(1, "one seed"), (2, "too few seeds")])
def test_with_few_seeds_the_difference_is_printed_and_not_tested(evidence, name, seeds, words):
    few = Evidence({**evidence.frames, RUNS: runs_of(printed_numbers(), seeds=seeds)})
    found = judged(few, name)
    assert found["verdict"] == NOT_TESTED
    assert words in found["note"]
    assert found["ours"] not in ("", "–")


def test_runs_of_one_seed_are_one_observation(evidence):
    """Methods and ε of one seed move together: what they say in common is said once."""
    shift = dict(enumerate([1.0, -0.6, 0.7, -0.4, 0.2]))

    def move(frame):
        of = (frame["dataset"] == "gesture") & (frame["setting"].str.contains("refinementcomprehensive"))
        frame.loc[of, "accuracy"] += frame.loc[of, "seed"].map(shift) * 3

    moved_ = changed(evidence, move)
    runs, pairs = moved_.frames[RUNS], refinement_pairs("gesture")
    gaps = []
    for one, other in pairs:
        both = [
            runs[(runs[list(of._asdict())] == list(of)).all(axis=1)].set_index("seed")["accuracy"]
            for of in (one, other)
        ]
        gaps.append(both[0] - both[1])
    found = difference(moved_, pairs)
    assert found.seeds == 5
    assert found.mean == pytest.approx(np.mean(gaps))
    assert found.each == pytest.approx([gap.mean() for gap in gaps])
    assert found.p == pytest.approx(stats.ttest_1samp(np.mean(gaps, axis=0), 0).pvalue)
    # All fifteen pairs of runs in one test would have told what five seeds do not.
    assert stats.ttest_1samp(np.concatenate(gaps), 0).pvalue < 0.05 < found.p
    assert judged(moved_, "refinement/gesture")["verdict"] == NOT_CONFIRMED


def test_only_seeds_that_have_every_run_are_compared(evidence):
    def otherwise(first):
        def move(frame):
            of = (frame["dataset"] == "gesture") & (frame["method"] == "rd_tse") & (frame["seed"] >= first)
            frame.loc[of, "seed"] += 5

        return difference(changed(evidence, move), refinement_pairs("gesture"))

    assert otherwise(3).seeds == 3
    with pytest.raises(Missing, match="share no seed"):
        otherwise(0)


CIFAR = {"dataset": "cifar10"}
DENSE_RUNS = "dataset == 'cifar10' and method == 'dense'"


@pytest.mark.parametrize(
    ("name", "points", "keys"),
    [
        ("ahead/cifar10/rd_tse", 0.8, CIFAR | {"method": "rd_tse", "setting": "eps20"}),  # behind at one ε only
        ("ahead/cifar10/fd_tse", 3.0, CIFAR | {"method": "fd_tse"}),
        ("not_worse/cifar10", 1.5, CIFAR | {"setting": "eps20_lambda1.0"}),
        ("sparser/cifar10", 2.0, CIFAR | {"setting": "eps30_lambda1.0"}),
        ("behind/cifar10", 1.0, CIFAR | {"method": "fd_tse"}),
        ("lead/cifar10/set_mlp", 0.6, CIFAR | {"method": "set_mlp"}),
        ("lead/cifar10/static", 3.0, CIFAR | {"method": "static"}),
        ("equal", 1.3, CIFAR | {"method": "static"}),
        ("gain", -2.5, CIFAR | {"method": "dense_ensemble"}),
        ("above_ensemble/fd_tse/10", -0.5, CIFAR | {"method": "fd_tse", "setting": "eps10"}),
        ("above_ensemble/fd_tse/20", 5.0, CIFAR | {"method": "fd_tse", "setting": "eps20"}),
        ("refinement/cifar10", 0.5, CIFAR | {"setting": "eps20_refinementcomprehensive", "method": "fd_tse"}),
        ("refinement/gesture", -1.0, {"dataset": "gesture", "setting": "eps20_refinementcomprehensive"}),
        ("refinement/higgs", 1.0, {"dataset": "higgs", "setting": "eps20_refinementcomprehensive"}),
        ("opposite/regrowth", -2.0, CIFAR | {"method": "edst_rg"}),
        ("opposite/refinement", 5.0, CIFAR | {"setting": "eps20_refinementcomprehensive"}),
        ("lambda", 1.5, {"dataset": "higgs", "setting": "eps10_lambda2.0"}),
    ],
)
def test_a_rule_refuses_what_it_says(evidence, name, points, keys):
    assert judged(moved(evidence, points, **keys), name)["verdict"] == NOT_CONFIRMED


@pytest.mark.parametrize("name", [name for name in CLAIMS if FASHION in name])
def test_of_other_pictures_the_same_is_asked(evidence, name):
    nothing = judged(evidence, name)
    assert nothing["verdict"] == NOT_TESTED
    assert nothing["note"].startswith("no run of Fashion-MNIST")
    runs = evidence.frames[RUNS]
    other = runs[runs["dataset"] == "cifar10"].assign(dataset=FASHION)
    both = Evidence({**evidence.frames, RUNS: pd.concat([runs, other])})
    found, own = judged(both, name), judged(both, name.replace(FASHION, "cifar10"))
    assert found["verdict"] == own["verdict"] == CONFIRMED
    assert found["ours"] == own["ours"]
    assert found["printed"] == ("–, –, –" if name.startswith("refinement") else "–")
    assert pd.isna(found["published"])
    worse = moved(both, 8.0, dataset=FASHION, setting="eps30_lambda1.0" if name.startswith("sparser") else "eps20")
    worse = moved(worse, 8.0, dataset=FASHION, setting="eps20_refinementcomprehensive")
    if name.startswith(("ahead", "behind")):
        worse = moved(
            worse, 9.0, dataset=FASHION, method="fd_tse" if "fd_tse" in name or "behind" in name else "rd_tse"
        )
    if name.startswith("sparser"):
        worse = moved(worse, 8.0, dataset=FASHION, setting="eps30_lambda1.5")
    assert judged(worse, name)["verdict"] == NOT_CONFIRMED


def test_noise_is_not_clear(evidence):
    def shake(frame):
        frame["accuracy"] += np.random.default_rng(3).normal(0, 8, len(frame))

    for name in ("behind/cifar10", "refinement/cifar10", "lead/cifar10/set_mlp"):
        assert judged(changed(evidence, shake), name)["verdict"] == NOT_CONFIRMED


def test_a_failed_method_that_the_journal_corrects_is_explained(evidence):
    assert judged(evidence, "fails/higgs/10")["verdict"] == CONFIRMED
    better = moved(evidence, 12.0, dataset="higgs", method="edst_rg", setting="eps10")
    assert judged(better, "fails/higgs/10")["verdict"] == EXPLAINED
    between = moved(evidence, 3.0, dataset="higgs", method="edst_rg", setting="eps10")
    assert judged(between, "fails/higgs/10")["verdict"] == NOT_CONFIRMED


@pytest.mark.parametrize(("column", "value"), [("status", "diverged"), ("balanced", 0.105)])
def test_what_diverges_or_learns_one_class_is_counted(evidence, column, value):
    def fail(frame):
        frame.loc[(frame["dataset"] == "cifar10") & (frame["method"] == "dense"), column] = value

    found = judged(changed(evidence, fail), "unstable/cifar10")
    # What the thesis says of its own framework is not decided by what is seen here.
    assert (found["verdict"], found["value"]) == (NOT_TESTED, len(evidence.frames[RUNS].query(DENSE_RUNS)))
    assert "other software" in found["note"]
    assert judged(evidence, "unstable/cifar10")["value"] == 0


def test_the_rate_of_the_dense_network_may_hold_it_back(evidence):
    def add(points):
        runs = evidence.frames[RUNS]
        dense = runs[(runs["dataset"] == "cifar10") & (runs["method"] == "dense")]
        other = dense.assign(setting="eta0.001", accuracy=dense["accuracy"] + points)
        return judged(Evidence({**evidence.frames, RUNS: pd.concat([runs, other])}), "rate")

    assert add(0.9)["verdict"] == CONFIRMED
    assert add(4.0)["verdict"] == NOT_CONFIRMED
    assert add(-4.0)["verdict"] == CONFIRMED


@pytest.mark.parametrize(("metric", "factor"), [("training_operations", 1.02), ("train_time", 1.2)])
def test_overhead_is_of_operations_and_of_time(evidence, metric, factor):
    def slow(frame):
        chosen = (frame["metric"] == metric) & (frame["refinement"] == "comprehensive")
        frame.loc[chosen, "value"] *= factor

    other = changed(evidence, slow, "thesis_table12")
    assert judged(other, "overhead/cifar10")["verdict"] == NOT_CONFIRMED


def test_faster_than_printed_is_explained_and_slower_is_not(evidence):
    def times(factor):
        def change(frame):
            chosen = (frame["method"] == "edst_rg") & (frame["metric"] == "train_time")
            frame.loc[chosen, "value"] *= factor

        return judged(changed(evidence, change, "thesis_table7"), "time/cifar10/20")["verdict"]

    assert [times(factor) for factor in (1.0, 0.2, 2.0)] == [CONFIRMED, EXPLAINED, NOT_CONFIRMED]


def test_a_common_factor_lies_where_all_printed_numbers_can_be():
    assert common_factor([(1.0, 1.5), (2.0, 3.0)], 0.1) == pytest.approx((1.45, 1.55))
    low, high = common_factor([(1.0, 1.5), (2.0, 2.0)], 0.1)
    assert low > high


def test_operations_without_a_common_factor_are_not_explained(evidence):
    def change(frame):
        frame.loc[(frame["metric"] == counts.OPERATIONS) & (frame["epsilon"] == 30), "value"] *= 3

    found = judged(changed(evidence, change, "thesis_counts"), "operations/cifar10/20")
    assert (found["verdict"], found["note"]) == (NOT_CONFIRMED, "no common factor")


def test_members_are_closer_only_where_it_is_clear(evidence):
    def at(nearer, ensembles=5):
        frame = tidy(made_up_members({"gesture": ensembles}, nearer), "thesis_figure10")
        return judged(Evidence({**evidence.frames, "thesis_figure10": frame}), "apart/gesture/rd_tse")["verdict"]

    assert [at(0.02), at(0.0), at(-0.02), at(0.02, 1)] == [CONFIRMED, NOT_CONFIRMED, NOT_CONFIRMED, NOT_TESTED]


def figure8(curves):
    rows = [
        {"panel": panel, "kind": "mean", "method": method, "x": x, "value": value}
        for (panel, method), values in curves.items()
        for x, value in zip((1, 2, 5, 10), values, strict=True)
    ]
    return Evidence({"thesis_figure8": pd.DataFrame(rows)})


def test_members_depth_and_width():
    falling, rising, up_down = (74.0, 73.5, 73.0, 72.0), (72.0, 72.5, 73.0, 74.0), (72.0, 74.0, 71.0, 73.0)
    one = figure8({("a", "edst_rg"): falling, ("a", "fd_tse"): falling})
    assert judged(one, "members/edst_rg")["verdict"] == CONFIRMED
    assert judged(one, "members/fd_tse")["verdict"] == NOT_CONFIRMED
    assert judged(figure8({("a", "fd_tse"): rising}), "members/fd_tse")["verdict"] == CONFIRMED
    assert judged(figure8({("b", name): rising for name in METHODS}), "alike/depth")["verdict"] == CONFIRMED
    mixed = {("b", name): values for name, values in zip(METHODS, (rising, up_down, falling, up_down), strict=True)}
    assert judged(figure8(mixed), "alike/depth")["verdict"] == NOT_CONFIRMED
    assert judged(figure8({("b", "edst_rg"): rising}), "alike/depth")["verdict"] == NOT_TESTED


def test_fair_baselines_are_judged_by_the_interval(thesis):
    def lower(spec, record):
        if spec.method in ("set_mlp_tse", "static_tse"):
            record["accuracy"]["test"] = 0.5 + 0.001 * spec.seed + (0.3 if spec.method == "static_tse" else 0)

    frame = pd.read_csv(make.table(thesis(change=lower), "thesis_verdicts")[0]).set_index("claim")
    assert frame["verdict"]["fair/cifar10/set_mlp_tse"] == CONFIRMED
    assert frame["verdict"]["fair/cifar10/static_tse"] == NOT_CONFIRMED
    alone = pd.read_csv(make.table(thesis(seeds=1, change=lower), "thesis_verdicts")[0])
    assert not alone.empty


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_are_not_enough_for_a_fair_comparison(thesis, seeds):
    frame = pd.read_csv(make.table(thesis(seeds=seeds), "thesis_verdicts")[0]).set_index("claim")
    fair = frame[frame.index.str.startswith("fair/")]
    assert set(fair["verdict"]) == {NOT_TESTED}
    assert fair["value"].notna().all()


def test_every_rule_judges_some_claim_and_claims_have_names_of_their_own():
    assert {claim.rule.name for claim in CLAIMS.values()} == {rule.name for rule in RULES}
    assert len(CLAIMS) == len(claims())
