"""What holds of all that a study makes, whatever its runs: tables, figures and the PDF; and which runs there may be."""

import zlib

import pandas as pd

from truly_sparse.studies import make, pdf
from truly_sparse.studies.show import report

from .conftest import COMMIT


def one_seed(spec, record):
    """Leave all seeds but the first out."""
    return record if spec.seed == 0 else None


def few(spec, record):
    """Leave all but a seventh of the runs out, whichever."""
    return record if zlib.crc32(spec.path.encode()) % 7 == 0 else None


def check_table(config, name, of_runs=True, beside=("CSV", "PDF")):
    """Make a table, and show it in lines that fit a terminal, but for those that begin with a word of `beside`."""
    csv, tex = make.table(config, name)
    frame, text = pd.read_csv(csv), tex.read_text(encoding="utf-8")
    assert set(frame["table"]) == {name}
    assert not of_runs or COMMIT[:10] in text
    assert " nan" not in text
    assert "?" not in (text.replace("Reproduced?", "") if of_runs else text)  # a character that LaTeX has not
    rows = [line for line in report(config, name).splitlines()[1:] if not line.startswith(beside)]
    assert max(map(len, rows)) <= 125


def check_figure(config, name):
    """Make a figure, which shows something."""
    document, png, csv = make.figure(config, name)
    assert document.stat().st_size > 5000 < png.stat().st_size
    assert set(pd.read_csv(csv)["figure"]) == {name}


def check_pdf(config):
    """Build the PDF, of which LaTeX has nothing to say; return its path."""
    document = pdf.build(config)
    assert document.read_bytes().startswith(b"%PDF")
    log = document.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
    for complaint in ("Overfull", "undefined", "LaTeX Warning"):
        assert complaint not in log
    return document
