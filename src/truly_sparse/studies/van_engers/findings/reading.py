"""Reading tables for sentences: tested claims, and numbers of the fitted curve."""

import pandas as pd

from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import NOT_TESTED
from truly_sparse.studies.van_engers.tables.fit import CURVE

VERDICTS, FIT, TABLE1 = "van_engers_verdicts", "van_engers_fit", "van_engers_table1"


def tested(evidence: Evidence) -> pd.DataFrame:
    """Return the verdicts on all claims that could be tested; Missing where there are none."""
    rows = evidence.rows(VERDICTS)
    rows = rows[rows["verdict"] != NOT_TESTED]
    if rows.empty:
        raise Missing("no claim has been tested")
    return rows


def claim(evidence: Evidence, name: str) -> pd.Series:
    """Return the verdict on one claim; Missing where it could not be tested."""
    rows = tested(evidence)
    rows = rows[rows["claim"] == name]
    if rows.empty:
        raise Missing(f"the claim {name} has not been tested")
    return rows.iloc[0]


def number(evidence: Evidence, name: str, column: str = "value", accuracy: str = "best") -> float:
    """Return a number about the curve, fitted here (`value`) or printed (`published`); Missing without."""
    row = evidence.rows(FIT, setting=CURVE, metric=name, accuracy=accuracy).iloc[0]
    if pd.isna(row[column]):
        raise Missing(f"no {name} in {FIT}")
    return float(row[column])
