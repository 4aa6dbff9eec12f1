"""Sentences by topic: what is said, what is left out, and how LaTeX gets it."""

import pandas as pd

from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.statements import Statement, first, macros, others, said


def _every(evidence):
    return [f"{value} %" for value in evidence.rows("table1", metric="accuracy")["value"]]


def _lacking(evidence):
    return str(evidence.cell("table9", metric="accuracy")["value"])


EVIDENCE = Evidence({"table1": pd.DataFrame({"metric": "accuracy", "value": [1, 2, 3]})})


def test_what_has_no_evidence_is_left_out():
    statements = [Statement("A", _every), Statement("B", _lacking), Statement("A", _lacking)]
    assert said(statements, EVIDENCE) == {"A": ["1 %", "2 %", "3 %"], "B": []}


def test_first_and_others_make_all():
    statements = [Statement("One", first(_every)), Statement("Rest", others(_every))]
    assert said(statements, EVIDENCE) == {"One": ["1 %"], "Rest": ["2 %", "3 %"]}


def test_latex_has_a_macro_for_every_topic():
    text = macros({"A": ["1 % of ε", "b_c"], "B": []})
    assert r"\newcommand*{\SaidA}{%" in text
    assert r"\say{1~\% of $\varepsilon$}%" in text
    assert r"\say{b\_c}%" in text
    # What LaTeX compares with \empty.
    assert "\\newcommand*{\\SaidB}{%\n}" in text
