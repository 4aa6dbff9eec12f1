"""Tables, figures, facts and the terminal report, made from made-up runs in a made-up repository."""

import re
from pathlib import Path

import pandas as pd
import pytest

from truly_sparse.analysis import facts, texlive
from truly_sparse.errors import UserError
from truly_sparse.studies import make, show
from truly_sparse.studies.journal.catalogue import STUDY
from truly_sparse.studies.journal.facts import TEXT

MISSING = "table1/wine/rd_tse/eps10/seed1"
DIVERGED = "table1/digits/set_mlp/eps10/seed0"


@pytest.fixture
def quick(fill):
    return fill("quick", skip=(MISSING,), diverge=(DIVERGED,))


def test_table_writes_csv_and_latex(quick):
    csv, tex = make.table(quick, "table1")
    assert (csv, tex) == (
        Path("results/quick/journal/tables/table1.csv"),
        Path("paper/quick/journal/tables/table1.tex"),
    )
    frame = pd.read_csv(csv)
    assert set(frame["preset"]) == {"quick"}
    assert set(frame["dataset"]) == {"digits", "breast_cancer", "wine"}
    assert frame.groupby(["dataset", "method"]).ngroups == 24
    text = tex.read_text(encoding="utf-8")
    for said in ("quick preset: not the paper's experiment", "commit 0123456789", "seeds per row", "multiply-add"):
        assert said in text
    assert "1 of 2 runs missing (seed 1)" in text
    assert "1 of 2 runs diverged (seed 0), left out of the mean" in text
    # One line in both tables, 1a and 1b, closes with preset, seeds and commit.
    assert text.count("41 runs") == 2


def test_paper_preset_carries_no_warning_and_shows_both_sides(fill):
    _, tex = make.table(fill("paper"), "table1")
    text = tex.read_text(encoding="utf-8")
    assert "not the paper" not in text
    assert r"71.8 $\pm$ 0.2" in text
    assert r"1.71$\cdot$10\textsuperscript{13}" in text
    assert "2,058,005" in text


def test_several_are_made_as_one_by_one(quick):
    alone = [path.read_bytes() for path in (*make.table(quick, "table1"), *make.figure(quick, "accuracy"))]
    files = [*make.table(quick, "table1"), *make.figure(quick, "accuracy")]
    for file in files:
        file.unlink()
    make.results(quick, ["table1", "accuracy"])
    assert [path.read_bytes() for path in files] == alone
    with pytest.raises(UserError, match='unknown table "nothing"'):
        make.results(quick, ["nothing"])


def test_same_records_same_bytes(quick):
    def content() -> list[bytes]:
        return [path.read_bytes() for path in (*make.table(quick, "table1"), *make.figure(quick, "accuracy"))]

    assert content() == content()


def test_unknown_names_and_no_runs_are_one_clear_line(quick, repository):
    with pytest.raises(UserError, match='unknown table "table9"'):
        make.table(quick, "table9")
    with pytest.raises(UserError, match='unknown figure "table9"'):
        make.figure(quick, "table9")
    with pytest.raises(UserError, match="which preset quick lacks"):
        make.table(quick | {"experiments": {}}, "table1")
    empty = quick | {"preset": "nothing"}
    for made, name in ((make.table, "table1"), (make.figure, "accuracy"), (show.report, "table1")):
        with pytest.raises(UserError, match="no finished run of table1 in results/nothing/journal"):
            made(empty, name)
    with pytest.raises(UserError, match="no finished run of table1 in results/nothing/journal"):
        facts.write(STUDY, empty, TEXT)
    assert not (repository / "paper" / "nothing").exists()


def test_figure_files_and_their_numbers(quick):
    pdf, png, csv = make.figure(quick, "accuracy")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert min(pdf.stat().st_size, png.stat().st_size) > 5000
    frame = pd.read_csv(csv)
    assert set(frame["kind"]) == {"run", "mean"}
    assert (frame["kind"] == "run").sum() == 40  # 42 runs, one missing, one diverged
    assert (frame["kind"] == "mean").sum() == 24
    assert not frame["value"].isna().any()


