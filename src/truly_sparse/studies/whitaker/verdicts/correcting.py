"""Several tests at once: what is confirmed by the rule `GREATER` must stay so among all such claims of its topic."""

from collections.abc import Sequence

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.judging import ALPHA, CONFIRMED, NOT_CONFIRMED, NOT_TESTED, Claim, judge
from truly_sparse.analysis.statistics.paired import holm
from truly_sparse.studies.whitaker.verdicts.comparing import GREATER, p_of


def judge_all(claims: Sequence[Claim], evidence: Evidence) -> pd.DataFrame:
    """Return what `judging.judge` does, with Holm's correction over the tested claims of a topic by rule `GREATER`.

    A claim whose interval lies above zero is not confirmed where its corrected p is not below 0.05; the note says so.
    """
    frame = judge(claims, evidence)
    p_values = pd.Series(float("nan"), frame.index)
    for place, claim in enumerate(claims):
        if claim.rule is GREATER and frame.loc[place, "verdict"] != NOT_TESTED:
            p_values[place] = p_of(evidence, claim.keys)
    for _, own in p_values.groupby(frame["topic"], sort=False):
        for place, p in zip(own.index, holm(own), strict=True):
            if frame.loc[place, "verdict"] == CONFIRMED and p >= ALPHA:
                frame.loc[place, "verdict"] = NOT_CONFIRMED
                frame.loc[place, "note"] += f"; Holm's p of the topic {formats.p_value(float(p))}"
    return frame
