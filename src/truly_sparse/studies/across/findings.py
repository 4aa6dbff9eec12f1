"""What the comparison of all methods found, in sentences."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.reading import listed
from truly_sparse.analysis.statements import Statement
from truly_sparse.studies.across.cells import BASELINE

TABLE = "across_table1"
#: As for a verdict.
LEVEL = 0.05


def _order(evidence: Evidence) -> str:
    rows = evidence.rows(TABLE, metric="rank").sort_values("value", kind="stable")
    named = [f"{method_title(str(row['method']))} ({row['value']:.2f})" for row in rows.to_dict("records")]
    datasets = rows["datasets"].iloc[0]
    last = ", where a network that diverges is last," if datasets > evidence.rows(TABLE)["datasets"].min() else ""
    return f"By mean rank of accuracy over {datasets} datasets{last} the order is {listed(named)}."


def _against_one(evidence: Evidence) -> list[str]:
    """Say which methods are told apart from one network trained for the same operations."""
    gains = evidence.rows(TABLE, metric="gain")
    if gains["p_holm"].isna().all():
        raise Missing("too few datasets for a test")
    told = gains["p_holm"].astype(float) < LEVEL
    sentences = [
        _gains("better", gains[told & (gains["value"] > 0)]),
        _gains("worse", gains[told & (gains["value"] < 0)]),
    ]
    others = [method_title(str(method)) for method in gains[~told]["method"]]
    sentences.append(f"No difference from it is shown for {listed(others)}." if others else "")
    return [sentence for sentence in sentences if sentence]


def _gains(word: str, rows: pd.DataFrame) -> str:
    if rows.empty:
        return f"No method is {word} than one sparse network of the same operations (Holm, 5 %)."
    named = [
        f"{method_title(str(row['method']))} ({formats.difference(row['value'], 2)} points, better on "
        f"{row['wins']:.0f} of {row['datasets']:.0f} datasets)"
        for row in rows.to_dict("records")
    ]
    return f"Told apart from one sparse network of the same operations, and {word}: {listed(named)}."


def _probabilities(evidence: Evidence) -> list[str]:
    """Say which methods have the best log loss and calibration, beside that of one network."""
    sentences = []
    for metric, words in (("log_loss", "log loss"), ("ece", "calibration error")):
        rows = evidence.rows(TABLE, metric=metric).set_index("method")["value"].astype(float)
        best = str(rows.idxmin())
        sentences.append(
            f"The lowest mean {words} has {method_title(best)} ({rows[best]:.3f}; one network {rows[BASELINE]:.3f})."
        )
    return sentences


STATEMENTS = (
    Statement("Order", _order),
    Statement("AgainstOne", _against_one),
    Statement("Probabilities", _probabilities),
)
