"""Tables and figures of the thesis, made from made-up runs."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from truly_sparse.analysis.published import load
from truly_sparse.engine import topology
from truly_sparse.errors import UserError
from truly_sparse.studies import make, show
from truly_sparse.studies.thesis import counts
from truly_sparse.studies.thesis.catalogue import FIGURES, STUDY, TABLES
from truly_sparse.studies.thesis.member_topology import tidy

from ..conftest import REPOSITORY
from ..made_up import METHODS
from .conftest import made_up_members

MISSING = "thesis_table7/cifar10/rd_tse/eps10/seed1"
ABLATED = "thesis_refinement/cifar10/fd_tse/eps20_refinementeta/seed2"


@pytest.mark.parametrize("seeds", [1, 2])
def test_everything_can_be_made_however_few_the_seeds(thesis, seeds):
    config = thesis(seeds)
    assert set(STUDY.offered_tables(config)) == set(TABLES)
    for name in TABLES:
        csv, tex = make.table(config, name)
        frame = pd.read_csv(csv)
        assert set(frame["table"]) == {name}
        text = tex.read_text(encoding="utf-8")
        assert r"\begin{longtable}" in text
        assert not re.search(r"\bnan\b|None", text)
    for name in FIGURES:
        pdf, png, csv = make.figure(config, name)
        assert pdf.exists()
        assert png.exists()
        assert set(pd.read_csv(csv)["figure"]) == {name}


def test_missing_runs_are_said(thesis):
    config = thesis(skip=(MISSING, ABLATED))
    csv, tex = make.table(config, "thesis_table7")
    assert "1 of 5 runs missing (seed 1)" in tex.read_text()
    assert set(pd.read_csv(csv)["dataset"]) == {"cifar10"}
    frame = pd.read_csv(make.table(config, "thesis_table12")[0])
    row = frame[(frame["setting"] == "eps20_refinementeta") & (frame["method"] == "fd_tse")]
    row = row[row["dataset"] == "cifar10"]
    assert set(row["note"]) == {"4 of 5 runs"}
    assert set(row["seeds"]) == {4}


def test_without_any_run_of_cifar10_its_table_is_one_line(thesis):
    config = thesis(seeds=0)
    with pytest.raises(UserError, match="no finished run of thesis_table7, thesis_dense"):
        make.table(config, "thesis_table7")
    with pytest.raises(UserError, match="run `snakemake --cores 1 runs_thesis_fashion` first") as error:
        show.report(config, "thesis_fashion")
    assert "\n" not in str(error.value)


def test_the_page_says_what_has_no_runs():
    text = (REPOSITORY / "docs/thesis.md").read_text(encoding="utf-8")
    (said,) = re.findall(r"Without runs yet: (.*?)\.", text)
    results = REPOSITORY / "results/thesis"
    made = [*(results / "tables").glob("*.csv"), *(results / "figures").glob("*.csv")]
    assert re.findall(r"`(\w+)`", said) == [
        name for name in (*TABLES, *FIGURES) if name not in {path.stem for path in made}
    ]


def test_tables_8_and_9_have_both_sources(thesis):
    config = thesis(2)
    for name, dataset in (("thesis_table8", "gesture"), ("thesis_table9", "higgs")):
        csv, tex = make.table(config, name)
        frame = pd.read_csv(csv)
        frame = frame[frame["metric"] == "test_accuracy"].set_index(["method", "setting"])
        journal = load("journal_table1")
        journal = journal[(journal["dataset"] == dataset) & (journal["metric"] == "test_accuracy")]
        journal = journal.set_index(["method", "setting"])["published"].reindex(frame.index)
        pd.testing.assert_series_equal(frame["journal"], journal, check_names=False)
        assert frame["published"].notna().sum() == len(frame)
        assert "& journal" in tex.read_text() or "{journal}" in tex.read_text()


def test_the_lead_over_a_baseline_is_over_common_seeds(thesis):
    frame = pd.read_csv(make.table(thesis(), "thesis_fair")[0])
    row = frame[(frame["dataset"] == "cifar10") & (frame["method"] == "set_mlp_tse")].iloc[0]
    assert row["pairs"] == 5
    assert row["low"] < row["lead"] < row["high"]
    ensembles = frame[(frame["dataset"] == "cifar10") & frame["method"].isin(METHODS)]
    assert row["lead"] == pytest.approx(ensembles["value"].mean() - row["value"])
    assert ensembles["lead"].isna().all()
    dense = frame[(frame["dataset"] == "cifar10") & (frame["method"] == "dense")]
    assert set(dense["setting"]) == {"eta0.0001", "eta0.001", "eta0.01"}
    assert dense["low"].isna().all()
    published = dense.set_index("setting")["lead_published"]
    assert published["eta0.0001"] == pytest.approx((62.0 + 61.5 + 60.7 + 61.0) / 4 - 57.0)


def test_links_are_those_that_starts_have_on_average():
    sizes, rng = [3072, 1000, 1000, 1000, 10], np.random.default_rng(0)
    for epsilon, inner in ((10, 80_720), (20, 161_440), (30, 242_160)):
        expected = counts.expected_links(sizes, epsilon)
        assert sum(expected[:-1]) == inner
        assert expected[-1] == 10_000
        drawn = [len(topology.erdos_renyi(a, b, epsilon, rng)) for a, b in zip(sizes, sizes[1:], strict=False)]
        for own, mean, (a, b) in zip(drawn, expected, zip(sizes, sizes[1:], strict=False), strict=True):
            p = mean / (a * b)
            assert abs(own - mean) <= 4 * np.sqrt(a * b * p * (1 - p))


def test_counts_are_those_of_the_sources_and_of_records(thesis):
    frame = pd.read_csv(make.table(thesis(1), "thesis_counts")[0])
    own = frame[frame["dataset"] == "cifar10"].pivot_table("value", "epsilon", "metric")
    assert own["weights_ratio_inner"].round(2).tolist() == [0.08, 0.16, 0.24]
    assert own["weights_ratio"].round(2).tolist() == [0.09, 0.17, 0.25]
    assert own["training_operations_ratio"].round(3).tolist() == [0.019, 0.036, 0.052]
    dense = frame[(frame["metric"] == "dense_operations")].set_index("dataset")
    assert dense["value"]["cifar10"] == 3 * 5_085_010 * 40_000 * 350
    assert (dense["value"] / dense["published"]).between(0.95, 1.0).all()


def test_hyperparameters_stand_beside_the_printed_ones(thesis):
    frame = pd.read_csv(make.table(thesis(1), "thesis_table10")[0])
    own = frame[frame["dataset"] != "tabular14"]
    # All as printed but for the start values of HIGGS.
    assert set(own.loc[~own["same"], "dataset"]) == {"higgs"}
    assert set(own.loc[~own["same"], "metric"]) == {"weight_init"}


def test_means_of_members_are_over_pairs_then_ensembles():
    measured = made_up_members({"gesture": 3})
    frame = tidy(measured, "figure")
    means = frame[(frame["kind"] == "distance_mean") & (frame["method"] == "rd_tse")].set_index("block")
    own = measured[measured["method"] == "rd_tse"]
    by_ensemble = own[own["block"] == 0].groupby("seed")["distance"].mean()
    assert means["value"]["0"] == pytest.approx(by_ensemble.mean())
    assert means["std"]["0"] == pytest.approx(by_ensemble.std())
    assert means["value"]["all"] == pytest.approx(own["distance"].mean())
    assert means["ensembles"].tolist() == [3, 3, 3]


def test_distances_are_checked_for_normality_by_hundreds(thesis):
    frame = pd.read_csv(make.table(thesis(1), "thesis_verdicts")[0]).set_index("claim")
    assert frame["verdict"]["gaussian/cifar10"] == "confirmed"
    assert frame["verdict"]["gaussian/higgs"] == "not confirmed"
    drawn = pd.read_csv("results/thesis/measured/distances.csv")
    values = drawn[(drawn["dataset"] == "gesture") & (drawn["draws"] == 1000)]["row_wise"].to_numpy().reshape(10, 100)
    normal = sum(stats.shapiro(row).pvalue > 0.05 for row in values)
    assert frame["ours"]["gaussian/gesture"] == f"{normal} of 10"


def test_a_table_is_shown_by_its_name(thesis):
    assert "Table VII: published and measured here" in show.report(thesis(1), "thesis_table7")
