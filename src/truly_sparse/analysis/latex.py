"""A frame of texts as a LaTeX table: booktabs rules, longtable so that it may break between groups."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

_CHARACTERS = {
    # In braces: at the start of a row LaTeX would take them for an argument of the row before.
    **{character: f"{{{character}}}" for character in "[]*"},
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "{}$&#%_"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "−": "$-$",
    "·": r"$\cdot$",
    "–": "--",
    "—": "---",
    "’": "'",
    "‘": "`",
    "“": "``",
    "”": "''",
    "…": r"\dots{}",
    "†": r"\textdagger{}",
    "ő": r"\H{o}",
    "š": r"\v{s}",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "α": r"$\alpha$",
    "ε": r"$\varepsilon$",
    "ζ": r"$\zeta$",
    "η": r"$\eta$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "ξ": r"$\xi$",
    "ρ": r"$\rho$",
    "σ": r"$\sigma$",
    "τ": r"$\tau$",
}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
# A \bottomrule after which no page may end: the notes stay with the table.
_LAST_RULE = r"\noalign{\nobreak\vskip\aboverulesep\nobreak\hrule height\heavyrulewidth\nobreak}"
# Groups longer than this, or with cells of several lines, may break over a page; others stay together.
UNBROKEN_ROWS = 45


@dataclass(frozen=True)
class Column:
    """One printed column.

    Attributes
    ----------
    key : str
        Column of the frame.
    header : str
        Its heading; in print it may have several lines.
    over : str
        Heading that spans neighbours of the same `over`.
    align : str
        "l", "r", "c" or "p{3cm}".
    """

    key: str
    header: str
    over: str = ""
    align: str = "r"


def escape(text: str) -> str:
    """Return `text` as LaTeX that prints it literally.

    Greek letters, signs and superscript digits become mathematics; characters the fonts do not have become "?".
    """
    text = re.sub(r"\s+", " ", text)
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda found: f"\0{found[0].translate(_SUPERSCRIPTS)}\1", text)
    return "".join(map(_character, text)).replace(" \\%", "~\\%")  # a number stays with its percent sign


def _character(character: str) -> str:
    if character == "\0":
        return r"\textsuperscript{"
    if character == "\1":
        return "}"
    known = _CHARACTERS.get(character)
    if known is not None:
        return known
    return character if " " <= character <= "~" or "¡" <= character <= "ÿ" else "?"


def booktabs(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    *,
    caption: str,
    label: str,
    number: str,
    banner: str = "",
    group: str | None = None,
    block: str | None = None,
    notes: Sequence[str] = (),
) -> str:
    """Return the definition of a table, full text width, for a document with array, booktabs and longtable.

    It begins `\\deftable{number}`; the document says what that does, and shows the table where it wants it.

    Parameters
    ----------
    frame : DataFrame of str
        The cells as they are read; everything is escaped here.
    columns : sequence of Column
        Which columns are printed, in order.
    caption, label : str
        Caption and the key for `\\ref` ("tab:" is put before it).
    number : str
        Its number, such as "1a".
    banner : str
        A warning in the table's first line and before the caption.
    group : str, optional
        Column whose value heads each group of rows; a group is not broken over pages unless it is very long.
    block : str, optional
        Column where a new value (not empty) gets some space above it.
    notes : sequence of str
        Lines under the table.
    """
    width = len(columns)
    head = [*_head(columns), r"\midrule"]
    warning = [rf"\multicolumn{{{width}}}{{@{{}}l@{{}}}}{{\emph{{{escape(banner)}}}}}\\"] if banner else []
    title = (rf"\textbf{{{sentence(escape(banner))}.}} " if banner else "") + escape(caption)
    # Narrow paragraphs look torn when they are set to an even width.
    ragged = [column.align.replace("p{", r">{\raggedright\arraybackslash}p{") for column in columns]
    layout = "".join(ragged)
    lines = [
        rf"\deftable{{{escape(number)}}}{{% generated, do not edit",
        r"\footnotesize\setlength{\tabcolsep}{3pt}\setlength{\LTcapwidth}{\linewidth}",
        r"\setlength{\LTleft}{0pt}\setlength{\LTright}{0pt}",
        rf"\renewcommand{{\thetable}}{{{escape(number)}}}",
        rf"\begin{{longtable}}{{@{{\extracolsep{{\fill}}}}{layout}@{{}}}}",
        rf"\caption[{{{escape(heading(caption))}}}]{{{title}}}\label{{tab:{label}}}\\",
        r"\toprule",
        *warning,
        *head,
        r"\endfirsthead",
        rf"\multicolumn{{{width}}}{{@{{}}l@{{}}}}{{\emph{{Table \thetable, continued}}}}\\",
        r"\toprule",
        *warning,
        *head,
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        # An empty last foot: LaTeX does not see to it that a higher one fits on the page.
        r"\endlastfoot",
        *_body(frame, columns, group, block),
        _LAST_RULE,
        *(_under(note, width) for note in notes),
        r"\end{longtable}",
        "}",
    ]
    return "\n".join(lines) + "\n"


def sentence(text: str) -> str:
    """Return `text` with a capital at its start."""
    return text[:1].upper() + text[1:]


def first_sentence(text: str) -> str:
    """Return `text` up to its first full stop, which is left out."""
    return text.split(". ")[0].rstrip(".")


def heading(caption: str) -> str:
    """Return what a list of tables needs of a caption: its beginning, up to the first colon or end of a clause."""
    return re.split("[.:;] ", caption, maxsplit=1)[0].rstrip(".")


def _under(note: str, width: int) -> str:
    # Of no width to TeX, so that it does not widen the last column; struts keep neighbouring notes from touching.
    box = rf"\parbox[t]{{\linewidth}}{{\raggedright\scriptsize\strut {escape(note)}\strut}}"
    return rf"\multicolumn{{{width}}}{{@{{}}l@{{}}}}{{\makebox[0pt][l]{{{box}}}}}\\*[-2pt]"


def _head(columns: Sequence[Column]) -> list[str]:
    lines = []
    if any(column.over for column in columns):
        cells, rules, start = [], [], 0
        while start < len(columns):
            over, end = columns[start].over, start + 1
            while over and end < len(columns) and columns[end].over == over:
                end += 1
            cells.append(rf"\multicolumn{{{end - start}}}{{c}}{{{escape(over)}}}" if over else "")
            rules += [rf"\cmidrule(lr){{{start + 1}-{end}}}"] if over else []
            start = end
        lines += [" & ".join(cells) + r" \\", "".join(rules)]
    headers = []
    for column in columns:
        align = column.align if column.align in "lrc" else "l"
        header = r"\\".join(map(escape, column.header.split("\n")))
        header = rf"\shortstack[{align}]{{{header}}}" if "\n" in column.header else header
        headers.append(rf"\multicolumn{{1}}{{{align}}}{{{header}}}")
    return [*lines, " & ".join(headers) + r" \\"]


def _body(frame: pd.DataFrame, columns: Sequence[Column], group: str | None, block: str | None) -> list[str]:
    groups = [("", frame)] if group is None else list(frame.groupby(group, sort=False))
    lines: list[str] = []
    for position, (name, part) in enumerate(groups):
        # The starred end of a row forbids a page break there.
        paragraphs = any(column.align.startswith("p") for column in columns)
        end = r"\\*" if len(part) <= UNBROKEN_ROWS and not paragraphs else r"\\"
        rows: list[str] = []
        for row in part.to_dict("records"):
            if block is not None and rows and row[block]:
                rows.append(r"\addlinespace[2pt]")
            rows.append(" & ".join(escape(str(row[column.key])) for column in columns) + f" {end}")
        if rows:
            # A break may come after a group, but not between the last row and the notes.
            rows[-1] = rows[-1].removesuffix("*") + ("*" if position == len(groups) - 1 else "")
        if group is not None:
            heading = rf"\multicolumn{{{len(columns)}}}{{@{{}}l@{{}}}}{{\textbf{{{escape(str(name))}}}}} \\*"
            rows = [*([r"\midrule"] if position else []), heading, *rows]
        lines += rows
    return lines
