"""The page "reproduced?" of SPaS: what its rules read, and what they say."""

from contextlib import suppress
from typing import Any

import pandas as pd

from truly_sparse.analysis import build
from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.judging import judge
from truly_sparse.analysis.rounding import rounded
from truly_sparse.analysis.runs import frame_of
from truly_sparse.analysis.table import Table
from truly_sparse.analysis.verdicts import page
from truly_sparse.errors import UserError
from truly_sparse.studies.spas.figures import figure4, figure5, figure6
from truly_sparse.studies.spas.tables import depth, start, table3, table4, table5, table7, table8, table9
from truly_sparse.studies.spas.verdicts import convolution, ensembles, rules
from truly_sparse.studies.spas.verdicts.claims import claims

#: Tables and figures that rules read, whose names there are without that of the study.
READ: dict[str, Any] = {
    "spas_table3": table3,
    "spas_table4": table4,
    "spas_table5": table5,
    "spas_table7": table7,
    "spas_table8": table8,
    "spas_table9": table9,
    "spas_start": start,
    "spas_depth": depth,
}
SHOWN: dict[str, Any] = {"spas_figure4": figure4, "spas_figure5": figure5, "spas_figure6": figure6}
RULES = (*rules.RULES, *convolution.RULES, *ensembles.RULES)


def make(inputs: Inputs) -> Table:
    """Return the verdicts, their explanations as notes, and the rules."""
    judged = judge(claims(), Evidence(_frames(inputs)))
    return page(judged, RULES, inputs.origin(), "spas_verdicts", "SPaS")


def _frames(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """Return the tidy frames of everything that can be made now; a rule without its frame is not tested."""
    made = build.frames(inputs, READ, SHOWN)
    frames = {name.removeprefix("spas_"): frame for name, frame in made.items()}
    with suppress(UserError):
        frames[ensembles.RUNS] = rounded(frame_of(inputs.of_table("spas_cnn_ensembles").records))
    return frames
