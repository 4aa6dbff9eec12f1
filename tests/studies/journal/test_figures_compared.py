"""The figures and tables that compare: ranks over datasets, what helps, table 5c; against scipy on the same runs."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.runs import frame_of
from truly_sparse.analysis.statistics.over_datasets import over_datasets
from truly_sparse.analysis.style import style
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.records import run_folder
from truly_sparse.studies import make
from truly_sparse.studies.journal.catalogue import FIGURES, STUDY, TABLES
from truly_sparse.studies.journal.figures import effects, ranks
from truly_sparse.studies.journal.tables import ablation_points

ENSEMBLES = ("edst_rg", "rd_tse", "fd_tse", "dist_tse")


def finished(config, experiment):
    """Return the finished runs of one experiment."""
    return frame_of(Inputs(config, STUDY, TABLES["ablations"]).of(experiment))


def drawn(module, frame, preset="paper"):
    with style():
        figure = module.draw(frame, preset)
        figure.canvas.draw()
    return figure, " ".join(text.get_text() for text in figure.findobj(match=lambda item: hasattr(item, "get_text")))


def test_ranks_are_those_of_scipy(varied):
    frame = pd.read_csv(make.figure(varied, "ranks")[2])
    wide = finished(varied, "table2").pivot_table(index="dataset", columns="method", values="accuracy")
    found = frame[frame["kind"] == "average_rank"].set_index("method")["value"]
    expected = wide.rank(axis=1, ascending=False).mean()
    pd.testing.assert_series_equal(found.sort_index(), expected.sort_index(), check_names=False)
    p = stats.friedmanchisquare(*wide.to_numpy().T).pvalue
    assert frame.loc[frame["kind"] == "friedman_p", "value"].item() == pytest.approx(p)
    pair = frame[(frame["method"] == "dense") & (frame["other"] == "edst_rg")].set_index("kind")["value"]
    assert pair["wilcoxon_p"] == pytest.approx(stats.wilcoxon(wide["dense"], wide["edst_rg"]).pvalue)
    assert pair["wilcoxon_p_holm"] >= pair["wilcoxon_p"]
    assert (frame["kind"] == "accuracy").sum() == 14 * 7
    _, words = drawn(ranks, frame)
    assert "14 of 14 datasets" in words
    assert "settle nothing" not in words


def test_all_pairs_are_corrected_together():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal([0, 0.5, 1, 3], size=(12, 4)), columns=list("abcd"))
    pairs = over_datasets(table).pairs
    assert len(pairs) == 6
    ordered = pairs.sort_values("wilcoxon_p")
    by_hand = (ordered["wilcoxon_p"] * np.arange(6, 0, -1)).cummax().clip(upper=1)
    np.testing.assert_allclose(ordered["wilcoxon_p_holm"], by_hand)


@pytest.mark.parametrize("datasets", [0, 1, 4, 6])
def test_ranks_say_on_how_few_datasets_they_rest(varied, repository, datasets):
    names = {spec.dataset for spec in runs(varied, "table2")}
    kept = sorted(names)[:datasets]
    for spec in runs(varied, "table2"):
        if spec.dataset not in kept and spec.method == "static":
            (repository / run_folder(varied, spec) / "run.json").unlink(missing_ok=True)
    frame = ranks.data(Inputs(varied, STUDY, FIGURES["ranks"]))
    _, words = drawn(ranks, frame)
    assert f"{datasets or 14} of 14 datasets" in words
    assert ("Nothing to rank yet" in words) == (datasets == 1)
    assert ("settle nothing" in words) == (datasets == 4)
    # A model without any run is left out, and named, as in Table 2.
    assert ("without Static sparse" in words) == (datasets == 0)


def test_table_5c_is_wilcoxons_test_over_datasets(varied):
    frame = pd.read_csv(make.table(varied, "table5")[0])
    found = frame[frame["dataset"] == "tabular14"].set_index(["method", "metric"])["value"]
    wide = finished(varied, "table2").pivot_table(index="dataset", columns="method", values="accuracy")
    p_values = []
    for method in ENSEMBLES[1:]:
        gaps = wide[method] - wide["edst_rg"]
        assert found[method, "datasets_difference"] == pytest.approx(gaps.mean())
        assert found[method, "datasets_wilcoxon_p"] == pytest.approx(stats.wilcoxon(gaps).pvalue)
        assert found[method, "datasets_dz"] == pytest.approx(gaps.mean() / gaps.std())
        assert found[method, "datasets_bootstrap_low"] < gaps.mean() < found[method, "datasets_bootstrap_high"]
        p_values.append((found[method, "datasets_wilcoxon_p"], found[method, "datasets_wilcoxon_p_holm"]))
    assert min(p_values)[1] == pytest.approx(min(1, 3 * min(p_values)[0]))
    four = wide[list(ENSEMBLES)].rank(axis=1, ascending=False).mean()
    assert found["fd_tse", "datasets_average_rank"] == pytest.approx(four["fd_tse"])


def test_table_5_needs_no_tabular_datasets(varied):
    less = varied | {"experiments": {"table1": varied["experiments"]["table1"]}}
    table = make.built(less, "table5")
    assert [part.number for part in table.parts] == ["5a", "5b"]
    assert "tabular14" not in set(table.frame["dataset"])


def test_what_helps_shows_means_with_intervals_within_seeds(varied):
    frame = pd.read_csv(make.figure(varied, "effects")[2])
    runs_ = finished(varied, "refinement")
    pol = runs_[runs_["dataset"] == "pol"].pivot_table(
        index="seed", columns=["method", "refinement"], values="accuracy"
    )
    free = pol.sub(pol.mean(axis=1), axis=0) + pol.to_numpy().mean()
    half = stats.t.ppf(0.975, len(pol) - 1) * free.std() * np.sqrt(16 / 15) / np.sqrt(len(pol))
    panel = frame[(frame["panel"] == "a") & (frame["dataset"] == "pol")].set_index(["method", "setting"])
    np.testing.assert_allclose(panel["value"], pol.mean().loc[panel.index])
    np.testing.assert_allclose(panel["high"] - panel["value"], half.loc[panel.index])
    np.testing.assert_allclose(panel["value"] - panel["low"], half.loc[panel.index])
    assert set(frame["panel"]) == {"a", "b", "c"}
    # Gesture at three epsilons, HIGGS and six tabular datasets; all eight with other features.
    assert frame[frame["panel"] == "a"].groupby(["dataset", "epsilon"]).ngroups == 10
    assert frame[frame["panel"] == "b"]["dataset"].nunique() == 8
    figure, words = drawn(effects, frame.assign(partial=""))
    assert sum(axes.get_visible() for part in figure.subfigs for axes in part.axes) == 10 + 8 + 8
    for said in ("random", "decay times η", "5 SET-MLPs, equal cost"):
        assert said in words
    assert figure.get_figheight() < 10


def test_what_helps_is_drawn_from_whatever_has_finished(varied, repository):
    for spec in runs(varied):
        # FD-TSE as printed is in both experiments.
        others = spec.experiment in ("preprocessing", "protocol") or spec.method == "fd_tse"
        if others or spec.dataset != "gesture" or spec.seed:
            (repository / run_folder(varied, spec) / "run.json").unlink(missing_ok=True)
    frame = effects.data(Inputs(varied, STUDY, FIGURES["effects"]))
    assert set(frame["panel"]) == {"a"}
    assert frame["low"].isna().all()  # single runs have no interval
    figure, _ = drawn(effects, frame, "quick")
    assert "not the paper's experiment" in figure.get_suptitle()


def test_points_of_every_dataset_and_of_all_together(varied):
    frame = pd.read_csv(make.table(varied, "ablations")[0])
    found = frame[frame["metric"] == "contrast"]
    runs_ = finished(varied, "refinement")
    at = found[(found["setting"] == "refinement") & (found["contrast"] == "fd_tse - edst_rg")]
    for (dataset, epsilon), part in runs_.groupby(["dataset", "epsilon"]):
        cells = part.pivot_table(index="method", columns="refinement", values="accuracy")
        row = at[(at["dataset"] == dataset) & (at["epsilon"] == epsilon)].iloc[0]
        assert row["value"] == pytest.approx((cells.loc["fd_tse"] - cells.loc["edst_rg"]).mean())
        assert row["low"] < row["value"] < row["high"]
    pooled = at[at["dataset"] == ablation_points.POOLED]
    assert len(pooled) == 1
    assert pooled["note"].item() == "over 8 datasets"
    assert pooled["seeds"].item() == (runs_["epsilon"] == 20).sum()
    printed = ablation_points.cells(found)
    assert "Over 8 datasets" in set(printed["dataset"])
    assert "FD-TSE less random" in set(printed["contrast"])
    assert not printed["contrast"].str.contains(":|×").any()


def test_every_target_has_a_name_of_its_own():
    """The workflow makes a rule of each name, so that a table and a figure cannot share one."""
    assert not set(TABLES) & set(FIGURES)


def test_optional_measurements_are_those_of_the_configuration():
    entry = TABLES["verdicts"]
    assert entry.measurements_of({"measurements": {"topology": {}}}) == ["topology"]
    assert entry.fits({"experiments": {"table1": []}, "measurements": {}})
