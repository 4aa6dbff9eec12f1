"""Table P2 and figure "peers": where the proposed ensembles win and where they lose, against scipy on Table P1."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.style import style
from truly_sparse.analysis.tse import PROPOSED
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.records import run_folder
from truly_sparse.studies import make
from truly_sparse.studies.journal.catalogue import FIGURES, STUDY, TABLES
from truly_sparse.studies.journal.figures import peers
from truly_sparse.studies.journal.tables import baseline_peers
from truly_sparse.studies.journal.tables.baseline_peers import ALL, OURS


def of(frame, metric):
    """Return means of one measure, datasets by methods, with the mean of the proposed ensembles."""
    part = frame[(frame["metric"] == metric) & (frame["split"] != "videos") & (frame["dataset"] != ALL)]
    wide = part.pivot_table(index="dataset", columns="method", values="value")
    return wide.assign(proposed=wide[list(PROPOSED)].sum(axis=1) / 3)


def test_p2_compares_pairs_of_datasets(varied):
    frame = pd.read_csv(make.table(varied, "baselines")[0])
    found = frame[frame["dataset"] == ALL].set_index(["method", "metric"])["value"]
    accuracy, error, fit = of(frame, "accuracy"), of(frame, "ece"), of(frame, "fit_seconds")
    peers_ = [name for name in accuracy if name not in (*PROPOSED, OURS)]
    assert set(found.index.get_level_values("method")) == set(peers_)
    p_values = {}
    for method in peers_:
        gaps = (accuracy[OURS] - accuracy[method]).dropna()
        interval = stats.ttest_1samp(gaps, 0).confidence_interval(0.95)
        assert found[method, "ahead_difference"] == pytest.approx(gaps.mean())
        assert (found[method, "ahead_low"], found[method, "ahead_high"]) == pytest.approx(tuple(interval))
        assert found[method, "better_accuracy"] == (gaps > 0).sum()
        assert found[method, "better_ece"] == (error[OURS] < error[method]).sum()
        assert found[method, "ratio_fit_seconds"] == pytest.approx(stats.gmean((fit[OURS] / fit[method]).dropna()))
        p_values[method] = found[method, "ahead_wilcoxon_p"]
        assert p_values[method] == pytest.approx(stats.wilcoxon(gaps).pvalue)
    least = min(p_values, key=p_values.get)
    assert found[least, "ahead_wilcoxon_p_holm"] == pytest.approx(min(1, len(peers_) * p_values[least]))


def row(dataset, method, value, split="random"):
    return {
        "dataset": dataset,
        "split": split,
        "method": method,
        "metric": "accuracy",
        "value": value,
        "seeds": 3,
        "note": "",
    }


def made_up(dataset, ours, **others):
    three = [row(dataset, name, ours + gap) for name, gap in zip(PROPOSED, (-1, 0, 1), strict=True)]
    return [*three, *(row(dataset, name, value) for name, value in others.items())]


def test_a_dataset_without_all_three_ensembles_does_not_count():
    rows = [*made_up("a", 80.0, dense=70.0), *made_up("b", 80.0, dense=75.0)[1:], *made_up("c", 80.0, dense=76.0)]
    found = baseline_peers.tidy(pd.DataFrame(rows)).set_index("metric")["value"]
    assert found["ahead_difference"] == pytest.approx(7.0)
    assert baseline_peers.tidy(pd.DataFrame(made_up("b", 80.0)[1:])).empty


def test_a_method_of_ones_own_stands_in_p2(varied):
    inputs = Inputs(varied, STUDY, TABLES["baselines"])
    frame = pd.DataFrame([*made_up("a", 80.0, mine=70.0, dense=60.0), *made_up("b", 80.0, mine=75.0, dense=65.0)])
    printed = baseline_peers.part(inputs, frame, baseline_peers.tidy(frame))
    assert printed.cells["method"].tolist() == ["Dense", "mine"]
    assert printed.cells["difference"].tolist() == ["+17.50", "+7.50"]


def test_datasets_are_named_where_models_lie_apart():
    rows = [
        *made_up("pol", 90.0, dense=80.0, random_forest=85.0, edst_rg=99.0),
        *made_up("heloc", 70.0, dense=70.5),
        *made_up("jannis", 70.0, dense=60.0, random_forest=75.0),
        *(row("pol", name, 10.0, "videos") for name in PROPOSED),
    ]
    ahead, behind = baseline_peers.named(pd.DataFrame(rows))
    assert ahead == "More accurate than every single model on 1 of 3 datasets (points): Pol +5.0."
    assert behind == "Behind the best of them by 1 point or more: Jannis −5.0 (Random forest)."


def test_peers_are_drawn_as_far_from_the_ensembles_as_they_are(varied):
    frame = pd.read_csv(make.figure(varied, "peers")[2])
    accuracy = of(pd.read_csv(make.table(varied, "baselines")[0]), "accuracy")
    panel = frame[(frame["panel"] == "a") & (frame["split"] != "videos")].set_index(["dataset", "method"])["value"]
    for (dataset, method), value in panel.items():
        assert value == pytest.approx(accuracy.loc[dataset, method] - accuracy.loc[dataset, OURS])
    assert (panel.xs(OURS, level="method") == 0).all()
    with style():
        figure = peers.draw(frame.assign(partial=""), "quick")
        figure.canvas.draw()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == len(set(labels)) == frame.groupby(["dataset", "split"]).ngroups
    assert any(label.endswith("videos held out") for label in labels)
    assert "not the paper's experiment" in figure.get_suptitle()
    drawn = np.concatenate([line.get_xdata() for line in figure.axes[0].get_lines()])
    assert len(drawn) == (frame["panel"] == "a").sum()


def test_peers_leave_out_a_dataset_without_ensembles(varied, repository):
    for spec in runs(varied):
        if (spec.dataset, spec.method) == ("pol", "rd_tse"):
            (repository / run_folder(varied, spec) / "run.json").unlink(missing_ok=True)
    frame = peers.data(Inputs(varied, STUDY, FIGURES["peers"]))
    assert "pol" not in set(frame["dataset"])
    assert "heloc" in set(frame["dataset"])
