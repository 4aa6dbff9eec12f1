"""The comparison of all methods: only what all have counts, and its tests are those of SciPy."""

import re

import numpy as np
import pytest
from scipy import stats

from truly_sparse.analysis.evidence import Evidence, written
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.statements import said
from truly_sparse.errors import UserError
from truly_sparse.experiments.grid import runs
from truly_sparse.studies import make
from truly_sparse.studies.across.catalogue import STUDY
from truly_sparse.studies.across.cells import BASELINE, METHODS, by_dataset, table_of
from truly_sparse.studies.across.findings import STATEMENTS
from truly_sparse.studies.across.tables import table1

from ..conftest import REPOSITORY


def drawn(spec):
    """Accuracies that hang on dataset, seed and method; sparse subnetworks are ahead everywhere."""
    rng = np.random.default_rng([len(spec.dataset), spec.seed, list(METHODS).index(spec.method)])
    return float(rng.uniform(0.6, 0.7)) + 0.2 * (spec.method == "sparse_subnetworks")


def cells_of(config):
    return by_dataset(Inputs(config, STUDY, STUDY.tables["across_table1"]))


def test_only_seeds_that_all_methods_have_count(across):
    config = across(drawn, 2, skip=("across/gesture/fd_tse/eps20/seed1", "across/pol/edst_rg/eps20/seed0"))
    cells = cells_of(config).set_index(["dataset", "method"])
    assert cells.loc[("gesture", BASELINE), "seeds"] == 1
    assert cells.loc[("pol", BASELINE), "seeds"] == 1
    assert cells.loc[("heloc", BASELINE), "seeds"] == 2
    assert cells.loc[("heloc", BASELINE), "operations"] == pytest.approx(0.5)
    assert cells.loc[("heloc", "fd_tse"), "operations"] == pytest.approx(1)


def test_a_dataset_on_which_a_method_has_no_run_is_left_out(across):
    config = across(drawn, 1, skip=("across/pol/spas_set_tse/eps20/seed0",))
    assert "pol" not in set(cells_of(config)["dataset"])


def test_gains_ranks_and_p_are_those_of_scipy(across):
    config = across(drawn, 1)
    cells = cells_of(config)
    table = cells.pivot_table("accuracy", "dataset", "method")
    frame = table1.tidy(cells, table_of(cells, "accuracy")).set_index(["method", "metric"])
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


def test_a_method_that_diverged_is_last_in_rank_and_its_dataset_in_no_mean(across):
    before = make.built(across(drawn, 2), "across_table1").frame.set_index(["method", "metric"])
    config = across(drawn, 2, diverged=[f"across/pol/spas_set_tse/eps20/seed{seed}" for seed in range(2)])
    table, datasets = make.built(config, "across_table1"), len(_datasets())
    after = table.frame.set_index(["method", "metric"])
    assert after.loc[("fd_tse", "accuracy"), "datasets"] == after.loc[("fd_tse", "gain"), "datasets"] == datasets - 1
    assert after.loc[("fd_tse", "rank"), "datasets"] == before.loc[("fd_tse", "accuracy"), "datasets"] == datasets
    ahead = [
        np.mean(
            [drawn(spec) for spec in runs(config) if spec.dataset == "pol" and spec.method == name and spec.seed < 2]
        )
        for name in METHODS
    ]
    lost = stats.rankdata(-np.array(ahead))[METHODS.index("spas_set_tse")]
    moved = after.loc[("spas_set_tse", "rank"), "value"] - before.loc[("spas_set_tse", "rank"), "value"]
    assert moved == pytest.approx((len(METHODS) - lost) / datasets)
    said_of_it = "On Pol, which is in no mean, SPaS-MLP, SPaSET, ensembles' schedule diverged and is last in rank."
    assert said_of_it in table.parts[0].caption
    sentence = said(STATEMENTS, Evidence({"across_table1": after.reset_index()}))["Order"][0]
    assert f"over {datasets} datasets, where a network that diverges is last, the order is" in sentence


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


def test_without_a_whole_dataset_one_line_says_so(across):
    config = across(drawn, 1, skip={f"across/{name}/fd_tse/eps20/seed0" for name in _datasets()})
    with pytest.raises(UserError, match="no dataset has finished runs of all methods"):
        make.table(config, "across_table1")


def _datasets():
    from truly_sparse.experiments.configuration import load_config

    return load_config(REPOSITORY / "config/across.yaml")["datasets"]
