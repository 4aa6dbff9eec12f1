"""A table in the terminal, and where its files lie."""

import sys
from typing import Any

from truly_sparse.analysis import make, names, pdf
from truly_sparse.analysis.table import to_text
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
    table = make.build(config, name)
    preset = config["preset"]
    csv, document = names.table_csv(preset, name), pdf.document(preset)
    lines = [
        to_text(table, preset, encoding),
        "",
        f"CSV: {csv}" if csv.exists() else f"CSV: not made yet, `snakemake --cores 1 {name}` makes {csv}",
        f"PDF: {document}" if document.exists() else f"PDF: not made yet, {pdf.how(preset)}",
    ]
    return "\n".join([*lines[:2], *(for_terminal(line, encoding) for line in lines[2:])])
