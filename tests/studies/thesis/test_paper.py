"""The text of the thesis: its sentences come of the tables as they were written, and its PDF builds."""

import re

import pytest

from truly_sparse.analysis import facts, texlive
from truly_sparse.analysis.evidence import Evidence, written
from truly_sparse.analysis.statements import said
from truly_sparse.errors import UserError
from truly_sparse.studies import make
from truly_sparse.studies.thesis.catalogue import STUDY
from truly_sparse.studies.thesis.facts import TEXT
from truly_sparse.studies.thesis.findings import STATEMENTS

from ..conftest import REPOSITORY
from ..made import check_pdf


@pytest.fixture
def made(thesis):
    """The configuration, of two seeds of which every table and figure has been made."""
    config = thesis(2)
    for name in STUDY.offered_tables(config):
        make.table(config, name)
    for name in STUDY.offered_figures(config):
        make.figure(config, name)
    return config


def test_sentences_are_worked_out_from_the_tables(made):
    found = said(STATEMENTS, written(STUDY, made))
    text = (REPOSITORY / "paper/thesis/main.tex").read_text(encoding="utf-8")
    assert set(re.findall(r"\\Said([A-Z]\w*)", text)) == set(found)
    for sentences in found.values():
        assert sentences
        for sentence in sentences:
            assert sentence.endswith(".")
            assert not re.search(r"nan|None|\d\.\d{5}", sentence)
    assert not any(said(STATEMENTS, Evidence({})).values())


@pytest.mark.skipif(bool(texlive.lacking()), reason="no LaTeX")
def test_the_pdf_builds_without_overfull_lines(made):
    check_pdf(made)


def test_without_runs_on_images_the_text_describes_the_others(thesis, repository):
    config = thesis(1)
    config["experiments"].pop("thesis_table7")
    facts.write(STUDY, config, TEXT)
    assert "Tables VIII and IX" in (repository / "paper/thesis/tables/settings.tex").read_text(encoding="utf-8")


def test_without_any_run_it_is_one_line(thesis):
    with pytest.raises(UserError, match="no finished run of thesis_table7, thesis_tables8_9"):
        facts.write(STUDY, thesis(0), TEXT)
