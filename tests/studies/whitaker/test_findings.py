"""Page one: what is said of the committed tables is what they hold, and which datasets decide it."""

from pathlib import Path

import pytest

from truly_sparse.analysis.evidence import Evidence, written
from truly_sparse.analysis.formats import difference
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.reading import listed
from truly_sparse.analysis.statements import said
from truly_sparse.experiments.configuration import load_config
from truly_sparse.studies.whitaker.catalogue import STUDY
from truly_sparse.studies.whitaker.findings.listed import STATEMENTS

ROOT = Path(__file__).parents[3]
SMALL, LARGE, CONTROLS = "whitaker_table5_1", "whitaker_table5_2", "whitaker_controls"


@pytest.fixture
def evidence(monkeypatch):
    monkeypatch.chdir(ROOT)
    return written(STUDY, load_config(Path("config/whitaker.yaml")))


def gains(frame):
    """Points over one network by method and dataset, from the accuracies of the table."""
    rows = frame[(frame["metric"] == "accuracy") & frame["value"].notna()]
    rows = rows[~rows["setting"].isin(["lenet_s", "lenet_l"])]
    if "judged" in rows:
        rows = rows[rows["judged"].eq(True) & rows["optimiser"].eq("adam")]
    wide = rows.pivot_table("value", "method", "dataset")
    return wide - wide.loc["dense"]


def test_what_is_left_out_of_the_small_budget_is_named(evidence):
    wide = gains(evidence.frames[SMALL])
    shown = ["sse_np", "sse_r", "bagging", "dropout", "sse_fresh", "sparse_ensemble"]
    lacking = [dataset_title(name) for name in wide.columns if wide[name].isna().any()]
    whole = wide.dropna(axis="columns")
    sentence, controls = said(STATEMENTS, evidence)["Reproduced"][1:]
    without = f" (without {listed(lacking)}, where one of them has no runs)" if lacking else ""
    assert f"over {len(whole.columns)} datasets{without}: " in sentence
    for method in shown:
        assert f"{method_title(method)} {difference(whole.loc[method].mean(), 2)} (" in sentence
    assert "sixteen epochs in all; here eight times as many" in sentence
    means = whole.mean(axis=1)
    both = (means[["sse_fresh", "sparse_ensemble"]] > means["sse_np"]).all()
    assert controls.endswith("both are above children of parts.") == both


def test_controls_that_are_behind_are_called_so(evidence):
    frame = evidence.frames[SMALL].copy()
    fresh = frame["method"].isin(["sse_fresh", "sparse_ensemble"]) & (frame["metric"] == "gain_accuracy")
    frame.loc[fresh, "value"] = -5.0
    sentence = said(STATEMENTS, Evidence({**evidence.frames, SMALL: frame}))["Reproduced"][2]
    assert sentence.endswith("in this mean neither is above children of parts.")
    frame.loc[fresh & (frame["method"] == "sse_fresh"), "value"] = 5.0
    sentence = said(STATEMENTS, Evidence({**evidence.frames, SMALL: frame}))["Reproduced"][2]
    assert sentence.endswith("in this mean the first is above children of parts.")


def test_means_of_the_large_budget_stand_beside_those_without_gesture(evidence):
    wide = gains(evidence.frames[LARGE])
    shown = ["sse_np", "stochastic", "snapshot", "fge", "mc_dropout", "noisy"]
    means, rest = wide.mean(axis=1), wide.drop(columns="gesture").mean(axis=1)
    sentence, alone = said(STATEMENTS, evidence)["Large"]
    for method in shown:
        own = wide.loc[method].dropna().round(9)
        text = sentence.split(f"{method_title(method)} {difference(means[method], 2)} (")[1].split(")")[0]
        assert text.split("; ")[1:] == [difference(rest[method], 2), f"{(own > 0).sum()} of {len(own)}"]
    turned = (means[shown] * rest[shown] < 0).sum()
    assert f"turns the sign of {turned} of these {len(shown)} means" in alone
    lowest, highest = wide.loc[shown, "gesture"].min(), wide.loc[shown, "gesture"].max()
    assert f"where they are {difference(lowest, 1)} to {difference(highest, 1)}, " in alone


def test_without_gesture_nothing_is_said_of_it(evidence):
    frames = {name: evidence.frames[name] for name in (LARGE, CONTROLS)}
    found = said(STATEMENTS, Evidence({name: frame[frame["dataset"] != "gesture"] for name, frame in frames.items()}))
    assert len(found["Large"]) == 1
    assert not any("Gesture" in sentence for sentence in (*found["Large"], *found["Controls"]))


def test_controls_stand_beside_those_without_gesture(evidence):
    frame = evidence.frames[CONTROLS]
    own = frame[(frame["setting"] == "whitaker_large") & ~frame["dataset"].isin(["all", "gesture"])]
    rest = own.groupby("method")["value"].mean()
    (sentence,) = said(STATEMENTS, evidence)["Controls"]
    fresh = sentence.split(" to the same links with fresh values (")[1].split(")")[0]
    assert fresh.split("; ")[1] == difference(rest["sse_fresh"], 2)
