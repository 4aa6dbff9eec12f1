"""Reading the tables for sentences: verdicts by claim, and lists in words."""

import re
from collections.abc import Sequence

import pandas as pd

from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import CONFIRMED, NOT_TESTED
from truly_sparse.analysis.names import dataset_title, method_title, separator, split_setting


def claims(evidence: Evidence, beginning: str = "", topic: str = "", table: str = "verdicts") -> pd.DataFrame:
    """Return the tested claims whose name begins so, of one topic where it is named; Missing where there are none."""
    rows = evidence.rows(table)
    rows = rows[rows["claim"].str.startswith(beginning) & (rows["verdict"] != NOT_TESTED)]
    rows = rows[rows["topic"] == topic] if topic else rows
    if rows.empty:
        raise Missing(f"no claim {beginning or topic} has been tested")
    return rows


def claim(evidence: Evidence, name: str, table: str = "verdicts") -> pd.Series:
    """Return one tested claim; Missing where it could not be tested."""
    return claims(evidence, name, table=table).iloc[0]


def confirmed(rows: pd.DataFrame, verdict: str = CONFIRMED) -> int:
    """Return how many claims got a verdict."""
    return int((rows["verdict"] == verdict).sum())


def by_topic(rows: pd.DataFrame) -> str:
    """Return "Accuracy (3), Cost (1) and Topology (2)": how many of some claims each topic has."""
    topics = rows.groupby("topic", sort=False).size()
    return listed([f"{topic} ({count})" for topic, count in topics.items()])


def datasets(rows: pd.DataFrame) -> list[str]:
    """Return the datasets of some rows in order of appearance."""
    return list(dict.fromkeys(map(str, rows["dataset"])))


def listed(words: Sequence[str]) -> str:
    """Return "a, b and c", or "a, x; b; and c" where a word has a comma."""
    if len(words) < 2:
        return "".join(words)
    between = separator(words)
    return f"{between.join(words[:-1])}{' and ' if between == ', ' else '; and '}{words[-1]}"


def span(values: "pd.Series[float]", digits: int = 1) -> str:
    """Return "74.0 to 74.3", or one number where both are printed alike."""
    low, high = (f"{end:.{digits}f}" for end in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def row_name(row: pd.Series) -> str:
    """Return the row of a table in words: "FD-TSE on Gesture Phase, ε 30"."""
    lambda_, others = split_setting(row["setting"])
    epsilon = re.match(r"eps([^_]+)", row["setting"])
    words = [f"ε {epsilon[1]}" if epsilon else "", f"λ {lambda_}" if lambda_ else "", others]
    name = f"{method_title(row['method'])} on {dataset_title(row['dataset'])}"
    return ", ".join(filter(None, [name, *words]))
