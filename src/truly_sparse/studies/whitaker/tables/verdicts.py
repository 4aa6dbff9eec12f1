"""The page "reproduced?" of the study: what its rules read, and what they say."""

from contextlib import suppress

import pandas as pd

from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.rounding import rounded
from truly_sparse.analysis.table import Table
from truly_sparse.analysis.verdicts import page
from truly_sparse.errors import UserError
from truly_sparse.studies.whitaker.catalogue import MEASUREMENTS
from truly_sparse.studies.whitaker.runs import frame_of
from truly_sparse.studies.whitaker.verdicts.claims import RULES, claims
from truly_sparse.studies.whitaker.verdicts.comparing import PRINTED, RUNS, printed_numbers
from truly_sparse.studies.whitaker.verdicts.correcting import judge_all


def make(inputs: Inputs) -> Table:
    """Return the verdicts, their explanations as notes, and the rules."""
    judged = judge_all(claims(), Evidence(frames(inputs)))
    return page(judged, RULES, inputs.origin(), "whitaker_verdicts", "the dissertation")


def frames(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """Return all runs, all printed numbers, and the measurements there are; a rule without its frame is not tested."""
    found = {RUNS: rounded(frame_of(inputs)), PRINTED: printed_numbers()}
    for name in MEASUREMENTS:
        if name in inputs.config["measurements"]:
            with suppress(UserError):  # not measured yet
                found[name] = rounded(inputs.measured(name)[0])
    return found
