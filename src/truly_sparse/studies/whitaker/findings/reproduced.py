"""What of the dissertation came out again, and what did not."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import CONFIRMED, EXPLAINED, NOT_CONFIRMED, NOT_TESTED
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.reading import by_topic, claims, confirmed, listed, span
from truly_sparse.analysis.statements import Statement
from truly_sparse.studies.whitaker.shown import ALL, left_out
from truly_sparse.studies.whitaker.tables.table5_1 import judged_rows
from truly_sparse.studies.whitaker.verdicts.comparing import LEAKY

VERDICTS, SMALL, LARGE, PARTS = (
    "whitaker_verdicts", "whitaker_table5_1", "whitaker_table5_2", "whitaker_table5_3",
)  # fmt: skip
#: Claims that are ours, by the beginning of their topic.
OURS = "Ours"
#: Controls that inherit nothing of a parent, in words.
FRESH = {"sse_fresh": "the first", "sparse_ensemble": "the second"}


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


def _small(evidence: Evidence) -> list[str]:
    rows, every = _gains(evidence, SMALL), evidence.rows(SMALL)
    names = [name for name in ("sse_np", "sse_r", "bagging", "dropout", *FRESH) if name in rows]
    over, parts = _over(rows, names), [_gain(rows[name]) for name in names]
    lacking = left_out(judged_rows(every), every[every["metric"] == "gain_accuracy"], "dense")
    without = (
        f" (without {listed(list(map(dataset_title, lacking)))}, where one of them has no runs)" if lacking else ""
    )
    return [
        "With a small budget (in print sixteen epochs in all; here eight times as many, since an epoch has an eighth "
        "of the steps of the source's, or fewer; on pictures sixteen), points over one network, "
        f"{over}{without}: {listed(parts)}.",
        *_fresh(rows),
    ]


def _fresh(rows: dict[str, dict[Any, Any]]) -> list[str]:
    """Say how children of parts stand to the controls that inherit nothing."""
    if "sse_np" not in rows or not set(FRESH) <= set(rows):
        return []
    ahead = [name for name in FRESH if rows[name]["value"] > rows["sse_np"]["value"]]
    which = "neither is" if not ahead else "both are" if len(ahead) == len(FRESH) else f"{FRESH[ahead[0]]} is"
    return [
        "The last two are controls that inherit no value of a parent (K2, K3): in this mean "
        f"{which} above children of parts."
    ]


def _large(evidence: Evidence) -> list[str]:
    rows, leaky = _gains(evidence, LARGE), dataset_title(LEAKY)
    names = [name for name in ("sse_np", "stochastic", "snapshot", "fge", "mc_dropout", "noisy") if name in rows]
    over, gains = _over(rows, names), evidence.rows(LARGE, metric="gain_accuracy")
    wide = gains[gains["dataset"] != ALL].pivot_table("value", "method", "dataset")
    if LEAKY not in wide or len(wide.columns) < 2:
        parts = [_gain(rows[name]) for name in names]
        return [f"With the epochs of one network, points over it, {over}: {listed(parts)}."]
    own, parts = wide.loc[names], list[str]()
    rest = own.drop(columns=LEAKY).mean(axis=1)
    for name in names:
        known = own.loc[name].dropna()
        more = f"{formats.difference(rest[name], 2)}; {(known > 0).sum()} of {len(known)}"
        parts.append(_gain(rows[name], more))
    turned = sum(rest[name] * rows[name]["value"] < 0 for name in names)
    return [
        f"With the epochs of one network, points over it, {over} (95 % interval; mean without {leaky}; on how many it "
        f"is above 0): {listed(parts)}.",
        f"{leaky} alone, where they are {formats.difference(own[LEAKY].min(), 1)} to "
        f"{formats.difference(own[LEAKY].max(), 1)}, turns the sign of {turned} of these {len(names)} means: its rows, "
        "frames of the same videos, are split at random, so that near-duplicates of test rows are trained on.",
    ]


def _gains(evidence: Evidence, table: str) -> dict[str, dict[Any, Any]]:
    """Return the mean gain of every method over one network."""
    rows = evidence.rows(table, dataset=ALL, metric="gain_accuracy")
    return {row["method"]: row for row in rows.to_dict("records")}


def _gain(row: dict[Any, Any], more: str = "") -> str:
    interval = formats.interval(row["low"], row["high"])
    known = "; ".join(filter(None, (interval if interval != formats.NOTHING else "", more)))
    within = f" ({known})" if known else ""
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
