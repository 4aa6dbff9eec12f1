"""The PDF: a real build where LaTeX is installed, and clear errors where it is not or stops."""

import shutil
from pathlib import Path

import pytest

from truly_sparse.analysis import make, pdf, texlive
from truly_sparse.analysis.catalogue import FIGURES, TABLES, offered
from truly_sparse.errors import UserError

from .made_up import MEASUREMENTS

needs_latex = pytest.mark.skipif(bool(texlive.lacking()), reason=f"LaTeX lacks {texlive.lacking()}: {texlive.INSTALL}")


@pytest.fixture(scope="session")
def _made(tmp_path_factory):
    return tmp_path_factory.mktemp("made") / "place"


@pytest.fixture
def made(fill, committed, repository, _made):
    """The quick preset with everything but the PDF, one run missing; made once, then copied."""
    config = fill("quick", skip=("table1/wine/rd_tse/eps20/seed1",))
    if _made.exists():
        shutil.copytree(_made, repository, dirs_exist_ok=True)
        return config
    for name in config["measurements"]:
        committed(config, name, MEASUREMENTS[name]())
    for name in offered(TABLES, config):
        make.table(config, name)
    for name in offered(FIGURES, config):
        make.figure(config, name)
    shutil.copytree(repository, _made)
    return config


@needs_latex
def test_paper_builds_without_overfull_lines(made):
    document = pdf.build(made)
    assert document == Path("paper/quick/main.pdf")
    assert document.read_bytes().startswith(b"%PDF")
    log = document.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
    for complaint in ("Overfull", "undefined", "LaTeX Warning"):
        assert complaint not in log


@needs_latex
def test_latex_error_is_named_with_its_log(made):
    source = Path("paper/main.tex")
    source.write_text(source.read_text(encoding="utf-8").replace(r"\maketitle", r"\maketitel"), encoding="utf-8")
    with pytest.raises(UserError, match=r"main\.tex:\d+: Undefined control sequence.*log: paper/quick/main\.log"):
        pdf.build(made)


def test_missing_latex_is_one_line_that_says_how(made, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="latexmk is missing: on Debian or Ubuntu `apt-get install latexmk"):
        pdf.build(made)
    assert Path("paper/quick/facts.tex").exists()
    assert "latexmk is missing" in pdf.how("quick")


def test_missing_style_file_counts_as_missing_latex(monkeypatch, tmp_path):
    for program in texlive.PROGRAMS:
        (tmp_path / program).write_text("#!/bin/sh\necho /tex/amsmath.sty\n", encoding="utf-8")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert texlive.lacking() == "booktabs.sty"


def test_missing_table_is_named(fill):
    with pytest.raises(UserError, match=r"paper/quick/tables/table1\.tex not found"):
        pdf.build(fill("quick"))


def test_wrong_folder_is_said(fill, monkeypatch, tmp_path):
    config = fill("quick")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"main\.tex not found: run from the root"):
        pdf.build(config)
