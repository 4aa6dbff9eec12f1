"""Tables and figures from made-up runs: whole, with one seed, with runs that lack, and in the quick preset."""

import copy

import numpy as np
import pandas as pd
import pytest

from truly_sparse.analysis import facts, texlive
from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.judging import CONFIRMED
from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import runs
from truly_sparse.studies import make
from truly_sparse.studies.discovery import find
from truly_sparse.studies.show import report
from truly_sparse.studies.van_engers.curve import Curve
from truly_sparse.studies.van_engers.facts import TEXT
from truly_sparse.studies.van_engers.findings import reproduced
from truly_sparse.studies.van_engers.findings.reading import VERDICTS
from truly_sparse.studies.van_engers.runs import METRICS

from ..conftest import REPOSITORY
from ..made import check_pdf
from .conftest import accuracy, made_up_pixels

STUDY = find("van_engers")
needs_latex = pytest.mark.skipif(bool(texlive.lacking()), reason=f"LaTeX lacks {texlive.lacking()}: {texlive.INSTALL}")


def frame(config, name):
    return make.built(config, f"van_engers_{name}").frame


def test_accuracies_are_means_over_seeds_beside_the_printed_curve(whole):
    table = frame(whole, "table1")
    assert len(table) == 38 * len(METRICS)
    specs = [s for s in runs(whole, "van_engers_zeta") if s.settings["training"]["prune_fraction"] == 0.99]
    ours = [accuracy(spec) for spec in specs]
    row = table[(table["zeta"] == 0.99) & (table["metric"] == "best")].iloc[0]
    assert (row["value"], row["std"]) == (pytest.approx(np.mean(ours)), pytest.approx(np.std(ours, ddof=1)))
    assert (row["seeds"], row["note"]) == (5, "")
    assert row["published"] == pytest.approx(100 * Curve(0.204, 183, 0.868).at(0.99))
    assert row["difference"] == pytest.approx(row["value"] - row["published"], abs=1e-8)
    last = table[(table["zeta"] == 0.99) & (table["metric"] == "last")].iloc[0]
    assert row["value"] - last["value"] == pytest.approx(1.5)
    assert pd.isna(last["published"])


def test_runs_that_lack_are_counted(config, write):
    write(config, skip=["zeta0.5/seed3", "zeta0.5/seed4", "zeta0.6/seed"])
    table = frame(config, "table1")
    best = table[table["metric"] == "best"].set_index("zeta")
    assert best["note"].to_dict() | {0.5: "", 0.6: ""} == dict.fromkeys(best.index, "")
    assert best["note"][0.5] == "3 of 5 runs"
    assert best["note"][0.6] == "0 of 5 runs"
    assert pd.isna(best["value"][0.6])
    assert "3 of 5" in report(config, "van_engers_table1")


def test_one_seed_has_no_spread_and_no_rule_about_noise(config, write):
    for blocks in config["experiments"].values():
        for block in blocks:
            block["seeds"] = [0]
    write(config)
    table = frame(config, "table1")
    assert table["std"].isna().all()
    assert "± 0" not in report(config, "van_engers_table1")
    judged = frame(config, "verdicts").set_index("claim")
    assert set(judged["verdict"][["no_loss", "start", "evolving/best"]]) == {"not tested"}
    assert (judged["verdict"][["plateau", "end", "form", "links"]] == "confirmed").all()


def test_the_fit_finds_the_printed_curve_again(whole):
    table = frame(whole, "fit")
    numbers = table[table["setting"] == "numbers of the curve"].set_index(["metric", "accuracy"])
    assert numbers["value"]["a", "best"] == pytest.approx(0.204, abs=1e-3)
    assert numbers["value"]["b", "best"] == pytest.approx(183, rel=1e-3)
    assert numbers["published"]["b", "best"] == 183
    assert numbers["value"]["plateau", "last"] == pytest.approx(0.868 - 0.015, abs=1e-3)
    forms = table[table["metric"] == "aic"].set_index(["setting", "accuracy"])["value"]
    assert forms["curve", "best"] == forms.xs("best", level="accuracy").min()


def test_all_images_are_beside_the_part_of_them(whole):
    table = frame(whole, "images")
    best = table[table["metric"] == "best"].set_index(["images", "zeta"])["value"]
    assert set(best.index.get_level_values("images")) == {5000, 60000}
    assert best[60000, 0.96] - best[5000, 0.96] == pytest.approx(4.0, abs=0.06)  # other seeds
    assert set(best[5000].index) == set(best[60000].index)


def test_links_are_those_of_the_start(whole):
    table = frame(whole, "sparsity")
    row = table[(table["epsilon"] == 13) & (table["zeta"] == 0.3) & (table["metric"] == "best")].iloc[0]
    assert row["links"] == pytest.approx(np.mean([8500, 8501, 8502]))
    places = 784 * 1000 + 2 * 1000 * 1000 + 1000 * 10
    assert row["density"] == pytest.approx(row["links"] / places)
    assert len(table) == 9 * 3 * len(METRICS)


