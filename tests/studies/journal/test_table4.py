"""Journal Table 4, from a made-up measurement of the re-initialisation of blocks."""

import numpy as np
import pandas as pd
import pytest

from truly_sparse.analysis import published
from truly_sparse.experiments.configuration import load_config
from truly_sparse.studies import make
from truly_sparse.studies.journal.tables import table4
from truly_sparse.studies.show import report

from ..made_up import made_up_scalability


@pytest.fixture
def config(repository, committed):
    config = load_config(repository / "config/journal.yaml")
    committed(config, "scalability", made_up_scalability())
    return config


def test_times_and_iterations_stand_beside_the_published_ones(config):
    csv, tex = make.table(config, "table4")
    frame = pd.read_csv(csv, keep_default_na=False, na_values=[""])
    assert set(frame["table"]) == {"table4"}
    by = frame.set_index(["method", "setting", "metric"])
    time = by.loc["rd_tse", "eps10_n5000", "running_time"]
    repeated = 5 * np.array([1.0, 1.1, 1.2, 1.3])
    assert time["value"] == pytest.approx(repeated.mean())
    assert time["std"] == pytest.approx(repeated.std(ddof=1))
    assert (time["published"], time["published_std"], time["seeds"]) == (0.387, 0.03, 4)
    assert time["difference"] == pytest.approx(5.75 - 0.387)
    # The printed numbers do not say which distance was used, and stand beside both.
    for distance in ("row_wise", "all_pairs"):
        drawn = by.loc["dist_tse", f"eps10_lambda1.5_n1000_{distance}", "iterations"]
        assert drawn["published"] == 109.8
        assert 101 <= drawn["value"] <= 130
    assert frame.loc[frame["method"] == "edst_rg", "published"].isna().all()
    assert set(frame.loc[frame["metric"] == "iterations", "method"]) == {"dist_tse"}
    text = tex.read_text()
    assert "all pairs" in text
    assert "20,000" in text
    assert r"11.65 $\pm$ 1.03" in text
    assert list(dict.fromkeys(frame["method"])) == ["edst_rg", "rd_tse", "dist_tse"]
    assert frame.groupby(["method", "distance"], dropna=False)["n"].apply(lambda n: n.is_monotonic_increasing).all()


def test_growth_is_the_power_of_the_links(config):
    said = report(config, "table4")
    assert "EDST_RG1.0,RD-TSE1.0,Dist-TSE(rowbyrow)1.0,Dist-TSE(allpairs)2.0" in "".join(said.split())
    assert max(map(len, said.splitlines())) <= 100


def test_every_published_number_finds_its_row():
    """All printed sizes and methods have a row when they are measured."""
    printed = published.load("journal_table4")
    rows = []
    for n in (1000, 5000, 10000, 15000):
        for method in ("rd_tse", "fd_tse", "dist_tse"):
            far = {"distance": "row_wise", "lambda": 1.5, "draws": 110.0} if method == "dist_tse" else {}
            rows.append(
                {"n": n, "epsilon": 10, "method": method, "links": 1, "block_bytes": 1, "seconds": 1, "cpu_seconds": 1}
                | {"distance": "", "lambda": np.nan, "draws": np.nan}
                | far
            )
    frame = table4.tidy(pd.DataFrame(rows), printed, "abc")
    assert frame["published"].notna().sum() == len(printed) == 16
    assert sorted(frame["published"].dropna()) == sorted(printed["published"])


@pytest.mark.parametrize(
    ("value", "std", "text"),
    [
        (0.001234, 0.00012, "0.00123 ± 0.00012"),
        (11.65, 1.03, "11.7 ± 1.0"),
        (278.2, 19.9, "278 ± 20"),
        (None, None, "–"),
    ],
)
def test_seconds_have_three_figures(value, std, text):
    assert table4.seconds(value, std) == text
