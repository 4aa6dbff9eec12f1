"""The page "reproduced?" of the journal: what its rules read, and what they say."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import build
from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.judging import judge
from truly_sparse.analysis.table import Table
from truly_sparse.analysis.verdicts import page
from truly_sparse.studies.journal.figures import figure4
from truly_sparse.studies.journal.tables import ablations, baselines, table1, table2, table3, table4, table5
from truly_sparse.studies.journal.verdicts.claims import RULES, claims
from truly_sparse.studies.journal.verdicts.cost import shapes

#: Tables and figures that rules read.
READ: dict[str, Any] = {
    "table1": table1,
    "table2": table2,
    "table3": table3,
    "table4": table4,
    "table5": table5,
    "ablations": ablations,
    "baselines": baselines,
}
SHOWN: dict[str, Any] = {"figure4": figure4}


def make(inputs: Inputs) -> Table:
    """Return the verdicts, their explanations as notes, and the rules."""
    printed = [inputs.published(name) for name in ("table1", "table3", "table5")]
    judged = judge(claims(*printed), Evidence(_frames(inputs)))
    return page(judged, RULES, inputs.origin(), "verdicts", "the journal")


def _frames(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """Return the tidy frames of everything that can be made now; a rule without its frame is not tested."""
    return {"shapes": shapes(inputs.of("table1")), **build.frames(inputs, READ, SHOWN)}
