"""A table in the terminal, and where its files lie."""

import sys
from typing import Any

from truly_sparse.analysis import names, pdf, tables
from truly_sparse.analysis.text import for_terminal


def show(config: dict[str, Any], name: str) -> None:
    """Print a table of this preset, then the paths of its CSV and of the PDF.

    Raises
    ------
    UserError
        For an unknown table, or one without any finished run.
    """
    print(report(config, name, sys.stdout.encoding or "ascii"))


def report(config: dict[str, Any], name: str, encoding: str = "utf-8") -> str:
    """Return what `show` prints."""
    _, _, as_text = tables.forms(config, name)
    preset = config["preset"]
    csv, document = names.table_csv(preset, name), pdf.document(preset)
    lines = [
        as_text(encoding),
        "",
        f"CSV: {csv}" if csv.exists() else f"CSV: not made yet, `snakemake --cores 1 {name}` makes {csv}",
        f"PDF: {document}" if document.exists() else f"PDF: not made yet, {pdf.how(preset)}",
    ]
    return "\n".join([*lines[:2], *(for_terminal(line, encoding) for line in lines[2:])])