def test_figure_has_published_values_beside_ours(fill):
    frame = pd.read_csv(make.figure(fill("paper"), "accuracy")[2])
    printed = frame[frame["kind"] == "published"]
    assert len(printed) == 28
    assert 74.8 in set(printed["value"])


def test_report_fits_the_terminal_and_says_where_files_are(fill):
    config = fill("paper", seeds=5, diverge=("table1/gesture/rd_tse/eps20/seed0",))
    make.table(config, "table1")
    text = show.report(config, "table1")
    assert max(map(len, text.splitlines())) <= 100
    assert "CSV: results/journal/tables/table1.csv" in text
    assert "PDF: not made yet" in text
    assert "a: 1 of 5 runs diverged (seed 0)" in text
    assert "73.1 ± 0.2" in text


@pytest.mark.parametrize("preset", ["paper", "quick"])
def test_report_says_how_to_get_the_pdf_where_latex_is_missing(fill, monkeypatch, preset):
    monkeypatch.setenv("PATH", "")
    config = fill(preset)
    lines = show.report(config, "table1").splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[-3] == "PDF: not made yet, latexmk is missing; on Debian or Ubuntu:"
    assert lines[-2] == f"  {texlive.INSTALL}"
    assert lines[-1].startswith("  then `snakemake paper --cores 1")


def test_quick_report_is_marked(quick, capsys):
    make.table(quick, "table1")
    show.show(quick, "table1")
    text = capsys.readouterr().out
    assert "QUICK PRESET: NOT THE PAPER'S EXPERIMENT" in text
    files = [line for line in text.splitlines() if not line.startswith("  ")][-2:]  # the rest says how to get the PDF
    assert files[0].startswith("CSV: ")
    assert files[1].startswith("PDF: ")
    assert show.report(quick, "table1", "ascii").isascii()


def test_facts_are_generated(quick):
    make.table(quick, "table1")
    facts.write(STUDY, quick, TEXT)
    preset = Path("paper/quick/journal/preset.tex").read_text(encoding="utf-8")
    assert r"\isquicktrue" in preset
    assert r"\newcommand{\Commit}{0123456789}" in preset
    assert r"\newcommand{\Preset}{quick}" in preset
    text = Path("paper/quick/journal/facts.tex").read_text(encoding="utf-8")
    assert r"\newcommand{\RunCount}{41}" in text
    assert r"\newcommand{\DivergedCount}{1}" in text
    assert r"\newcommand{\AbsentCount}{1}" in text
    assert r"Made\_Up(R) CPU \#7 \& Sons @ 3.00GHz" in text
    assert "openblas 0.3.30 (Haswell kernels)" in text
    said = Path("paper/quick/journal/said.tex").read_text(encoding="utf-8")
    assert "print no accuracy for any row" in said
    assert "FD-TSE ran out of places that were not blocked in 6 runs and put 72 links" in said
    assert "diverged, which are in no mean: 1 (SET-MLP on Digits, $\\varepsilon$ 10)" in said
    settings = Path("paper/quick/journal/tables/settings.tex").read_text(encoding="utf-8")
    assert "comprehensive" in settings
    assert "batch size" in Path("paper/quick/journal/tables/datasets.tex").read_text(encoding="utf-8")


def test_sentences_compare_with_the_published_numbers(fill):
    config = fill("paper")
    make.table(config, "table1")
    facts.write(STUDY, config, TEXT)
    text = Path("paper/journal/said.tex").read_text(encoding="utf-8")
    assert "Of 28 rows with a published accuracy" in text
    assert re.search(r"the largest is .* on (HIGGS|Gesture Phase)", text)
    assert r"\isquickfalse" in Path("paper/journal/preset.tex").read_text(encoding="utf-8")
