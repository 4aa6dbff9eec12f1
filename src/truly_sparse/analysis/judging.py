"""Claims, rules, and how a claim is judged by its rule from evidence."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.origin import PARTIAL
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.statistics.stratified import FEW_FOR_TEST, satterthwaite, too_few

CONFIRMED, NOT_CONFIRMED = "confirmed", "not confirmed"
EXPLAINED, NOT_TESTED = "different but explained", "not tested"
VERDICTS = (CONFIRMED, NOT_CONFIRMED, EXPLAINED, NOT_TESTED)
ALPHA = 0.05
COLUMNS = (
    "claim", "topic", "text", "where", "rule", "ours", "printed", "value", "published", "verdict", "note", "read",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What a rule found: our number and the printed one as they are read and as they are, the verdict, and why."""

    ours: str
    printed: str
    verdict: str
    why: str = ""
    value: float | None = None
    published: float | None = None


@dataclass(frozen=True)
class Rule:
    """How a kind of claim is judged: the words a reader sees, and the function that does what they say."""

    name: str
    text: str
    judge: Callable[..., Finding]


@dataclass(frozen=True)
class Claim:
    """One statement of the paper.

    Attributes
    ----------
    id : str
    topic : str
        Heading under which the page lists it.
    text, where : str
        The statement in our words, and where it is printed.
    rule : Rule
    keys : mapping
        What the rule's function gets besides the evidence.
    """

    id: str
    topic: str
    text: str
    where: str
    rule: Rule
    keys: Mapping[str, Any] = field(default_factory=dict)


def judge(claims: Iterable[Claim], evidence: Evidence) -> pd.DataFrame:
    """Return one row per claim with the columns `COLUMNS`; what lacks its evidence is "not tested", and says why.

    `read` names the tables, figures and experiments that its rule read.
    """
    rows = []
    for claim in claims:
        own = Evidence(evidence.frames)
        try:
            found = claim.rule.judge(own, **claim.keys)
        except Missing as missing:
            found = Finding("", "", NOT_TESTED, str(missing))
        head = [claim.id, claim.topic, claim.text, claim.where, claim.rule.name]
        tail = [found.ours, found.printed, found.value, found.published, found.verdict, found.why]
        rows.append([*head, *tail, ", ".join(own.read)])
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({"value": "Float64", "published": "Float64"})


def verdict(holds: bool) -> str:
    """Return "confirmed" or "not confirmed"."""
    return CONFIRMED if holds else NOT_CONFIRMED


def welch(one: pd.Series, other: pd.Series, runs: str = "seeds") -> float:
    """Return Welch's two-sided p of the difference of two rows; see `weighed`."""
    return weighed([(1.0, one), (-1.0, other)], runs)


def weighed(terms: Sequence[tuple[float, pd.Series]], runs: str = "seeds") -> float:
    """Return the two-sided p of a weighted sum of means being zero; Welch's test of a difference, for 1 and -1.

    Parameters
    ----------
    terms : sequence of (float, Series)
        A weight, and a row with `value`, `std` and a number of `runs`.
    runs : str

    Raises
    ------
    Missing
        Where a row has a single run, none varies, or the degrees of freedom, which are Satterthwaite's, are too few.
    """
    for _, row in terms:
        if pd.isna(row["std"]) or row[runs] < 2:
            raise Missing("a row has only one run, which shows no spread; run more seeds")
    weights, means, spreads, counts = (
        np.array(numbers, np.float64)
        for numbers in zip(*((weight, row["value"], row["std"], row[runs]) for weight, row in terms), strict=True)
    )
    if not spreads.any():
        raise Missing("the runs of a row are all equal, which leaves nothing to compare a difference with")
    variances = (weights * spreads) ** 2 / counts
    freedom = satterthwaite(variances, counts - 1)
    if too_few(freedom):
        raise Missing(FEW_FOR_TEST)
    return float(2 * stats.t.sf(abs(math.fsum(weights * means)) / math.sqrt(variances.sum()), freedom))


def gap(one: pd.Series, other: pd.Series) -> tuple[float, float]:
    """Return (ours, printed) difference of two rows."""
    return less(one["value"], other["value"]), less(one["published"], other["published"])


def partial(*rows: pd.Series) -> str:
    """Return the remark that a row is of a part of its dataset, or nothing."""
    notes = [part for row in rows for part in str(row.get("note", "")).split("; ") if part.startswith(PARTIAL)]
    return f" ({notes[0]})" if notes else ""


def multiple(ours: float, printed: float, pairs: Iterable[tuple[float, float]], rounding: float, where: str) -> Finding:
    """Judge a multiple by the printed one, else by whether one factor above 1 leads from all of ours to all printed.

    Parameters
    ----------
    ours, printed : float
    pairs : iterable of (float, float)
        Our number and the printed one everywhere; read only where the printed one is not ours.
    rounding : float
        By how much a printed number may be off.
    where : str
        What the pairs differ in, such as "ε".
    """
    found, why = verdict(abs(ours - printed) <= rounding), ""
    if found == NOT_CONFIRMED:
        low, high = common_factor(pairs, rounding)
        found = EXPLAINED if 1 < low <= high else NOT_CONFIRMED
        why = f"one factor of {low:.2f} to {high:.2f} at every {where}" if low <= high else "no common factor"
    return Finding(formats.ratio(ours), formats.printed_ratio(printed), found, why, ours, printed)


def common_factor(pairs: Iterable[tuple[float, float]], rounding: float) -> tuple[float, float]:
    """Return from where to where a factor may lie that leads from all of ours to all printed numbers.

    Parameters
    ----------
    pairs : iterable of (float, float)
        Our number and the printed one.
    rounding : float
        By how much a printed number may be off.

    Returns
    -------
    low, high : float
        No factor does where `low` is the larger one.
    """
    known = list(pairs)
    low = max((printed - rounding) / ours for ours, printed in known)
    return low, min((printed + rounding) / ours for ours, printed in known)
