"""A frame of texts as an aligned plain-text table for the terminal."""

import textwrap
from collections.abc import Callable, Sequence

import pandas as pd

from truly_sparse.analysis.latex import Column

_ASCII = {"±": "+-", "×": "x", "−": "-", "–": "-", "·": "*", "ε": "eps", "λ": "lambda", "ζ": "zeta", "η": "eta"}
# Terminals are rarely narrower; tables are laid out for it.
WIDTH = 100


def plain(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    *,
    title: str,
    banner: str = "",
    group: str | None = None,
    notes: Sequence[str] = (),
    encoding: str = "utf-8",
) -> str:
    """Return the table as text; the arguments are those of `latex.booktabs`.

    `encoding` is that of the terminal: where it lacks a sign, plain letters stand for it.
    """

    def shown(text: str) -> str:
        return for_terminal(str(text), encoding)

    cells = {column.key: [shown(text) for text in frame[column.key]] for column in columns}
    headers = [shown(column.header.replace("\n", " ")) for column in columns]
    widths = [max(map(len, [header, *cells[c.key]])) for c, header in zip(columns, headers, strict=True)]
    top = _over(columns, widths, shown)
    bottom = _row(headers, widths, columns)
    rule = "-" * len(bottom)
    lines = [shown(title), *([shown(banner).upper()] if banner else []), rule, *([top] if top.strip() else []), bottom]
    heading = None
    for number in range(len(frame)):
        name = "" if group is None else str(frame[group].iloc[number])
        if name != heading:
            heading = name
            lines += [rule, *([shown(name)] if name else [])]
        lines.append(_row([cells[column.key][number] for column in columns], widths, columns))
    under = [textwrap.fill(shown(note), max(WIDTH, len(rule)), subsequent_indent="  ") for note in notes]
    return "\n".join([*(line.rstrip() for line in lines), rule, *under])


def for_terminal(text: str, encoding: str) -> str:
    """Return `text` with signs that `encoding` lacks written out."""
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        text = "".join(_ASCII.get(character, character) for character in text)
        return text.encode("ascii", "replace").decode()
    return text


def _gaps(columns: Sequence[Column]) -> list[str]:
    """Return the space after each column: one under a common heading, else two."""
    pairs = zip(columns, columns[1:], strict=False)
    return [" " if left.over and left.over == right.over else "  " for left, right in pairs] + [""]


def _row(cells: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    parts = zip(cells, widths, columns, _gaps(columns), strict=True)
    return "".join((cell.rjust(w) if column.align == "r" else cell.ljust(w)) + gap for cell, w, column, gap in parts)


def _over(columns: Sequence[Column], widths: list[int], shown: Callable[[str], str]) -> str:
    """Return the line of spanning headings; a span is widened through its last column where the heading needs it."""
    parts, start = [], 0
    while start < len(columns):
        over, end = columns[start].over, start + 1
        while over and end < len(columns) and columns[end].over == over:
            end += 1
        span = sum(widths[start:end]) + end - start - 1
        heading = shown(over)
        widths[end - 1] += max(0, len(heading) - span)
        parts.append(heading.center(max(span, len(heading)), "-" if over else " "))
        start = end
    return "  ".join(parts)
