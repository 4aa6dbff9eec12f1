"""The comparison of all methods: each on the datasets it shares with the baseline, and its tests are those of SciPy."""

import re

import numpy as np
import pytest
from scipy import stats

from truly_sparse.analysis.evidence import Evidence, written
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.statements import said
from truly_sparse.errors import UserError
from truly_sparse.studies import make
from truly_sparse.studies.across.catalogue import STUDY
from truly_sparse.studies.across.cells import BASELINE, METHODS, by_dataset, table_of, trainings, wanted
from truly_sparse.studies.across.findings import STATEMENTS
from truly_sparse.studies.across.tables import table1

from ..conftest import REPOSITORY


def drawn(spec):
    """Accuracies that hang on dataset, seed and method; sparse subnetworks are ahead everywhere."""
    rng = np.random.default_rng([len(spec.dataset), spec.seed, len(spec.setting), list(METHODS).index(spec.method)])
    return float(rng.uniform(0.6, 0.7)) + 0.2 * (spec.method == "sparse_subnetworks")


def cells_of(config):
    return by_dataset(Inputs(config, STUDY, STUDY.tables["across_table1"]))


def test_only_seeds_that_all_methods_have_count(across):
    config = across(drawn, 2, skip=("across/gesture/fd_tse/eps20/seed1", "across/pol/edst_rg/eps20/seed0"))
    cells = cells_of(config).set_index(["dataset", "method"])
    assert cells.loc[("gesture", BASELINE), "seeds"] == 1
    assert cells.loc[("pol", BASELINE), "seeds"] == 1
    assert cells.loc[("heloc", BASELINE), "seeds"] == 2
    assert cells.loc[("heloc", "fd_tse"), "operations"] == pytest.approx(0.5)
    assert cells.loc[("heloc", BASELINE), "operations"] == pytest.approx(1)


def test_a_method_without_a_run_on_a_dataset_has_no_row_there_and_is_not_ranked(across):
    config = across(drawn, 1, skip=("across/pol/spas_set_tse/eps20/seed0",))
    own = cells_of(config)
    assert set(own[own["dataset"] == "pol"]["method"]) == set(METHODS) - {"spas_set_tse"}
    table, datasets = make.built(config, "across_table1"), len(_datasets())
    after = table.frame.set_index(["method", "metric"])
    assert ("spas_set_tse", "rank") not in after.index
    assert after.loc[("spas_set_tse", "gain"), "datasets"] == datasets - 1
    whole = make.built(across(drawn, 1), "across_table1").frame.set_index(["method", "metric"])
    assert after.loc[("fd_tse", "gain"), "value"] == whole.loc[("fd_tse", "gain"), "value"]
    row = table.parts[0].cells.set_index("label").loc["SPaS-MLP, SPaSET, ensembles' schedule"]
    assert row["n"] == f"({datasets - 1}/{datasets})"
    assert row["rank"] == "–"
    assert row["accuracy"].endswith("†")


def test_a_method_without_any_run_has_a_row_that_says_so(across):
    skip = {f"across/{name}/edst_rg/eps20_refinementcomprehensive/seed0" for name in _datasets()}
    table = make.built(across(drawn, 1, skip=skip), "across_table1")
    row = table.parts[0].cells.set_index("label").loc["EDST_RG, comprehensive refinement"]
    assert row["n"] == f"(0/{len(_datasets())})"
    assert set(row.drop(["n", "refinement", "rate", "epochs"])) == {"–"}
    assert row["refinement"] == "compr."
    sentence = said(STATEMENTS, Evidence({"across_table1": table.frame}))["Order"][0]
    assert sentence.endswith("Not ranked, as runs are missing on some: EDST_RG, comprehensive refinement.")


def test_how_methods_train_is_said(across):
    inputs = Inputs(across(drawn, 1), STUDY, STUDY.tables["across_table1"])
    found = trainings(inputs)
    assert set(wanted(inputs).values()) == {len(_datasets())}
    assert {name: training.refinement for name, training in found.items()} == {
        **dict.fromkeys(METHODS, "comprehensive"),
        **dict.fromkeys(("sparse_subnetworks", "stochastic_subnetworks", "dense_ensemble_equal"), "none"),
        "edst_rg": "eta",
    }
    assert {name for name, training in found.items() if training.rate != 0.1} == {"dense_ensemble_equal"}
    assert found["dense_ensemble_equal"][1:] == (0.01, "5 × 4")
    assert found["sparse_subnetworks"].epochs == "245 + 6 × 35"
    assert found["fd_tse"].epochs == "350"


