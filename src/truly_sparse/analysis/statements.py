"""Sentences of a paper, each worked out from its tables and figures as they were written: no number is typed.

A study lists its statements by topic. What a statement needs and does not find is left out of the text, so that the
same list serves a preset with less in it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.latex import escape

Say = Callable[[Evidence], str | list[str]]


@dataclass(frozen=True)
class Statement:
    """Something that is said about a topic.

    Attributes
    ----------
    topic : str
        Letters only; the text has it as the macro `\\Said<topic>`.
    say : callable
        Returns the sentences, one or several, from the evidence; raises `Missing` without it.
    """

    topic: str
    say: Say


def said(statements: Iterable[Statement], evidence: Evidence) -> dict[str, list[str]]:
    """Return what can be said about every topic, in order; a topic without evidence has an empty list."""
    found: dict[str, list[str]] = {}
    for statement in statements:
        sentences = found.setdefault(statement.topic, [])
        try:
            sentences += _several(statement.say, evidence)
        except Missing:
            continue
    return found


def first(say: Say) -> Say:
    """Return what says the first of several sentences only, for where there is room for one."""
    return lambda evidence: _several(say, evidence)[:1]


def others(say: Say) -> Say:
    """Return what says all of several sentences but the first."""
    return lambda evidence: _several(say, evidence)[1:]


def _several(say: Say, evidence: Evidence) -> list[str]:
    sentences = say(evidence)
    return [sentences] if isinstance(sentences, str) else sentences


def macros(found: dict[str, list[str]]) -> str:
    """Return a LaTeX definition for every topic, each sentence inside `\\say{...}`; empty for one without any."""
    lines = []
    for topic, sentences in found.items():
        body = "".join(f"\n  \\say{{{escape(sentence)}}}%" for sentence in sentences)
        lines.append(f"\\newcommand*{{\\Said{topic}}}{{%{body}\n}}")
    return "% generated, do not edit\n" + "\n".join(lines) + "\n"
