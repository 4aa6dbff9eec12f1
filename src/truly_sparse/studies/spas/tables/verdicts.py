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

#: Tables and figures that rules read; their targets have the name of the study before.
READ: dict[str, Any] = {
    "table3": table3, "table4": table4, "table5": table5, "table7": table7, "table8": table8, "table9": table9,
    "start": start, "depth": depth,
}  # fmt: skip
SHOWN: dict[str, Any] = {"figure4": figure4, "figure5": figure5, "figure6": figure6}
RULES = (*rules.RULES, *convolution.RULES, *ensembles.RULES)


def make(inputs: Inputs) -> Table:
    """Return the verdicts, their explanations as notes, and the rules."""
    judged = judge(claims(), Evidence(_frames(inputs)))
    return page(judged, RULES, inputs.origin(), "spas_verdicts", "SPaS")


def _frames(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """Return the tidy frames of everything that can be made now; a rule without its frame is not tested."""
    frames: dict[str, pd.DataFrame] = {}
    for name, module in READ.items():
        with suppress(UserError):  # not of this preset, or nothing of it has finished
            frames[name] = build.table(module, inputs.of_table(f"spas_{name}")).frame
    for name, module in SHOWN.items():
        with suppress(UserError):
            frames[name] = build.numbers(module, inputs.of_figure(f"spas_{name}"), f"spas_{name}")
    with suppress(UserError):
        frames[ensembles.RUNS] = rounded(frame_of(inputs.of_table("spas_cnn_ensembles").records))
    return frames