def test_gains_ranks_and_p_are_those_of_scipy(across):
    config = across(drawn, 1)
    cells = cells_of(config)
    table = cells.pivot_table("accuracy", "dataset", "method")
    inputs = Inputs(config, STUDY, STUDY.tables["across_table1"])
    frame = table1.tidy(cells, table_of(cells, "accuracy"), trainings(inputs), wanted(inputs))
    frame = frame.set_index(["method", "metric"])
    ranks = stats.rankdata(-table.to_numpy(), axis=1).mean(axis=0)
    for method, rank in zip(table.columns, ranks, strict=True):
        assert frame.loc[(method, "rank"), "value"] == pytest.approx(rank)
        if method == BASELINE:
            assert (method, "gain") not in frame.index
            continue
        difference = table[method] - table[BASELINE]
        gain = frame.loc[(method, "gain")]
        assert gain["value"] == pytest.approx(difference.mean())
        assert gain["wins"] == (difference > 0).sum()
        assert gain["p"] == pytest.approx(stats.wilcoxon(difference).pvalue)
        assert gain["p_holm"] >= gain["p"]
    best = frame.loc[("sparse_subnetworks", "gain")]
    assert best["wins"] == len(table)
    assert best["p_holm"] < 0.01


def test_a_method_that_diverged_is_last_in_rank_and_takes_nothing_from_the_others(across):
    whole = across(drawn, 2)
    before = make.built(whole, "across_table1").frame.set_index(["method", "metric"])
    cells = cells_of(whole)
    ahead = cells[cells["dataset"] == "pol"].set_index("method")["accuracy"]
    config = across(drawn, 2, diverged=[f"across/pol/spas_set_tse/eps20/seed{seed}" for seed in range(2)])
    table, datasets = make.built(config, "across_table1"), len(_datasets())
    after = table.frame.set_index(["method", "metric"])
    columns = ["value", "low", "high", "p", "datasets"]
    for metric in ("accuracy", "gain", "log_loss"):
        assert after.loc[("fd_tse", metric), columns].equals(before.loc[("fd_tse", metric), columns])
        assert after.loc[("spas_set_tse", metric), "datasets"] == datasets - 1
    assert after.loc[("spas_set_tse", "rank"), "datasets"] == datasets
    lost = ahead.rank(ascending=False)["spas_set_tse"]
    moved = after.loc[("spas_set_tse", "rank"), "value"] - before.loc[("spas_set_tse", "rank"), "value"]
    assert moved == pytest.approx((len(METHODS) - lost) / datasets)
    said_of_it = (
        "On Pol SPaS-MLP, SPaSET, ensembles' schedule diverged: last in rank there, and without it in their row."
    )
    assert said_of_it in table.parts[0].caption
    sentence = said(STATEMENTS, Evidence({"across_table1": after.reset_index()}))["Order"][0]
    assert f"over {datasets} datasets, where a network that diverges is last, the order is" in sentence
    by_name = make.built(config, "across_table2")
    (printed,) = by_name.parts
    assert printed.cells.set_index("dataset").loc["Pol", "spas_set_tse"] == "diverged"
    rows = by_name.frame[(by_name.frame["dataset"] == "pol") & (by_name.frame["method"] == "spas_set_tse")]
    assert rows["value"].isna().all()
    assert set(rows["note"]) == {"diverged"}


def test_a_method_of_which_one_seed_diverged_has_no_number_there(across):
    config = across(drawn, 2, diverged=["across/pol/spas_set_tse/eps20/seed1"])
    cells = cells_of(config).set_index(["dataset", "method"])
    assert np.isnan(cells.loc[("pol", "spas_set_tse"), "accuracy"])
    assert cells.loc[("pol", "fd_tse"), "seeds"] == 2


def test_what_the_same_refinement_gives_is_said(across):
    def shifted(spec):
        return 0.5 + 0.01 * ("refinement" in spec.setting) + 0.03 * (spec.method == "fd_tse")

    config = across(shifted, 1)
    for name in STUDY.tables:
        make.table(config, name)
    sentence = said(STATEMENTS, written(STUDY, config))["Refinement"][-1]
    assert "Over the 17 datasets" in sentence
    assert "FD-TSE differs from it by +2.00 points" in sentence
    assert "from EDST_RG with half the rate alone by +1.00 points" in sentence


def test_tables_figure_and_sentences_are_made(across):
    config = across(drawn, 2)
    for name in STUDY.tables:
        make.table(config, name)
    for name in STUDY.figures:
        make.figure(config, name)
    found = said(STATEMENTS, written(STUDY, config))
    text = (REPOSITORY / "paper/across/main.tex").read_text(encoding="utf-8")
    assert set(re.findall(r"\\Said([A-Z]\w*)", text)) == set(found)
    assert found["Order"][0].startswith(
        "By mean rank of accuracy over 17 datasets the order is Sparse subnetworks (1.00)"
    )
    assert "and better: Sparse subnetworks" in found["AgainstOne"][0]
    assert not any(re.search(r"nan|None|\d\.\d{5}", each) for sentences in found.values() for each in sentences)
    assert not any(said(STATEMENTS, Evidence({})).values())


def test_without_the_baseline_one_line_says_so(across):
    config = across(drawn, 1, skip={f"across/{name}/{BASELINE}/eps20/seed0" for name in _datasets()})
    with pytest.raises(UserError, match="no dataset has finished runs of one network and of another method"):
        make.table(config, "across_table1")


def _datasets():
    from truly_sparse.experiments.configuration import load_config

    return load_config(REPOSITORY / "config/across.yaml")["datasets"]
