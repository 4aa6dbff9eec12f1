"""The page "reproduced?" of the thesis: what its rules read, and what they say."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import build
from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.judging import judge
from truly_sparse.analysis.table import Table
from truly_sparse.analysis.verdicts import page
from truly_sparse.studies.thesis.figures import figure5, figure8, figure9, figure10, figure11
from truly_sparse.studies.thesis.tables import counts, fair, table7, table12
from truly_sparse.studies.thesis.verdicts import reading
from truly_sparse.studies.thesis.verdicts.claims import RULES, claims

#: Tables and figures that rules read.
READ: dict[str, Any] = {
    "thesis_counts": counts,
    "thesis_fair": fair,
    "thesis_table7": table7,
    "thesis_table12": table12,
}
SHOWN: dict[str, Any] = {
    "thesis_figure5": figure5,
    "thesis_figure8": figure8,
    "thesis_figure9": figure9,
    "thesis_figure10": figure10,
    "thesis_figure11": figure11,
}


def make(inputs: Inputs) -> Table:
    """Return the verdicts, their explanations as notes, and the rules."""
    judged = judge(claims(), Evidence(_frames(inputs)))
    return page(judged, RULES, inputs.origin(), "thesis_verdicts", "the thesis")


def _frames(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """Return the frames of everything that can be made now; a rule without its frame is not tested."""
    return {**reading.frames(inputs), **build.frames(inputs, READ, SHOWN)}
