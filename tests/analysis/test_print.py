"""Number formats, LaTeX and plain-text tables, names."""

from pathlib import Path

import pandas as pd
import pytest

from truly_sparse.analysis import formats
from truly_sparse.analysis.latex import UNBROKEN_ROWS, Column, booktabs, escape
from truly_sparse.analysis.names import split_setting
from truly_sparse.analysis.text import plain

ROOT = Path(__file__).parents[2]
COLUMNS = [Column("name", "Name", align="l"), Column("a", "one", "Both"), Column("b", "two", "Both")]


def frame(rows: int = 2) -> pd.DataFrame:
    return pd.DataFrame({"name": [f"r_{i}" for i in range(rows)], "a": "1 ± 2", "b": "50%", "g": "G & H"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("EDST_RG", r"EDST\_RG"),
        (
            r"50% of {a} & b #1 $x \ ^~",
            r"50\% of \{a\} \& b \#1 \$x \textbackslash{} \textasciicircum{}\textasciitilde{}",
        ),
        ("71.8 ± 0.2", r"71.8 $\pm$ 0.2"),
        ("1.71·10¹³", r"1.71$\cdot$10\textsuperscript{13}"),
        ("ε λ −3 – 0.25×", r"$\varepsilon$ $\lambda$ $-$3 -- 0.25$\times$"),
        ("[a] *", "{[}a{]} {*}"),
        ("line\nbreak\ttab", "line break tab"),
        ("Müller 中\x07", "Müller ??"),
    ],
)
def test_escape(text, expected):
    assert escape(text) == expected


@pytest.mark.parametrize("folder", ["src/truly_sparse/analysis", "src/truly_sparse/studies", "config/published"])
def test_every_character_of_our_own_words_can_be_printed(folder):
    files = [path for path in (ROOT / folder).rglob("*.*") if path.suffix in (".py", ".csv")]
    files = [path for path in files if path.parent.name != "figures"]  # Matplotlib has fonts of its own
    assert files
    for path in files:
        unknown = [character for character in set(path.read_text(encoding="utf-8")) if escape(character) == "?"]
        assert set(unknown) <= {"?"}, path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (formats.spread(71.84, 0.25), "71.8 ± 0.2"),
        (formats.spread(71.84, None), "71.8"),
        (formats.spread(float("nan"), 1.0), "–"),
        (formats.difference(1.25), "+1.2"),
        (formats.difference(-0.3), "−0.3"),
        (formats.difference(-0.04), "0.0"),
        (formats.ratio(0.2541), "0.25×"),
        (formats.ratio(0.0523), "0.052×"),
        (formats.ratio(5), "5.00×"),
        (formats.printed_ratio(0.07), "0.07×"),
        (formats.count(528760.4), "528,760"),
        (formats.scientific(1.71e13), "1.71·10¹³"),
        (formats.minutes(0.534, 0.021), "0.53 ± 0.02"),
        (formats.minutes(60, None), "60.0"),
        (formats.number(20.0), "20"),
        (formats.number(None), ""),
    ],
)
def test_formats(text, expected):
    assert text == expected


@pytest.mark.parametrize(
    ("setting", "parts"),
    [
        ("default", ("", "")),
        ("eps20", ("", "")),
        ("eps20_lambda1.5", ("1.5", "")),
        ("eps20_evolution_every4_lambda1.5_zeta0.3", ("1.5", "evolution_every4_zeta0.3")),
    ],
)
def test_setting_names(setting, parts):
    assert split_setting(setting) == parts


def test_booktabs_has_rules_headings_groups_and_notes():
    text = booktabs(
        frame(), COLUMNS, caption="A & B.", label="x", number="1a", banner="quick", group="g", notes=["50% done."]
    )
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"\multicolumn{2}{c}{Both}", r"\cmidrule(lr){2-3}"):
        assert part in text
    assert text.startswith(r"\deftable{1a}{")
    assert r"\caption[{A \& B}]{\textbf{Quick.} A \& B.}\label{tab:x}" in text
    assert r"\renewcommand{\thetable}{1a}" in text
    assert r"\textbf{G \& H}" in text
    assert r"r\_1 & 1 $\pm$ 2 & 50\% \\" in text
    assert text.index("50\\% done.") > text.index(r"r\_1")
    assert text.count("{") == text.count("}") + 2 * text.count(r"\{") - 2 * text.count(r"\}")


def test_only_long_groups_may_break_over_pages():
    assert r"r\_0 & 1 $\pm$ 2 & 50\% \\*" in booktabs(frame(UNBROKEN_ROWS), COLUMNS, caption="c", label="x", number="1")
    long = booktabs(frame(UNBROKEN_ROWS + 1), COLUMNS, caption="c", label="x", number="1")
    assert r"r\_0 & 1 $\pm$ 2 & 50\% \\*" not in long
    assert rf"r\_{UNBROKEN_ROWS} & 1 $\pm$ 2 & 50\% \\*" in long


def test_plain_text_is_aligned():
    lines = plain(frame(), COLUMNS, title="T", group="g", notes=["n"]).splitlines()
    rows = [line for line in lines if line.startswith("r_")]
    assert [len(row) for row in rows] == [len(rows[0])] * 2
    assert lines[-1] == "n"
    assert "G & H" in lines


def test_plain_text_for_a_terminal_that_knows_ascii_only():
    text = plain(frame(), COLUMNS, title="ε 中", encoding="ascii")
    assert text.isascii()
    assert "1 +- 2" in text
