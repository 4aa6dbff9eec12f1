"""The page "reproduced?" of van Engers' paper: what its rules read, and what they say."""

import pandas as pd

from truly_sparse.analysis import build
from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.judging import judge
from truly_sparse.analysis.table import Table
from truly_sparse.analysis.verdicts import page
from truly_sparse.studies.van_engers.runs import frame_of
from truly_sparse.studies.van_engers.tables import structure
from truly_sparse.studies.van_engers.verdicts.claims import RULES, claims
from truly_sparse.studies.van_engers.verdicts.reading import MODEL, RUNS, STRUCTURE


def make(inputs: Inputs) -> Table:
    """Return the verdicts, their explanations as notes, and the rules."""
    judged = judge(claims(), Evidence(_frames(inputs)))
    return page(judged, RULES, inputs.origin(), "van_engers_verdicts", "van Engers' paper")


def _frames(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """Return what rules read, as far as it has been run; a rule without its frame is not tested."""
    made = build.frames(inputs, {STRUCTURE: structure}, {})
    return {RUNS: frame_of(inputs), MODEL: inputs.published("model"), **made}