def test_other_datasets_have_a_curve_of_their_own(whole):
    table = frame(whole, "datasets")
    curves = table[table["setting"] == "curve"].set_index(["dataset", "metric"])["value"]
    assert set(curves.index.get_level_values("dataset")) == {"gesture", "bank-marketing", "MagicTelescope", "pol"}
    assert curves["pol", "b"] == pytest.approx(183, rel=1e-3)


def test_cells_of_a_wide_table_that_lack_runs_are_named_below(config, write):
    write(config, skip=["van_engers_datasets/pol/set_200/eps13_zeta0.9/seed2"])
    assert "Fewer runs than planned: Pol, ζ = 0.9: 2 of 3." in report(config, "van_engers_datasets")


def test_controls_are_beside_the_sweep(whole):
    table = frame(whole, "static")
    best = table[table["metric"] == "best"].set_index(["evolution_every", "zeta"])
    assert list(best.index.get_level_values("evolution_every")) == [0, 1, 1, 5, 25]
    assert best["value"].iloc[0] == pytest.approx(86.0, abs=1e-3)
    assert list(best["seeds"]) == [5, 5, 5, 3, 3]


def test_correlations_follow_the_pictures(whole):
    table = frame(whole, "structure")
    found = table[table["metric"] == "rank_correlation"].pivot_table("value", "zeta", "kind")
    assert found["links"][0.2] > 0.5
    assert abs(found["links"][0.96]) < 0.2
    crossing = table[table["metric"] == "crossing"].set_index("kind")["value"]
    assert 0.6 < crossing["links"] < 0.96
    totals = table[table["metric"] == "total"].set_index(["zeta", "kind"])["value"]
    assert totals[1.0, "survivors"] == 0


def test_every_table_fits_a_terminal(whole):
    for name in STUDY.tables:
        lines = report(whole, name).splitlines()
        assert max(len(line) for line in lines if not line.startswith(("Table", "CSV"))) <= 100, name


def test_figures_are_drawn_from_their_numbers(whole):
    for name in STUDY.figures:
        pdf, png, csv = make.figure(whole, name)
        assert min(file.stat().st_size for file in (pdf, png, csv)) > 1000, name
    numbers = make.numbers(whole, "van_engers_figure3")
    assert set(numbers["kind"]) == {"run", "mean", "fitted", "printed"}
    assert (numbers["kind"] == "run").sum() == 190 * len(METRICS)
    errors = make.numbers(whole, "van_engers_figure5").set_index("kind")["value"]
    assert errors["fitted"] <= errors["map"].min()


def test_inputs_that_are_no_picture_are_one_line(config, committed):
    committed(config, "pixels", made_up_pixels((0.3, 1.0)).query("pixel < 50"))
    with pytest.raises(UserError, match="50 inputs of fashion_mnist are no square picture"):
        make.figure(config, "van_engers_figure4")


def test_the_text_says_what_the_tables_say(whole, repository):
    for name in STUDY.tables:
        make.table(whole, name)
    facts.write(STUDY, whole, TEXT)
    said = (repository / "paper/van_engers/said.tex").read_text(encoding="utf-8")
    assert r"is 86.8~\% on average up to $\zeta$ = 0.96 (printed 86.8~\%)" in said
    assert "b = 183 (printed 0.204 and 183)" in said
    assert "0.98 on Pol" in said
    assert "whatever $\\zeta$ is" in said


def test_an_accuracy_is_rounded_once():
    claims = pd.DataFrame(
        [("plateau", 87.05, "87.1 %", "86.8 %"), ("end", 62.65, "62.7 %", "66.4 %")],
        columns=["claim", "value", "ours", "printed"],
    )
    evidence = Evidence({VERDICTS: claims.assign(verdict=CONFIRMED)})
    assert reproduced._levels(evidence) == (
        "The highest test accuracy of any epoch is 87.1 % on average up to ζ = 0.96 (printed 86.8 %), and 62.7 % where "
        "every link is replaced after every epoch (printed 66.4 %)."
    )


@needs_latex
def test_the_text_is_set_without_overfull_lines(whole):
    for name in STUDY.tables:
        make.table(whole, name)
    for name in STUDY.figures:
        make.figure(whole, name)
    check_pdf(whole)


def test_nothing_is_said_without_tables(whole, repository):
    facts.write(STUDY, whole, TEXT)
    said = (repository / "paper/van_engers/said.tex").read_text(encoding="utf-8")
    assert "\\say" not in said


def test_the_quick_preset_is_made_without_printed_numbers(repository, write, committed):
    assert repository.samefile(".")
    config = copy.deepcopy(load_config(REPOSITORY / "config/quick/van_engers.yaml"))
    committed(config, "pixels", made_up_pixels((0.3, 1.0), "digits", side=8))
    write(config)
    assert set(STUDY.offered_tables(config)) == {
        f"van_engers_{name}" for name in ("table1", "table2", "fit", "structure", "verdicts")
    }
    for name in STUDY.offered_tables(config):
        assert "QUICK PRESET: NOT THE PAPER'S EXPERIMENT" in report(config, name)
    assert frame(config, "table1")["published"].isna().all()
    assert set(frame(config, "verdicts")["verdict"]) == {"not tested"}
    for name in STUDY.offered_figures(config):
        make.figure(config, name)
