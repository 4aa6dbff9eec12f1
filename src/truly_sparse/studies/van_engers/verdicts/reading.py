"""What rules read: finished runs by experiment, and the printed numbers."""

import pandas as pd

from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.studies.van_engers import contour
from truly_sparse.studies.van_engers.formula import Printed
from truly_sparse.studies.van_engers.runs import DATASET, SWEEP

#: Frames: runs as `runs.frame_of` returns them, the printed numbers, and the table of correlations.
RUNS, MODEL, STRUCTURE = "runs", "model", "van_engers_structure"


def sweep(evidence: Evidence, metric: str) -> pd.DataFrame:
    """Return the finished runs of the sweep over zeta; Missing without."""
    return finished(evidence.rows(RUNS, experiment=SWEEP, dataset=DATASET), metric)


def finished(runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the runs that have an accuracy; Missing where none has."""
    found = runs[runs[metric].notna()]
    if found.empty:
        raise Missing("none of the runs has finished")
    return found


def printed(evidence: Evidence) -> Printed:
    """Return the printed numbers."""
    return Printed(evidence.rows(MODEL))


def means(runs: pd.DataFrame, metric: str, *needed: float) -> pd.Series:
    """Return mean accuracies in percent by fraction; Missing where one of those needed has no run."""
    found = contour.means_of(runs, metric)
    for zeta in needed:
        if zeta not in found.index:
            raise Missing(f"no finished run with ζ = {zeta:g}")
    return found


def coverage(evidence: Evidence, metric: str, *words: str) -> str:
    """Return a note: the words that are not empty, and how many fractions of the sweep have runs where some lack."""
    runs = evidence.rows(RUNS, experiment=SWEEP, dataset=DATASET)
    ran, planned = runs.loc[runs[metric].notna(), "zeta"].nunique(), runs["zeta"].nunique()
    lacking = "" if ran == planned else f"{ran} of {planned} fractions have runs"
    return "; ".join(filter(None, (*words, lacking)))


#: Why a rule about noise does not judge.
ONE_SEED = "one seed shows no spread; run more seeds"
