"""Reading the tables of the study for sentences: tested claims, and numbers of the curve."""

import pandas as pd

from truly_sparse.analysis import reading
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.studies.van_engers.tables.fit import CURVE

VERDICTS, FIT = "van_engers_verdicts", "van_engers_fit"


def tested(evidence: Evidence, *topics: str) -> pd.DataFrame:
    """Return the claims of some topics that could be tested; Missing where there are none."""
    rows = reading.claims(evidence, table=VERDICTS)
    rows = rows[rows["topic"].isin(topics)]
    if rows.empty:
        raise Missing(f"no claim of {', '.join(topics)} has been tested")
    return rows


def claim(evidence: Evidence, name: str) -> pd.Series:
    """Return one claim, Missing where it could not be tested."""
    return reading.claim(evidence, name, VERDICTS)


def shown(evidence: Evidence, name: str) -> pd.Series:
    """Return one claim with a number of ours, tested or not; its note says which. Missing without."""
    return evidence.cell(VERDICTS, claim=name)


def number(evidence: Evidence, name: str, column: str = "value") -> float:
    """Return a number about the curve of the best epochs, fitted here (`value`) or printed (`published`).

    Raises
    ------
    Missing
        Where there is none.
    """
    row = evidence.rows(FIT, setting=CURVE, metric=name, accuracy="best").iloc[0]
    if pd.isna(row[column]):
        raise Missing(f"no {name} in {FIT}")
    return float(row[column])
