"""The PDF: a real build where LaTeX is installed, and clear errors where it is not or stops."""

import re
import shutil
from pathlib import Path

import pytest

from truly_sparse.analysis import texlive
from truly_sparse.errors import UserError
from truly_sparse.studies import make, pdf
from truly_sparse.studies.journal.catalogue import STUDY

from .made import check_pdf
from .made_up import MEASUREMENTS

ROOT = Path(__file__).parents[2]

needs_latex = pytest.mark.skipif(bool(texlive.lacking()), reason=f"LaTeX lacks {texlive.lacking()}: {texlive.INSTALL}")


@pytest.fixture(scope="session")
def _made(tmp_path_factory):
    return tmp_path_factory.mktemp("made") / "place"


@pytest.fixture
def made(fill, committed, repository, _made):
    """The quick preset with everything but the PDF, one run missing; made once, then copied."""
    config = fill("quick", skip=("table1/wine/rd_tse/eps10/seed1",))
    if _made.exists():
        shutil.copytree(_made, repository, dirs_exist_ok=True)
        return config
    for name in config["measurements"]:
        committed(config, name, MEASUREMENTS[name]())
    for name in STUDY.offered_tables(config):
        make.table(config, name)
    for name in STUDY.offered_figures(config):
        make.figure(config, name)
    shutil.copytree(repository, _made)
    return config


@needs_latex
def test_paper_builds_without_overfull_lines(made):
    document = check_pdf(made)
    assert document == Path("paper/quick/journal/main.pdf")
    # Page one says what was found, and the appendix begins after at most twelve pages.
    pages = dict(re.findall(r"\\newlabel\{(fig:summary|sec:appendix)\}\{\{[^}]*\}\{(\d+)\}", _aux(document)))
    assert pages["fig:summary"] == "1"
    assert int(pages["sec:appendix"]) <= 13


def _aux(document):
    return document.with_suffix(".aux").read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("study", ["journal", "thesis"])
def test_no_number_is_typed(study):
    text = (ROOT / f"paper/{study}/main.tex").read_text(encoding="utf-8").split(r"\begin{document}")[1]
    named = (
        r"(?<!\\)%.*",  # comments
        r"\\(?:iftable|showtable|iffigure|label|ref|showfigure(?:\[[^]]*\])?|cite[a-z]*|includegraphics)\{[^}]*\}",
        r"\{[^{}]*\\(?:linewidth|textheight)[^{}]*\}|\\\\\[\d+mm\]",  # sizes
        r"(?:Tables?|[Ff]igures?)[~ ](?:[A-Z]?\d+[a-c]?)",  # of this document and of the sources
        r"\\Said[A-Za-z]+|CIFAR-10",
        r"(?:5|95)\\,\\%",  # levels of tests and intervals
        r"\b[HPV]\d\b|bfloat16|float32|\$\[0, 1\]\$|min\\bigl\(1|\[0, 1\]",
        r"(?<=\\varepsilon = )20\b",  # of a picture that has other runs, too
        r"0 for the same topology|1 for no link|1 is the most accurate|reach 1\.5 times",  # of scales and boxes
    )
    for pattern in named:
        text = re.sub(pattern, "", text)
    assert not [line for line in text.splitlines() if re.search(r"\d", line)]


@needs_latex
def test_latex_error_is_named_with_its_log(made):
    source = Path("paper/journal/main.tex")
    source.write_text(source.read_text(encoding="utf-8").replace("\\appendix\n", "\\apendix\n"), encoding="utf-8")
    with pytest.raises(
        UserError, match=r"main\.tex:\d+: Undefined control sequence.*log: paper/quick/journal/main\.log"
    ):
        pdf.build(made)


def test_missing_latex_is_one_line_that_says_how(made, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="latexmk is missing: on Debian or Ubuntu `apt-get install latexmk"):
        pdf.build(made)
    assert Path("paper/quick/journal/facts.tex").exists()
    assert "latexmk is missing" in pdf.how(made)


def test_missing_style_file_counts_as_missing_latex(monkeypatch, tmp_path):
    for program in texlive.PROGRAMS:
        (tmp_path / program).write_text("#!/bin/sh\necho /tex/amsmath.sty\n", encoding="utf-8")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert texlive.lacking() == "booktabs.sty"


def test_missing_table_is_named(fill):
    with pytest.raises(UserError, match=r"paper/quick/journal/tables/table1\.tex not found"):
        pdf.build(fill("quick"))


def test_wrong_folder_is_said(fill, monkeypatch, tmp_path):
    config = fill("quick")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"main\.tex not found: run from the root"):
        pdf.build(config)
