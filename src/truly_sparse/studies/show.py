"""A table in the terminal, and where its files lie."""

import sys

from truly_sparse.analysis import places
from truly_sparse.analysis.study import Config
from truly_sparse.analysis.table import to_text
from truly_sparse.analysis.text import for_terminal
from truly_sparse.studies import make, pdf


def show(config: Config, name: str) -> None:
    """Print a table of this configuration, then the paths of its CSV and of the PDF.

    Raises
    ------
    UserError
        For an unknown table, or one without any finished run.
    """
    print(report(config, name, sys.stdout.encoding or "ascii"))


def report(config: Config, name: str, encoding: str = "utf-8") -> str:
    """Return what `show` prints."""
    table = make.built(config, name)
    csv, document = places.table_csv(config, name), pdf.document(config)
    lines = [
        to_text(table, config["preset"], encoding),
        "",
        f"CSV: {csv}" if csv.exists() else f"CSV: not made yet, `snakemake --cores 1 {name}` makes {csv}",
        f"PDF: {document}" if document.exists() else f"PDF: {pdf.how(config)}",
    ]
    return "\n".join([*lines[:2], *(for_terminal(line, encoding) for line in lines[2:])])
