"""What of the dissertation came out again, and what did not."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import CONFIRMED, EXPLAINED, NOT_CONFIRMED, NOT_TESTED
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.reading import by_topic, claims, confirmed, listed, span
from truly_sparse.analysis.statements import Statement
from truly_sparse.studies.whitaker.shown import ALL

VERDICTS, SMALL, LARGE, PARTS = (
    "whitaker_verdicts", "whitaker_table5_1", "whitaker_table5_2", "whitaker_table5_3",
)  # fmt: skip
#: Claims that are ours, by the beginning of their topic.
OURS = "Ours"


def _counts(evidence: Evidence) -> str:
    rows = _of_the_source(claims(evidence, table=VERDICTS))
    explained = confirmed(rows, EXPLAINED)
    and_explained = f", {explained} differ{'s' if explained == 1 else ''} only as explained" if explained else ""
    return (
        f"Of {len(rows)} claims that could be tested, {confirmed(rows, CONFIRMED)} are confirmed{and_explained} and "
        f"{confirmed(rows, NOT_CONFIRMED)} are not."
    )


def _untested(evidence: Evidence) -> str:
    rows = _of_the_source(evidence.rows(VERDICTS))
    untested = rows[rows["verdict"] == NOT_TESTED]
    if untested.empty:
        raise Missing("every claim could be tested")
    return f"{len(untested)} of its {len(rows)} claims could not be tested, by topic: {by_topic(untested)}."


def _not_confirmed(evidence: Evidence) -> str:
    rows = _of_the_source(claims(evidence, table=VERDICTS))
    rows = rows[rows["verdict"] == NOT_CONFIRMED]
    if rows.empty:
        raise Missing("every claim is confirmed or explained")
    return f"Claims that are not confirmed, by topic: {by_topic(rows)}."


def _of_the_source(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[~rows["topic"].str.startswith(OURS)]
    if rows.empty:
        raise Missing("no claim of the source")
    return rows


def _small(evidence: Evidence) -> str:
    rows = _gains(evidence, SMALL)
    names = [name for name in ("sse_np", "sse_r", "bagging", "dropout") if name in rows]
    parts = [_gain(rows[name]) for name in names]
    return f"With sixteen epochs in all, points over one network, {_over(rows, names)}: {listed(parts)}."


def _large(evidence: Evidence) -> str:
    rows = _gains(evidence, LARGE)
    names = [name for name in ("sse_np", "stochastic", "snapshot", "fge", "mc_dropout", "noisy") if name in rows]
    parts = [_gain(rows[name]) for name in names]
    return f"With the epochs of one network, points over it, {_over(rows, names)}: {listed(parts)}."


def _gains(evidence: Evidence, table: str) -> dict[str, dict[Any, Any]]:
    """Return the mean gain of every method over one network."""
    rows = evidence.rows(table, dataset=ALL, metric="gain_accuracy")
    return {row["method"]: row for row in rows.to_dict("records")}


def _gain(row: dict[Any, Any]) -> str:
    interval = formats.interval(row["low"], row["high"])
    within = f" ({interval})" if interval != formats.NOTHING else ""
    return f"{method_title(row['method'])} {formats.difference(row['value'], 2)}{within}"


def _over(rows: dict[str, dict[Any, Any]], names: Sequence[str]) -> str:
    """Return over how many datasets means are taken: "over 7 datasets" or "over 1 to 7 datasets"."""
    if not names:
        raise Missing("none of the methods has finished")
    counts = [float(str(rows[name]["note"]).split()[1]) for name in names]
    return f"over {span(pd.Series(counts), 0)} dataset{'s' if max(counts) > 1 else ''}"


def _parts(evidence: Evidence) -> str:
    rows = evidence.rows(PARTS, method="sse_np", metric="accuracy")
    means = rows[rows["value"].notna()].groupby("kept")["value"].mean()
    if len(means) < 2:
        raise Missing("only one size of parts has finished runs")
    parts = [f"{value:.1f} % with 1/{int(str(kept))} of the links" for kept, value in means.items()]
    datasets = rows.loc[rows["value"].notna(), "dataset"].nunique()
    return f"Ensembles of parts and their parent have {listed(parts)}, means over {datasets} datasets."


STATEMENTS = (
    *(Statement("Reproduced", say) for say in (_counts, _small)),
    *(Statement("NotReproduced", say) for say in (_not_confirmed, _untested)),
    Statement("Large", _large),
    Statement("Parts", _parts),
)
